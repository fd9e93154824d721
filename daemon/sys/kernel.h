/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: every operation that changes the kernel's state or opens one of its VFIO nodes, behind
 * a table, so that tests can put a fake kernel in its place. Only the worker calls it.
 * Thread: one; operations may block as long as the kernel does. Ownership: returned descriptors
 * are the caller's, O_CLOEXEC.
 *
 * Every operation returns 0 (or a descriptor) or a negative errno. Reads need no table: the fake
 * kernel keeps a real directory tree.
 */
#pragma once

#include <sys/types.h>

#include "sys/owner.h"
#include "sys/root.h"
#include "sys/side-by-side.h"

typedef struct PcaKernel PcaKernel;

typedef struct {
    /* Writes the whole of `value` at once to the existing file `name` below directory `dirfd` (a
     * function's own directory, or bus/pci, or a driver's). Blocks while the kernel does. */
    int (*write_attribute)(PcaKernel *kernel, int dirfd, const char *name, const char *value);

    /* Writes the 16-bit `value`, little-endian, at `offset` of the function's config space. */
    int (*write_config16)(PcaKernel *kernel, int dirfd, unsigned offset, guint16 value);

    /* Opens the function's `config` read-only. What the descriptor reads, in any process, is the
     * right of whoever opened it: the whole config space with CAP_SYS_ADMIN, else 64 bytes
     * (pci_read_config() in drivers/pci/pci-sysfs.c). */
    int (*open_config)(PcaKernel *kernel, int dirfd);

    /* Gives up for good what open_config alone needs: from now on its descriptors read 64 bytes. */
    int (*renounce)(PcaKernel *kernel);

    /* Opens dev/vfio/GROUP read-write: -EBUSY says that somebody uses a member of the group. */
    int (*open_group)(PcaKernel *kernel, int group);

    /* Opens the character device `number` read-write through a node of its own in a directory
     * that only root enters, and removes the node again. Where there is a `label`, the node has it
     * before it is opened (sys/label.h), and nothing is opened that cannot have it: the kernel asks
     * for the label whenever somebody receives or uses the descriptor. */
    int (*open_node)(PcaKernel *kernel, dev_t number, const char *label);

    /* Opens the disk with this number read-only and exclusively, by its node in dev, so that nobody
     * mounts it until the descriptor is closed: -EBUSY says that the kernel or a program has it, or a partition of it, exclusively
     * (bd_prepare_to_claim() in block/bdev.c). Waits for a disk that does not answer as long as its
     * driver does. */
    int (*hold_disk)(PcaKernel *kernel, dev_t number);

    /* Owner, mode and label of dev/vfio/GROUP (sys/owner.h). -ENOENT: the group has no node. */
    int (*read_owner)(PcaKernel *kernel, int group, PcaOwner *owner);
    int (*write_owner)(PcaKernel *kernel, int group, const PcaOwner *owner);

    /* Owner, mode and label of the file `name` in a function's own directory (sys/owner.h). */
    int (*read_file_owner)(PcaKernel *kernel, int dirfd, const char *name, PcaOwner *owner);
    int (*write_file_owner)(PcaKernel *kernel, int dirfd, const char *name, const PcaOwner *owner);

    /* IOMMU_OPTION_RLIMIT_MODE = 1 on an iommufd that nothing was done with yet
     * (include/uapi/linux/iommufd.h). */
    int (*set_rlimit_mode)(PcaKernel *kernel, int iommufd);

    /* Resets the bus of the function at `address` with all that is on it; see sys/hot-reset.h. */
    int (*hot_reset)(PcaKernel *kernel, int container, const int *groups, guint n_groups,
                     const char *address);

    /* Raises RLIMIT_MEMLOCK (soft and hard) of the live process behind `pidfd` to `bytes`; never
     * lowers. -ESRCH when the process has gone. */
    int (*raise_memlock)(PcaKernel *kernel, int pidfd, guint64 bytes);

    /* pca_side_by_side; the fake does one after the other. */
    void (*side_by_side)(PcaKernel *kernel, PcaWork work, gpointer data, guint n, GError **errors);

    /* Waits; the fake only advances its clock. */
    void (*sleep)(PcaKernel *kernel, gint64 microseconds);
} PcaKernelOps;

struct PcaKernel {
    const PcaKernelOps *ops;
    const PcaRoot *root; /* borrowed */
};

/* The operations of the running kernel. */
extern const PcaKernelOps pca_kernel_ops;

/* Opens a function's directory below root->sysfs; a descriptor or -errno (-ENOENT: no such
 * function). Everything done through the descriptor reaches this very function: once it is removed
 * the kernel answers ENODEV, even when another one took over its address. */
int pca_open_function(const PcaRoot *root, const char *address);

/* Opens the directory root->sysfs/bus/pci; a descriptor or -errno. */
int pca_open_pci_bus(const PcaRoot *root);

/* The number of a character device from a "MAJOR:MINOR" attribute below root->sysfs, such as
 * class/misc/iommu/dev; 0 when there is none. */
dev_t pca_read_device_number(const PcaRoot *root, const char *path);
