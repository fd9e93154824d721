/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the suite of the engine. What takes long is in sweep.c, a program of its own.
 * Thread: main. Ownership: none.
 */
#include "engine/support.h"

Suite *pca_suite(void) {
    Suite *suite = suite_create("engine");
    add_plan(suite);
    add_journal(suite);
    add_run(suite);
    add_run_failures(suite);
    add_run_journal(suite);
    add_terms(suite);
    add_power(suite);
    add_bus_reset(suite);
    add_disks(suite);
    add_handover(suite);
    add_node(suite);
    add_wire(suite);
    add_serve(suite);
    add_serve_users(suite);
    add_admin(suite);
    return suite;
}
