/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what makes an IOMMU group say less, or more, than it seems to: for people, beside the
 * isolation set.
 * Thread: any; pure. Ownership: what is returned is the caller's.
 */
#pragma once

#include "pci/describe.h"
#include "pci/isolation.h"

/* Of the host; zeroed, nothing is known. */
typedef struct {
    const char *command_line;   /* the kernel's, borrowed */
    PcaTri interrupts_remapped; /* UNKNOWN also where that is not told by their names */
    gboolean noiommu;           /* vfio's enable_unsafe_noiommu_mode */
    gboolean unsafe_interrupts; /* allow_unsafe_interrupts of a vfio backend */
    const GArray *regions;      /* of PcaReservedRegion: of the function's group; borrowed */
} PcaIsolationHost;

/* The options of the kernel's command line (NULL: not known) that change what ACS does, each with
 * its value: "pcie_acs_override=downstream". Free with g_strfreev. */
char **pca_acs_options(const char *command_line);

/* Sentences without a full stop, the gravest first; ends with NULL. Free with g_strfreev. */
char **pca_isolation_warnings(const PcaIsolation *isolation, const PcaIsolationHost *host);
