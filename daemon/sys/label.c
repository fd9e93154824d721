/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: labels in the extended attribute security.selinux.
 * Thread: any. Ownership: see the header.
 */
#include "sys/label.h"

#include <errno.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/xattr.h>

gboolean pca_label_is_plain(const char *label) {
    gsize length = 0;
    while (g_ascii_isgraph(label[length]))
        length++;
    return length > 0 && label[length] == '\0' && length < PCA_LABEL_SIZE;
}

/* fgetxattr(2) and fsetxattr(2) refuse a descriptor of O_PATH. */
static char *path_of(const PcaRoot *root, int fd) {
    return g_strdup_printf("%s/self/fd/%d", root->proc, fd);
}

int pca_label_read(const PcaRoot *root, int fd, char label[PCA_LABEL_SIZE]) {
    g_autofree char *path = path_of(root, fd);
    memset(label, 0, PCA_LABEL_SIZE);
    ssize_t size = getxattr(path, XATTR_NAME_SELINUX, label, PCA_LABEL_SIZE - 1);
    if (size < 0 && (errno == ENODATA || errno == EOPNOTSUPP))
        return 0;
    if (size < 0)
        return errno == ERANGE ? -ENAMETOOLONG : -errno;
    return !*label || pca_label_is_plain(label) ? 0 : -EINVAL;
}

int pca_label_write(const PcaRoot *root, int fd, const char *label) {
    g_autofree char *path = path_of(root, fd);
    if (!pca_label_is_plain(label))
        return -EINVAL;
    return setxattr(path, XATTR_NAME_SELINUX, label, strlen(label) + 1, 0) < 0 ? -errno : 0;
}
