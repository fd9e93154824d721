/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: comparing attributes, and saying what they are.
 * Thread: any. Ownership: see the header.
 */
#include "policy/attribute.h"

#include <string.h>

#define FUNCTIONS_OF_A_SLOT 8

/* With Functions=all the last digit of the path does not count. */
gboolean pca_section_means(const PcaSection *section, const PcaFunction *function) {
    if (!section->path || !function->slot_path)
        return FALSE;
    if (!section->all_functions)
        return g_str_equal(section->path, function->slot_path);
    gsize length = strlen(section->path);
    return strlen(function->slot_path) == length &&
           strncmp(section->path, function->slot_path, length - 1) == 0;
}

/* ---- Ids and subsystems: one for all functions, or one for each ---- */

/* How many functions the section means, and which of them, from 0, the view's is; *first becomes
 * the first one. */
static guint count_meant(const PcaSection *section, const PcaView *view, guint *position,
                         const PcaFunction **first) {
    PcaAddress address = view->function->address;
    guint count = 0;
    for (guint i = 0; i < FUNCTIONS_OF_A_SLOT; i++) {
        address.function = (guint8)i;
        const PcaFunction *other = pca_snapshot_find(view->snapshot, &address);
        if (!other || !pca_section_means(section, other))
            continue;
        if (count == 0)
            *first = other;
        if (i == view->function->address.function)
            *position = count;
        count++;
    }
    return count;
}

typedef struct {
    const guint32 *ids;
    guint n;
} Ids;

/* As many ids as functions are one for each in order; otherwise each id does for every function. */
static Ids expected_ids(const PcaSection *section, const GArray *list, const PcaView *view) {
    const guint32 *ids = (const guint32 *)(gpointer)list->data;
    const PcaFunction *first;
    guint position = 0;
    if (section->all_functions && list->len > 1 &&
        count_meant(section, view, &position, &first) == list->len)
        return (Ids){ids + position, 1};
    return (Ids){ids, list->len};
}

static Ids ids_of(const PcaSection *section, PcaKey key, const PcaView *view) {
    return expected_ids(section, key == PCA_KEY_ID ? section->ids : section->subsystems, view);
}

static guint32 found_id(PcaKey key, const PcaFunction *f) {
    return key == PCA_KEY_ID ? (guint32)f->vendor << 16 | f->device
                             : (guint32)f->subsystem_vendor << 16 | f->subsystem_device;
}

static gboolean has_id(const PcaSection *section, PcaKey key, const PcaView *view) {
    Ids expected = ids_of(section, key, view);
    for (guint i = 0; i < expected.n; i++)
        if (expected.ids[i] == found_id(key, view->function))
            return TRUE;
    return FALSE;
}

static char *format_id(guint32 id) {
    return g_strdup_printf("%04x:%04x", id >> 16, id & 0xffff);
}

/* ---- The others ---- */

static gboolean has_class(const PcaSection *section, const PcaFunction *function) {
    for (guint i = 0; i < section->classes->len; i++) {
        const PcaClassMatch *class = &g_array_index(section->classes, PcaClassMatch, i);
        if (function->class >> 4 * (6 - class->digits) == class->value)
            return TRUE;
    }
    return FALSE;
}

/* All functions of a device that have a number have the same (PCIe 6.0, 7.9.3); where it is one
 * device to the section, the first one's does for those that have none. */
static gboolean find_serial(const PcaSection *section, const PcaView *view, guint64 *serial) {
    const PcaFunction *first = view->function;
    guint position;
    if (!view->serial || !view->serial(view->function, serial, view->data))
        return FALSE;
    if (*serial == 0 && section->all_functions)
        count_meant(section, view, &position, &first);
    return first == view->function || view->serial(first, serial, view->data);
}

static PcaTri has_serial(const PcaSection *section, const PcaView *view) {
    guint64 found;
    if (!find_serial(section, view, &found))
        return PCA_TRI_UNKNOWN;
    return pca_tri(found == section->serial);
}

