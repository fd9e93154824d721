/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a kernel for tests, behind the table of sys/kernel.h, on top of a PcaTree. Bind, unbind,
 * override, reset, config space, VFIO nodes and unplug behave as in the contract suite
 * (kernel-contract.h), which the running kernel passes as well.
 * Thread: one a process. Ownership: the caller's; the tree is borrowed and outlives it.
 *
 * The model's state is in the tree (below fake/ what the kernel keeps to itself), so a fork shares
 * it: a test may kill a worker and look at what it left behind. Faults, hooks, events and the clock
 * are each process's own.
 *
 * Every operation has a line, the culprit's address first where there is one:
 *
 *     write 0000:01:00.0/driver_override vfio-pci      (a line end in the value reads \n)
 *     write 0000:01:00.0/driver/unbind 0000:01:00.0
 *     write bus/pci/drivers_probe 0000:01:00.0
 *     write (gone)/reset 1                             (the descriptor's function was removed)
 *     config 0000:01:00.0 0x04=0x0003
 *     open_config 0000:01:00.0
 *     open_group 5
 *     hold_disk 259:0
 *     open_node 511:0                                  (and the label, where one is wanted)
 *     read_owner 5
 *     write_owner 5 1000:0:0600                        (and ":LABEL")
 *     read_file_owner 0000:01:00.0/config
 *     write_file_owner 0000:01:00.0/config 1000:0:0644
 *     set_rlimit_mode
 *     hot_reset 0000:01:00.0 group 5 group 6           (and the groups that were given)
 *     raise_memlock 1073741824
 *
 * Nodes: VFIO's cdevs are 511:N, its groups 242:GROUP, in dev/vfio as plain files; that of a group
 * holds the text of its owner (pca_owner_format), since a test may give no file away. Where the
 * kernel answers with a node's descriptor the fake answers with one of a plain file below fake/
 * that is locked until its last copy is closed, wherever that copy is: in another process, or in
 * flight in a socket. So an unbind from vfio finds out what would block it.
 */
#pragma once

#include "support/tree.h"
#include "sys/kernel.h"

#define PCA_FAKE_CDEV_MAJOR 511
#define PCA_FAKE_GROUP_MAJOR 242
#define PCA_FAKE_IOMMU_NUMBER "10:126"
#define PCA_FAKE_CONTAINER_NUMBER "10:196"

typedef struct PcaFakeKernel PcaFakeKernel;

/* `what`: the operation's line, or the address that an event or a block is about. */
typedef void (*PcaFakeHook)(PcaFakeKernel *fake, const char *what, gpointer data);

/* Set the knobs at any time; all are zero at first. */
struct PcaFakeKernel {
    PcaKernel kernel; /* give &fake->kernel to the code under test */
    PcaTree *tree;
    gpointer data; /* for the three hooks */

    PcaFakeHook before; /* each operation, before it has any effect; may kill, unplug, use, _exit */
    PcaFakeHook after;  /* each operation, once it has had its effect or failed */

    /* An unbind waits for a user (see pca_fake_kernel_use): the links and nodes are gone already.
     * Close the last descriptor here and the unbind goes on. Without this hook, or when it leaves
     * the device in use, the fake gives up with -EINTR where the kernel would wait for ever. */
    PcaFakeHook blocked;

    gint64 node_delay;         /* microseconds of `sleep` between a bind to vfio and its nodes */
    gboolean keeps_bus_master; /* unbind leaves the bit as it is */
    gboolean backwards;        /* what is done side by side comes to pass in reverse order */

    /* Read these. */
    gint64 now;         /* microseconds slept */
    guint n_operations; /* of this process, and those before its fork */
    guint64 memlock;    /* the greatest limit that raise_memlock set */

    gboolean renounced; /* this process has */

    /* Private. */
    guint fail_at;
    int fail_error;
    GPtrArray *faults;
    GPtrArray *events;
};

/* cdev: whether the kernel has /dev/iommu and VFIO's cdevs; groups it always has. Makes
 * class/misc/{iommu,vfio}/dev, and the nodes of functions that are on vfio already. */
PcaFakeKernel *pca_fake_kernel_new(PcaTree *tree, gboolean cdev);
void pca_fake_kernel_free(PcaFakeKernel *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaFakeKernel, pca_fake_kernel_free)

/* ---- What was done ---- */

/* The operations' lines so far, also those of forked processes. */
char **pca_fake_kernel_operations(const PcaFakeKernel *fake);

/* How many lines match the glob, such as "write 0000:01:00.0/reset *". */
guint pca_fake_kernel_count(const PcaFakeKernel *fake, const char *glob);
void pca_fake_kernel_forget(PcaFakeKernel *fake);

/* "cdev 0000:01:00.0", "group 5", "node 10:126" for a descriptor that the fake gave; else NULL. */
char *pca_fake_kernel_describe_fd(const PcaFakeKernel *fake, int fd);

/* The label that such a node got when it was opened last; "" for none. Free with g_free. */
char *pca_fake_kernel_get_label(const PcaFakeKernel *fake, int fd);

/* ---- Faults ---- */

/* The k-th operation from now (1: the next) fails with errno value `errnum` and has no effect. */
void pca_fake_kernel_fail(PcaFakeKernel *fake, guint k, int errnum);

/* The next `times` operations whose line matches the glob fail so; 0: all of them. */
void pca_fake_kernel_fail_matching(PcaFakeKernel *fake, const char *glob, int errnum, guint times);

/* ---- The machine ---- */

/* The driver that takes the function without an override; NULL: none. The fake learns it by itself
 * when it unbinds a driver that no override had called for. */
void pca_fake_kernel_set_native(PcaFakeKernel *fake, const char *address, const char *driver);

/* Probing this driver for the function fails, which drivers_probe does not tell; NULL: no more. */
void pca_fake_kernel_refuse(PcaFakeKernel *fake, const char *address, const char *driver);

/* The next reset returns 0, after which config space reads all ones and `vendor` is unchanged. */
void pca_fake_kernel_die_at_reset(PcaFakeKernel *fake, const char *address);

/* What an owner left in the device's own memory: stays until a reset. NULL when it is clean. */
void pca_fake_kernel_set_secret(PcaFakeKernel *fake, const char *address, const char *secret);
char *pca_fake_kernel_get_secret(const PcaFakeKernel *fake, const char *address);

/* Somebody uses the device (a bound cdev, a device descriptor, a mapping): its group is -EBUSY and
 * its unbind blocks until the last copy of the returned descriptor, the caller's, is closed. */
int pca_fake_kernel_use(PcaFakeKernel *fake, const char *address);

/* Surprise removal, finished; the nodes go as well. */
void pca_fake_kernel_unplug(PcaFakeKernel *fake, const char *address);

/* ---- Time ---- */

/* Calls `event` once the code under test has slept that long; `what` is copied. */
void pca_fake_kernel_later(PcaFakeKernel *fake, gint64 microseconds, PcaFakeHook event,
                           const char *what, gpointer data);
