/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the rest of pcassign takes for granted of a kernel behind sys/kernel.h, as tests
 * that run unchanged on the fake kernel (tests/sys/test-fake-kernel.c) and on the running one in a
 * VM (tests/vm/kernel-contract.c). Thread: main. Ownership: the subject's strings belong to who
 * prepared it.
 */
#pragma once

#include <check.h>

#include "sys/kernel.h"

typedef struct {
    PcaKernel *kernel;
    const char *address;     /* of an endpoint that no one needs, bound to host_driver, with a
                                 reset method and alone in its group */
    const char *host_driver; /* that takes it without an override */
    gboolean stand_ins;      /* node descriptors are not the devices themselves (the fake) */
    gboolean without_labels; /* SELinux is off: files have no labels, and get none */
    char *(*label_of)(
        int fd); /* of such a descriptor; NULL: the kernel tells it. Free with g_free */
} PcaSubject;

/* The contract as a case. Both functions run around each test; when `finish` is called the subject
 * is back on its host driver, or the test fails. */
TCase *pca_kernel_contract(void (*prepare)(PcaSubject *subject),
                           void (*finish)(PcaSubject *subject));
