/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: values that are lists: items separated by single spaces, each once.
 * Thread: any. Ownership: see the header.
 */
#include "policy/keys.h"
#include "policy/values.h"

#include <string.h>

#define PRINCIPAL_MAX 256 /* bytes */
#define UNIT_MAX 255      /* UNIT_NAME_MAX of systemd without its NUL */

const char *const pca_use_names[] = {"network", "display", "input", "sound", "other", NULL};

/* What the kernel has (pci_reset_fn_methods in drivers/pci/pci.c). */
static const char *const reset_methods[] = {"device_specific", "acpi", "flr", "af_flr", "pm", "bus",
                                            "cxl_bus",         NULL};

typedef struct {
    PcaPlace *place;
    const char *next; /* byte */
    const char *at;   /* where the item stands */
    guint count;      /* of items so far */
} List;

/* The next item, or NULL at the end. */
static char *next_item(List *list) {
    const char *start = list->next;
    gsize blanks = strspn(start, " \t");
    const char *tab = memchr(start, '\t', blanks);
    if (tab)
        pca_place_error(list->place, tab, "lists are separated by spaces, not by tabs");
    else if (blanks > 1)
        pca_place_error(list->place, start + 1, "lists are separated by single spaces");
    list->at = start + blanks;
    gsize length = strcspn(list->at, " \t");
    if (length == 0)
        return NULL;
    list->next = list->at + length;
    list->count++;
    return g_strndup(list->at, length);
}

/* Commas are what most other formats have. */
static gboolean has_separator(const List *list, const char *item) {
    const char *comma = strpbrk(item, ",;");
    if (comma)
        pca_place_error(list->place, list->at + (comma - item),
                        "lists are separated by spaces, not by '%c'", *comma);
    return comma != NULL;
}

static void report_twice(const List *list, const char *item) {
    g_autofree char *quoted = pca_quote(item, strlen(item));
    pca_place_error(list->place, list->at, "%s is in the list twice", quoted);
}

/* ---- Numbers ---- */

