/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the steps of one run share: the functions that they are about, each by its
 * directory in sysfs, and what is read there. Thread: the worker's only one. Ownership: the context
 * owns the directory descriptors of the functions that it has opened; texts are the caller's.
 */
#pragma once

#include "sys/kernel.h"

typedef struct {
    PcaKernel *kernel;       /* borrowed */
    GHashTable *directories; /* address → descriptor; opened once, so that a device which takes over
                                the address later is never touched */
    GHashTable *staged;      /* addresses of what is bound for the reset of its bus */
    GHashTable *buses;       /* what came of bus resets (engine/bus-reset.h): members → GError, or
                                NULL when it was done; NULL as long as there was none */
} PcaStepContext;

PcaStepContext *pca_step_context_new(PcaKernel *kernel);
void pca_step_context_free(PcaStepContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaStepContext, pca_step_context_free)

/* The function's directory after its identity was read again through it; borrowed, or -1 with
 * NotFound, IdentityMismatch or Failed. */
int pca_step_directory(PcaStepContext *context, const char *device, const char *identity,
                       GError **error);

/* Whether the function behind the directory was removed. That it cannot be read for another reason
 * says nothing of it. */
gboolean pca_step_is_gone(int directory);

/* The driver's name by the `driver` link below the directory; NULL without one. */
char *pca_step_driver(int directory);

/* The driver_override; NULL without one. */
char *pca_step_override(int directory);

/* The number of its IOMMU group, as text; NULL without one. */
char *pca_step_group(int directory);

/* The number of the function's VFIO device node (vfio-dev/vfioN/dev); 0 when there is none. */
dev_t pca_step_vfio_number(int directory);
