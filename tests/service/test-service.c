/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the service without a bus.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "cases.h"

Suite *pca_suite(void) {
    Suite *suite = suite_create("service");
    suite_add_tcase(suite, pca_life_cases());
    suite_add_tcase(suite, pca_directory_cases());
    return suite;
}
