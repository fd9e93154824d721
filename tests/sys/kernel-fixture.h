/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: directories in place of sysfs and /dev for the running kernel's operations, and the
 * cases of test-kernel, one function a file.
 * Thread: main. Ownership: what is returned is the caller's.
 */
#pragma once

#include "support/suite.h"

#include "sys/kernel.h"

extern char *top; /* holds sys and dev; proc is the machine's */
extern PcaRoot *root;
extern PcaKernel kernel;

/* Of something below top. */
char *path_of(const char *name);

/* Make a file or link there, with the directories above it. */
void make(const char *name, const char *text);
void make_link(const char *name, const char *target);

int open_directory(const char *name);

#define assert_text(name, expected)                                                                \
    do {                                                                                           \
        g_autofree char *text = pca_read_text(top, name, NULL);                                    \
        ck_assert_pstr_eq(text, expected);                                                         \
    } while (0)

/* Adds a case with the fixture, and with a test each. */
#define ADD_CASE(suite, name, ...)                                                                 \
    do {                                                                                           \
        const TTest *const pca_tests[] = {__VA_ARGS__};                                            \
        kernel_add_case(suite, name, pca_tests, G_N_ELEMENTS(pca_tests));                          \
    } while (0)
void kernel_add_case(Suite *suite, const char *name, const TTest *const tests[], gsize n);

/* The fixture, for a case that is made otherwise. */
void kernel_add_fixture(TCase *tcase);

void add_kernel_files(Suite *suite);
void add_kernel_nodes(Suite *suite);
void add_kernel_processes(Suite *suite);
