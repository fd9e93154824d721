/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims on disk, one directory each: DIRECTORY/ID/{claim,journal,lease,nodes}. They
 * outlive the daemon, not a reboot, as sysfs does.
 * Thread: the main one. Ownership: returned objects and descriptors are the caller's.
 */
#pragma once

#include "claim/claim.h"

/* DIRECTORY/ID/NAME; free with g_free. */
char *pca_store_path(const char *directory, const char *id, const char *name);

/* Makes the claim's directory with `claim` and an empty journal in it; nothing is left of it on
 * failure. */
gboolean pca_store_create(const char *directory, const PcaClaim *claim, const char *boot_id,
                          GError **error);

/* Writes the claim's record anew, in one step: it is the old one or the new one. */
gboolean pca_store_update(const char *directory, const PcaClaim *claim, const char *boot_id,
                          GError **error);

/* Reads a claim back, in the state `preparing`. Fails with NotFound when the directory holds none
 * (nothing had begun, or everything had ended), Unsupported for another format, Revoked for a claim
 * of another boot, and Failed or an error of GKeyFile for anything malformed. */
PcaClaim *pca_store_load(const char *directory, const char *id, const char *boot_id,
                         GError **error);

/* Opens the claim's journal for reading and appending; a new open file each time, so that its lock
 * is its own. -1 with *error. */
int pca_store_open_journal(const char *directory, const char *id, GError **error);

/* Writes down the device numbers of the claim's nodes (of guint64), in one step; and adds those
 * that were written down to the array, none where that cannot be read. */
gboolean pca_store_save_nodes(const char *directory, const char *id, const GArray *numbers,
                              GError **error);
void pca_store_load_nodes(const char *directory, const char *id, GArray *numbers);

/* Removes the claim's directory. */
void pca_store_remove(const char *directory, const char *id);

/* The ids of all claims on disk, sorted; entries that are no ids are left out. */
char **pca_store_list(const char *directory);
