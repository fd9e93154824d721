/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: one representation of what readers see of a function and of its isolation: the daemon's
 * properties and answers, and what pcassignctl reads by itself, are made of it.
 *
 * Keys of a description are the names of the JSON in CamelCase, those of dictionaries inside it the
 * JSON's own. What is unknown is left out, and so is what is not there, where the JSON has null.
 * Thread: any; pure. Ownership: facts own what they point at; descriptions are floating.
 */
#pragma once

#include "pci/config.h"
#include "pci/function.h"
#include "pci/isolation.h"

typedef struct {
    guint64 start, end; /* inclusive */
    char type[32];      /* "direct", "direct-relaxable", "reserved", "msi", ... */
} PcaReservedRegion;

/* What of a function is neither in its config space nor in a PcaFunction; zeroed, nothing is known.
 */
typedef struct {
    char *name;  /* of the policy */
    char *state; /* "host", "free", ... */
    char *claim; /* its id */
    PcaTri intx_maskable;
    char **intx_shared_with;  /* handlers of others on the interrupt line */
    GArray *reserved_regions; /* of PcaReservedRegion: of its IOMMU group */
    GArray *vfs;              /* of PcaAddress, sorted; of a PF */
    char *vfio_driver;        /* that VFIO would use */
} PcaFunctionFacts;

PcaFunctionFacts *pca_function_facts_new(void);
void pca_function_facts_free(PcaFunctionFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaFunctionFacts, pca_function_facts_free)

/* clang-format off */
/* An a{sv}; `config` and `facts` may be NULL.
 *
 *   always                Address, Vendor, Device, SubsystemVendor, SubsystemDevice, Class,
 *                         Revision s, ResetMethods as
 *   where there is one    Driver, DriverOverride, Description s, IommuGroup, NumaNode i,
 *                         Name, Claim s,
 *                         Acs a{sv}: capabilities, control as
 *                         Sriov a{sv}: total_vfs, num_vfs u, vfs as (unless unknown), of a VF pf s
 *                         Bridge a{sv}: primary, secondary, subordinate u
 *                         Link a{sv}: speed, max_speed s, width, max_width u
 *   where it is known     HeaderType, PcieType i, Multifunction b, Path, State, VfioDriver s,
 *                         Capabilities aa{sv}: id, offset u, name s, extended b
 *                         CapabilitiesComplete b: whether both lists were read to their ends
 *                         Bars aa{sv}: index u, type s, prefetchable b, address t, and where known
 *                         size t, page_aligned b
 *                         Interrupts a{sv}: pin u (0: none, 1: INTA), intx_maskable b,
 *                         intx_shared_with as, msi_vectors, msix_vectors u (0: no such capability)
 *                         ReservedRegions aa{sv}: start, end t, type s
 */
/* clang-format on */
GVariant *pca_describe_function(const PcaFunction *function, const PcaConfig *config,
                                const PcaFunctionFacts *facts);

/* An a{sv}: Address s, IommuGroup i and KernelGroup as where there is a group, IsolationSet as,
 * Agrees b where that is known, Reasons aa{sv}: member, cause, at s, missing as, text s; Warnings
 * as. `function` is the one that was explained. `warnings` end with NULL; NULL for none. */
GVariant *pca_describe_isolation(const PcaIsolation *isolation, const PcaFunction *function,
                                 const char *const *warnings);
