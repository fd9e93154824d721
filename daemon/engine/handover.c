/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: handing VFIO descriptors over.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "base/error.h"
#include "engine/locked.h"

static gboolean raise_memlock(PcaKernel *kernel, int pidfd, guint64 locked, GError **error) {
    struct sysinfo info;
    sysinfo(&info);
    guint64 limit = pca_memlock_limit(locked, (guint64)info.totalram * info.mem_unit);
    int result = kernel->ops->raise_memlock(kernel, pidfd, limit);
    if (result < 0)
        pca_error_set_errno(
            error, PCA_ERROR_FAILED, -result,
            "raising the caller's locked-memory limit to %" G_GUINT64_FORMAT " bytes", limit);
    return result >= 0;
}

static gboolean fail_opening(int result, PcaError code, const char *label, const char *what,
                             GError **error) {
    gboolean labelled = label && *label;
    pca_error_set_errno(error, code, -result, "%s%s%s", what,
                        labelled ? " with the SELinux label " : "", labelled ? label : "");
    return FALSE;
}

static gboolean add_iommufd(PcaKernel *kernel, const char *label, PcaFds *fds, GError **error) {
    dev_t number = pca_read_device_number(kernel->root, "class/misc/iommu/dev");
    if (number == 0) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                    "this kernel has no /dev/iommu (CONFIG_IOMMUFD)");
        return FALSE;
    }
    int fd = kernel->ops->open_node(kernel, number, label);
    if (fd < 0)
        return fail_opening(fd, PCA_ERROR_FAILED, label, "opening a new iommufd", error);
    pca_fds_consume(fds, "iommufd", "", "", fd);
    int result = kernel->ops->set_rlimit_mode(kernel, fd);
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result,
                            "setting the iommufd to account memory per process");
    return result >= 0;
}

/* The directory of a function that is still ours: right identity, on the vfio driver that its
 * override names; -1 with *error otherwise. */
static int claimed_directory(PcaStepContext *context, const PcaHandoverDevice *device,
                             GError **error) {
    int directory = pca_step_directory(context, device->address, device->identity, error);
    if (directory < 0)
        return -1;
    g_autofree char *driver = pca_step_driver(directory);
    g_autofree char *override = pca_step_override(directory);
    if (pca_driver_is_vfio(driver) && g_strcmp0(driver, override) == 0)
        return directory;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                "%s was rebound by somebody else: its driver is %s, its driver_override %s",
                device->address, driver ? driver : "none", override ? override : "empty");
    return -1;
}

static gboolean add_node(PcaKernel *kernel, dev_t number, const char *label, const char *role,
                         const PcaHandoverDevice *device, PcaFds *fds, GError **error) {
    int fd = number ? kernel->ops->open_node(kernel, number, label) : -ENXIO;
    if (fd < 0) {
        g_autofree char *what =
            g_strdup_printf("%s: opening its VFIO %s node", device->address, role);
        return fail_opening(fd, fd == -EBUSY ? PCA_ERROR_BUSY : PCA_ERROR_FAILED, label, what,
                            error);
    }
    pca_fds_consume(fds, role, device->name, device->address, fd);
    return TRUE;
}

static gboolean add_device(PcaKernel *kernel, PcaStepContext *context,
                           const PcaHandoverDevice *device, const char *label, PcaFds *fds,
                           GError **error) {
    int directory = claimed_directory(context, device, error);
    return directory >= 0 &&
           add_node(kernel, pca_step_vfio_number(directory), label, "device", device, fds, error);
}

static gboolean add_container(PcaKernel *kernel, const char *label, PcaFds *fds, GError **error) {
    dev_t number = pca_read_device_number(kernel->root, "class/misc/vfio/dev");
    int fd = number ? kernel->ops->open_node(kernel, number, label) : -ENXIO;
    if (fd < 0)
        return fail_opening(fd, number ? PCA_ERROR_FAILED : PCA_ERROR_UNSUPPORTED, label,
                            "opening a new VFIO container", error);
    pca_fds_consume(fds, "container", "", "", fd);
    return TRUE;
}

/* The number of the group's node (class/vfio/GROUP/dev), 0 without one. `seen` is a set of group
 * names; *fresh tells whether this one was not in it yet. */
static dev_t group_number(PcaKernel *kernel, int directory, GHashTable *seen, gboolean *fresh) {
    g_autofree char *group = pca_step_group(directory);
    g_autofree char *path = g_strdup_printf("class/vfio/%s/dev", group ? group : "");
    *fresh = !group || g_hash_table_add(seen, g_strdup(group));
    return group ? pca_read_device_number(kernel->root, path) : 0;
}

gboolean pca_handover_group(PcaKernel *kernel, const PcaHandoverDevice *devices, gsize n_devices,
                            const PcaHandoverClient *client, PcaFds *fds, GError **error) {
    g_autoptr(PcaStepContext) context = pca_step_context_new(kernel);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!client->joins && !add_container(kernel, client->label, fds, error))
        return FALSE;
    for (gsize i = 0; i < n_devices; i++) {
        gboolean fresh;
        int directory = claimed_directory(context, &devices[i], error);
        dev_t number = directory < 0 ? 0 : group_number(kernel, directory, seen, &fresh);
        if (directory < 0 ||
            (fresh && !add_node(kernel, number, client->label, "group", &devices[i], fds, error)))
            return FALSE;
    }
    return client->locked == 0 || raise_memlock(kernel, client->pidfd, client->locked, error);
}

/* The uid alone: group and mode are its own to change. */
static gboolean check_node_owner(PcaKernel *kernel, const PcaHandoverDevice *device, int directory,
                                 uid_t wanted, GError **error) {
    PcaOwner now;
    g_autofree char *group = pca_step_group(directory);
    int result = group ? kernel->ops->read_owner(kernel, atoi(group), &now) : -ENOENT;
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "%s: looking at its VFIO group node",
                            device->address);
    else if (now.uid != wanted)
        g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                    "%s: somebody else gave /dev/vfio/%s to uid %u; it should belong to uid %u",
                    device->address, group, (unsigned)now.uid, (unsigned)wanted);
    return result == 0 && now.uid == wanted;
}

gboolean pca_handover_node(PcaKernel *kernel, const PcaHandoverDevice *devices, gsize n_devices,
                           uid_t owner, guint64 locked, int pidfd, GError **error) {
    g_autoptr(PcaStepContext) context = pca_step_context_new(kernel);
    for (gsize i = 0; i < n_devices; i++) {
        int directory = claimed_directory(context, &devices[i], error);
        if (directory < 0 || !check_node_owner(kernel, &devices[i], directory, owner, error))
            return FALSE;
    }
    return locked == 0 || raise_memlock(kernel, pidfd, locked, error);
}

gboolean pca_handover_cdev(PcaKernel *kernel, const PcaHandoverDevice *devices, gsize n_devices,
                           const PcaHandoverClient *client, PcaFds *fds, GError **error) {
    g_autoptr(PcaStepContext) context = pca_step_context_new(kernel);
    if (!client->joins && !add_iommufd(kernel, client->label, fds, error))
        return FALSE;
    for (gsize i = 0; i < n_devices; i++)
        if (!add_device(kernel, context, &devices[i], client->label, fds, error))
            return FALSE;
    return client->locked == 0 || raise_memlock(kernel, client->pidfd, client->locked, error);
}
