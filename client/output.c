/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tables by libsmartcols, JSON by json-glib, errors by hand.
 * Thread: main. Ownership: see the header.
 */
#include "output.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

gboolean pca_output_coloured(void) {
    const char *no_color = g_getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0 &&
           !(no_color && *no_color);
}

PcaTable *pca_table_new(const PcaOptions *options, const char *const *columns, gboolean cut,
                        GError **error) {
    g_autoptr(PcaTable) table = scols_new_table();
    for (guint i = 0; table && columns[i]; i++) {
        int flags = cut && !columns[i + 1] ? SCOLS_FL_TRUNC : 0;
        if (!scols_table_new_column(table, columns[i], 0, flags))
            g_clear_pointer(&table, scols_unref_table);
    }
    if (!table) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "no memory for a table");
        return NULL;
    }
    scols_table_enable_noheadings(table, options->no_legend);
    scols_table_enable_colors(table, pca_output_coloured());
    return g_steal_pointer(&table);
}

struct libscols_line *pca_table_row(PcaTable *table, const char *const *cells) {
    struct libscols_line *line = scols_table_new_line(table, NULL);
    for (size_t i = 0; line && i < scols_table_get_ncols(table); i++) {
        const char *cell = cells[i] && *cells[i] ? cells[i] : "-";
        if (scols_line_set_data(line, i, cell) < 0)
            return NULL;
    }
    return line;
}

void pca_table_print(PcaTable *table) {
    if (!scols_table_is_empty(table))
        scols_print_table(table);
}

void pca_json_print(const PcaOptions *options, JsonBuilder *builder) {
    g_autoptr(JsonGenerator) generator = json_generator_new();
    JsonNode *root = json_builder_get_root(builder);
    json_generator_set_pretty(generator, options->json == PCA_JSON_PRETTY);
    json_generator_set_root(generator, root);
    json_node_unref(root);
    g_autofree char *text = json_generator_to_data(generator, NULL);
    puts(text);
}

void pca_json_string(JsonBuilder *builder, const char *name, const char *value) {
    json_builder_set_member_name(builder, name);
    if (value && *value)
        json_builder_add_string_value(builder, value);
    else
        json_builder_add_null_value(builder);
}

void pca_json_number(JsonBuilder *builder, const char *name, gint64 value) {
    json_builder_set_member_name(builder, name);
    if (value >= 0)
        json_builder_add_int_value(builder, value);
    else
        json_builder_add_null_value(builder);
}

void pca_json_strings(JsonBuilder *builder, const char *name, const char *const *values) {
    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
    for (; *values; values++)
        json_builder_add_string_value(builder, *values);
    json_builder_end_array(builder);
}

char *pca_printable(const char *text) {
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *result = g_string_new(NULL);
    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(result, g_unichar_iscntrl(c) ? ' ' : c);
    }
    return g_string_free(result, FALSE);
}

void pca_complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *line = pca_printable(message);
    fprintf(stderr, "pcassignctl: %s\n", line);
}
