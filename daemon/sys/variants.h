/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which VFIO driver the kernel's modules have for a function: a variant made for the
 * device, or vfio-pci. By the aliases "vfio_pci:..." of the modules' index, as libkmod reads it;
 * nothing is loaded.
 * Thread: one. Ownership: the index stays open as long as the PcaVariants.
 */
#pragma once

#include "pci/function.h"
#include "sys/root.h"

typedef struct PcaVariants PcaVariants;

/* NULL when the running kernel's modules have no index below root->modules: then it is not known
 * what VFIO would use. */
PcaVariants *pca_variants_new(const PcaRoot *root);
void pca_variants_free(PcaVariants *variants);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaVariants, pca_variants_free)

/* FALSE when the index was written anew since then (depmod), so that it has to be opened anew. */
gboolean pca_variants_are_current(PcaVariants *variants);

/* The driver's name, "mlx5_vfio_pci"; "vfio-pci" where there is no variant. Of several the one
 * whose alias has the fewest wildcards. NULL of a bridge, which VFIO takes none of, and without
 * `variants`. Free with g_free. */
char *pca_variants_find(PcaVariants *variants, const PcaFunction *function);
