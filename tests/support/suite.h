/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a test program defines for tests/support/main.c, and small helpers that need GLib
 * alone.
 * Thread: one. Ownership: none.
 */
#pragma once

#include <check.h>
#include <glib.h>

/* The suite of this program; main runs it. */
Suite *pca_suite(void);

/* A case of the suite with one function, run once for each row of a table. */
#define PCA_TABLE(suite, name, test, table)                                                        \
    do {                                                                                           \
        TCase *pca_case = tcase_create(name);                                                      \
        tcase_add_loop_test(pca_case, test, 0, (int)G_N_ELEMENTS(table));                          \
        suite_add_tcase(suite, pca_case);                                                          \
    } while (0)
