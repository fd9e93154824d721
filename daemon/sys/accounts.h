/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: users and groups of the system, by the name service. A directory server behind it may be
 * slow or silent: never call this from the daemon's main loop.
 * Thread: any; blocks. Ownership: results belong to the caller.
 */
#pragma once

#include <glib.h>

#include "policy/policy.h"

typedef enum {
    PCA_LOOKUP_FOUND,
    PCA_LOOKUP_ABSENT,
    PCA_LOOKUP_FAILED, /* nobody could say */
} PcaLookup;

/* The number of a name; as found only. */
PcaLookup pca_account_uid(const char *user, guint32 *uid);
PcaLookup pca_account_gid(const char *group, guint32 *gid);

/* NULL when the uid has none, or nobody could say. */
char *pca_account_name(guint32 uid);

typedef struct {
    guint32 uid;
    char *name;   /* NULL when the uid has none */
    GArray *gids; /* of guint32: as a login would get them */
} PcaAccount;

void pca_account_free(PcaAccount *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaAccount, pca_account_free)

/* By its name, or by its decimal uid, which needs no name and then has no groups. NULL with
 * NotFound when there is none, and with Failed when nobody could say. */
PcaAccount *pca_account_find(const char *user, GError **error);

/* The calling process: its effective uid and all its groups. */
PcaAccount *pca_account_of_process(void);

/* The numbers of all names in the policy; those that do not exist are missing. */
PcaAccounts *pca_accounts_look_up(const PcaPolicy *policy);
