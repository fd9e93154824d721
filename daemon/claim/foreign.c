/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: records that this version does not understand, because a newer one wrote them or they
 * are damaged. They stay as they are, and the functions that they name are quarantined: somebody
 * may have them.
 * Thread: the main one. Ownership: see the headers.
 */
#include "claim/internal.h"
#include "claim/records.h"

void pca_claims_keep_foreign(PcaClaims *claims, const char *id, const GError *error) {
    g_autoptr(GHashTable) devices = pca_record_addresses(claims->directory, id);
    g_autofree char *text = pca_record_text(error);
    GHashTableIter iter;
    gpointer device;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "PCASSIGN_CLAIM", id, "MESSAGE",
                     "claim %s is not understood: %s%s", id, text,
                     g_hash_table_size(devices) > 0 ? "" : "; it names no function");
    g_hash_table_iter_init(&iter, devices);
    while (g_hash_table_iter_next(&iter, &device, NULL))
        pca_claims_add_residue(claims, id, device, TRUE, text);
}
