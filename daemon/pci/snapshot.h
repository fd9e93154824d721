/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: every function of the host at one moment, and the difference between two moments.
 * Thread: any; immutable after pca_snapshot_seal. Ownership: reference-counted; a snapshot owns a
 * reference on each function, a diff on each function that it lists.
 */
#pragma once

#include "pci/function.h"

typedef struct {
    GPtrArray *functions; /* of PcaFunction, sorted by address */
    /* The host. */
    gboolean has_iommu;         /* some function has an IOMMU group */
    gboolean noiommu;           /* vfio's enable_unsafe_noiommu_mode is on */
    gboolean unsafe_interrupts; /* allow_unsafe_interrupts of a vfio backend is on */
    gboolean has_cdev;          /* the kernel has /dev/iommu */
    gboolean has_group;         /* it has VFIO containers and groups (/dev/vfio/vfio) */
    gboolean has_vfio_pci;      /* the driver vfio-pci is loaded */
    gatomicrefcount refs;
} PcaSnapshot;

PcaSnapshot *pca_snapshot_new(void);
PcaSnapshot *pca_snapshot_ref(PcaSnapshot *snapshot);
void pca_snapshot_unref(PcaSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaSnapshot, pca_snapshot_unref)

/* Takes over the caller's reference. */
void pca_snapshot_add(PcaSnapshot *snapshot, PcaFunction *function);

/* Sorts; nothing may be added afterwards. */
void pca_snapshot_seal(PcaSnapshot *snapshot);

/* Borrowed; NULL when there is none. */
PcaFunction *pca_snapshot_find(const PcaSnapshot *snapshot, const PcaAddress *address);

/* The functions of an IOMMU group in order, bridges included; the array owns references. */
GPtrArray *pca_snapshot_group(const PcaSnapshot *snapshot, int group);

/* The functions of the slot of `address` in order; the array owns references. */
GPtrArray *pca_snapshot_slot(const PcaSnapshot *snapshot, const PcaAddress *address);

typedef struct {
    GPtrArray *added;   /* of PcaFunction, from the new snapshot */
    GPtrArray *removed; /* from the old one */
    GPtrArray *changed; /* from the new one */
} PcaDiff;

/* `old` may be NULL: everything is added. */
PcaDiff *pca_snapshot_diff(const PcaSnapshot *old, const PcaSnapshot *new);
void pca_diff_free(PcaDiff *diff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaDiff, pca_diff_free)
