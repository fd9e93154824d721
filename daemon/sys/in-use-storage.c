/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether the host uses a disk of a function: mounts in any namespace, swap,
 * device-mapper, md, bcache, loop, and file systems of several disks (in-use-pools.c). The kernel
 * does not keep a disk that is in use from losing its driver. For a process that only has the disk
 * open see in-use-nodes.c.
 * Thread: any. Ownership: see in-use-internal.h.
 *
 * Which disks are a function's: every entry of class/block whose real path lies below the
 * function's (so also those of virtio, SCSI hosts, USB and of functions behind a VMD controller).
 * With NVMe's native multipath the disk that is mounted lies below devices/virtual/nvme-subsystem;
 * below the controller there is a hidden one, nvmeScCnN, with S the subsystem's, C the controller's
 * and N the namespace's number, and the visible one is called nvmeSnN (nvme_mpath_alloc_disk and
 * nvme_alloc_ns in drivers/nvme/host: read in source, not tried). So a namespace that this
 * controller has a path to is this function's, also when there is a second path: losing one is the
 * host's decision, not ours.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

typedef struct {
    const PcaUse *use;
    GPtrArray *host_mounts; /* of pid 1; the look's */
    GHashTable *swaps;      /* sysfs name -> path as in /proc/swaps */
    GHashTable *loops;      /* sysfs name of a backing device -> name of the loop device */
} Storage;

typedef struct {
    const char *name;
    char *directory; /* real path */
    char *number;    /* "MAJOR:MINOR"; NULL for a hidden one */
} Disk;

/* ---- Which disks ---- */

/* "nvme0n1" for "nvme0c1n1"; NULL for any other name. */
static char *multipath_head(const char *path) {
    unsigned subsystem, controller, namespace;
    char rest;
    if (sscanf(path, "nvme%uc%un%u%c", &subsystem, &controller, &namespace, &rest) != 3)
        return NULL;
    return g_strdup_printf("nvme%un%u", subsystem, namespace);
}

/* Adds the disk and its partitions. FALSE: something could not be read, and that has been said. */
static gboolean add_head(const PcaUse *use, GHashTable *disks, const char *path) {
    g_autofree char *head = multipath_head(path);
    g_autofree char *directory = head ? pca_class_directory(use->root, "block", head) : NULL;
    if (!directory)
        return TRUE;
    g_auto(GStrv) members = pca_use_class_members(use, "block", directory);
    for (char **name = members; name && *name; name++)
        g_hash_table_add(disks, g_strdup(*name));
    return members != NULL;
}

/* Hidden paths are looked for below the controllers too, in case a kernel leaves them out of
 * class/block. */
static gboolean add_heads(const PcaUse *use, GHashTable *disks) {
    g_auto(GStrv) controllers = pca_use_class_members(use, "nvme", use->directory);
    for (char **controller = controllers; controller && *controller; controller++) {
        g_autofree char *directory = pca_class_directory(use->root, "nvme", *controller);
        g_auto(GStrv) names = pca_use_list(use, directory ? directory : "");
        for (char **name = names; name && *name; name++)
            if (!add_head(use, disks, *name))
                return FALSE;
        if (!names)
            return FALSE;
    }
    return controllers != NULL;
}

GList *pca_use_disks(const PcaUse *use, GHashTable *disks) {
    g_auto(GStrv) below = pca_use_class_members(use, "block", use->directory);
    for (char **name = below; name && *name; name++) {
        g_hash_table_add(disks, g_strdup(*name));
        if (!add_head(use, disks, *name))
            return NULL;
    }
    if (!below || !add_heads(use, disks))
        return NULL;
    return g_list_sort(g_hash_table_get_keys(disks), (GCompareFunc)strcmp);
}

/* ---- Mounts ---- */

static gboolean mount_is_of(const PcaMount *mount, const Disk *disk) {
    return g_strcmp0(mount->number, disk->number) == 0 ||
           g_strv_contains((const char *const *)mount->disks, disk->name);
}

static void fail_mount(const PcaUse *use, const Disk *disk, const PcaMount *mount) {
    g_autofree char *where =
        mount->pid == 1 ? g_strdup("")
                        : g_strdup_printf(" in the mount namespace of process %d", mount->pid);
    g_autofree char *fix = NULL;
    if (mount->pid != 1)
        fix = g_strdup_printf("stop that process, or: nsenter -t %d -m umount %s", mount->pid,
                              mount->where);
    else if (g_str_equal(mount->where, "/"))
        fix = g_strdup("the host runs from it: it cannot be given away");
    else
        fix = g_strdup_printf("unmount it: umount %s", mount->where);
    pca_use_fail(use, mount->where, fix, "disk %s of %s is mounted on %s%s", disk->name,
                 use->address, mount->where, where);
}

