/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: parsing, formatting and ordering addresses.
 * Thread: any. Ownership: see the header.
 */
#include "pci/address.h"

#include <string.h>

/* Reads between min and max hex digits, not followed by a further one. */
static const char *hex(const char *p, int min, int max, guint32 *value) {
    int digits = 0;
    *value = 0;
    for (; digits < max && g_ascii_isxdigit(*p); digits++, p++)
        *value = *value << 4 | (guint32)g_ascii_xdigit_value(*p);
    return digits < min || g_ascii_isxdigit(*p) ? NULL : p;
}

static const char *literal(const char *p, char c) {
    return p && *p == c ? p + 1 : NULL;
}

gboolean pca_address_parse(const char *text, PcaAddress *address) {
    guint32 domain = 0, bus, device, function;
    const char *p = text;
    if (strchr(text, ':') != strrchr(text, ':')) {
        p = hex(p, 4, 8, &domain);
        p = literal(p, ':');
    }
    p = p ? hex(p, 2, 2, &bus) : NULL;
    p = literal(p, ':');
    p = p ? hex(p, 2, 2, &device) : NULL;
    p = literal(p, '.');
    p = p ? hex(p, 1, 1, &function) : NULL;
    if (!p || *p || device > 31 || function > 7)
        return FALSE;
    *address = (PcaAddress){domain, (guint8)bus, (guint8)device, (guint8)function};
    return TRUE;
}

static char *put_hex(char *p, guint32 value, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[value >> shift & 0xf];
    return p;
}

/* By hand: every look at the hardware formats them by the dozen, and printf costs tenfold. */
static char *format(const PcaAddress *a, char colon, char dot) {
    char *text = g_malloc(sizeof "dddddddd:bb:dd.f");
    int domain_digits = 4;
    while (domain_digits < 8 && a->domain >> (4 * domain_digits))
        domain_digits++;
    char *p = put_hex(text, a->domain, domain_digits);
    *p++ = colon;
    p = put_hex(p, a->bus, 2);
    *p++ = colon;
    p = put_hex(p, a->device, 2);
    *p++ = dot;
    p = put_hex(p, a->function, 1);
    *p = '\0';
    return text;
}

char *pca_address_format(const PcaAddress *a) {
    return format(a, ':', '.');
}

char *pca_address_format_path(const PcaAddress *a) {
    return format(a, '_', '_');
}

gint pca_address_compare(const PcaAddress *a, const PcaAddress *b) {
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    int x = a->bus << 8 | a->device << 3 | a->function;
    int y = b->bus << 8 | b->device << 3 | b->function;
    return (x > y) - (x < y);
}

gboolean pca_address_equal(const PcaAddress *a, const PcaAddress *b) {
    return pca_address_compare(a, b) == 0;
}

gboolean pca_address_same_slot(const PcaAddress *a, const PcaAddress *b) {
    return a->domain == b->domain && a->bus == b->bus && a->device == b->device;
}
