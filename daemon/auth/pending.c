/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: counts of pending calls.
 * Thread: the main one. Ownership: see the header.
 */
#include "auth/pending.h"

#include "base/error.h"

typedef struct {
    guint calls;
    gboolean refused; /* since it had none */
} User;

struct PcaPending {
    GHashTable *users; /* uid → User, of those who have a call */
};

PcaPending *pca_pending_new(void) {
    PcaPending *pending = g_new0(PcaPending, 1);
    pending->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return pending;
}

void pca_pending_free(PcaPending *pending) {
    g_hash_table_unref(pending->users);
    g_free(pending);
}

static User *user_of(PcaPending *pending, guint32 uid) {
    User *user = g_hash_table_lookup(pending->users, GUINT_TO_POINTER(uid));
    if (!user) {
        user = g_new0(User, 1);
        g_hash_table_insert(pending->users, GUINT_TO_POINTER(uid), user);
    }
    return user;
}

gboolean pca_pending_enter(PcaPending *pending, guint32 uid, gboolean *first, GError **error) {
    User *user = user_of(pending, uid);
    if (uid == 0 || user->calls < PCA_MAX_PENDING) {
        user->calls++;
        return TRUE;
    }
    if (first)
        *first = !user->refused;
    user->refused = TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                "uid %u has %d calls that are not answered yet, which is the limit", uid,
                PCA_MAX_PENDING);
    return FALSE;
}

void pca_pending_leave(PcaPending *pending, guint32 uid) {
    User *user = user_of(pending, uid);
    if (--user->calls == 0)
        g_hash_table_remove(pending->users, GUINT_TO_POINTER(uid));
}
