/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: giving the node of an IOMMU group (dev/vfio/GROUP) to a user, and taking it back.
 * Thread: the worker's; waits for udev. Ownership: nothing is kept.
 */
#pragma once

#include "sys/kernel.h"

/* Gives the node to `owner`, with its label where that has one. Where udev runs, that comes after
 * its rules for the new node have been applied, which would undo it; and it is looked at once more.
 * `device` is for messages. */
gboolean pca_node_give(PcaKernel *kernel, const char *device, int group, const PcaOwner *owner,
                       GError **error);

/* The node is root's and nobody else's; a group without a node has nothing to take. It says in the
 * log when it cannot: the unbind that follows is what ends all use, and removes the node. */
void pca_node_take(PcaKernel *kernel, const char *device, int group);

/* Whether the node belongs to `owner`; Busy when not. */
gboolean pca_node_check(PcaKernel *kernel, const char *device, int group, const PcaOwner *owner,
                        GError **error);

/* Whether udev has handled the group's node as it is now, or does not run. */
gboolean pca_node_is_settled(const PcaRoot *root, int group);
