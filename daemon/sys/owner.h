/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: who may open the node of an IOMMU group (dev/vfio/GROUP): its owner and mode, as a
 * value, as text, and on the running kernel. Thread: any; no state. Ownership: see the functions.
 */
#pragma once

#include <sys/types.h>

#include "sys/root.h"

typedef struct {
    uid_t uid;
    gid_t gid;
    mode_t mode; /* the permission bits, 07777 */
} PcaOwner;

/* As the kernel makes a node, and as nobody but root has it. */
#define PCA_OWNER_ROOT ((PcaOwner){0, 0, 0600})

gboolean pca_owner_equal(const PcaOwner *a, const PcaOwner *b);

/* "0:107:0660": uid, gid, octal mode. Free with g_free. */
char *pca_owner_format(const PcaOwner *owner);

/* FALSE when malformed. */
gboolean pca_owner_parse(const char *text, PcaOwner *owner);

/* Of dev/vfio/GROUP. Never follows a link, and takes nothing for the node but the character device
 * that class/vfio/GROUP/dev names: -ENOENT without either, -ENOTTY for anything else there. */
int pca_owner_read(const PcaRoot *root, int group, PcaOwner *owner);

/* The same node's. While it changes nobody but root may open it, and it is root's whenever its mode
 * is changed, so that CAP_CHOWN is all that this needs (fs/attr.c, setattr_prepare()). An access
 * list that its owner has set has no effect once the mode is 0600 (acl(5), the mask). */
int pca_owner_write(const PcaRoot *root, int group, const PcaOwner *owner);
