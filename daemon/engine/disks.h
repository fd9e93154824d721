/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: keeping a function's disks from coming into use between the guard's look and the moment
 * in which the function loses its driver. Thread: the worker's. Ownership: see below.
 */
#pragma once

#include "base/fds.h"
#include "sys/kernel.h"

/* Opens each whole disk of the function exclusively: as long as the descriptors are open, nobody
 * mounts one. They are the caller's; an empty list for a function without disks, or with a drive
 * that has no medium. NULL with InUse and the disk's name when somebody has one meanwhile, with
 * Failed when one cannot be asked. */
PcaFds *pca_disks_hold(PcaKernel *kernel, const char *device, GError **error);