/* How many. One for each mount point, however often it is mounted there. */
static guint fail_mounts(const PcaUse *use, const Disk *disk, GPtrArray *mounts) {
    g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < mounts->len; i++) {
        const PcaMount *mount = g_ptr_array_index(mounts, i);
        if (mount_is_of(mount, disk) && g_hash_table_add(told, mount->where))
            fail_mount(use, disk, mount);
    }
    return g_hash_table_size(told);
}

guint pca_use_mounts(const PcaUse *use, const char *name, dev_t number, GPtrArray *mounts) {
    g_autofree char *text = g_strdup_printf("%u:%u", major(number), minor(number));
    return fail_mounts(use, &(Disk){name, NULL, text}, mounts);
}

/* ---- Swap and loop ---- */

static void check_swap(Storage *storage, const Disk *disk) {
    const char *path = g_hash_table_lookup(storage->swaps, disk->name);
    g_autofree char *fix = path ? g_strdup_printf("swapoff %s", path) : NULL;
    if (path)
        pca_use_fail(storage->use, path, fix, "disk %s of %s is swap space", disk->name,
                     storage->use->address);
}

static void check_loop(Storage *storage, const Disk *disk) {
    const char *loop = g_hash_table_lookup(storage->loops, disk->name);
    g_autofree char *fix = loop ? g_strdup_printf("losetup -d /dev/%s", loop) : NULL;
    if (loop)
        pca_use_fail(storage->use, loop, fix, "disk %s of %s is behind loop device %s", disk->name,
                     storage->use->address, loop);
}

/* ---- Holders ---- */

/* What makes volumes of device-mapper, by the beginning of their dm/uuid. */
static const struct {
    const char *prefix, *what, *fix;
} mappers[] = {
    {"LVM-", ", a logical volume", "deactivate it: lvchange -a n /dev/mapper/"},
    {"CRYPT-", ", encrypted", "close it: cryptsetup close "},
    {"", "", "deactivate it, for example: dmsetup remove "},
};

static guint find_mapper(const char *directory) {
    g_autofree char *uuid = pca_read_text(directory, "dm/uuid", NULL);
    guint i = 0;
    while (!g_str_has_prefix(uuid ? uuid : "", mappers[i].prefix))
        i++;
    return i;
}

static char *holder_fix(const char *holder) {
    if (g_str_has_prefix(holder, "md"))
        return g_strdup_printf("mdadm --stop /dev/%s", holder);
    if (g_str_has_prefix(holder, "bcache"))
        return g_strdup_printf("echo 1 > /sys/block/%s/bcache/stop", holder);
    return g_strdup_printf("stop %s", holder);
}

/* " mounted on /", or "". */
static char *mounted_where(Storage *storage, const char *holder, const char *directory) {
    g_autofree char *number = directory ? pca_read_text(directory, "dev", NULL) : NULL;
    Disk disk = {holder, NULL, number};
    for (guint i = 0; i < storage->host_mounts->len; i++) {
        const PcaMount *mount = g_ptr_array_index(storage->host_mounts, i);
        if (mount_is_of(mount, &disk))
            return g_strdup_printf(", mounted on %s", mount->where);
    }
    return g_strdup("");
}

static void fail_holder(Storage *storage, const Disk *disk, const char *holder) {
    g_autofree char *directory = pca_class_directory(storage->use->root, "block", holder);
    g_autofree char *mapped = directory ? pca_read_text(directory, "dm/name", NULL) : NULL;
    g_autofree char *where = mounted_where(storage, holder, directory);
    guint mapper = mapped ? find_mapper(directory) : 0;
    g_autofree char *fix =
        mapped ? g_strconcat(mappers[mapper].fix, mapped, NULL) : holder_fix(holder);
    pca_use_fail(storage->use, mapped ? mapped : holder, fix,
                 "disk %s of %s is part of %s%s%s%s%s%s", disk->name, storage->use->address, holder,
                 mapped ? " (" : "", mapped ? mapped : "", mapped ? mappers[mapper].what : "",
                 mapped ? ")" : "", where);
}

