/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions that no reset has cleaned of their owner since, or whose files in sysfs the
 * owner may have open. Such a taint is on disk before the owner has the function, in
 * DIRECTORY/tainted/ADDRESS, and ends with an administrator's word or the boot, and where no files
 * were lent with a verified reset.
 * Thread: the main one. Ownership: the table owns its taints.
 */
#pragma once

#include "claim/claim.h"

typedef struct {
    gboolean known; /* FALSE: its file could not be read, so nobody is the owner */
    guint32 uid;
    char *user;       /* NULL when the uid has no name */
    char *claim;      /* id of the claim that it began with */
    char *identity;   /* pca_function_identity */
    gboolean lent;    /* its files in sysfs may be open still: a reset does not end that */
    gboolean foreign; /* not known because another version wrote the file: it stays as it is */
} PcaTaint;

/* What is on disk: address → PcaTaint, the caller's. What is of another boot is removed, unless it
 * is of another format. NULL when that cannot be found out: then every function counts as tainted.
 */
GHashTable *pca_taints_load(const char *directory, const char *boot_id);

/* The same for who only looks: nothing is removed, and nothing logged. */
GHashTable *pca_taints_look(const char *directory, const char *boot_id);

/* Writes down that the claim's owner has the function, unless that is known. Quarantined when it is
 * tainted by somebody else. */
gboolean pca_taint_add(GHashTable *taints, const char *directory, const char *boot_id,
                       const PcaClaim *claim, const PcaClaimDevice *device, GError **error);

/* Whether that user may have the function all the same; Quarantined when not. */
gboolean pca_taint_admits(const PcaTaint *taint, guint32 uid, const char *address, GError **error);

/* Why, without naming the owner; static. */
const char *pca_taint_text(const PcaTaint *taint);

/* Forgets it, on disk as well; not one that another version wrote. */
void pca_taint_remove(GHashTable *taints, const char *directory, const PcaAddress *address);

/* Of the function with this identity, not of another one that was at its address; borrowed; NULL
 * without one. */
const PcaTaint *pca_taint_find(GHashTable *taints, const PcaAddress *address, const char *identity);
