/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: how much memory a VMM locks, by what is told of its virtual machine.
 * Thread: any. Ownership: none.
 *
 * The kernel counts what a VMM maps for DMA against RLIMIT_MEMLOCK: by each address space that maps
 * it (vfio_lock_acct in drivers/vfio/vfio_iommu_type1.c, iopt_pages in
 * drivers/iommu/iommufd/pages.c), and under iommufd the BARs that are mapped there as well.
 */
#pragma once

#include "sys/root.h"

/* Bytes that are locked for `memory` bytes of guest memory, which `spaces` address spaces map each,
 * and the BARs of the functions at the addresses `mapped` (NULL-terminated; may be NULL). 0 where
 * no memory is told; at most 2^64 - 1. A function of which nothing can be read has no BARs. */
guint64 pca_locked_memory(const PcaRoot *root, guint64 memory, guint spaces,
                          const char *const *mapped);

/* RLIMIT_MEMLOCK in bytes for who locks that much: 1 GiB more, for ROMs, tables and queues, and
 * never above `ram`. */
guint64 pca_memlock_limit(guint64 locked, guint64 ram);
