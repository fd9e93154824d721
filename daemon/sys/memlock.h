/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the limit of locked memory (RLIMIT_MEMLOCK, getrlimit(2)) of another process, which is
 * what VFIO and iommufd charge a guest's memory to.
 * Thread: any. Ownership: the pidfd stays the caller's.
 */
#pragma once

#include "sys/root.h"

/* Raises the limit, soft and hard, of the live process behind `pidfd` to `bytes`; never lowers it.
 * 0 or -errno: -ESRCH when the process has gone, -EBADF for what is no pidfd. */
int pca_memlock_raise(const PcaRoot *root, int pidfd, guint64 bytes);
