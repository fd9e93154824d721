/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: list: the devices of the host, and who holds them.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "device-json.h"
#include "host-note.h"
#include "output.h"
#include "source.h"
#include "base/error.h"
#include "pci/function.h"

#include <string.h>

/* The first of these are shown unless -o chooses. */
static const char *const all_columns[] = {"ADDRESS", "NAME",        "DRIVER", "GROUP", "STATE",
                                          "HOLDER",  "DESCRIPTION", "ID",     "CLASS", "OVERRIDE",
                                          "NUMA",    "PATH",        NULL};
#define N_USUAL_COLUMNS 7

typedef struct {
    const PcaOptions *options;
    const PcaSource *source;
} List;

/* ---- Columns ---- */

static const char *find_column(const char *word) {
    for (guint i = 0; all_columns[i]; i++)
        if (g_ascii_strcasecmp(all_columns[i], word) == 0)
            return all_columns[i];
    return NULL;
}

static void set_unknown(GError **error, GPtrArray *unknown) {
    g_autofree char *words = NULL;
    g_autofree char *known = g_strjoinv(", ", (char **)all_columns);
    const char *meant =
        unknown->len == 1 ? pca_suggest(g_ptr_array_index(unknown, 0), all_columns) : NULL;
    g_ptr_array_add(unknown, NULL);
    words = g_strjoinv("', '", (char **)unknown->pdata);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                "-o: unknown column%s '%s'%s%s%s; known are %s", unknown->len > 2 ? "s" : "", words,
                meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "", known);
}

/* The columns that -o names, as static strings with NULL at the end. */
static GPtrArray *choose_columns(const char *wanted, GError **error) {
    g_autoptr(GPtrArray) columns = g_ptr_array_new();
    g_autoptr(GPtrArray) unknown = g_ptr_array_new();
    g_auto(GStrv) words = g_strsplit(wanted ? wanted : "", ",", -1);
    for (guint i = 0; !wanted && i < N_USUAL_COLUMNS; i++)
        g_ptr_array_add(columns, (gpointer)all_columns[i]);
    for (guint i = 0; words[i]; i++) {
        const char *column = find_column(words[i]);
        g_ptr_array_add(column ? columns : unknown, column ? (gpointer)column : words[i]);
    }
    if (unknown->len > 0 || columns->len == 0) {
        if (unknown->len == 0)
            g_ptr_array_add(unknown, (gpointer) "");
        set_unknown(error, unknown);
        return NULL;
    }
    g_ptr_array_add(columns, NULL);
    return g_steal_pointer(&columns);
}

/* ---- Devices ---- */

static gboolean is_named(const PcaOptions *options, const PcaDeviceView *device) {
    for (guint i = 0; i < pca_options_n_words(options); i++)
        if (pca_device_is(device, pca_options_word(options, i)))
            return TRUE;
    return FALSE;
}

/* A header that could not be read hides no function; a bridge's class tells all the same. */
static gboolean is_bridge(const PcaDeviceView *device) {
    int header = pca_device_number(device, "HeaderType");
    if (header >= 0)
        return header != PCA_HEADER_ENDPOINT;
    const char *class = pca_device_string(device, "Class");
    return class && (g_str_has_prefix(class, "0604") || g_str_has_prefix(class, "0607"));
}

static gboolean is_wanted(const PcaOptions *options, const PcaDeviceView *device) {
    if (pca_options_n_words(options) > 0)
        return is_named(options, device);
    return options->all || !is_bridge(device);
}

/* ---- The table ---- */

static char *number_cell(const PcaDeviceView *device, const char *property) {
    int number = pca_device_number(device, property);
    return number >= 0 ? g_strdup_printf("%d", number) : NULL;
}

static char *holder_cell(const List *list, const PcaDeviceView *device) {
    const PcaClaimView *claim = pca_source_claim(list->source, device);
    char *owner = claim ? pca_claim_owner(claim) : NULL;
    return claim && !owner ? g_strdup("another user") : owner;
}

static char *cell(const List *list, const PcaDeviceView *device, const char *column) {
    static const struct {
        const char *column, *property;
    } plain[] = {{"NAME", "Name"},   {"DRIVER", "Driver"},           {"STATE", "State"},
                 {"CLASS", "Class"}, {"OVERRIDE", "DriverOverride"}, {"PATH", "Path"}};
    for (guint i = 0; i < G_N_ELEMENTS(plain); i++)
        if (g_str_equal(plain[i].column, column))
            return g_strdup(pca_device_string(device, plain[i].property));
    if (g_str_equal(column, "ADDRESS"))
        return pca_address_format(&device->address);
    if (g_str_equal(column, "GROUP"))
        return number_cell(device, "IommuGroup");
    if (g_str_equal(column, "NUMA"))
        return number_cell(device, "NumaNode");
    if (g_str_equal(column, "HOLDER"))
        return holder_cell(list, device);
    return g_str_equal(column, "ID") ? pca_device_ids(device) : pca_device_title(device);
}

static gboolean print_table(const List *list, GPtrArray *columns, GError **error) {
    const char *const *names = (const char *const *)columns->pdata;
    g_autoptr(PcaTable) table = pca_table_new(list->options, names, TRUE, error);
    if (!table)
        return FALSE;
    GPtrArray *devices = pca_source_devices(list->source);
    for (guint i = 0; i < devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(devices, i);
        if (!is_wanted(list->options, device))
            continue;
        g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
        for (guint c = 0; names[c]; c++)
            g_ptr_array_add(cells, cell(list, device, names[c]));
        pca_table_row(table, (const char *const *)cells->pdata);
    }
    pca_table_print(table);
    return TRUE;
}

static void print_json(const List *list) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    GPtrArray *devices = pca_source_devices(list->source);
    json_builder_begin_array(builder);
    for (guint i = 0; i < devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(devices, i);
        if (!is_wanted(list->options, device))
            continue;
        const PcaClaimView *claim = pca_source_claim(list->source, device);
        json_builder_begin_object(builder);
        pca_json_device_brief(builder, device->properties, claim ? claim->id : NULL);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    pca_json_print(list->options, builder);
}

/* Complains about each word that names no device. */
static int complain_missing(const List *list) {
    int status = 0;
    for (guint w = 0; w < pca_options_n_words(list->options); w++) {
        g_autoptr(GError) error = NULL;
        if (!pca_source_find(list->source, pca_options_word(list->options, w), &error))
            status = pca_fail(NULL, error);
    }
    return status;
}

int pca_verb_list(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) columns = choose_columns(options->columns, &error);
    g_autoptr(PcaSource) source =
        columns ? pca_source_open(options, PCA_SOURCE_BRIEF, &error) : NULL;
    const List list = {.options = options, .source = source};
    if (!source)
        return pca_fail(NULL, error);
    pca_host_note(source);
    if (options->json != PCA_JSON_OFF)
        print_json(&list);
    else if (!print_table(&list, columns, &error))
        return pca_fail(NULL, error);
    return complain_missing(&list);
}
