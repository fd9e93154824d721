/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what sysfs tells about interrupts: whether the IOMMU remaps them, and a function's INTx.
 * Only reads; in particular Command is never written to find out whether DisINTx works.
 * Thread: any; no state. Ownership: a PcaIntx belongs to the caller and owns its strings.
 */
#pragma once

#include "pci/function.h"
#include "sys/root.h"

typedef enum {
    PCA_REMAPPING_UNKNOWN, /* no IO-APIC, so no x86; or interrupts that cannot be read */
    PCA_REMAPPING_OFF,
    PCA_REMAPPING_ON,
} PcaRemapping;

/* By the names of the interrupt chips (sysfs/kernel/irq/N/chip_name, the same as in
 * /proc/interrupts): where x86 remaps, by VT-d or AMD-Vi, each begins with "IR-" (struct
 * msi_parent_ops .prefix, and the IO-APIC's, in drivers/iommu). Without remapping vfio refuses
 * every device with EPERM (iommu_group_has_isolated_msi() in drivers/iommu/iommu.c). */
PcaRemapping pca_interrupt_remapping(const PcaRoot *root);

typedef enum {
    PCA_INTX_NONE,      /* the function has no interrupt pin, or it leads nowhere */
    PCA_INTX_UNKNOWN,   /* config space cannot be read */
    PCA_INTX_HIDDEN,    /* vfio-pci offers none: the status bit does not work, DisINTx does
                           (vfio_pci_nointx() in drivers/vfio/pci/vfio_pci_core.c) */
    PCA_INTX_MASKABLE,  /* PCI Express, or DisINTx is set now: vfio-pci shares the line */
    PCA_INTX_EXCLUSIVE, /* vfio-pci must have the line alone: DisINTx is known to be broken
                           (quirk_broken_intx_masking() in drivers/pci/quirks.c), or vfio-pci was
                           loaded with nointxmask */
    PCA_INTX_UNTESTED,  /* conventional PCI: vfio-pci tests DisINTx when it opens the function, by
                           writing it, and shares the line or must have it alone */
} PcaIntxKind;

typedef struct {
    PcaIntxKind kind;
    int line;           /* Linux's number of the interrupt; -1 when it is not known now: the kernel
                           routes a line when a driver enables the function */
    char **shared_with; /* the names of the handlers of others on the line; never NULL */
} PcaIntx;

/* Never fails: what cannot be read is UNKNOWN, or -1. Reads config space, which waits for a reset
 * of the function that is under way. */
PcaIntx *pca_intx_read(const PcaRoot *root, const PcaFunction *function);
void pca_intx_free(PcaIntx *intx);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaIntx, pca_intx_free)
