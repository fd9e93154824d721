/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: resetting a bus with all that is on it, through VFIO: the kernel does so by sysfs for a
 * function that is alone only.
 * Thread: the worker's; blocks for a second and more. Ownership: descriptors are the caller's.
 */
#pragma once

#include <glib.h>

/* Resets bus or slot of the function at `address`, which is in groups[0]. `container` and the
 * `n_groups` groups are new descriptors of VFIO's; afterwards they are good for closing alone. The
 * kernel refuses (-EINVAL) where something on the bus is on another driver, or in another group
 * that somebody has open; it saves and restores the config spaces, and waits until all answer
 * (VFIO_DEVICE_PCI_HOT_RESET in include/uapi/linux/vfio.h; drivers/vfio/pci/vfio_pci_core.c).
 * -errno; -EAGAIN was tried again for a second. */
int pca_hot_reset(int container, const int *groups, guint n_groups, const char *address);
