/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the suite of the policy.
 * Thread: main. Ownership: none.
 */
#include "policy/support.h"

Suite *pca_suite(void) {
    Suite *suite = suite_create("policy");
    add_malformed(suite);
    add_sections(suite);
    add_match(suite);
    add_explain(suite);
    add_verdicts(suite);
    add_values(suite);
    add_allow(suite);
    add_shuffle(suite);
    return suite;
}
