/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: hot resets.
 * Thread: the worker's. Ownership: see the header.
 */
#include "sys/hot-reset.h"

#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "base/fds.h"

#define TRIES 50
#define TRY_INTERVAL (20 * G_TIME_SPAN_MILLISECOND)

/* EAGAIN: somebody holds the lock of a device on the bus just now, to read an attribute. */
static int try_ioctl(int fd, unsigned long request, gpointer argument) {
    int result;
    for (int i = 0; (result = ioctl(fd, request, argument)) < 0 && i < TRIES; i++) {
        if (errno != EAGAIN && errno != EINTR)
            break;
        g_usleep(TRY_INTERVAL);
    }
    return result < 0 ? -errno : result;
}

static int attach(int container, const int *groups, guint n_groups) {
    for (guint i = 0; i < n_groups; i++)
        if (ioctl(groups[i], VFIO_GROUP_SET_CONTAINER, &container) < 0)
            return -errno;
    return ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0 ? -errno : 0;
}

static int reset(int device, const int *groups, guint n_groups) {
    gsize size = sizeof(struct vfio_pci_hot_reset) + n_groups * sizeof(__s32);
    g_autofree struct vfio_pci_hot_reset *argument = g_malloc0(size);
    argument->argsz = (__u32)size;
    argument->count = n_groups;
    for (guint i = 0; i < n_groups; i++)
        argument->group_fds[i] = groups[i];
    return try_ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, argument);
}

int pca_hot_reset(int container, const int *groups, guint n_groups, const char *address) {
    g_autofree char *name = g_strdup(address);
    int result = attach(container, groups, n_groups);
    if (result < 0)
        return result;
    PCA_AUTO_FD device = try_ioctl(groups[0], VFIO_GROUP_GET_DEVICE_FD, name);
    return device < 0 ? device : reset(device, groups, n_groups);
}
