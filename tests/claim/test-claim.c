/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the suite of the claims.
 * Thread: main. Ownership: none.
 */
#include "claim/support.h"

Suite *pca_suite(void) {
    Suite *suite = suite_create("claim");
    add_lease(suite);
    add_store(suite);
    add_queue(suite);
    add_life(suite);
    add_death(suite);
    add_blocked(suite);
    add_recover(suite);
    add_recover_foreign(suite);
    add_recover_workers(suite);
    add_admin(suite);
    add_split(suite);
    add_async(suite);
    add_keep(suite);
    add_taint(suite);
    add_handed_out(suite);
    return suite;
}
