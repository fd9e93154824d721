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

char *format_all(PcaDiagnostics *diagnostics) {
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *line = pca_diagnostic_format(g_ptr_array_index(diagnostics, i));
        g_string_append_printf(all, "%s\n", line);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}
