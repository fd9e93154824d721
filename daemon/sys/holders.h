/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which processes hold a character device open, as far as /proc tells. A best-effort
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

/* The processes below root->proc that hold one of the `n` device numbers, in order of pid, each
 * once. */
GPtrArray *pca_holders_find(const PcaRoot *root, const dev_t *numbers, gsize n);
