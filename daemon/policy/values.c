/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: values that are one thing: paths, addresses, numbers, words, names.
 * Thread: any. Ownership: see the header.
 */
#include "policy/values.h"
#include "policy/keys.h"

#include <string.h>

#define VF_MAX 65535   /* TotalVFs has 16 bits (PCIe SR-IOV capability) */
#define MODULE_MAX 55  /* MODULE_NAME_LEN without its NUL (include/linux/moduleparam.h) */
#define SERIAL_BYTES 8 /* PCIe 6.0, 7.9.3 */

typedef struct {
    PcaPlace *place;
    const char *at; /* the next byte */
} Cursor;

static gboolean expected(Cursor *cursor, const char *at, const char *what) {
    g_autofree char *found = *at ? pca_quote(at, (gsize)(g_utf8_next_char(at) - at)) : NULL;
    pca_place_error(cursor->place, at,
                    "not a path, which is [DDDD:BB:]DD.F/DD.F/...: expected %s, found %s", what,
                    found ? found : "the end of the line");
    return FALSE;
}

/* Reads between min and max hex digits. */
static gboolean take_hex(Cursor *cursor, int min, int max, const char *what, guint32 *value) {
    int digits = 0;
    *value = 0;
    for (; digits < max && g_ascii_isxdigit(cursor->at[digits]); digits++)
        *value = *value << 4 | (guint32)g_ascii_xdigit_value(cursor->at[digits]);
    if (digits < min)
        return expected(cursor, cursor->at + digits, what);
    cursor->at += digits;
    return TRUE;
}

static gboolean take_char(Cursor *cursor, char c, const char *what) {
    if (*cursor->at != c)
        return expected(cursor, cursor->at, what);
    cursor->at++;
    return TRUE;
}

/* "DDDD:BB:", which may be left out for 0000:00. */
static gboolean take_root_bus(Cursor *cursor, GString *path) {
    guint32 domain = 0, bus = 0;
    if (strchr(cursor->at, ':') &&
        !(take_hex(cursor, 4, 8, "four to eight hex digits of a domain", &domain) &&
          take_char(cursor, ':', "':'") &&
          take_hex(cursor, 2, 2, "two hex digits of a root bus", &bus) &&
          take_char(cursor, ':', "':'")))
        return FALSE;
    g_string_append_printf(path, "%04x:%02x:", domain, bus);
    return TRUE;
}

/* "DD.F" */
static gboolean take_hop(Cursor *cursor, GString *path) {
    const char *start = cursor->at;
    guint32 device;
    if (!take_hex(cursor, 2, 2, "two hex digits of a device", &device))
        return FALSE;
    if (device > 31)
        return expected(cursor, start, "a device from 00 to 1f");
    if (!take_char(cursor, '.', "'.'"))
        return FALSE;
    if (*cursor->at < '0' || *cursor->at > '7')
        return expected(cursor, cursor->at, "a function from 0 to 7");
    g_string_append_printf(path, "%02x.%c", device, *cursor->at++);
    return TRUE;
}

/* The number of "vfN", which ends the path. */
static gboolean take_vf(Cursor *cursor, GString *path) {
    const char *start = cursor->at;
    gsize digits = strspn(start, "0123456789");
    if (digits == 0 || (digits > 1 && *start == '0') || digits > 5 ||
        g_ascii_strtoull(start, NULL, 10) > VF_MAX)
        return expected(cursor, start, "a number of a virtual function from 0 to 65535");
    if (start[digits])
        return expected(cursor, start + digits, "the end of the line");
    g_string_append_printf(path, "vf%s", start);
    return TRUE;
}

static gboolean take_hops(Cursor *cursor, GString *path) {
    if (!take_hop(cursor, path))
        return FALSE;
    while (*cursor->at) {
        if (!take_char(cursor, '/', "'/'"))
            return FALSE;
        g_string_append_c(path, '/');
        if (g_str_has_prefix(cursor->at, "vf")) {
            cursor->at += 2;
            return take_vf(cursor, path);
        }
        if (!take_hop(cursor, path))
            return FALSE;
    }
    return TRUE;
}

/* Whether it is the short address BB:DD.F, which cannot be a path. */
static gboolean is_short_address(const char *text) {
    PcaAddress address;
    return strchr(text, ':') == strrchr(text, ':') && pca_address_parse(text, &address);
}

char *pca_value_path(PcaPlace *place, const char *text) {
    Cursor cursor = {place, text};
    g_autoptr(GString) path = g_string_new(NULL);
    if (is_short_address(text)) {
        pca_place_error(place, text,
                        "an address, not a path: write device.function of each bridge from the "
                        "root bus on, as in 01.1/00.0");
        return NULL;
    }
    if (!take_root_bus(&cursor, path) || !take_hops(&cursor, path))
        return NULL;
    PcaAddress address;
    if (pca_address_parse(text, &address) && address.bus != 0)
        pca_place_report(place, text, PCA_SEVERITY_NOTE,
                         "this means a function right on root bus %04x:%02x; the address of one "
                         "behind a bridge is not its path",
                         address.domain, address.bus);
    return g_string_free(g_steal_pointer(&path), FALSE);
}

gboolean pca_path_is_vf(const char *path) {
    return strstr(path, "/vf") != NULL;
}

void pca_value_section_name(PcaPlace *place, const char *text, const char *end) {
    const char *p = text;
    while (p < end && (g_ascii_isalnum(*p) || strchr("._-", *p)))
        p++;
    if (p == end && (*text == '.' || *text == '-'))
        pca_place_error(place, text, "a section's name may not start with '%c'", *text);
    else if (p < end)
        pca_place_error(place, p, "a section's name has letters, digits, '-', '_' and '.' only");
    else if (end - text > PCA_SECTION_NAME_MAX)
        pca_place_error(place, text + PCA_SECTION_NAME_MAX, "a section's name has at most %d bytes",
                        PCA_SECTION_NAME_MAX);
}

