/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether a disk is a member of a file system of several disks, which mountinfo does not
 * say for all of them: btrfs, bcachefs, ZFS.
 * Thread: any. Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <libudev.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* ---- File systems of several disks ---- */

/* fs/btrfs/UUID/devices/NAME exists for each member of a mounted file system. */
static void check_btrfs(const PcaUse *use, const char *disk) {
    g_autofree char *path = g_build_filename(use->root->sysfs, "fs/btrfs", NULL);
    g_auto(GStrv) uuids = pca_use_list(use, path);
    for (char **uuid = uuids; uuid && *uuid; uuid++) {
        g_autofree char *member = g_build_filename(path, *uuid, "devices", disk, NULL);
        if (access(member, F_OK) == 0 || errno != ENOENT)
            pca_use_fail(use, *uuid, "unmount that file system",
                         "disk %s of %s belongs to the mounted btrfs %s", disk, use->address,
                         *uuid);
    }
}

/* fs/bcachefs/UUID/dev-N/block links to each member. */
static void check_bcachefs(const PcaUse *use, const char *disk) {
    g_autofree char *path = g_build_filename(use->root->sysfs, "fs/bcachefs", NULL);
    g_auto(GStrv) uuids = pca_use_list(use, path);
    for (char **uuid = uuids; uuid && *uuid; uuid++) {
        g_autofree char *directory = g_build_filename(path, *uuid, NULL);
        g_auto(GStrv) names = pca_use_list(use, directory);
        for (char **name = names; name && *name; name++) {
            g_autofree char *member = g_build_filename(directory, *name, NULL);
            g_autofree char *block = pca_read_link_name(member, "block");
            if (g_strcmp0(block, disk) == 0)
                pca_use_fail(use, *uuid, "unmount that file system",
                             "disk %s of %s belongs to the mounted bcachefs %s", disk, use->address,
                             *uuid);
        }
    }
}

/* ---- ZFS ---- */

/* Each imported pool has a directory there, beside files of statistics; NULL when that cannot be
 * read, which has been said. */
static char **imported_pools(const PcaUse *use) {
    g_autofree char *path = g_build_filename(use->root->proc, "spl/kstat/zfs", NULL);
    g_auto(GStrv) names = pca_use_list(use, path);
    if (!names)
        return NULL;
    GPtrArray *pools = g_ptr_array_new();
    for (char **name = names; *name; name++) {
        g_autofree char *pool = g_build_filename(path, *name, NULL);
        if (!g_file_test(pool, G_FILE_TEST_IS_REGULAR))
            g_ptr_array_add(pools, g_strdup(*name));
    }
    g_ptr_array_add(pools, NULL);
    return (char **)g_ptr_array_free(pools, FALSE);
}

/* The udev database's entry for the disk; NULL when it has none, or the tree is not the running
 * kernel's. */
static struct udev_device *udev_entry(const PcaUse *use, struct udev *udev, const char *number) {
    unsigned major_number, minor_number;
    if (!udev || !pca_root_is_live(use->root) ||
        sscanf(number, "%u:%u", &major_number, &minor_number) != 2)
        return NULL;
    struct udev_device *device =
        udev_device_new_from_devnum(udev, 'b', makedev(major_number, minor_number));
    if (!device || udev_device_get_is_initialized(device))
        return device;
    udev_device_unref(device);
    return NULL;
}

static void fail_zfs(const PcaUse *use, const char *disk, char **pools,
                     struct udev_device *device) {
    if (!device) {
        pca_use_fail(use, pools[0], "export the pool, or see that udev knows the disk",
                     "cannot tell whether disk %s of %s belongs to an imported ZFS pool", disk,
                     use->address);
        return;
    }
    const char *type = udev_device_get_property_value(device, "ID_FS_TYPE");
    const char *pool = udev_device_get_property_value(device, "ID_FS_LABEL");
    if (g_strcmp0(type, "zfs_member") != 0 ||
        (pool && !g_strv_contains((const char *const *)pools, pool)))
        return;
    g_autofree char *fix = pool ? g_strdup_printf("zpool export %s", pool) : NULL;
    pca_use_fail(use, pool ? pool : "zfs", fix, "disk %s of %s belongs to the imported ZFS pool %s",
                 disk, use->address, pool ? pool : "(unnamed)");
}

/* ZFS has no holders links, and its mounts do not name disks. */
static void check_zfs(const PcaUse *use, const char *disk, const char *number) {
    g_auto(GStrv) pools = imported_pools(use);
    if (!pools || !pools[0])
        return;
    struct udev *udev = udev_new();
    struct udev_device *device = udev_entry(use, udev, number);
    fail_zfs(use, disk, pools, device);
    udev_device_unref(device);
    udev_unref(udev);
}

void pca_use_pools(const PcaUse *use, const char *disk, const char *number, gboolean mounted) {
    if (!mounted) {
        check_btrfs(use, disk);
        check_bcachefs(use, disk);
    }
    check_zfs(use, disk, number);
}
