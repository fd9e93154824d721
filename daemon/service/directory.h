/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: users and groups of nsswitch.conf(5). A directory server may be slow or silent, so they
 * are looked up in threads, of which there is one at most for the names of the policy and one for
 * callers'; nobody waits for either longer than a deadline.
 * Thread: call from the main one. Ownership: a look-up that hangs keeps what it needs.
 */
#pragma once

#include <gio/gio.h>

#include "policy/policy.h"
#include "sys/accounts.h"

/* The look-ups themselves, called in a thread; they may block for ever. */
typedef struct {
    PcaLookup (*user)(const char *name, guint32 *uid);
    PcaLookup (*group)(const char *name, guint32 *gid);
    char *(*name)(guint32 uid); /* NULL: it has none */
} PcaLookups;

typedef struct PcaDirectory PcaDirectory;

/* `lookups` (static; NULL: the name service's) are for tests. */
PcaDirectory *pca_directory_new(const PcaLookups *lookups);
void pca_directory_free(PcaDirectory *directory);

/* The accounts of the policy's names as far as they are known; borrowed, another one after each
 * look-up. */
PcaAccounts *pca_directory_accounts(const PcaDirectory *directory);

/* Looks the names of the policy up again. A name that cannot be looked up keeps the number that it
 * had; one that there is no more loses it. */
void pca_directory_resolve_async(PcaDirectory *directory, PcaPolicy *policy, gint64 patience,
                                 GAsyncReadyCallback callback, gpointer data);

/* The accounts, the caller's; NULL when that took longer than `patience` (microseconds): then it
 * goes on all the same. */
PcaAccounts *pca_directory_resolve_finish(GAsyncResult *result);

/* Whether to look up again may find more: it was never done for this policy, or has not ended yet,
 * or some names were missing, and that was a while ago. */
gboolean pca_directory_is_due(const PcaDirectory *directory, const PcaPolicy *policy);

/* Whether what was found of the policy's users contradicts a caller's uid and name (NULL: unknown,
 * which contradicts nothing): an account that was made since, or made anew with another number, or
 * whose number is another's by now. */
gboolean pca_directory_contradicts(const PcaDirectory *directory, guint32 uid, const char *name);

/* The name of a uid, for people. NULL when it has none or that cannot be said within a second; at
 * once where a look-up is hanging already. */
void pca_directory_name_async(PcaDirectory *directory, guint32 uid, GAsyncReadyCallback callback,
                              gpointer data);
char *pca_directory_name_finish(GAsyncResult *result);
