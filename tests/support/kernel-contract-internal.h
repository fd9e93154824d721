/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the contract share: its subject and short words for what tests do with
 * it; nobody else includes it.
 * Thread: main. Ownership: descriptors that hold() has are closed after the test; strings are the
 * caller's.
 */
#pragma once

#include "support/kernel-contract.h"

#include <stdlib.h>

#define VFIO "vfio-pci"

extern PcaSubject subject;
extern int function_fd, bus_fd;

/* A test that fails midway must leave none open: on the running kernel one would block the unbind.
 */
int hold(int fd);
void close_held(void);

int write_function(const char *name, const char *value);
int write_bus(const char *name, const char *value);
char *function_path(void);
char *driver(void);
char * override(void);

#define assert_driver(expected)                                                                    \
    do {                                                                                           \
        g_autofree char *found = driver();                                                         \
        ck_assert_pstr_eq(found, expected);                                                        \
    } while (0)

#define assert_override(expected)                                                                  \
    do {                                                                                           \
        g_autofree char *found = override();                                                       \
        ck_assert_pstr_eq(found, expected);                                                        \
    } while (0)

void to_vfio(void);
int group(void);

/* TRUE, said aloud, on a kernel without CONFIG_IOMMUFD. */
gboolean without_cdev(void);
dev_t iommu_number(void);

/* The number of the function's cdev once it appears; 0 when it does not. */
dev_t wait_for_cdev(void);

/* Held. */
int open_group(void);
int open_node(dev_t number);
void assert_fresh_node(int fd, dev_t number);

void contract_add_binding(TCase *contract);
void contract_add_nodes(TCase *contract);
void contract_add_config(TCase *contract);
void contract_add_memory(TCase *contract);
