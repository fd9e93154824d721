/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the step table: how each op of a plan is done on the kernel.
 * Thread: the worker's only one; a step blocks as long as the kernel does. Ownership: the context
 * owns the directory descriptors of the functions that it has opened.
 */
#pragma once

#include "engine/plan.h"
#include "sys/kernel.h"

/* What the steps of one run share. */
typedef struct {
    PcaKernel *kernel;       /* borrowed */
    GHashTable *directories; /* address → descriptor; opened once, so that a device which takes over
                                the address later is never touched */
} PcaStepContext;

PcaStepContext *pca_step_context_new(PcaKernel *kernel);
void pca_step_context_free(PcaStepContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaStepContext, pca_step_context_free)

/* The function's directory after its identity was read again through it; borrowed, or -1 with
 * NotFound, IdentityMismatch or Failed. */
int pca_step_directory(PcaStepContext *context, const char *device, const char *identity,
                       GError **error);

/* The driver's name by the `driver` link below the directory; NULL without one. */
char *pca_step_driver(int directory);

/* The driver_override; NULL without one. */
char *pca_step_override(int directory);

/* Does `op` on the step's device; `detail` is the step's or, when it is undone, its undo's. Doing a
 * step again that was done already changes nothing. NotFound means that the function was removed.
 */
gboolean pca_step_do(PcaStepContext *context, const PcaStep *step, PcaOp op, const char *detail,
                     GError **error);

/* The number of its IOMMU group, as text; NULL without one. */
char *pca_step_group(int directory);

/* The number of the function's VFIO device node (vfio-dev/vfioN/dev); 0 when there is none. */
dev_t pca_step_vfio_number(int directory);
