/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policy reload: have the daemon read its policy files again, and show what it says of
 * them. Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "connection.h"
#include "output.h"
#include "base/error.h"

#include <stdio.h>

#define DIAGNOSTIC "(&suu&s&s)"

typedef struct {
    const char *file, *severity, *text;
    guint32 line, column;
} Diagnostic;

static gboolean next(GVariantIter *iter, Diagnostic *d) {
    g_autoptr(GVariant) item = g_variant_iter_next_value(iter);
    if (!item)
        return FALSE;
    /* The strings point into the reply, which outlives the item. */
    g_variant_get(item, DIAGNOSTIC, &d->file, &d->line, &d->column, &d->severity, &d->text);
    return TRUE;
}

static void print_json(const PcaOptions *options, GVariantIter *iter) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Diagnostic d;
    json_builder_begin_array(builder);
    while (next(iter, &d)) {
        json_builder_begin_object(builder);
        pca_json_string(builder, "file", d.file);
        pca_json_number(builder, "line", d.line ? (gint64)d.line : -1);
        pca_json_number(builder, "column", d.column ? (gint64)d.column : -1);
        pca_json_string(builder, "severity", d.severity);
        pca_json_string(builder, "text", d.text);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    pca_json_print(options, builder);
}

static void print_text(GVariantIter *iter) {
    Diagnostic d;
    while (next(iter, &d)) {
        g_autoptr(GString) line = g_string_new(d.file);
        if (d.line)
            g_string_append_printf(line, ":%u", d.line);
        if (d.line && d.column)
            g_string_append_printf(line, ":%u", d.column);
        g_string_append_printf(line, "%s%s: %s", line->len ? ": " : "", d.severity, d.text);
        g_autofree char *printable = pca_printable(line->str);
        puts(printable);
    }
}

static guint count_errors(GVariant *diagnostics) {
    GVariantIter iter;
    Diagnostic d;
    guint errors = 0;
    g_variant_iter_init(&iter, diagnostics);
    while (next(&iter, &d))
        errors += g_str_equal(d.severity, "error");
    return errors;
}

static int reload(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = pca_connect(&error);
    const PcaCall call = {.path = PCA_BUS_PATH,
                          .interface = PCA_BUS_MANAGER,
                          .method = "ReloadPolicy",
                          .reply_type = "(a(suuss))",
                          .waiting = "reading the policy",
                          .asks = TRUE};
    g_autoptr(GVariant) reply = bus ? pca_call(bus, &call, NULL, &error) : NULL;
    if (!reply)
        return pca_fail(NULL, error);
    g_autoptr(GVariant) diagnostics = g_variant_get_child_value(reply, 0);
    GVariantIter iter;
    g_variant_iter_init(&iter, diagnostics);
    if (options->json != PCA_JSON_OFF)
        print_json(options, &iter);
    else
        print_text(&iter);
    guint errors = count_errors(diagnostics);
    if (errors == 0)
        return 0;
    pca_complain("the policy was refused for %u error%s; what was in force stays", errors,
                 errors == 1 ? "" : "s");
    return PCA_EXIT_POLICY_INVALID;
}

int pca_verb_policy(const PcaOptions *options) {
    static const char *const known[] = {"reload", NULL};
    const char *what = pca_options_word(options, 0);
    if (!what) {
        pca_complain("policy needs a word behind it: reload");
        return PCA_EXIT_USAGE;
    }
    if (!g_str_equal(what, "reload")) {
        g_autofree char *hint = pca_suggestion(what, known);
        pca_complain("unknown 'policy %s'%s", what, hint);
        return PCA_EXIT_USAGE;
    }
    if (pca_options_n_words(options) > 1) {
        pca_complain("policy reload takes no argument, but '%s' was given",
                     pca_options_word(options, 1));
        return PCA_EXIT_USAGE;
    }
    return reload(options);
}
