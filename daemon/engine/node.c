/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the nodes of IOMMU groups in other hands.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/node.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"

#define POLL_INTERVAL (20 * G_TIME_SPAN_MILLISECOND)
#define UDEV_TIMEOUT (5 * G_TIME_SPAN_SECOND)
#define ATTEMPTS 3

static gboolean read_time(const char *path, struct timespec *time) {
    struct stat status;
    if (lstat(path, &status) < 0)
        return FALSE;
    *time = status.st_mtim;
    return TRUE;
}

static gboolean is_before(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* udev writes an entry for each device with a number once its rules have run (device_update_db() in
 * systemd's src/libsystemd/sd-device/device-private.c). One of an earlier node of this number may
 * be there still: that is older than the node. Only its making and udev change a node's mtime. */
gboolean pca_node_is_settled(const PcaRoot *root, int group) {
    g_autofree char *control = g_build_filename(root->udev, "control", NULL);
    if (!g_file_test(control, G_FILE_TEST_EXISTS))
        return TRUE;
    g_autofree char *attribute = g_strdup_printf("class/vfio/%d/dev", group);
    dev_t number = pca_read_device_number(root, attribute);
    g_autofree char *node = g_strdup_printf("%s/vfio/%d", root->dev, group);
    g_autofree char *entry =
        g_strdup_printf("%s/data/c%u:%u", root->udev, major(number), minor(number));
    struct timespec made, handled;
    return read_time(node, &made) && read_time(entry, &handled) && !is_before(&handled, &made);
}

static void await_udev(PcaKernel *kernel, const char *device, int group) {
    for (gint64 waited = 0; !pca_node_is_settled(kernel->root, group); waited += POLL_INTERVAL) {
        if (waited >= UDEV_TIMEOUT) {
            g_warning("%s: udev has not handled the node of IOMMU group %d within 5 seconds",
                      device, group);
            return;
        }
        kernel->ops->sleep(kernel, POLL_INTERVAL);
    }
}

static gboolean fail(int result, const char *device, int group, const char *what, GError **error) {
    pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "%s: %s the node of IOMMU group %d",
                        device, what, group);
    return FALSE;
}

gboolean pca_node_check(PcaKernel *kernel, const char *device, int group, const PcaOwner *owner,
                        GError **error) {
    PcaOwner now;
    int result = kernel->ops->read_owner(kernel, group, &now);
    if (result < 0)
        return fail(result, device, group, "looking at", error);
    if (pca_owner_equal(&now, owner))
        return TRUE;
    g_autofree char *wanted = pca_owner_format(owner);
    g_autofree char *found = pca_owner_format(&now);
    g_set_error(
        error, PCA_ERROR, PCA_ERROR_BUSY,
        "%s: somebody else changed /dev/vfio/%d: its owner, group, mode and label should be %s "
        "and are %s",
        device, group, wanted, found);
    return FALSE;
}

gboolean pca_node_give(PcaKernel *kernel, const char *device, int group, const PcaOwner *owner,
                       GError **error) {
    g_autoptr(GError) changed = NULL;
    await_udev(kernel, device, group);
    for (int i = 0; i < ATTEMPTS; i++) {
        int result = kernel->ops->write_owner(kernel, group, owner);
        if (result < 0)
            return fail(result, device, group, "changing owner and label of", error);
        kernel->ops->sleep(kernel, POLL_INTERVAL);
        g_clear_error(&changed);
        if (pca_node_check(kernel, device, group, owner, &changed))
            return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&changed));
    return FALSE;
}

void pca_node_take(PcaKernel *kernel, const char *device, int group) {
    int result = kernel->ops->write_owner(kernel, group, &PCA_OWNER_ROOT);
    if (result < 0 && result != -ENOENT)
        g_warning("%s: taking the node of IOMMU group %d back: %s", device, group,
                  g_strerror(-result));
}
