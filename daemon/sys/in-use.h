/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether the host itself uses a function: the guard that keeps a root disk or the card
 * with the default route from being taken. Facts are read from sysfs, /proc and rtnetlink.
 * Thread: any. Ownership: findings go into the caller's list.
 */
#pragma once

#include <sys/types.h>

#include "base/finding.h"
#include "pci/snapshot.h"
#include "sys/root.h"

/* A node in /dev that leads to a function. */
typedef struct {
    dev_t number;
    gboolean is_disk;   /* a block device; otherwise a character device */
    gboolean whole;     /* a disk, no partition of one: it can be asked for exclusively */
    char *name;         /* its name in sysfs */
    char *disk;         /* of a disk: that of the whole one */
    guint kind;         /* what having it open is, of PcaUses; 0: the use of a disk */
    int refused;        /* of a whole disk: the errno of opening it exclusively; 0: it can be */
    GPtrArray *openers; /* of PcaUseOpener: who has it open, as far as that is known */
} PcaUseNode;

typedef struct {
    guint32 pid, uid;
    char *comm;
    gboolean writes; /* it has it open for writing */
} PcaUseOpener;

typedef GPtrArray PcaUseNodes; /* owns PcaUseNode */

/* What has been read of the host for one question after the other. It is as old as the first that
 * needed it, so one look is for questions that are asked together. Borrows the root. */
typedef struct PcaUseLook PcaUseLook;
PcaUseLook *pca_use_look_new(const PcaRoot *root);
void pca_use_look_free(PcaUseLook *look);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaUseLook, pca_use_look_free)

/* The nodes that lead to the function and that a program could have open; mostly none. To find out
 * whether one has takes rights: `refused` and `openers` are for the caller to fill in. The array is
 * the caller's. */
PcaUseNodes *pca_in_use_nodes(PcaUseLook *look, const PcaFunction *function);

/* The whole disks of the function at `address`: those among its nodes that can be had exclusively.
 * NULL with *error when that cannot be found out. */
PcaUseNodes *pca_in_use_disks(PcaUseLook *look, const PcaAddress *address, GError **error);

void pca_use_node_add_opener(PcaUseNode *node, guint32 pid, guint32 uid, const char *comm,
                             gboolean writes);

/* After pca_in_use, with the same look and list, that of this one function: appends what has to be
 * told of its nodes, and of a disk that nobody can have exclusively where else it is mounted. */
void pca_in_use_opened(PcaUseLook *look, const PcaFunction *function, PcaUseNodes *nodes,
                       PcaFindings *findings);

/* Finds out now what the next pca_in_use of this function and look tells: for whoever waits for
 * something else meanwhile. */
void pca_in_use_ahead(PcaUseLook *look, const PcaFunction *function);

/* Appends one failure called "in-use" with PCA_ERROR_IN_USE for each use that the host makes of
 * `function`, culprit and words included; nothing when it makes none. What cannot be read counts
 * as in use (fail closed). Who has a disk open or mounted out of pid 1's sight is for
 * pca_in_use_opened. */
void pca_in_use(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings);
