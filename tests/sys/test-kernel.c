/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the running kernel's operations as far as they can be tried on any machine: on plain
 * files, on nodes of /dev/null and on processes of our own. The rest is tests/vm/kernel-contract.
 * Thread: main. Ownership: none.
 */
#include "sys/kernel-fixture.h"

Suite *pca_suite(void) {
    Suite *suite = suite_create("kernel");
    add_kernel_files(suite);
    add_kernel_nodes(suite);
    add_kernel_processes(suite);
    return suite;
}