char *pca_value_address(PcaPlace *place, const char *text) {
    PcaAddress address;
    if (pca_address_parse(text, &address))
        return pca_address_format(&address);
    g_autofree char *quoted = pca_quote(text, strlen(text));
    pca_place_error(place, text, "%s is not an address: expected DDDD:BB:DD.F, as in 0000:01:00.0",
                    quoted);
    return NULL;
}

/* "a, b or c" */
static char *list_words(const char *const *words) {
    g_autoptr(GString) list = g_string_new(NULL);
    for (guint i = 0; words[i]; i++)
        g_string_append_printf(list, "%s'%s'",
                               i == 0         ? ""
                               : words[i + 1] ? ", "
                                              : " or ",
                               words[i]);
    return g_string_free(g_steal_pointer(&list), FALSE);
}

void pca_value_report_word(PcaPlace *place, const char *at, const char *word, const char *key,
                           const char *const *words) {
    g_autofree char *quoted = pca_quote(word, strlen(word));
    g_autofree char *list = list_words(words);
    int guess = pca_word_guess(words, word);
    if (guess >= 0)
        pca_place_error(place, at, "%s is not a value of %s: did you mean '%s'? (expected %s)",
                        quoted, key, words[guess], list);
    else
        pca_place_error(place, at, "%s is not a value of %s: expected %s", quoted, key, list);
}

int pca_value_word(PcaPlace *place, const char *text, const char *key, const char *const *words) {
    int index = pca_word_find(words, text);
    if (index < 0)
        pca_value_report_word(place, text, text, key, words);
    return index;
}

/* "aa-bb-cc-dd-ee-ff-00-11"; returns the first byte that is wrong, NULL when all are right. */
static const char *read_serial(const char *text, guint64 *serial) {
    const char *p = text;
    *serial = 0;
    for (int i = 0; i < 3 * SERIAL_BYTES - 1; i++, p++) {
        if (i % 3 == 2 ? *p != '-' : !g_ascii_isxdigit(*p))
            return p;
        if (i % 3 != 2)
            *serial = *serial << 4 | (guint64)g_ascii_xdigit_value(*p);
    }
    return *p ? p : NULL;
}

gboolean pca_value_serial(PcaPlace *place, const char *text, guint64 *serial) {
    const char *bad = read_serial(text, serial);
    if (bad)
        pca_place_error(place, bad,
                        "not a serial number: expected eight bytes in hex, as in "
                        "00-1b-21-ff-ff-ab-cd-ef");
    else if (*serial == 0)
        pca_place_error(place, text, "a serial number of nothing but zeros names no device");
    return !bad && *serial != 0;
}

char *pca_serial_format(guint64 serial) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = SERIAL_BYTES - 1; i >= 0; i--)
        g_string_append_printf(text, "%02x%s", (guint)(serial >> (8 * i) & 0xff), i > 0 ? "-" : "");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The digits at the start as a number without leading zeros; FALSE when it is none or too large. */
static gboolean read_decimal(const char *text, gsize *digits, guint64 *value) {
    *digits = strspn(text, "0123456789");
    *value = 0;
    for (gsize i = 0; i < *digits; i++)
        if (!g_uint64_checked_mul(value, *value, 10) ||
            !g_uint64_checked_add(value, *value, (guint64)(text[i] - '0')))
            return FALSE;
    return *digits > 0 && (*digits == 1 || *text != '0');
}

gboolean pca_value_number(PcaPlace *place, const char *text, guint32 *number) {
    gsize digits;
    guint64 value;
    gboolean good =
        read_decimal(text, &digits, &value) && !text[digits] && value > 0 && value < G_MAXUINT32;
    g_autofree char *quoted = pca_quote(text, strlen(text));
    if (!good)
        pca_place_error(place, text,
                        "%s is not a number from 1 to 4294967294 without leading zeros (no limit: "
                        "leave the key out)",
                        quoted);
    *number = good ? (guint32)value : 0;
    return good;
}

gboolean pca_value_size(PcaPlace *place, const char *text, guint64 *size) {
    static const char units[] = "KMGT";
    gsize digits;
    guint64 value;
    gboolean good = read_decimal(text, &digits, &value) && value > 0;
    const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
    guint64 factor = unit ? G_GUINT64_CONSTANT(1) << (10 * (unit - units + 1)) : 1;
    good = good && !text[digits + (unit ? 1 : 0)] && g_uint64_checked_mul(&value, value, factor);
    g_autofree char *quoted = pca_quote(text, strlen(text));
    if (!good)
        pca_place_error(place, text,
                        "%s is not a size: expected a number of bytes, or one followed by K, M, G "
                        "or T, as in 16G (no limit: leave the key out)",
                        quoted);
    *size = good ? value : 0;
    return good;
}

/* Any other driver would be the host's, which could do with the device as it likes. */
static gboolean is_driver(const char *text) {
    gsize length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return pca_driver_is_vfio(text) && !text[length] && length <= MODULE_MAX &&
           g_ascii_isalnum(*text);
}

char *pca_value_driver(PcaPlace *place, const char *text) {
    if (g_str_equal(text, "auto"))
        return NULL;
    if (g_str_equal(text, "pci-stub") || is_driver(text))
        return g_strdup(text);
    g_autofree char *quoted = pca_quote(text, strlen(text));
    pca_place_error(place, text,
                    "%s is not a value of Driver: expected 'auto', 'vfio-pci', 'pci-stub', or a "
                    "variant of vfio-pci, whose name ends in -vfio-pci or _vfio_pci",
                    quoted);
    return NULL;
}
