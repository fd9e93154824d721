/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the SELinux label of a node or file. Two system calls on its extended attribute, without
 * libselinux, which asks whether SELinux is on by a file system that the worker's sandbox has
 * read-only: which label is wanted was decided by the daemon, and the kernel refuses one that its
 * policy does not know. Thread: any; no state. Ownership: nothing is kept.
 */
#pragma once

#include "sys/root.h"

/* Room for a label and its end. Longer ones, of which no policy makes use, are refused. */
#define PCA_LABEL_SIZE 256

/* Whether it can be one: not empty, no blanks, short enough. */
gboolean pca_label_is_plain(const char *label);

/* Of what the descriptor, which may be one of O_PATH, refers to; "" where SELinux is off. 0 or
 * -errno; -ENAMETOOLONG for one that does not fit. */
int pca_label_read(const PcaRoot *root, int fd, char label[PCA_LABEL_SIZE]);

/* -EINVAL when it is no label of the policy in force (selinux_inode_setxattr() in
 * security/selinux/hooks.c). */
int pca_label_write(const PcaRoot *root, int fd, const char *label);
