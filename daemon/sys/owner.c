/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: owner, mode and label of the nodes of IOMMU groups, and of files in sysfs.
 * Thread: any. Ownership: see the header.
 */
#include "sys/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fds.h"
#include "sys/kernel.h"

#define MODE_MASK 07777
#define KEEP ((uid_t)-1)

static gboolean labels_agree(const PcaOwner *a, const PcaOwner *b) {
    return !*a->label || !*b->label || g_str_equal(a->label, b->label);
}

gboolean pca_owner_equal(const PcaOwner *a, const PcaOwner *b) {
    return a->uid == b->uid && a->gid == b->gid && a->mode == b->mode && labels_agree(a, b);
}

gboolean pca_owner_set_label(PcaOwner *owner, const char *label) {
    memset(owner->label, 0, sizeof owner->label);
    if (!label || !*label)
        return TRUE;
    if (!pca_label_is_plain(label))
        return FALSE;
    g_strlcpy(owner->label, label, sizeof owner->label);
    return TRUE;
}

char *pca_owner_format(const PcaOwner *owner) {
    return g_strdup_printf("%u:%u:%04o%s%s", (unsigned)owner->uid, (unsigned)owner->gid,
                           (unsigned)owner->mode, *owner->label ? ":" : "", owner->label);
}

gboolean pca_owner_parse(const char *text, PcaOwner *owner) {
    g_auto(GStrv) parts = g_strsplit(text, ":", 4);
    guint n = g_strv_length(parts);
    guint64 uid, gid, mode;
    if (n < 3 || !g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT32 - 1, &uid, NULL) ||
        !g_ascii_string_to_unsigned(parts[1], 10, 0, G_MAXUINT32 - 1, &gid, NULL) ||
        !g_ascii_string_to_unsigned(parts[2], 8, 0, MODE_MASK, &mode, NULL))
        return FALSE;
    *owner = (PcaOwner){(uid_t)uid, (gid_t)gid, (mode_t)mode, ""};
    return n == 3 || (*parts[3] && pca_owner_set_label(owner, parts[3]));
}

/* A reference (O_PATH) to the node; whoever may not open it may have one all the same. */
static int open_node(const PcaRoot *root, int group, struct stat *status) {
    g_autofree char *attribute = g_strdup_printf("class/vfio/%d/dev", group);
    g_autofree char *path = g_strdup_printf("%s/vfio/%d", root->dev, group);
    dev_t number = pca_read_device_number(root, attribute);
    if (number == 0)
        return -ENOENT;
    PCA_AUTO_FD fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, status) < 0)
        return -errno;
    return S_ISCHR(status->st_mode) && status->st_rdev == number ? pca_fd_steal(&fd) : -ENOTTY;
}

static int read_owner(const PcaRoot *root, int fd, const struct stat *status, PcaOwner *owner) {
    *owner = (PcaOwner){status->st_uid, status->st_gid, status->st_mode & MODE_MASK, ""};
    return pca_label_read(root, fd, owner->label);
}

int pca_owner_read(const PcaRoot *root, int group, PcaOwner *owner) {
    struct stat status;
    PCA_AUTO_FD fd = open_node(root, group, &status);
    return fd < 0 ? fd : read_owner(root, fd, &status, owner);
}

