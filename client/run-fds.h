/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: how run hands descriptors on: their names, their numbers, and placeholders in arguments.
 * Thread: any; no D-Bus in here. Ownership: a PcaFds owns its descriptors (base/fds.h).
 *
 * The descriptors of a list get the numbers PCA_RUN_FIRST_FD, PCA_RUN_FIRST_FD + 1 and so on, in
 * the order of the list, as sd_listen_fds(3) has it.
 */
#pragma once

#include "base/fds.h"

#define PCA_RUN_FIRST_FD 3

/* At most 14 in a reply of Open, and the lease. */
#define PCA_RUN_MAX_FDS 15

#define PCA_RUN_LEASE "lease"
#define PCA_RUN_IOMMUFD "iommufd"
#define PCA_RUN_CONTAINER "container"

/* A device without a descriptor, which the command opens by its path. */
#define PCA_RUN_NODE "node"

/* Whether a role stands for a device that was asked for: itself, or its IOMMU group. */
gboolean pca_run_is_device(const char *role);

/* Sees that 0, 1 and 2 are open and keeps the numbers that will be handed on from being used by
 * anybody in this process meanwhile, above all by GDBus and its thread. Call it first of all. */
gboolean pca_run_reserve(GError **error);

/* What an entry is called in placeholders: a device's name, otherwise its role. */
const char *pca_run_key(const PcaNamedFd *named);

/* Renames the second device of a name to NAME.1, the third to NAME.2 and so on, unless the sender
 * has numbered them. */
void pca_run_number(PcaFds *fds);

/* The index in `names` (ends with NULL) of the device that was asked for and that brought `name`:
 * NAME itself or NAME.1, NAME.2...; addresses compare as such. -1 for none. */
int pca_run_spec_of(const char *name, const char *const *names);

/* Checks the placeholders of the arguments as far as that is possible before anything is claimed;
 * `names`: what the devices are called. *used becomes the number of placeholders. An unknown one is
 * InvalidArgument. Both arrays end with NULL. */
gboolean pca_run_check(const char *const *arguments, const char *const *names, guint *used,
                       GError **error);

/* The same where the command opens the devices by their paths: {lease} is all that there is. */
gboolean pca_run_check_without_fds(const char *const *arguments, GError **error);

/* The arguments with numbers instead of placeholders, for fds in the order in which they will be
 * placed. Caller frees with g_strfreev. */
char **pca_run_expand(const char *const *arguments, PcaFds *fds, GError **error);

/* LISTEN_FDNAMES: the keys, separated by colons; characters that cannot stand there become "_". */
char *pca_run_listen_names(PcaFds *fds);

/* Moves the descriptors to their numbers and clears close-on-exec on them alone; whatever had these
 * numbers is closed. On failure the list still owns what it has. */
gboolean pca_run_place(PcaFds *fds, GError **error);
