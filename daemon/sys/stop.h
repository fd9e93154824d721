/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: ends processes that do not let go of a device. Each is held by a pidfd from before it
 * was looked at, so that no other process which gets its number is ever meant.
 * Thread: any; blocks for the patience. Needs CAP_KILL for other users' processes, and what
 * holders.h needs. Ownership: the array is the caller's and owns its PcaOwned.
 */
#pragma once

#include "sys/holders.h"

typedef struct {
    PcaHolder *holder; /* borrowed from the array of all holders */
    int pidfd;
} PcaOwned;

/* Those of `holders` that still hold one of the `n` device numbers and are a process of `owner`, by
 * its real uid (which a process cannot choose, and which a set-user-ID program keeps). Never
 * process 1, this process, or one with the same parent: those are workers. What cannot be read
 * counts as somebody else's. */
GPtrArray *pca_owned_find(const PcaRoot *root, GPtrArray *holders, const dev_t *numbers, gsize n,
                          uid_t owner);

/* SIGTERM to each; SIGKILL to those that have not ended within `patience` (microseconds). Whether
 * all have ended soon after. */
gboolean pca_owned_stop(GPtrArray *owned, gint64 patience);
