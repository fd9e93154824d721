/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: parsing the values of keys.
 * Thread: any. Ownership: see the header.
 */
#include "policy/values.h"

#include <string.h>

#define PRINCIPAL_MAX 256 /* bytes */
#define VF_MAX 65535      /* TotalVFs has 16 bits (PCIe SR-IOV capability) */

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

/* The next item of a list, or NULL at its end; *at is where it stands. */
static char *next_item(Cursor *cursor, const char **at) {
    const char *tab = NULL;
    for (; *cursor->at == ' ' || *cursor->at == '\t'; cursor->at++)
        tab = !tab && *cursor->at == '\t' ? cursor->at : tab;
    if (tab)
        pca_place_error(cursor->place, tab, "lists are separated by spaces, not by tabs");
    if (!*cursor->at)
        return NULL;
    *at = cursor->at;
    cursor->at += strcspn(cursor->at, " \t");
    return g_strndup(*at, (gsize)(cursor->at - *at));
}

/* Commas are what most other formats have. */
static gboolean has_separator(PcaPlace *place, const char *at, const char *item) {
    const char *comma = strpbrk(item, ",;");
    if (comma)
        pca_place_error(place, at + (comma - item), "lists are separated by spaces, not by '%c'",
                        *comma);
    return comma != NULL;
}

static gboolean parse_id(PcaPlace *place, const char *at, const char *item, guint32 *id) {
    int i = 0;
    *id = 0;
    for (; i < 9; i++) {
        if (i == 4 ? item[i] != ':' : !g_ascii_isxdigit(item[i]))
            break;
        if (i != 4)
            *id = *id << 4 | (guint32)g_ascii_xdigit_value(item[i]);
    }
    if (i == 9 && !item[i])
        return TRUE;
    g_autofree char *quoted = pca_quote(item, strlen(item));
    pca_place_error(place, at + i,
                    "%s is not an id: expected vendor:device, four hex digits each, as in "
                    "10de:2230",
                    quoted);
    return FALSE;
}

static gboolean has_id(const GArray *ids, guint32 id) {
    for (guint i = 0; i < ids->len; i++)
        if (g_array_index(ids, guint32, i) == id)
            return TRUE;
    return FALSE;
}

void pca_value_ids(PcaPlace *place, const char *text, GArray *ids) {
    Cursor cursor = {place, text};
    const char *at;
    for (;;) {
        g_autofree char *item = next_item(&cursor, &at);
        guint32 id;
        if (!item)
            return;
        if (has_separator(place, at, item) || !parse_id(place, at, item, &id))
            continue;
        if (has_id(ids, id))
            pca_place_error(place, at, "'%s' is in the list twice", item);
        else
            g_array_append_val(ids, id);
    }
}

gboolean pca_principal_number(const char *item, guint32 *number) {
    gsize digits = strspn(item, "0123456789");
    if (digits == 0 || digits > 10 || item[digits] || (digits > 1 && *item == '0'))
        return FALSE;
    guint64 value = g_ascii_strtoull(item, NULL, 10);
    *number = (guint32)value;
    return value < G_MAXUINT32;
}

/* The first byte that a name may not have; the terminating NUL when all are good. */
static const char *bad_byte(const char *name) {
    const char *p = name;
    while (g_ascii_isalnum(*p) || (*p && strchr("._-", *p)))
        p++;
    return *p == '$' && p > name && !p[1] ? p + 1 : p;
}

static gboolean check_principal(PcaPlace *place, const char *at, const char *item,
                                const char *what) {
    guint32 number;
    if (pca_principal_number(item, &number))
        return TRUE;
    g_autofree char *quoted = pca_quote(item, strlen(item));
    if (g_ascii_isdigit(*item) || *item == '-' || *item == '+') {
        pca_place_error(place, at,
                        "%s is not a %s: expected a name, or a number from 0 to 4294967294 "
                        "without leading zeros",
                        quoted, what);
        return FALSE;
    }
    const char *bad = bad_byte(item);
    if (*bad)
        pca_place_error(place, at + (bad - item),
                        "%s is not a %s: names have letters, digits, '.', '_', '-' and perhaps "
                        "a '$' at the end",
                        quoted, what);
    else if (strlen(item) > PRINCIPAL_MAX)
        pca_place_error(place, at + PRINCIPAL_MAX, "the name of a %s has at most %d bytes", what,
                        PRINCIPAL_MAX);
    return !*bad && strlen(item) <= PRINCIPAL_MAX;
}

char **pca_value_principals(PcaPlace *place, const char *text, const char *what) {
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Cursor cursor = {place, text};
    const char *at;
    for (;;) {
        g_autofree char *item = next_item(&cursor, &at);
        if (!item)
            return g_strv_builder_end(builder);
        if (has_separator(place, at, item) || !check_principal(place, at, item, what))
            continue;
        if (g_hash_table_contains(seen, item)) {
            pca_place_error(place, at, "'%s' is in the list twice", item);
            continue;
        }
        g_strv_builder_add(builder, item);
        g_hash_table_add(seen, g_steal_pointer(&item));
    }
}

gboolean pca_value_functions(PcaPlace *place, const char *text, gboolean *all) {
    *all = g_str_equal(text, "all");
    if (*all || g_str_equal(text, "one"))
        return TRUE;
    g_autofree char *quoted = pca_quote(text, strlen(text));
    pca_place_error(place, text, "%s is not a value of Functions: expected 'all' or 'one'", quoted);
    return FALSE;
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
