/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: list: the devices of the host, and who holds them.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "objects.h"
#include "output.h"
#include "base/error.h"

#include <string.h>

#define HEADER_ENDPOINT 0

static const char *const all_columns[] = {"ADDRESS", "NAME",   "DRIVER",      "GROUP",
                                          "STATE",   "HOLDER", "DESCRIPTION", NULL};

typedef struct {
    const PcaOptions *options;
    GPtrArray *devices;
    GPtrArray *claims;
} List;

static void list_clear(List *list) {
    g_clear_pointer(&list->devices, g_ptr_array_unref);
    g_clear_pointer(&list->claims, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(List, list_clear)

/* The columns that -o names, as static strings with NULL at the end. */
static GPtrArray *choose_columns(const char *wanted, GError **error) {
    g_autoptr(GPtrArray) columns = g_ptr_array_new();
    g_auto(GStrv) words = g_strsplit(wanted ? wanted : "", ",", -1);
    for (guint i = 0; !wanted && all_columns[i]; i++)
        g_ptr_array_add(columns, (gpointer)all_columns[i]);
    for (guint i = 0; words[i]; i++) {
        guint known = 0;
        while (all_columns[known] && g_ascii_strcasecmp(all_columns[known], words[i]) != 0)
            known++;
        if (!all_columns[known]) {
            g_autofree char *hint = pca_suggestion(words[i], all_columns);
            g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "-o: unknown column '%s'%s",
                        words[i], hint);
            return NULL;
        }
        g_ptr_array_add(columns, (gpointer)all_columns[known]);
    }
    g_ptr_array_add(columns, NULL);
    return g_steal_pointer(&columns);
}

static gboolean is_named(const PcaOptions *options, const PcaDeviceView *device) {
    for (guint i = 0; i < pca_options_n_words(options); i++)
        if (pca_device_is(device, pca_options_word(options, i)))
            return TRUE;
    return FALSE;
}

static gboolean is_wanted(const PcaOptions *options, const PcaDeviceView *device) {
    if (pca_options_n_words(options) > 0)
        return is_named(options, device);
    return options->all || pca_device_number(device, "HeaderType") == HEADER_ENDPOINT;
}

static char *cell(const List *list, const PcaDeviceView *device, const char *column) {
    if (g_str_equal(column, "ADDRESS"))
        return pca_address_format(&device->address);
    if (g_str_equal(column, "GROUP")) {
        int group = pca_device_number(device, "IommuGroup");
        return group >= 0 ? g_strdup_printf("%d", group) : NULL;
    }
    if (g_str_equal(column, "HOLDER")) {
        const PcaClaimView *claim = pca_claims_find_device(list->claims, &device->address);
        char *owner = claim ? pca_claim_owner(claim) : NULL;
        return claim && !owner ? g_strdup("another user") : owner;
    }
    static const struct {
        const char *column, *property;
    } plain[] = {
        {"NAME", "Name"}, {"DRIVER", "Driver"}, {"STATE", "State"}, {"DESCRIPTION", "Description"}};
    for (guint i = 0; i < G_N_ELEMENTS(plain); i++)
        if (g_str_equal(plain[i].column, column))
            return g_strdup(pca_device_string(device, plain[i].property));
    return NULL;
}

static gboolean print_table(const List *list, GPtrArray *columns, GError **error) {
    const char *const *names = (const char *const *)columns->pdata;
    g_autoptr(PcaTable) table = pca_table_new(list->options, names, TRUE, error);
    if (!table)
        return FALSE;
    for (guint i = 0; i < list->devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(list->devices, i);
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

static void add_json(const List *list, JsonBuilder *builder, const PcaDeviceView *device) {
    static const char *const ids[][2] = {{"vendor", "Vendor"},
                                         {"device", "Device"},
                                         {"subsystem_vendor", "SubsystemVendor"},
                                         {"subsystem_device", "SubsystemDevice"},
                                         {"class", "Class"},
                                         {"revision", "Revision"},
                                         {"driver", "Driver"},
                                         {"driver_override", "DriverOverride"}};
    g_autofree char *address = pca_address_format(&device->address);
    const PcaClaimView *claim = pca_claims_find_device(list->claims, &device->address);
    json_builder_begin_object(builder);
    pca_json_string(builder, "address", address);
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        pca_json_string(builder, ids[i][0], pca_device_string(device, ids[i][1]));
    pca_json_number(builder, "iommu_group", pca_device_number(device, "IommuGroup"));
    pca_json_number(builder, "numa_node", pca_device_number(device, "NumaNode"));
    pca_json_string(builder, "name", pca_device_string(device, "Name"));
    pca_json_string(builder, "state", pca_device_string(device, "State"));
    pca_json_string(builder, "claim", claim ? claim->id : NULL);
    pca_json_string(builder, "description", pca_device_string(device, "Description"));
    json_builder_end_object(builder);
}

static void print_json(const List *list) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < list->devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(list->devices, i);
        if (is_wanted(list->options, device))
            add_json(list, builder, device);
    }
    json_builder_end_array(builder);
    pca_json_print(list->options, builder);
}

/* Complains about each word that names no device. */
static int complain_missing(const List *list) {
    int status = 0;
    for (guint w = 0; w < pca_options_n_words(list->options); w++) {
        guint i = 0;
        while (i < list->devices->len && !pca_device_is(g_ptr_array_index(list->devices, i),
                                                        pca_options_word(list->options, w)))
            i++;
        if (i < list->devices->len)
            continue;
        pca_complain("%s: no such device", pca_options_word(list->options, w));
        status = pca_error_exit_status(PCA_ERROR_NOT_FOUND);
    }
    return status;
}

static gboolean fetch(List *list, GError **error) {
    g_autoptr(GDBusConnection) bus = pca_connect(error);
    if (!bus)
        return FALSE;
    list->devices = pca_devices_fetch(bus, error);
    list->claims = list->devices ? pca_claims_fetch(bus, error) : NULL;
    return list->claims != NULL;
}

int pca_verb_list(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    g_auto(List) list = {.options = options};
    g_autoptr(GPtrArray) columns = choose_columns(options->columns, &error);
    if (!columns || !fetch(&list, &error))
        return pca_fail(NULL, error);
    if (options->json != PCA_JSON_OFF)
        print_json(&list);
    else if (!print_table(&list, columns, &error))
        return pca_fail(NULL, error);
    return complain_missing(&list);
}
