/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims that failed after their client had been answered. They hold nothing any more, and
 * are kept to say why until the client closes the lease.
 * Thread: the main one. Ownership: the table holds a reference on each claim.
 */
#include <glib-unix.h>

#include "claim/internal.h"

typedef struct {
    PcaClaims *claims;
    PcaClaim *claim;
    guint watch; /* of the lease */
} Failed;

static void failed_free(gpointer data) {
    Failed *failed = data;
    g_clear_handle_id(&failed->watch, g_source_remove);
    pca_claim_unref(failed->claim);
    g_free(failed);
}

GHashTable *pca_failed_new(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, failed_free);
}

static gboolean on_lease_ended(int fd, GIOCondition condition, gpointer data) {
    Failed *failed = data;
    PcaClaims *claims = failed->claims;
    g_autoptr(PcaClaim) claim = pca_claim_ref(failed->claim);
    failed->watch = 0;
    claim->lingers = FALSE;
    g_hash_table_remove(claims->failed, claim->id);
    claims->changed(claim, claims->changed_data);
    return G_SOURCE_REMOVE;
}

void pca_failed_keep(PcaClaims *claims, PcaClaim *claim) {
    Failed *failed = g_new0(Failed, 1);
    failed->claims = claims;
    failed->claim = pca_claim_ref(claim);
    failed->watch = g_unix_fd_add(claim->lease, G_IO_HUP | G_IO_ERR, on_lease_ended, failed);
    g_hash_table_insert(claims->failed, claim->id, failed);
}

PcaClaim *pca_failed_find(PcaClaims *claims, const char *id) {
    Failed *failed = g_hash_table_lookup(claims->failed, id);
    return failed ? failed->claim : NULL;
}

guint pca_failed_count(PcaClaims *claims, guint32 uid) {
    GHashTableIter iter;
    gpointer failed;
    guint count = 0;
    g_hash_table_iter_init(&iter, claims->failed);
    while (g_hash_table_iter_next(&iter, NULL, &failed))
        count += ((Failed *)failed)->claim->uid == uid;
    return count;
}
