/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the machine that the tests of engine and claim run on, and what they ask about it.
 * Thread: one. Ownership: the machine is this file's, made and removed by the fixture; results are
 * the caller's.
 *
 *     0000:01:00.0 NIC    e1000e, group 2
 *     0000:02:00.0 DISK   nvme with an override of its own, group 3
 *     0000:03:00.0 SPARE  found on vfio-pci, group 4
 *     0000:04:00.0 BARE   no driver, group 5
 *     0000:02:00.1 TWIN   e1000e, group 3 as well
 */
#pragma once

#include "engine/plan.h"
#include "pci/function.h"
#include "support/fake-kernel.h"
#include "support/suite.h"

#define NIC "0000:01:00.0"
#define DISK "0000:02:00.0"
#define TWIN "0000:02:00.1"
#define SPARE "0000:03:00.0"
#define BARE "0000:04:00.0"
#define NIC_GROUP 2

#define VFIO "vfio-pci"

/* Sets of functions as they are given to claims, each ended by NULL. */
#define MAX_SET 3
extern const char *const sets[][MAX_SET + 1];
extern const guint n_sets;

/* For plans that bind each function of a set to vfio-pci. */
extern const PcaPlanDevice on_vfio[MAX_SET];

extern PcaTree *tree;
extern PcaFakeKernel *fake;
extern PcaKernel *kernel;

/* The fixture: the whole machine. */
void machine_set_up(void);

/* One with no other functions than these. */
void machine_make(const char *const *set);
void machine_tear_down(void);

/* Adds a case with the fixture, and with a test each. */
#define ADD_CASE(suite, name, ...)                                                                 \
    do {                                                                                           \
        const TTest *const pca_tests[] = {__VA_ARGS__};                                            \
        machine_add_case(suite, name, pca_tests, G_N_ELEMENTS(pca_tests));                         \
    } while (0)
void machine_add_case(Suite *suite, const char *name, const TTest *const tests[], gsize n);

/* Puts the function in as the machine has it at first. */
void machine_plug(const char *address);

/* Takes the function away and puts another one with a driver of its own at its address. */
void machine_replace(const char *address);

/* The functions of a set as a scan finds them now; the array owns references. */
GPtrArray *machine_functions(const char *const *set);

/* The same with the owner of the node of their group, for those on a vfio driver, as a claim has
 * it.
 */
GPtrArray *machine_found(const char *const *set);

/* Who has the node of the function's group: "0:0:0600"; "none" without a node. */
char *machine_node(const char *address);

/* Somebody else changes that. */
void machine_give(const char *address, const char *owner);

#define assert_node(address, expected)                                                             \
    do {                                                                                           \
        g_autofree char *pca_node = machine_node(address);                                         \
        ck_assert_str_eq(pca_node, expected);                                                      \
    } while (0)

/* "driver=nvme override=" as it is now; "gone" without such a function. */
char *machine_binding(const char *address);

/* The bindings of a whole set, a word each. */
char *machine_bindings(const char *const *set);

#define assert_binding(address, expected)                                                          \
    do {                                                                                           \
        g_autofree char *pca_found = machine_binding(address);                                     \
        ck_assert_str_eq(pca_found, expected);                                                     \
    } while (0)

/* How many descriptors this process has open. */
guint count_fds(void);

#define assert_error(error, expected)                                                              \
    do {                                                                                           \
        ck_assert_ptr_nonnull(error);                                                              \
        ck_assert_str_eq(pca_error_name((error)->code), pca_error_name(expected));                 \
    } while (0)
