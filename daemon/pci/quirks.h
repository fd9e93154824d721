/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: devices of which the kernel knows better than their registers whether they are isolated,
 * or whose DMA bears another function's requester ID. As of Linux 6.18 (drivers/pci/quirks.c).
 * Thread: any; the tables are constant. Ownership: answers are static.
 */
#pragma once

#include "pci/config.h"

/* What the kernel requires of a function to call it isolated (drivers/iommu/iommu.c). */
#define PCA_ACS_REQUIRED (PCA_ACS_SV | PCA_ACS_RR | PCA_ACS_CR | PCA_ACS_UF)

/* What the tables ask of a function. */
typedef struct {
    guint16 vendor, device;
    guint16 subsystem_vendor, subsystem_device;
    guint8 devfn;      /* device << 3 | function */
    PcaTri pcie;       /* it is PCIe; YES: `type` is valid */
    guint type;        /* PCA_PCIE_* */
    const PcaAcs *acs; /* NULL: not known */
    gboolean multifunction, on_root_bus;
} PcaQuirkSubject;

typedef struct {
    const char *what;   /* for people; NULL: no quirk decides */
    const char *source; /* the function of quirks.c */
    PcaTri isolated;
    guint16 missing; /* of PCA_ACS_REQUIRED, when it is not */
} PcaAcsQuirk;

/* pci_dev_specific_acs_enabled: the first quirk that decides. A quirk that depends on a type that
 * is not known does not. Two things cannot be seen from here and are taken for granted: that an AMD
 * southbridge is in a system with an AMD IOMMU, and that the kernel could switch the protection of
 * Intel's older ports on. */
PcaAcsQuirk pca_quirk_acs(const PcaQuirkSubject *subject);

/* Whether DMA of the function can bear the requester ID of `devfn` on its bus: what is wrong with
 * it, or NULL. */
const char *pca_quirk_dma_alias(const PcaQuirkSubject *subject, guint8 devfn);

/* Whether there is any. */
gboolean pca_quirk_has_dma_alias(const PcaQuirkSubject *subject);

/* A bridge at which the translation begins, so that what is above it bears no alias. */
gboolean pca_quirk_translation_root(guint16 vendor, guint16 device);
