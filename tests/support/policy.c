/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policies for tests.
 * Thread: main. Ownership: see the header.
 */
#include "support/policy.h"

#include "support/suite.h"

PcaPolicy *pca_policy_of(const char *text) {
    const PcaPolicyFile file = {.name = "a.conf", .text = text, .length = strlen(text)};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    PcaPolicy *policy = pca_policy_parse(&file, 1, diagnostics);
    ck_assert_ptr_nonnull(policy);
    return policy;
}