static int change_owner(int fd, uid_t uid, gid_t gid) {
    return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* fchmod(2) refuses a descriptor of O_PATH, and fchmodat2(2) is younger than the kernels we run
 * on. */
static int change_mode(const PcaRoot *root, int fd, mode_t mode) {
    g_autofree char *path = g_strdup_printf("%s/self/fd/%d", root->proc, fd);
    return chmod(path, mode) < 0 ? -errno : 0;
}

/* First the owner: one who is not root could change the mode between our calls. */
static int close_to_all_but_root(const PcaRoot *root, int fd) {
    int result = change_owner(fd, 0, 0);
    return result < 0 ? result : change_mode(root, fd, PCA_OWNER_ROOT.mode);
}

static int change_label(const PcaRoot *root, int fd, const PcaOwner *found,
                        const PcaOwner *wanted) {
    return labels_agree(found, wanted) ? 0 : pca_label_write(root, fd, wanted->label);
}

int pca_owner_write(const PcaRoot *root, int group, const PcaOwner *owner) {
    struct stat status;
    PcaOwner found;
    PCA_AUTO_FD fd = open_node(root, group, &status);
    int result = fd < 0 ? fd : read_owner(root, fd, &status, &found);
    if (result < 0 || pca_owner_equal(&found, owner))
        return result;
    if (!pca_owner_equal(&found, &PCA_OWNER_ROOT))
        result = close_to_all_but_root(root, fd);
    if (result == 0)
        result = change_label(root, fd, &found, owner);
    if (result == 0 && owner->gid != 0)
        result = change_owner(fd, KEEP, owner->gid);
    if (result == 0 && owner->mode != PCA_OWNER_ROOT.mode)
        result = change_mode(root, fd, owner->mode);
    if (result == 0 && owner->uid != 0)
        result = change_owner(fd, owner->uid, KEEP);
    return result;
}

/* ---- Files of functions ---- */

static gboolean reaches_registers(const char *name) {
    static const char resource[] = "resource";
    if (g_str_equal(name, "config") || g_str_equal(name, "rom"))
        return TRUE;
    if (!g_str_has_prefix(name, resource) || !g_ascii_isdigit(name[strlen(resource)]))
        return FALSE;
    const char *rest = name + strlen(resource) + 1;
    return !*rest || g_str_equal(rest, "_wc");
}

/* Others have the kernel do something when they are written to: they are never lent, whoever asks.
 */
static int open_file(int dirfd, const char *name, struct stat *status) {
    if (!*name || *name == '.' || strchr(name, '/'))
        return -EINVAL;
    PCA_AUTO_FD fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && faccessat(dirfd, "uevent", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return -ENODEV;
    if (fd < 0 || fstat(fd, status) < 0)
        return -errno;
    if (!S_ISREG(status->st_mode))
        return -ENOTTY;
    return reaches_registers(name) ? pca_fd_steal(&fd) : -EPERM;
}

int pca_owner_read_file(const PcaRoot *root, int dirfd, const char *name, PcaOwner *owner) {
    struct stat status;
    PCA_AUTO_FD fd = open_file(dirfd, name, &status);
    return fd < 0 ? fd : read_owner(root, fd, &status, owner);
}

int pca_owner_write_file(const PcaRoot *root, int dirfd, const char *name, const PcaOwner *owner) {
    struct stat status;
    PcaOwner found;
    PCA_AUTO_FD fd = open_file(dirfd, name, &status);
    int result = fd < 0 ? fd : read_owner(root, fd, &status, &found);
    if (result < 0 || pca_owner_equal(&found, owner))
        return result;
    if (found.uid != 0)
        result = change_owner(fd, 0, KEEP);
    if (result == 0 && found.gid != owner->gid)
        result = change_owner(fd, KEEP, owner->gid);
    if (result == 0)
        result = change_label(root, fd, &found, owner);
    if (result == 0 && found.mode != owner->mode)
        result = change_mode(root, fd, owner->mode);
    if (result == 0 && owner->uid != 0)
        result = change_owner(fd, owner->uid, KEEP);
    return result;
}

static gint by_name(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *pca_owner_list_files(const PcaRoot *root, const char *address) {
    g_autofree char *path = g_build_filename(root->sysfs, "bus/pci/devices", address, NULL);
    /* Not by openat2(2), which the daemon's sandbox has not. */
    PCA_AUTO_FD directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_auto(GStrv) names = pca_read_directory(path);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    for (char **name = names; directory >= 0 && *name; name++) {
        PcaOwner owner;
        if (!reaches_registers(*name))
            continue;
        if (pca_owner_read_file(root, directory, *name, &owner) < 0)
            return NULL;
        g_autofree char *text = pca_owner_format(&owner);
        g_ptr_array_add(files, g_strdup_printf("%s=%s", *name, text));
    }
    if (files->len == 0)
        return NULL;
    g_ptr_array_sort(files, by_name);
    g_ptr_array_add(files, NULL);
    return g_strjoinv(" ", (char **)files->pdata);
}

gboolean pca_owner_parse_file(const char *text, char **name, PcaOwner *owner) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !pca_owner_parse(equals + 1, owner))
        return FALSE;
    *name = g_strndup(text, (gsize)(equals - text));
    return TRUE;
}
