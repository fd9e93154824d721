/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: diagnostics of the policy as lines and as JSON.
 * Thread: main. Ownership: see the header.
 */
#include "diagnostics.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *colour;
} severities[] = {
    [PCA_SEVERITY_ERROR] = {"error", PCA_COLOUR_BAD},
    [PCA_SEVERITY_WARNING] = {"warning", PCA_COLOUR_WARNING},
    [PCA_SEVERITY_NOTE] = {"note", PCA_COLOUR_NOTE},
};

/* A severity that this version does not know is worth a look. */
static PcaSeverity find_severity(const char *name) {
    for (guint i = 0; i < G_N_ELEMENTS(severities); i++)
        if (g_str_equal(severities[i].name, name))
            return (PcaSeverity)i;
    return PCA_SEVERITY_WARNING;
}

PcaDiagnostics *pca_diagnostics_read(GVariant *list) {
    PcaDiagnostics *diagnostics = pca_diagnostics_new();
    const char *file, *severity, *text;
    guint32 line, column;
    GVariantIter iter;
    g_variant_iter_init(&iter, list);
    while (g_variant_iter_next(&iter, "(&suu&s&s)", &file, &line, &column, &severity, &text))
        pca_diagnostics_add(diagnostics, file, line, column, find_severity(severity), "%s", text);
    return diagnostics;
}

static void print_json(const PcaOptions *options, PcaDiagnostics *diagnostics) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < diagnostics->len; i++) {
        const PcaDiagnostic *d = g_ptr_array_index(diagnostics, i);
        json_builder_begin_object(builder);
        pca_json_string(builder, "file", d->file);
        pca_json_number(builder, "line", d->line ? (gint64)d->line : -1);
        pca_json_number(builder, "column", d->column ? (gint64)d->column : -1);
        pca_json_string(builder, "severity", severities[d->severity].name);
        pca_json_string(builder, "text", d->text);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    pca_json_print(options, builder);
}

static void print_line(const PcaDiagnostic *d, gboolean coloured) {
    g_autoptr(GString) place = g_string_new(d->file);
    if (d->line)
        g_string_append_printf(place, ":%u", d->line);
    if (d->line && d->column)
        g_string_append_printf(place, ":%u", d->column);
    g_autofree char *where = pca_printable(place->str);
    g_autofree char *text = pca_printable(d->text);
    printf("%s%s%s%s%s: %s\n", where, *where ? ": " : "",
           coloured ? severities[d->severity].colour : "", severities[d->severity].name,
           coloured ? PCA_COLOUR_NONE : "", text);
}

void pca_diagnostics_print(const PcaOptions *options, PcaDiagnostics *diagnostics) {
    if (options->json != PCA_JSON_OFF) {
        print_json(options, diagnostics);
        return;
    }
    gboolean coloured = pca_output_coloured();
    for (guint i = 0; i < diagnostics->len; i++)
        print_line(g_ptr_array_index(diagnostics, i), coloured);
}

void pca_diagnostics_complain(PcaDiagnostics *diagnostics) {
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *line = pca_diagnostic_format(g_ptr_array_index(diagnostics, i));
        pca_complain("%s", line);
    }
}

guint pca_diagnostics_count(PcaDiagnostics *diagnostics, PcaSeverity severity) {
    guint n = 0;
    for (guint i = 0; i < diagnostics->len; i++)
        n += ((PcaDiagnostic *)g_ptr_array_index(diagnostics, i))->severity == severity;
    return n;
}

char *pca_diagnostics_first_error(PcaDiagnostics *diagnostics) {
    for (guint i = 0; i < diagnostics->len; i++) {
        const PcaDiagnostic *d = g_ptr_array_index(diagnostics, i);
        if (d->severity == PCA_SEVERITY_ERROR)
            return pca_diagnostic_format(d);
    }
    return NULL;
}

static gint by_place(gconstpointer a, gconstpointer b) {
    const PcaDiagnostic *x = *(PcaDiagnostic *const *)a, *y = *(PcaDiagnostic *const *)b;
    int files = strcmp(x->file, y->file);
    if (files != 0)
        return files;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

void pca_diagnostics_sort(PcaDiagnostics *diagnostics) {
    g_ptr_array_sort(diagnostics, by_place);
}

char *pca_diagnostics_summary(PcaDiagnostics *diagnostics) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(severities); i++) {
        guint n = pca_diagnostics_count(diagnostics, (PcaSeverity)i);
        if (n > 0)
            g_string_append_printf(text, "%s%u %s%s", text->len ? ", " : "", n, severities[i].name,
                                   n == 1 ? "" : "s");
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
