/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tree: root buses, ports, switches, bridges and functions, with their IOMMU groups in
 * colour.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "device-json.h"
#include "host-note.h"
#include "output.h"
#include "source.h"
#include "hierarchy.h"
#include "base/error.h"

/* ---- JSON ---- */

static void add_json(JsonBuilder *builder, const PcaSource *source, const PcaHierarchyNode *node) {
    json_builder_begin_object(builder);
    if (node->device) {
        const PcaClaimView *claim = pca_source_claim(source, node->device);
        g_autoptr(GVariant) type =
            g_variant_lookup_value(node->device->properties, "PcieType", NULL);
        pca_json_device_brief(builder, node->device->properties, claim ? claim->id : NULL);
        pca_json_variant(builder, "pcie_type", type);
        pca_json_string(builder, "type", pca_hierarchy_type(node->device));
    } else {
        pca_json_string(builder, "bus", node->bus);
    }
    json_builder_set_member_name(builder, "children");
    json_builder_begin_array(builder);
    for (guint i = 0; i < node->children->len; i++)
        add_json(builder, source, g_ptr_array_index(node->children, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static void print_json(const PcaOptions *options, const PcaSource *source, GPtrArray *buses) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < buses->len; i++)
        add_json(builder, source, g_ptr_array_index(buses, i));
    json_builder_end_array(builder);
    pca_json_print(options, builder);
}

/* ---- Text ---- */

enum { DEVICE, TYPE, GROUP, DRIVER, STATE, DESCRIPTION, N_COLUMNS };

/* Groups that follow each other differ. */
static void colour_group(struct libscols_line *line, int group) {
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[34m",
                                          "\033[35m", "\033[36m", "\033[31m"};
    const char *colour = colours[(guint)group % G_N_ELEMENTS(colours)];
    scols_cell_set_color(scols_line_get_cell(line, DEVICE), colour);
    scols_cell_set_color(scols_line_get_cell(line, GROUP), colour);
}

static void set_cell(struct libscols_line *line, guint column, const char *text) {
    g_autofree char *printable = pca_printable(text && *text ? text : "-");
    scols_line_set_data(line, column, printable);
}

static void fill_function(struct libscols_line *line, const PcaDeviceView *device) {
    int group = pca_device_number(device, "IommuGroup");
    g_autofree char *address = pca_address_format(&device->address);
    g_autofree char *number = group >= 0 ? g_strdup_printf("%d", group) : NULL;
    g_autofree char *title = pca_device_title(device);
    const char *name = pca_device_string(device, "Name");
    g_autofree char *named = name ? g_strdup_printf("%s (%s)", address, name) : NULL;
    set_cell(line, DEVICE, named ? named : address);
    set_cell(line, TYPE, pca_hierarchy_type(device));
    set_cell(line, GROUP, number);
    set_cell(line, DRIVER, pca_device_string(device, "Driver"));
    set_cell(line, STATE, pca_device_string(device, "State"));
    set_cell(line, DESCRIPTION, title);
    if (group >= 0)
        colour_group(line, group);
}

static void add_lines(PcaTable *table, struct libscols_line *parent, const PcaHierarchyNode *node) {
    struct libscols_line *line = scols_table_new_line(table, parent);
    if (!line)
        return;
    if (node->device) {
        fill_function(line, node->device);
    } else {
        scols_line_set_data(line, DEVICE, node->bus);
        scols_line_set_data(line, TYPE, "root bus");
    }
    for (guint i = 0; i < node->children->len; i++)
        add_lines(table, line, g_ptr_array_index(node->children, i));
}

static gboolean print_text(const PcaOptions *options, GPtrArray *buses, GError **error) {
    static const char *const columns[] = {"DEVICE", "TYPE",        "GROUP", "DRIVER",
                                          "STATE",  "DESCRIPTION", NULL};
    G_STATIC_ASSERT(G_N_ELEMENTS(columns) == N_COLUMNS + 1);
    g_autoptr(PcaTable) table = pca_table_new(options, columns, TRUE, error);
    if (!table)
        return FALSE;
    scols_column_set_flags(scols_table_get_column(table, DEVICE), SCOLS_FL_TREE);
    for (guint i = 0; i < buses->len; i++)
        add_lines(table, NULL, g_ptr_array_index(buses, i));
    pca_table_print(table);
    return TRUE;
}

int pca_verb_tree(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    if (pca_options_n_words(options) > 0) {
        pca_complain("tree takes no argument, but '%s' was given", pca_options_word(options, 0));
        return PCA_EXIT_USAGE;
    }
    g_autoptr(PcaSource) source = pca_source_open(options, PCA_SOURCE_CONFIGS, &error);
    if (!source)
        return pca_fail(NULL, error);
    pca_host_note(source);
    g_autoptr(GPtrArray) buses = pca_hierarchy_new(pca_source_devices(source));
    if (options->json != PCA_JSON_OFF)
        print_json(options, source, buses);
    else if (!print_text(options, buses, &error))
        return pca_fail(NULL, error);
    return 0;
}
