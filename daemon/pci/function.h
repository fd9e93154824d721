/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what is known of one PCI function at one moment.
 * Thread: any; immutable once it is in a snapshot. Ownership: reference-counted; owns its strings.
 */
#pragma once

#include "pci/address.h"

#define PCA_HEADER_ENDPOINT 0
#define PCA_HEADER_BRIDGE 1
#define PCA_HEADER_CARDBUS 2
#define PCA_HEADER_UNKNOWN -1

#define PCA_NO_GROUP -1

typedef struct {
    PcaAddress address;
    guint16 vendor, device;
    guint16 subsystem_vendor, subsystem_device; /* 0 where the header has none */
    guint32 class;                              /* 24 bits: base class, subclass, interface */
    guint8 revision;
    int header_type; /* PCA_HEADER_*, without the multifunction bit */
    int iommu_group; /* PCA_NO_GROUP without one */
    int numa_node;   /* -1 when the kernel does not say */

    char *slot_path;       /* "0000:00:01.1/00.0": root bus, then device.function of each bridge and
                              of the function; survives renumbering. A VF: "PFPATH/vfN" */
    PcaAddress upstream;   /* the bridge above; valid when has_upstream */
    gboolean has_upstream; /* FALSE on a root bus */

    gboolean is_vf;
    PcaAddress pf; /* valid when is_vf */
    guint num_vfs; /* enabled now; of a PF */
    guint total_vfs;

    char *driver;          /* bound now; NULL without one */
    char *driver_override; /* NULL without one */
    char *power;          /* "auto,1": power/control, and d3cold_allowed after the comma, each empty
                             where the kernel has none for it; NULL: it has neither, or not read */
    char *node_owner;     /* of its IOMMU group's node, "UID:GID:MODE", where a claim has found it
                             on a vfio driver; NULL in a snapshot, which cannot see nodes */
    char **reset_methods; /* in the order in which the kernel tries them; empty: none; never NULL */
    gboolean reserved_direct; /* a reserved region of type "direct" (RMRR) in its group */
    char *description;        /* from the hardware database; NULL when it knows nothing */

    gatomicrefcount refs;
} PcaFunction;

/* A zeroed function with one reference and no group; fill it in before sharing it. */
PcaFunction *pca_function_new(const PcaAddress *address);
PcaFunction *pca_function_ref(PcaFunction *function);
void pca_function_unref(PcaFunction *function);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaFunction, pca_function_unref)

/* A copy with this node_owner. */
PcaFunction *pca_function_with_node_owner(const PcaFunction *function, const char *node_owner);

gboolean pca_function_is_bridge(const PcaFunction *function);

/* Whether the driver is vfio-pci or another vfio variant, by the name. */
gboolean pca_driver_is_vfio(const char *driver);

/* Whether VFIO lets the function's IOMMU group go as far as this member is concerned: it is
 * unbound, on a vfio driver, or on one that does no DMA of its own (drivers/vfio/group.c,
 * iommu_group_claim_dma_owner()). */
gboolean pca_function_lets_group_go(const PcaFunction *function);

/* Whether everything that a D-Bus or JSON reader sees of the two is the same. */
gboolean pca_function_same(const PcaFunction *a, const PcaFunction *b);