static void check_holders(Storage *storage, const Disk *disk) {
    g_autofree char *path = g_build_filename(disk->directory, "holders", NULL);
    g_auto(GStrv) holders = pca_use_list(storage->use, path);
    for (char **holder = holders; holder && *holder; holder++)
        fail_holder(storage, disk, *holder);
}

/* ---- Gathering ---- */

static gboolean read_swaps(Storage *storage) {
    g_autoptr(GError) error = NULL;
    const PcaRoot *root = storage->use->root;
    g_autofree char *path = g_build_filename(root->proc, "swaps", NULL);
    g_autofree char *text = pca_read_text(root->proc, "swaps", &error);
    if (!text && access(path, F_OK) != 0 && errno == ENOENT)
        return TRUE; /* a kernel without CONFIG_SWAP */
    if (!text) {
        pca_use_fail(storage->use, "swap", NULL, "cannot tell whether a disk of %s is swap: %s",
                     storage->use->address, error->message);
        return FALSE;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        (*line)[strcspn(*line, " \t")] = '\0';
        g_autofree char *source = g_strcompress(*line);
        char *name = pca_disk_name(root, source);
        if (name)
            g_hash_table_insert(storage->swaps, name, g_steal_pointer(&source));
    }
    return TRUE;
}

/* An unused loop device has no such file; one that cannot be read may be over any disk. */
static gboolean read_loop(Storage *storage, const char *class, const char *name) {
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = g_build_filename(class, name, NULL);
    g_autofree char *path = g_build_filename(directory, "loop/backing_file", NULL);
    g_autofree char *backing = pca_read_text(directory, "loop/backing_file", &error);
    char *disk = backing ? pca_disk_name(storage->use->root, backing) : NULL;
    if (disk)
        g_hash_table_insert(storage->loops, disk, g_strdup(name));
    if (backing || access(path, F_OK) != 0)
        return TRUE;
    pca_use_fail(storage->use, name, NULL, "cannot tell whether %s is over a disk of %s: %s", name,
                 storage->use->address, error->message);
    return FALSE;
}

static gboolean read_loops(Storage *storage) {
    g_autofree char *class = g_build_filename(storage->use->root->sysfs, "class/block", NULL);
    g_auto(GStrv) names = pca_use_list(storage->use, class);
    for (char **name = names; name && *name; name++)
        if (g_str_has_prefix(*name, "loop") && !read_loop(storage, class, *name))
            return FALSE;
    return names != NULL;
}

static gboolean storage_open(Storage *storage, const PcaUse *use) {
    g_autoptr(GError) error = NULL;
    storage->use = use;
    storage->swaps = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    storage->loops = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    storage->host_mounts = pca_use_look_host_mounts(use->look, &error);
    if (error)
        pca_use_fail(use, "mountinfo", NULL, "cannot tell whether a disk of %s is mounted: %s",
                     use->address, error->message);
    return storage->host_mounts && read_swaps(storage) && read_loops(storage);
}

static void storage_close(Storage *storage) {
    g_hash_table_unref(storage->swaps);
    g_hash_table_unref(storage->loops);
}

static void check_disk(Storage *storage, const char *name) {
    const PcaUse *use = storage->use;
    Disk disk = {.name = name};
    g_autofree char *directory = pca_class_directory(use->root, "block", name);
    g_autofree char *number = directory ? pca_read_text(directory, "dev", NULL) : NULL;
    guint64 hidden = 0;
    if (directory && pca_read_number(directory, "hidden", &hidden) && hidden != 0)
        return; /* it cannot be opened; its head is asked instead */
    if (!number) {
        pca_use_fail(use, name, NULL, "cannot read the device number of disk %s of %s", name,
                     use->address);
        return;
    }
    disk.directory = directory;
    disk.number = number;
    gboolean mounted = fail_mounts(use, &disk, storage->host_mounts) > 0;
    check_swap(storage, &disk);
    check_loop(storage, &disk);
    check_holders(storage, &disk);
    pca_use_pools(use, name, number, mounted);
}

void pca_use_storage(const PcaUse *use) {
    g_autoptr(GHashTable) disks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GList) names = pca_use_disks(use, disks);
    if (!names)
        return;
    Storage storage = {0};
    if (storage_open(&storage, use))
        for (GList *name = names; name; name = name->next)
            check_disk(&storage, name->data);
    storage_close(&storage);
}
