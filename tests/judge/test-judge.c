/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: requests and checks without a daemon.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "cases.h"

Suite *pca_suite(void) {
    Suite *suite = suite_create("judge");
    suite_add_tcase(suite, pca_request_cases());
    suite_add_tcase(suite, pca_check_cases());
    return suite;
}
