/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which processes hold a device node open, as far as /proc tells. A best-effort
 * answer to "who?", never a proof that nobody does: descriptors in flight in a socket, device
 * descriptors of the group interface and lone memory mappings are not seen. Thread: any; needs
 * CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for other users' processes. Ownership: the array is the
 * caller's and owns its PcaHolders.
 */
#pragma once

#include <sys/types.h>

#include "sys/root.h"

typedef struct {
    pid_t pid;
    uid_t uid;
    char *comm;
} PcaHolder;

/* A node of which is asked who has it open. */
typedef struct {
    dev_t number;
    gboolean is_disk; /* a block device */
} PcaHeldNode;

typedef struct {
    guint node; /* its index */
    pid_t pid;
    uid_t uid;
    char *comm;
    gboolean writes; /* it has it open for writing, or that could not be read */
} PcaOpener;

/* Which processes have which of the `n` nodes open, each pair once, in order of pid; owns
 * PcaOpeners. NULL with *error when the processes, or what one has open, cannot be listed; a
 * process that went away, or that may not be looked at, has none. */
GPtrArray *pca_openers_find(const PcaRoot *root, const PcaHeldNode *nodes, guint n, GError **error);

/* Whether a process holds one of the `n` device numbers. */
gboolean pca_holds(const PcaRoot *root, pid_t pid, const dev_t *numbers, gsize n);

/* The processes below root->proc that hold one of the `n` device numbers, in order of pid, each
 * once. */
GPtrArray *pca_holders_find(const PcaRoot *root, const dev_t *numbers, gsize n);
