/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the operations of the running kernel: sysfs attributes, config space, VFIO nodes, the
 * iommufd option and the memlock limit.
 * Thread: any; no state but the directory below root->dev, which processes share under its flock.
 * Ownership: descriptors are the caller's.
 */
#include "sys/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/fds.h"
#include "pci/address.h"
#include "sys/hot-reset.h"
#include "sys/memlock.h"
#include "sys/rights.h"
#include "sys/uapi-iommufd.h"

#define NODE_DIRECTORY "pcassign"
#define CONFIG_SPACE_SIZE 4096
#define OPEN_ATTEMPTS 1000
#define ASK_TRIES 3
#define ASK_INTERVAL (3 * G_TIME_SPAN_MILLISECOND)

static int open_retrying(int dirfd, const char *name, int flags) {
    int fd;
    do
        fd = openat(dirfd, name, flags | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

/* Attributes. */

/* A name that cannot lead out of the directory except through a link that the kernel made. */
static gboolean name_is_plain(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    if (!parts[0])
        return FALSE;
    for (int i = 0; parts[i]; i++)
        if (!*parts[i] || g_str_equal(parts[i], ".") || g_str_equal(parts[i], ".."))
            return FALSE;
    return TRUE;
}

static int open_attribute(int dirfd, const char *name, int flags) {
    if (!name_is_plain(name))
        return -EINVAL;
    int fd = open_retrying(dirfd, name, flags | O_NOFOLLOW);
    /* A name below the directory of a removed device is ENOENT, like one that never was. Each
     * directory that is alive has "uevent"; this looks at it without reading it. */
    if (fd == -ENOENT && faccessat(dirfd, "uevent", F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno == ENOENT)
        return -ENODEV;
    return fd;
}

/* They take devices that nobody meant, or block behind others (new_id, remove_id in
 * drivers/pci/pci-driver.c; remove, rescan in drivers/pci/pci-sysfs.c). */
static gboolean is_never_written(const char *name) {
    static const char *const never[] = {"new_id", "remove_id",    "bind",
                                        "remove", "rescan",       "dev_rescan",
                                        "enable", "sriov_numvfs", NULL};
    const char *slash = strrchr(name, '/');
    return g_strv_contains(never, slash ? slash + 1 : name);
}

static int write_attribute(PcaKernel *kernel, int dirfd, const char *name, const char *value) {
    size_t size = strlen(value);
    /* sysfs does nothing with an empty write, and says that it went well. */
    if (size == 0)
        return -EINVAL;
    if (is_never_written(name))
        return -EPERM;
    PCA_AUTO_FD fd = open_attribute(dirfd, name, O_WRONLY);
    if (fd < 0)
        return fd;
    ssize_t written;
    do
        written = write(fd, value, size);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    return (size_t)written == size ? 0 : -EIO;
}

static int write_config16(PcaKernel *kernel, int dirfd, unsigned offset, guint16 value) {
    /* The kernel splits an odd write in two. */
    if (offset % 2 || offset > CONFIG_SPACE_SIZE - sizeof value)
        return -EINVAL;
    PCA_AUTO_FD fd = open_attribute(dirfd, "config", O_WRONLY);
    if (fd < 0)
        return fd;
    guint16 little = GUINT16_TO_LE(value);
    ssize_t written;
    do
        written = pwrite(fd, &little, sizeof little, offset);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    return written == sizeof little ? 0 : -EIO;
}

/* Without the right the kernel opens it all the same, and gives less. */
static int open_config(PcaKernel *kernel, int dirfd) {
    pca_rights_raise();
    int fd = open_attribute(dirfd, "config", O_RDONLY);
    int lowered = pca_rights_lower();
    if (lowered == 0 || fd < 0)
        return fd;
    close(fd);
    return lowered;
}

static int renounce(PcaKernel *kernel) {
    return pca_rights_drop();
}

/* Nodes. */

/* The locked private directory. Whoever else may enter it could open nodes meant for others, so
 * one that is not as we made it is refused. */
static int open_node_directory(const PcaRoot *root) {
    PCA_AUTO_FD dev = open_retrying(AT_FDCWD, root->dev, O_RDONLY | O_DIRECTORY);
    if (dev < 0)
        return dev;
    if (mkdirat(dev, NODE_DIRECTORY, 0700) < 0 && errno != EEXIST)
        return -errno;
    PCA_AUTO_FD fd = open_retrying(dev, NODE_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0)
        return fd;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_uid != geteuid() || (status.st_mode & 07777) != 0700)
        return -EPERM;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return -errno;
    return pca_fd_steal(&fd);
}

/* Nodes of workers that were killed between making and removing one. */
static int remove_stale_nodes(const PcaRoot *root, int directory) {
    g_autofree char *path = g_build_filename(root->dev, NODE_DIRECTORY, NULL);
    g_autoptr(GDir) entries = g_dir_open(path, 0, NULL);
    if (!entries)
        return -EIO;
    for (const char *name; (name = g_dir_read_name(entries));)
        if (unlinkat(directory, name, 0) < 0 && errno != ENOENT)
            return -errno;
    return 0;
}

/* A reference (O_PATH) to a new node that no longer has a name. */
static int make_node(const PcaRoot *root, dev_t number) {
    PCA_AUTO_FD directory = open_node_directory(root);
    if (directory < 0)
        return directory;
    int result = remove_stale_nodes(root, directory);
    if (result < 0)
        return result;
    if (mknodat(directory, "node", S_IFCHR | 0600, number) < 0)
        return -errno;
    PCA_AUTO_FD node = open_retrying(directory, "node", O_PATH | O_NOFOLLOW);
    if (unlinkat(directory, "node", 0) < 0)
        return -errno;
    return pca_fd_steal(&node);
}

static int open_node(PcaKernel *kernel, dev_t number, const char *label) {
    PCA_AUTO_FD node = make_node(kernel->root, number);
    if (node < 0)
        return node;
    struct stat status;
    if (fstat(node, &status) < 0)
        return -errno;
    if (!S_ISCHR(status.st_mode) || status.st_rdev != number)
        return -EIO;
    int labelled = label && *label ? pca_label_write(kernel->root, node, label) : 0;
    if (labelled < 0)
        return labelled;
    /* The driver's open comes only now, without the lock: it may wait for a group whose user has a
     * slow reset under way, and must not keep others from their nodes. */
    g_autofree char *path = g_strdup_printf("%s/self/fd/%d", kernel->root->proc, node);
    PCA_AUTO_FD fd = open_retrying(AT_FDCWD, path, O_RDWR | O_NOCTTY);
    if (fd < 0)
        return fd;
    if (fstat(fd, &status) < 0)
        return -errno;
    return S_ISCHR(status.st_mode) && status.st_rdev == number ? pca_fd_steal(&fd) : -EIO;
}

static int open_group(PcaKernel *kernel, int group) {
    if (group < 0)
        return -EINVAL;
    g_autofree char *path = g_strdup_printf("%s/vfio/%d", kernel->root->dev, group);
    PCA_AUTO_FD fd = open_retrying(AT_FDCWD, path, O_RDWR | O_NOFOLLOW);
    /* It may be somebody's, and we have no CAP_DAC_OVERRIDE: through a node of our own, then. */
    if (fd == -EACCES) {
        g_autofree char *number = g_strdup_printf("class/vfio/%d/dev", group);
        return open_node(kernel, pca_read_device_number(kernel->root, number), NULL);
    }
    if (fd < 0)
        return fd;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    return S_ISCHR(status.st_mode) ? pca_fd_steal(&fd) : -ENOTTY;
}

/* "sda", "cciss/c0d0": what udev calls its node. */
static char *disk_node(const PcaRoot *root, dev_t number) {
    g_autofree char *entry =
        g_strdup_printf("%s/dev/block/%u:%u", root->sysfs, major(number), minor(number));
    g_autofree char *directory = pca_resolve_link(entry);
    g_autofree char *name = directory ? g_path_get_basename(directory) : NULL;
    return name ? g_build_filename(root->dev, g_strdelimit(name, "!", '/'), NULL) : NULL;
}

static int hold_disk_once(const char *path, dev_t number) {
    /* O_NONBLOCK: a drive without a medium is no reason to wait for one. */
    PCA_AUTO_FD fd = open_retrying(AT_FDCWD, path, O_RDONLY | O_EXCL | O_NONBLOCK | O_NOFOLLOW);
    struct stat status;
    if (fd < 0)
        return fd;
    if (fstat(fd, &status) < 0)
        return -errno;
    return S_ISBLK(status.st_mode) && status.st_rdev == number ? pca_fd_steal(&fd) : -ENXIO;
}

static int hold_disk(PcaKernel *kernel, dev_t number) {
    g_autofree char *path = disk_node(kernel->root, number);
    int result = path ? hold_disk_once(path, number) : -ENOENT;
    /* It may be another worker that asks just now. */
    for (int i = 0; result == -EBUSY && i < ASK_TRIES; i++) {
        g_usleep(ASK_INTERVAL);
        result = hold_disk_once(path, number);
    }
    return result;
}

static int read_owner(PcaKernel *kernel, int group, PcaOwner *owner) {
    return pca_owner_read(kernel->root, group, owner);
}

static int write_owner(PcaKernel *kernel, int group, const PcaOwner *owner) {
    return pca_owner_write(kernel->root, group, owner);
}

static int read_file_owner(PcaKernel *kernel, int dirfd, const char *name, PcaOwner *owner) {
    return pca_owner_read_file(kernel->root, dirfd, name, owner);
}

static int write_file_owner(PcaKernel *kernel, int dirfd, const char *name, const PcaOwner *owner) {
    return pca_owner_write_file(kernel->root, dirfd, name, owner);
}

/* Locked memory. */

static int set_rlimit_mode(PcaKernel *kernel, int iommufd) {
    struct iommu_option option = {
        .size = sizeof option,
        .option_id = IOMMU_OPTION_RLIMIT_MODE,
        .op = IOMMU_OPTION_OP_SET,
        .val64 = 1,
    };
    return ioctl(iommufd, IOMMU_OPTION, &option) < 0 ? -errno : 0;
}

static int raise_memlock(PcaKernel *kernel, int pidfd, guint64 bytes) {
    return pca_memlock_raise(kernel->root, pidfd, bytes);
}

static void do_side_by_side(PcaKernel *kernel, PcaWork work, gpointer data, guint n,
                            GError **errors) {
    pca_side_by_side(work, data, n, errors);
}

static int hot_reset(PcaKernel *kernel, int container, const int *groups, guint n_groups,
                     const char *address) {
    return pca_hot_reset(container, groups, n_groups, address);
}

static void sleep_for(PcaKernel *kernel, gint64 microseconds) {
    if (microseconds > 0)
        g_usleep((gulong)microseconds);
}

const PcaKernelOps pca_kernel_ops = {
    .write_attribute = write_attribute,
    .write_config16 = write_config16,
    .open_config = open_config,
    .renounce = renounce,
    .open_group = open_group,
    .open_node = open_node,
    .hold_disk = hold_disk,
    .read_owner = read_owner,
    .write_owner = write_owner,
    .read_file_owner = read_file_owner,
    .write_file_owner = write_file_owner,
    .set_rlimit_mode = set_rlimit_mode,
    .hot_reset = hot_reset,
    .raise_memlock = raise_memlock,
    .side_by_side = do_side_by_side,
    .sleep = sleep_for,
};

/* Directories and numbers. */

static int open_beneath(const PcaRoot *root, const char *path) {
    PCA_AUTO_FD sysfs = open_retrying(AT_FDCWD, root->sysfs, O_PATH | O_DIRECTORY);
    if (sysfs < 0)
        return sysfs;
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    /* EAGAIN: something was renamed or mounted, anywhere, while "..", which device links contain,
     * was followed (openat2(2)): on a busy machine several times in a row. */
    for (int i = 0; i < OPEN_ATTEMPTS; i++) {
        int fd = (int)syscall(SYS_openat2, sysfs, path, &how, sizeof how);
        if (fd >= 0)
            return fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

int pca_open_function(const PcaRoot *root, const char *address) {
    PcaAddress parsed;
    if (!pca_address_parse(address, &parsed))
        return -EINVAL;
    g_autofree char *canonical = pca_address_format(&parsed);
    g_autofree char *path = g_build_filename("bus/pci/devices", canonical, NULL);
    return open_beneath(root, path);
}

int pca_open_pci_bus(const PcaRoot *root) {
    return open_beneath(root, "bus/pci");
}

static gboolean parse_number(const char *text, guint64 limit, guint64 *value) {
    return g_ascii_string_to_unsigned(text, 10, 0, limit, value, NULL);
}

dev_t pca_read_device_number(const PcaRoot *root, const char *path) {
    g_autofree char *text = pca_read_text(root->sysfs, path, NULL);
    if (!text)
        return 0;
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    guint64 major_number, minor_number;
    /* 12 and 20 bits: the kernel's MINORBITS, include/linux/kdev_t.h. */
    if (g_strv_length(parts) != 2 || !parse_number(parts[0], 0xfff, &major_number) ||
        !parse_number(parts[1], 0xfffff, &minor_number))
        return 0;
    return makedev((unsigned)major_number, (unsigned)minor_number);
}
