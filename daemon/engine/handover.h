/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: opens the VFIO nodes of prepared functions for a client.
 * Thread: the worker's. Ownership: the descriptors are added to the caller's list.
 */
#pragma once

#include "base/fds.h"
#include "engine/step.h"

/* The ways of handing over; the names are those of the option "handoff". */
#define PCA_HANDOFF_CDEV "cdev"
#define PCA_HANDOFF_GROUP "group"
#define PCA_HANDOFF_NODE "node"

typedef struct {
    const char *address;
    const char *identity;
    const char *name; /* of the device as the client asked for it */
} PcaHandoverDevice;

/* For whom; borrowed. */
typedef struct {
    gboolean joins;    /* it has an iommufd, or a container, and gets none */
    guint64 locked;    /* bytes that its process locks (locked.h); 0: its limit is left alone */
    int pidfd;         /* of its process; not looked at unless it locks something */
    const char *label; /* that each private node gets before it is opened; NULL or "": none */
} PcaHandoverClient;

/* A fresh iommufd (locked memory accounted per process) and the device node of each function, role
 * "iommufd" and "device". Each function is looked at once more: right identity, on a vfio driver
 * that its driver_override names as well. RLIMIT_MEMLOCK of the client's process is raised to what
 * one needs that locks that much, at most the machine's RAM; never lowered. */
gboolean pca_handover_cdev(PcaKernel *kernel, const PcaHandoverDevice *devices, gsize n_devices,
                           const PcaHandoverClient *client, PcaFds *fds, GError **error);

/* A fresh container and the node of each function's IOMMU group, role "container" and "group"; a
 * group goes by the name and address of the first function in it. The kernel lets a group be opened
 * once at a time: Busy while somebody has it open. Otherwise as above. */
gboolean pca_handover_group(PcaKernel *kernel, const PcaHandoverDevice *devices, gsize n_devices,
                            const PcaHandoverClient *client, PcaFds *fds, GError **error);

/* For a client that opens the group's node by its path, which a step of the claim has given to
 * `owner`: no descriptor. Looks whether the node of each function is still its own (Busy when
 * not), and raises the limit as above. */
gboolean pca_handover_node(PcaKernel *kernel, const PcaHandoverDevice *devices, gsize n_devices,
                           uid_t owner, guint64 locked, int pidfd, GError **error);
