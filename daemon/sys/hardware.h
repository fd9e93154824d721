/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reads what pci/ needs to describe and explain functions: config spaces, regions, the
 * topology of a snapshot.
 * Thread: any; blocks only as long as sysfs does (config space waits for a reset that is under way,
 * and wakes a sleeping bridge). Ownership: what is returned is the caller's unless called borrowed.
 */
#pragma once

#include "pci/describe.h"
#include "pci/isolation.h"
#include "pci/snapshot.h"
#include "sys/root.h"
#include "sys/variants.h"

/* Where the bytes of config spaces come from: the kernel gives an ordinary user, and a process
 * without CAP_SYS_ADMIN, 64 of them, unless it reads a descriptor that somebody with more rights
 * has opened. */
typedef struct {
    int (*lookup)(const PcaAddress *address, gpointer data); /* borrowed; -1: there is none */
    gpointer data;
} PcaConfigSource;

/* As many bytes as may be read, with the function's table of regions. NULL when there is not one
 * byte. `source`: NULL opens sysfs' own file. How large the space is counts as known where the
 * kernel itself tells it; a file of a copied tree may have been cut off. */
PcaConfig *pca_hardware_read_config(const PcaRoot *root, const PcaAddress *address,
                                    const PcaConfigSource *source);

/* Of PcaReservedRegion: those of an IOMMU group; lines that make no sense are left out. NULL when
 * they cannot be read. */
GArray *pca_hardware_read_regions(const PcaRoot *root, int group);

typedef struct {
    PcaSnapshot *snapshot;
    GPtrArray *configs; /* of PcaConfig, as the functions of the snapshot; NULL: not read */
    PcaTopology *topology;
} PcaHardware;

/* Of configs that were read before, in the order of the snapshot's functions and NULL where one was
 * not; takes the array over, and a reference of the snapshot. */
PcaHardware *pca_hardware_new(const PcaRoot *root, PcaSnapshot *snapshot, GPtrArray *configs);

/* Reads the config space of every function of the snapshot, of which it takes a reference. */
PcaHardware *pca_hardware_read(const PcaRoot *root, PcaSnapshot *snapshot,
                               const PcaConfigSource *source);
void pca_hardware_free(PcaHardware *hardware);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaHardware, pca_hardware_free)

/* Borrowed; NULL when it was not read, or there is no such function. */
PcaConfig *pca_hardware_config(const PcaHardware *hardware, const PcaAddress *address);

/* The facts that sysfs and the modules' index know: INTx, reserved regions, virtual functions, VFIO
 * driver. */
PcaFunctionFacts *pca_hardware_facts(const PcaRoot *root, const PcaSnapshot *snapshot,
                                     const PcaFunction *function);

/* The same with an index that is open already; NULL: without the VFIO driver. */
PcaFunctionFacts *pca_hardware_facts_by(const PcaRoot *root, const PcaSnapshot *snapshot,
                                        const PcaFunction *function, PcaVariants *variants);

/* Explains a function's isolation, as pca_describe_isolation: with warnings by what the registers,
 * the kernel's command line and the host's switches say now. Floating; NULL without such a
 * function.
 */
GVariant *pca_hardware_explain(const PcaRoot *root, const PcaHardware *hardware,
                               const PcaAddress *address);
