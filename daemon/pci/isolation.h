/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which functions cannot be kept apart from each other, and why: the rules by which the
 * kernel makes IOMMU groups (pci_device_group in drivers/iommu/iommu.c, Linux 6.12), computed from
 * topology and config spaces. It explains the kernel's group and never replaces it: groups form
 * when a function is found, and do not follow registers that are changed later.
 *
 * What cannot be seen counts as not isolated, so a set made of too little is too large rather than
 * too small. Not visible at all are aliases from firmware tables (IVRS) and from Switchtec bridges'
 * memory, and whether a kernel was told to override ACS.
 *
 * Thread: any; a topology does not change after pca_topology_seal. Ownership: a topology owns
 * references on functions and configs; an isolation set owns everything in it.
 */
#pragma once

#include "pci/config.h"
#include "pci/function.h"

typedef enum {
    PCA_CAUSE_SELF,
    PCA_CAUSE_MULTIFUNCTION_NO_ACS, /* functions of one slot, not apart */
    PCA_CAUSE_UPSTREAM_NO_ACS,      /* a port above does not keep apart what is below it */
    PCA_CAUSE_DMA_ALIAS,            /* its DMA can bear another function's requester ID */
    PCA_CAUSE_BRIDGE_ALIAS,         /* behind a bridge that puts its own requester ID on DMA */
    PCA_CAUSE_QUIRK,                /* a table of the kernel's says that it is not isolated */
    PCA_CAUSE_UNKNOWN,              /* what decides could not be read */
} PcaCause;

/* "self", "multifunction-no-acs", ...: the words of the interface. Static. */
const char *pca_cause_name(PcaCause cause);

typedef struct {
    PcaAddress member;
    PcaCause cause;
    PcaAddress at;   /* the port or function where it is so; of SELF the member */
    guint16 missing; /* PCA_ACS_*; 0 where it is not about ACS */
    char *text;      /* a sentence for people, without a full stop */
} PcaReason;

typedef struct {
    PcaAddress address;
    GArray *set;          /* of PcaAddress, sorted, bridges and the function itself included */
    GArray *kernel_group; /* the same of the function's IOMMU group; NULL without one */
    PcaTri agrees;        /* UNKNOWN without a group, and where the two differ and something that
                             decides could not be read */
    GPtrArray *reasons;   /* of PcaReason, one for each member, in the order of the set */
} PcaIsolation;

void pca_isolation_free(PcaIsolation *isolation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaIsolation, pca_isolation_free)

typedef struct PcaTopology PcaTopology;

PcaTopology *pca_topology_new(void);
void pca_topology_free(PcaTopology *topology);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaTopology, pca_topology_free)

/* In any order; an address that is already there is left as it is. `config`: NULL when it could not
 * be read. Takes references. All of the host's functions belong in: what stands beside a function
 * decides as well. */
void pca_topology_add(PcaTopology *topology, PcaFunction *function, PcaConfig *config);

/* The functions of a domain do their DMA with the requester ID of one function outside it: those
 * behind Intel's VMD (pci_real_dma_dev, arch/x86/pci/common.c). */
void pca_topology_set_dma_device(PcaTopology *topology, guint32 domain, const PcaAddress *device);

/* Forms the sets; once, after the last pca_topology_add. */
void pca_topology_seal(PcaTopology *topology);

/* Free with pca_isolation_free; NULL when the function is not in the topology. */
PcaIsolation *pca_topology_explain(const PcaTopology *topology, const PcaAddress *address);