static gboolean parse_id(const List *list, const char *item, guint32 *id) {
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
    pca_place_error(list->place, list->at + i,
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
    List list = {place, text, text, 0};
    for (;;) {
        g_autofree char *item = next_item(&list);
        guint32 id;
        if (!item)
            return;
        if (has_separator(&list, item) || !parse_id(&list, item, &id))
            continue;
        if (has_id(ids, id))
            report_twice(&list, item);
        else
            g_array_append_val(ids, id);
    }
}

static gboolean parse_class(const List *list, const char *item, PcaClassMatch *class) {
    gsize digits = strspn(item, "0123456789abcdefABCDEF");
    if (!item[digits] && (digits == 2 || digits == 4 || digits == 6)) {
        *class = (PcaClassMatch){(guint32)g_ascii_strtoull(item, NULL, 16), (guint)digits};
        return TRUE;
    }
    g_autofree char *quoted = pca_quote(item, strlen(item));
    pca_place_error(list->place, list->at,
                    "%s is not a class: expected 2, 4 or 6 hex digits, as in 0300", quoted);
    return FALSE;
}

static gboolean has_class(const GArray *classes, const PcaClassMatch *class) {
    for (guint i = 0; i < classes->len; i++) {
        const PcaClassMatch *other = &g_array_index(classes, PcaClassMatch, i);
        if (other->value == class->value && other->digits == class->digits)
            return TRUE;
    }
    return FALSE;
}

void pca_value_classes(PcaPlace *place, const char *text, GArray *classes) {
    List list = {place, text, text, 0};
    for (;;) {
        g_autofree char *item = next_item(&list);
        PcaClassMatch class;
        if (!item)
            return;
        if (has_separator(&list, item) || !parse_class(&list, item, &class))
            continue;
        if (has_class(classes, &class))
            report_twice(&list, item);
        else
            g_array_append_val(classes, class);
    }
}

/* ---- Names ---- */

/* Whether the item of the list, whose name the message needs, is well-formed; reports it if not. */
typedef gboolean (*CheckFunc)(const List *list, const char *item, const char *what);

static char **read_names(PcaPlace *place, const char *text, CheckFunc check, const char *what) {
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    List list = {place, text, text, 0};
    for (;;) {
        g_autofree char *item = next_item(&list);
        if (!item)
            return g_strv_builder_end(builder);
        if (!check(&list, item, what))
            continue;
        if (g_hash_table_contains(seen, item)) {
            report_twice(&list, item);
            continue;
        }
        g_strv_builder_add(builder, item);
        g_hash_table_add(seen, g_steal_pointer(&item));
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

static gboolean check_principal(const List *list, const char *item, const char *what) {
    guint32 number;
    if (pca_principal_number(item, &number))
        return TRUE;
    if (has_separator(list, item))
        return FALSE;
    g_autofree char *quoted = pca_quote(item, strlen(item));
    if (g_ascii_isdigit(*item) || *item == '-' || *item == '+') {
        pca_place_error(list->place, list->at,
                        "%s is not a %s: expected a name, or a number from 0 to 4294967294 "
                        "without leading zeros",
                        quoted, what);
        return FALSE;
    }
    const char *bad = bad_byte(item);
    if (*bad)
        pca_place_error(list->place, list->at + (bad - item),
                        "%s is not a %s: names have letters, digits, '.', '_', '-' and perhaps "
                        "a '$' at the end",
                        quoted, what);
    else if (strlen(item) > PRINCIPAL_MAX)
        pca_place_error(list->place, list->at + PRINCIPAL_MAX,
                        "the name of a %s has at most %d bytes", what, PRINCIPAL_MAX);
    return !*bad && strlen(item) <= PRINCIPAL_MAX;
}

char **pca_value_principals(PcaPlace *place, const char *text, const char *what) {
    return read_names(place, text, check_principal, what);
}

/* What a process can be in, with something before the dot. */
static gboolean has_unit_suffix(const char *item) {
    static const char *const suffixes[] = {".service", ".scope", ".slice"};
    for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++)
        if (g_str_has_suffix(item, suffixes[i]) && *item != '.')
            return TRUE;
    return FALSE;
}

static gboolean check_unit(const List *list, const char *item, const char *what) {
    if (has_separator(list, item))
        return FALSE;
    const char *bad = item;
    while (g_ascii_isalnum(*bad) || (*bad && strchr(":-_.\\@*", *bad)))
        bad++;
    g_autofree char *quoted = pca_quote(item, strlen(item));
    if (*bad)
        pca_place_error(list->place, list->at + (bad - item),
                        "%s is not a %s: names of units have letters, digits, and ':-_.\\@'; '*' "
                        "stands for any text",
                        quoted, what);
    else if (!has_unit_suffix(item))
        pca_place_error(list->place, list->at,
                        "%s is not a %s: expected a name that ends in .service, .scope or .slice, "
                        "as in vm-*.service",
                        quoted, what);
    else if (strlen(item) > UNIT_MAX)
        pca_place_error(list->place, list->at + UNIT_MAX, "the name of a %s has at most %d bytes",
                        what, UNIT_MAX);
    return !*bad && has_unit_suffix(item) && strlen(item) <= UNIT_MAX;
}

char **pca_value_units(PcaPlace *place, const char *text) {
    return read_names(place, text, check_unit, "unit");
}

/* SELinux' labels have commas. */
static gboolean check_label(const List *list, const char *item, const char *what) {
    return TRUE;
}

char **pca_value_labels(PcaPlace *place, const char *text) {
    return read_names(place, text, check_label, "label");
}

/* ---- Words ---- */

static gboolean check_method(const List *list, const char *item, const char *key) {
    if (has_separator(list, item))
        return FALSE;
    if (g_str_equal(item, "any") || g_str_equal(item, "none"))
        pca_place_error(list->place, list->at, "'%s' stands alone", item);
    else if (pca_word_find(reset_methods, item) < 0)
        pca_value_report_word(list->place, list->at, item, key, reset_methods);
    else
        return TRUE;
    return FALSE;
}

char **pca_value_reset_methods(PcaPlace *place, const char *text) {
    if (g_str_equal(text, "any"))
        return NULL;
    if (g_str_equal(text, "none"))
        return g_new0(char *, 1);
    return read_names(place, text, check_method, "Reset");
}

static gboolean check_use(const List *list, const char *item, const char *key) {
    static const char *const disks[] = {"disk", "disks", "storage", "block", NULL};
    if (has_separator(list, item))
        return FALSE;
    if (pca_word_find(disks, item) >= 0)
        pca_place_error(list->place, list->at, "a disk in use is never taken away");
    else if (g_str_equal(item, "none"))
        pca_place_error(list->place, list->at, "'none' stands alone");
    else if (pca_word_find(pca_use_names, item) < 0)
        pca_value_report_word(list->place, list->at, item, key, pca_use_names);
    else
        return TRUE;
    return FALSE;
}

guint pca_value_uses(PcaPlace *place, const char *text) {
    guint uses = 0;
    if (g_str_equal(text, "none"))
        return 0;
    g_auto(GStrv) words = read_names(place, text, check_use, "AllowInUse");
    for (char **word = words; *word; word++)
        uses |= 1u << pca_word_find(pca_use_names, *word);
    return uses;
}
