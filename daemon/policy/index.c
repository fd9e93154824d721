/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: sections by one thing that a function must have to be matched by them: the path of its
 * function or its slot, or else an id, an address or a class.
 * Thread: any. Ownership: see the header.
 */
#include "policy/index.h"

#include <string.h>

struct PcaIndex {
    GHashTable *by_path;   /* a path, or a slot: a path without its last digit → sections */
    GHashTable *by_number; /* a number with what it is in its highest byte → sections */
    GPtrArray *others;     /* what only a serial number tells */
};

typedef enum { NUMBER_ID = 1, NUMBER_SUBSYSTEM, NUMBER_ADDRESS, NUMBER_CLASS } Number;

static guint64 number(Number what, guint64 value) {
    return (guint64)what << 56 | value;
}

static guint64 address_number(const PcaAddress *a) {
    guint64 place = (guint64)a->bus << 8 | (guint)(a->device << 3) | a->function;
    return number(NUMBER_ADDRESS, (guint64)a->domain << 16 | place);
}

static guint64 class_number(guint32 value, guint digits) {
    return number(NUMBER_CLASS, (guint64)digits << 32 | value);
}

static void add(GHashTable *table, gpointer key, const PcaSection *section) {
    GPtrArray *list = g_hash_table_lookup(table, key);
    if (!list) {
        list = g_ptr_array_new();
        g_hash_table_insert(table, key, list);
    } else
        g_free(key);
    g_ptr_array_add(list, (gpointer)section);
}

static void add_number(PcaIndex *index, guint64 key, const PcaSection *section) {
    add(index->by_number, g_memdup2(&key, sizeof key), section);
}

static void add_numbers(PcaIndex *index, Number what, const GArray *values,
                        const PcaSection *section) {
    for (guint i = 0; i < values->len; i++)
        add_number(index, number(what, g_array_index(values, guint32, i)), section);
}

static void add_classes(PcaIndex *index, const PcaSection *section) {
    for (guint i = 0; i < section->classes->len; i++) {
        const PcaClassMatch *class = &g_array_index(section->classes, PcaClassMatch, i);
        add_number(index, class_number(class->value, class->digits), section);
    }
}

/* By one key that it has: what has not this one, it cannot match. */
static void add_section(PcaIndex *index, const PcaSection *section) {
    PcaAddress address;
    if (section->path)
        add(index->by_path,
            g_strndup(section->path, strlen(section->path) - (section->all_functions ? 1 : 0)),
            section);
    else if (section->ids->len > 0)
        add_numbers(index, NUMBER_ID, section->ids, section);
    else if (section->subsystems->len > 0)
        add_numbers(index, NUMBER_SUBSYSTEM, section->subsystems, section);
    else if (section->address && pca_address_parse(section->address, &address))
        add_number(index, address_number(&address), section);
    else if (section->classes->len > 0)
        add_classes(index, section);
    else
        g_ptr_array_add(index->others, (gpointer)section);
}

PcaIndex *pca_index_new(const GPtrArray *sections) {
    PcaIndex *index = g_new0(PcaIndex, 1);
    GDestroyNotify unref = (GDestroyNotify)g_ptr_array_unref;
    index->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref);
    index->by_number = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, unref);
    index->others = g_ptr_array_new();
    for (guint i = 0; i < sections->len; i++)
        add_section(index, g_ptr_array_index(sections, i));
    return index;
}

void pca_index_free(PcaIndex *index) {
    g_hash_table_unref(index->by_path);
    g_hash_table_unref(index->by_number);
    g_ptr_array_unref(index->others);
    g_free(index);
}

static void collect(const GPtrArray *list, GPtrArray *found) {
    for (guint i = 0; list && i < list->len; i++)
        g_ptr_array_add(found, g_ptr_array_index(list, i));
}

static void collect_number(const PcaIndex *index, guint64 key, GPtrArray *found) {
    collect(g_hash_table_lookup(index->by_number, &key), found);
}

static void collect_path(const PcaIndex *index, const char *path, GPtrArray *found) {
    if (!path || !*path)
        return;
    g_autofree char *slot = g_strndup(path, strlen(path) - 1);
    collect(g_hash_table_lookup(index->by_path, path), found);
    collect(g_hash_table_lookup(index->by_path, slot), found);
}

static void collect_numbers(const PcaIndex *index, const PcaFunction *f, GPtrArray *found) {
    collect_number(index, number(NUMBER_ID, (guint32)f->vendor << 16 | f->device), found);
    collect_number(
        index, number(NUMBER_SUBSYSTEM, (guint32)f->subsystem_vendor << 16 | f->subsystem_device),
        found);
    collect_number(index, address_number(&f->address), found);
    for (guint digits = 2; digits <= 6; digits += 2)
        collect_number(index, class_number(f->class >> 4 * (6 - digits), digits), found);
}

static gint by_index(gconstpointer a, gconstpointer b) {
    const PcaSection *x = *(PcaSection *const *)a, *y = *(PcaSection *const *)b;
    return (x->index > y->index) - (x->index < y->index);
}

/* A section of several classes may be there several times, side by side. */
static void drop_repeated(GPtrArray *sorted) {
    guint kept = 0;
    for (guint i = 0; i < sorted->len; i++)
        if (kept == 0 || g_ptr_array_index(sorted, i) != g_ptr_array_index(sorted, kept - 1))
            g_ptr_array_index(sorted, kept++) = g_ptr_array_index(sorted, i);
    g_ptr_array_set_size(sorted, (gint)kept);
}

GPtrArray *pca_index_find(const PcaIndex *index, const PcaFunction *function) {
    GPtrArray *found = g_ptr_array_new();
    collect_path(index, function->slot_path, found);
    if (g_hash_table_size(index->by_number) > 0)
        collect_numbers(index, function, found);
    collect(index->others, found);
    g_ptr_array_sort(found, by_index);
    drop_repeated(found);
    return found;
}