static gboolean has_address(const PcaSection *section, const PcaFunction *function) {
    g_autofree char *address = pca_address_format(&function->address);
    return g_str_equal(address, section->address);
}

PcaTri pca_attribute_agrees(const PcaSection *section, PcaKey key, const PcaView *view) {
    switch (key) {
    case PCA_KEY_PATH:
        return pca_tri(pca_section_means(section, view->function));
    case PCA_KEY_ID:
    case PCA_KEY_SUBSYSTEM:
        return pca_tri(has_id(section, key, view));
    case PCA_KEY_CLASS:
        return pca_tri(has_class(section, view->function));
    case PCA_KEY_SERIAL:
        return has_serial(section, view);
    case PCA_KEY_ADDRESS:
        return pca_tri(has_address(section, view->function));
    default:
        return PCA_TRI_UNKNOWN;
    }
}

gboolean pca_attribute_is_hint(const PcaSection *section, PcaKey key) {
    return key == PCA_KEY_ADDRESS && section->path;
}

gboolean pca_attribute_holds(const PcaSection *section, PcaKey key, const PcaView *view) {
    if (pca_attribute_is_hint(section, key))
        return TRUE;
    PcaTri agrees = pca_attribute_agrees(section, key, view);
    return agrees == PCA_TRI_YES ||
           (agrees == PCA_TRI_UNKNOWN && section->kind == PCA_SECTION_DENY);
}

/* ---- In words ---- */

/* Between item i and the next of n. */
static const char *separator(guint i, guint n) {
    return i + 1 == n ? "" : i + 2 == n ? " or " : ", ";
}

static char *expected_id_text(const PcaSection *section, PcaKey key, const PcaView *view) {
    g_autoptr(GString) text = g_string_new(NULL);
    Ids expected = ids_of(section, key, view);
    for (guint i = 0; i < expected.n; i++) {
        g_autofree char *id = format_id(expected.ids[i]);
        g_string_append_printf(text, "%s%s", id, separator(i, expected.n));
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *expected_class_text(const PcaSection *section) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < section->classes->len; i++) {
        const PcaClassMatch *class = &g_array_index(section->classes, PcaClassMatch, i);
        g_string_append_printf(text, "%0*x%s", (int)class->digits, class->value,
                               separator(i, section->classes->len));
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *pca_attribute_expected(const PcaSection *section, PcaKey key, const PcaView *view) {
    switch (key) {
    case PCA_KEY_PATH:
        return g_strdup(section->path);
    case PCA_KEY_ID:
    case PCA_KEY_SUBSYSTEM:
        return expected_id_text(section, key, view);
    case PCA_KEY_CLASS:
        return expected_class_text(section);
    case PCA_KEY_SERIAL:
        return pca_serial_format(section->serial);
    case PCA_KEY_ADDRESS:
        return g_strdup(section->address);
    default:
        return g_strdup("");
    }
}

static char *found_serial_text(const PcaSection *section, const PcaView *view) {
    guint64 serial;
    if (!find_serial(section, view, &serial))
        return g_strdup("a number that could not be read");
    return serial ? pca_serial_format(serial) : g_strdup("none");
}

char *pca_attribute_found(const PcaSection *section, PcaKey key, const PcaView *view) {
    const PcaFunction *function = view->function;
    switch (key) {
    case PCA_KEY_PATH:
        return g_strdup(function->slot_path ? function->slot_path : "a path that is not known");
    case PCA_KEY_ID:
    case PCA_KEY_SUBSYSTEM:
        return format_id(found_id(key, function));
    case PCA_KEY_CLASS:
        return g_strdup_printf("%06x", function->class);
    case PCA_KEY_SERIAL:
        return found_serial_text(section, view);
    case PCA_KEY_ADDRESS:
        return pca_address_format(&function->address);
    default:
        return g_strdup("");
    }
}
