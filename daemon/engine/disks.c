/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: holding disks.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/disks.h"

#include <errno.h>

#include "sys/in-use.h"

static gboolean hold(PcaKernel *kernel, const char *device, const PcaUseNode *disk, PcaFds *held,
                     GError **error) {
    int fd = kernel->ops->hold_disk(kernel, disk->number);
    if (fd >= 0)
        pca_fds_consume(held, "disk", disk->name, device, fd);
    else if (fd == -EBUSY)
        g_set_error(error, PCA_ERROR, PCA_ERROR_IN_USE,
                    "disk %s of %s has come into use: it is mounted, or opened exclusively",
                    disk->name, device);
    else if (fd != -ENOMEDIUM)
        pca_error_set_errno(error, PCA_ERROR_FAILED, -fd,
                            "%s: opening disk %s, to keep others from it", device, disk->name);
    return fd >= 0 || fd == -ENOMEDIUM;
}

PcaFds *pca_disks_hold(PcaKernel *kernel, const char *device, GError **error) {
    PcaAddress address;
    if (!pca_address_parse(device, &address)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s is no address", device);
        return NULL;
    }
    g_autoptr(PcaUseLook) look = pca_use_look_new(kernel->root);
    g_autoptr(GPtrArray) disks = pca_in_use_disks(look, &address, error);
    g_autoptr(GPtrArray) held = pca_fds_new();
    for (guint i = 0; disks && i < disks->len; i++)
        if (!hold(kernel, device, g_ptr_array_index(disks, i), held, error))
            return NULL;
    return disks ? g_steal_pointer(&held) : NULL;
}
