/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the tests of the policy share.
 * Thread: main. Ownership: see the header.
 */
#include "policy/support.h"

#include <string.h>

PcaPolicy *parse_text(const char *text, PcaDiagnostics *diagnostics) {
    PcaPolicyFile file = {.name = "a.conf", .text = text, .length = strlen(text)};
    return pca_policy_parse(&file, 1, diagnostics);
}

PcaPolicy *parse_good(const char *text) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    PcaPolicy *policy = parse_text(text, diagnostics);
    g_autofree char *all = format_all(diagnostics);
    ck_assert_msg(policy, "refused: %s", all);
    return policy;
}

void expect_complaint(const Complaint *complaint, const PcaPolicyFile *file) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = pca_policy_parse(file, 1, diagnostics);
    g_autofree char *all = format_all(diagnostics);
    ck_assert_msg(diagnostics->len == 1, "expected one line on\n%s\ngot:\n%s", file->text, all);
    const PcaDiagnostic *d = g_ptr_array_index(diagnostics, 0);
    ck_assert_msg(d->line == complaint->line && d->column == complaint->column &&
                      d->severity == complaint->severity && strstr(d->text, complaint->says),
                  "expected %u:%u '%s', got: %s", complaint->line, complaint->column,
                  complaint->says, all);
    ck_assert_str_eq(d->file, "a.conf");
    ck_assert_int_eq(policy == NULL, complaint->severity == PCA_SEVERITY_ERROR);
}

const PcaFunction *find_function(const PcaSnapshot *snapshot, const char *address) {
    PcaAddress parsed;
    ck_assert(pca_address_parse(address, &parsed));
    const PcaFunction *function = pca_snapshot_find(snapshot, &parsed);
    ck_assert_ptr_nonnull(function);
    return function;
}

char *format_all(PcaDiagnostics *diagnostics) {
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *line = pca_diagnostic_format(g_ptr_array_index(diagnostics, i));
        g_string_append_printf(all, "%s\n", line);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}
