/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: lists of diagnostics.
 * Thread: any. Ownership: see the headers.
 */
#include "policy/diagnostic.h"

#include <string.h>

#define QUOTE_MAX 48 /* bytes */

static const char *const severities[] = {
    [PCA_SEVERITY_ERROR] = "error",
    [PCA_SEVERITY_WARNING] = "warning",
    [PCA_SEVERITY_NOTE] = "note",
};

static void diagnostic_free(gpointer data) {
    PcaDiagnostic *diagnostic = data;
    if (!diagnostic)
        return;
    g_free(diagnostic->file);
    g_free(diagnostic->text);
    g_free(diagnostic);
}

PcaDiagnostics *pca_diagnostics_new(void) {
    return g_ptr_array_new_with_free_func(diagnostic_free);
}

static void take(PcaDiagnostics *diagnostics, const char *file, guint line, guint column,
                 PcaSeverity severity, char *text) {
    PcaDiagnostic *diagnostic = g_new0(PcaDiagnostic, 1);
    diagnostic->file = g_strdup(file);
    diagnostic->line = line;
    diagnostic->column = column;
    diagnostic->severity = severity;
    diagnostic->text = text;
    g_ptr_array_add(diagnostics, diagnostic);
}

void pca_diagnostics_add(PcaDiagnostics *diagnostics, const char *file, guint line, guint column,
                         PcaSeverity severity, const char *format, ...) {
    va_list args;
    va_start(args, format);
    take(diagnostics, file, line, column, severity, g_strdup_vprintf(format, args));
    va_end(args);
}

void pca_place_report(PcaPlace *place, const char *at, PcaSeverity severity, const char *format,
                      ...) {
    va_list args;
    va_start(args, format);
    take(place->diagnostics, place->file, place->line, (guint)(at - place->start) + 1, severity,
         g_strdup_vprintf(format, args));
    va_end(args);
    if (severity == PCA_SEVERITY_ERROR)
        place->errors++;
}

gboolean pca_diagnostics_have_errors(PcaDiagnostics *diagnostics) {
    for (guint i = 0; i < diagnostics->len; i++) {
        const PcaDiagnostic *diagnostic = g_ptr_array_index(diagnostics, i);
        if (diagnostic->severity == PCA_SEVERITY_ERROR)
            return TRUE;
    }
    return FALSE;
}

char *pca_diagnostic_format(const PcaDiagnostic *d) {
    const char *severity = severities[d->severity];
    if (d->line == 0)
        return g_strdup_printf("%s: %s: %s", d->file, severity, d->text);
    if (d->column == 0)
        return g_strdup_printf("%s:%u: %s: %s", d->file, d->line, severity, d->text);
    return g_strdup_printf("%s:%u:%u: %s: %s", d->file, d->line, d->column, severity, d->text);
}

static gint by_place(gconstpointer a, gconstpointer b) {
    const PcaDiagnostic *x = *(PcaDiagnostic *const *)a, *y = *(PcaDiagnostic *const *)b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

void pca_diagnostics_move_sorted(PcaDiagnostics *from, PcaDiagnostics *to) {
    /* GLib's array sort is stable. */
    g_ptr_array_sort(from, by_place);
    for (guint i = 0; i < from->len; i++)
        g_ptr_array_add(to, g_steal_pointer(&g_ptr_array_index(from, i)));
    g_ptr_array_set_size(from, 0);
}

char *pca_quote(const char *text, gsize length) {
    if (length <= QUOTE_MAX)
        return g_strdup_printf("'%.*s'", (int)length, text);
    const char *end = g_utf8_find_prev_char(text, text + QUOTE_MAX + 1);
    return g_strdup_printf("'%.*s…'", (int)(end - text), text);
}
