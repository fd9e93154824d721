/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: who may open the node of an IOMMU group (dev/vfio/GROUP), or a function's file in sysfs:
 * owner, mode and label, as a value, as text, and on the running kernel. Thread: any; no state.
 * Ownership: see the functions.
 */
#pragma once

#include <sys/types.h>

#include "sys/label.h"
#include "sys/root.h"

typedef struct {
    uid_t uid;
    gid_t gid;
    mode_t mode;                /* the permission bits, 07777 */
    char label[PCA_LABEL_SIZE]; /* SELinux's; "": it has none, or may keep the one that it has */
} PcaOwner;

/* As the kernel makes a node, and as nobody but root has it. */
#define PCA_OWNER_ROOT ((PcaOwner){0, 0, 0600, ""})

/* Where one has no label, the labels do not count. */
gboolean pca_owner_equal(const PcaOwner *a, const PcaOwner *b);

/* NULL and "" take the label away; FALSE for what can be none (pca_label_is_plain). */
gboolean pca_owner_set_label(PcaOwner *owner, const char *label);

/* "0:107:0660": uid, gid, octal mode; then ":" and the label, where there is one. Free with g_free.
 */
char *pca_owner_format(const PcaOwner *owner);

/* FALSE when malformed. */
gboolean pca_owner_parse(const char *text, PcaOwner *owner);

/* Of dev/vfio/GROUP. Never follows a link, and takes nothing for the node but the character device
 * that class/vfio/GROUP/dev names: -ENOENT without either, -ENOTTY for anything else there. */
int pca_owner_read(const PcaRoot *root, int group, PcaOwner *owner);

/* The same node's. While it changes nobody but root may open it, and it is root's whenever its mode
 * or label is changed, so that CAP_CHOWN is all that this needs (fs/attr.c, setattr_prepare()). An
 * access list that its owner has set has no effect once the mode is 0600 (acl(5), the mask). */
int pca_owner_write(const PcaRoot *root, int group, const PcaOwner *owner);

/* Of the regular file `name` in a directory: no path, no link. -EINVAL, -ENOTTY for those; -EPERM
 * for one that reaches no registers (config, resourceN, rom do); -ENODEV when the directory's
 * function was removed. */
int pca_owner_read_file(const PcaRoot *root, int dirfd, const char *name, PcaOwner *owner);

/* The same file's. One who is not root may change mode and label only before the uid is given away
 * and after it has come back: CAP_CHOWN is all that this needs. Where only the uid changes, nothing
 * else does meanwhile. */
int pca_owner_write_file(const PcaRoot *root, int dirfd, const char *name, const PcaOwner *owner);

/* The files of a function in sysfs by which its registers can be reached (config, resourceN,
 * resourceN_wc, rom), each with its owner now, sorted: "config=0:0:0644 resource0=0:0:0600". NULL
 * when they cannot be read. Free with g_free. */
char *pca_owner_list_files(const PcaRoot *root, const char *address);

/* One of that list, "config=0:0:0644"; FALSE when malformed. *name is newly allocated. */
gboolean pca_owner_parse_file(const char *text, char **name, PcaOwner *owner);
