/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a claim at work: its state, who waits for it, its turn, its residue, and its end.
 * Thread: the main one. Ownership: see the headers.
 */
#include <glib-unix.h>

#include "base/error.h"
#include "base/fds.h"
#include "claim/internal.h"
#include "claim/lease.h"
#include "claim/store.h"

typedef struct {
    gboolean prepare;
    PcaClaimFunc func;
    gpointer data;
} Waiter;

void pca_entry_free(gpointer data) {
    PcaEntry *entry = data;
    g_clear_handle_id(&entry->timer, g_source_remove);
    g_clear_handle_id(&entry->worker_watch, g_source_remove);
    g_clear_handle_id(&entry->claim->lease_watch, g_source_remove);
    g_slist_free_full(entry->waiters, g_free);
    g_clear_error(&entry->failure);
    g_clear_pointer(&entry->plan, pca_plan_free);
    g_array_unref(entry->numbers);
    pca_claim_unref(entry->claim);
    g_free(entry);
}

PcaEntry *pca_entry_new(PcaClaims *claims, PcaClaim *claim) {
    PcaEntry *entry = g_new0(PcaEntry, 1);
    entry->claims = claims;
    entry->claim = pca_claim_ref(claim);
    entry->numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    g_hash_table_insert(claims->entries, claim->id, entry);
    return entry;
}

static void enter_state(PcaEntry *entry, PcaClaimState state, const char *reason) {
    PcaClaim *claim = entry->claim;
    if (claim->state != state)
        claim->state_since = g_get_real_time();
    claim->state = state;
    if (state != PCA_CLAIM_STUCK)
        g_clear_pointer(&claim->holders, g_variant_unref);
    /* `reason` may be the old one. */
    g_autofree char *before = claim->reason;
    claim->reason = g_strdup(reason);
}

static void announce(PcaClaims *claims, PcaClaim *claim) {
    const char *reason = claim->reason;
    /* That a claim is allowed, and so begun, has been said. */
    g_log_structured(G_LOG_DOMAIN,
                     claim->state == PCA_CLAIM_PREPARING ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_MESSAGE,
                     "PCASSIGN_CLAIM", claim->id, "MESSAGE", "%s %s of uid %u: %s%s%s",
                     pca_claim_kind_name(claim->kind), claim->id, claim->uid,
                     pca_claim_state_name(claim->state), reason ? ": " : "", reason ? reason : "");
    claims->changed(claim, claims->changed_data);
}

void pca_entry_set_state(PcaEntry *entry, PcaClaimState state, const char *reason) {
    enter_state(entry, state, reason);
    announce(entry->claims, entry->claim);
}

void pca_entry_tell(PcaEntry *entry, const GError *error) {
    GSList *waiters = g_slist_reverse(g_steal_pointer(&entry->waiters));
    g_autoptr(PcaClaim) claim = pca_claim_ref(entry->claim);
    g_autoptr(GError) revoked =
        g_error_new(PCA_ERROR, PCA_ERROR_REVOKED, "the claim was released while it was prepared");
    gboolean over = claim->state != PCA_CLAIM_READY;
    for (GSList *item = waiters; item; item = item->next) {
        Waiter *waiter = item->data;
        waiter->func(claim, !error && over && waiter->prepare ? revoked : error, waiter->data);
    }
    g_slist_free_full(waiters, g_free);
}

void pca_entry_add_waiter(PcaEntry *entry, gboolean prepare, PcaClaimFunc func, gpointer data) {
    if (!func)
        return;
    Waiter *waiter = g_new0(Waiter, 1);
    waiter->prepare = prepare;
    waiter->func = func;
    waiter->data = data;
    entry->waiters = g_slist_prepend(entry->waiters, waiter);
}

void pca_claims_add_residue(PcaClaims *claims, const char *id, const char *device,
                            gboolean quarantined, const char *text) {
    PcaClaimResidue *residue = g_new0(PcaClaimResidue, 1);
    residue->id = g_strdup(id);
    residue->quarantined = quarantined;
    residue->text = g_utf8_make_valid(text, -1);
    residue->since = g_get_real_time();
    g_hash_table_insert(claims->residues, g_strdup(device), residue);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "PCASSIGN_DEVICE", device, "MESSAGE",
                     "%s is %s: %s", device, quarantined ? "quarantined" : "degraded", text);
}

gboolean pca_entry_take_residue(PcaEntry *entry, GVariant *reply) {
    for (guint i = 0; i < entry->claim->devices->len; i++) {
        g_autofree char *address =
            pca_address_format(&pca_claim_device(entry->claim, i)->function->address);
        g_hash_table_remove(entry->claims->residues, address);
    }
    g_autoptr(GVariant) list = g_variant_lookup_value(reply, "residue", G_VARIANT_TYPE("a(sbs)"));
    gsize n = list ? g_variant_n_children(list) : 0;
    for (gsize i = 0; i < n; i++) {
        const char *device, *text;
        gboolean quarantined;
        g_variant_get_child(list, i, "(&sb&s)", &device, &quarantined, &text);
        pca_claims_add_residue(entry->claims, entry->claim->id, device, quarantined, text);
    }
    return n > 0;
}

void pca_entry_leave_queue(PcaEntry *entry) {
    if (entry->queued) {
        entry->queued = FALSE;
        pca_queue_done(entry->claims->queue, entry);
    }
}

/* Whoever claimed has an answer already, and learns from the claim why there will be none. */
static void remember_failure(PcaEntry *entry, const GError *error) {
    PcaClaim *claim = entry->claim;
    if (!claim->failure)
        claim->failure = error ? g_error_copy(error)
                               : g_error_new(PCA_ERROR, PCA_ERROR_REVOKED,
                                             "the claim was released while it was prepared");
    claim->lingers = pca_lease_alive(claim->lease);
    if (claim->lingers)
        pca_failed_keep(entry->claims, claim);
}

void pca_entry_end(PcaEntry *entry, gboolean keep, const GError *error) {
    PcaClaims *claims = entry->claims;
    g_autoptr(PcaClaim) claim = pca_claim_ref(entry->claim);
    if (claim->async)
        remember_failure(entry, error);
    const GError *why = claim->failure ? claim->failure : error;
    g_clear_handle_id(&claim->lease_watch, g_source_remove);
    g_clear_handle_id(&entry->timer, g_source_remove);
    if (!keep)
        pca_store_remove(claims->directory, claim->id);
    g_hash_table_steal(claims->entries, claim->id);
    pca_entry_set_state(entry, PCA_CLAIM_ENDED, why ? why->message : NULL);
    pca_entry_leave_queue(entry);
    pca_entry_tell(entry, error);
    pca_entry_free(entry);
}

static gboolean on_lease_ended(int fd, GIOCondition condition, gpointer data) {
    PcaEntry *entry = data;
    entry->claim->lease_watch = 0;
    pca_claims_release(entry->claims, entry->claim, "the lease ended", NULL, NULL);
    return G_SOURCE_REMOVE;
}

void pca_entry_watch_lease(PcaEntry *entry) {
    if (entry->claim->lease_watch)
        return;
    /* HUP alone: what a client writes into its lease must not wake us. */
    entry->claim->lease_watch =
        g_unix_fd_add(entry->claim->lease, G_IO_HUP | G_IO_ERR, on_lease_ended, entry);
}

void pca_claim_enqueue(PcaClaims *claims, const PcaClaim *claim, PcaQueueFunc start,
                       gpointer data) {
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(int));
    for (guint i = 0; i < claim->devices->len; i++)
        g_array_append_val(groups, pca_claim_device(claim, i)->function->iommu_group);
    pca_queue_add(claims->queue, (const int *)(gpointer)groups->data, groups->len, start, data);
}

void pca_entry_enqueue(PcaEntry *entry, PcaQueueFunc start) {
    entry->queued = TRUE;
    entry->attempts = 0;
    pca_claim_enqueue(entry->claims, entry->claim, start, entry);
}

void pca_entry_call(PcaEntry *entry, const char *kind, PcaPlan *plan, PcaWorkerFunc func) {
    g_autoptr(GError) error = NULL;
    PCA_AUTO_FD journal =
        pca_store_open_journal(entry->claims->directory, entry->claim->id, &error);
    g_auto(GVariantDict) request;
    g_variant_dict_init(&request, NULL);
    g_variant_dict_insert(&request, "kind", "s", kind);
    if (plan)
        g_variant_dict_insert_value(&request, "plan", pca_plan_to_variant(plan));
    if (journal < 0)
        g_warning("%s", error->message);
    pca_worker_call(entry->claims->worker_socket, g_variant_dict_end(&request), &journal,
                    journal < 0 ? 0 : 1, func, entry);
}

void pca_entry_become_ready(PcaEntry *entry) {
    PcaClaims *claims = entry->claims;
    g_autoptr(PcaClaim) claim = pca_claim_ref(entry->claim);
    pca_entry_leave_queue(entry);
    claim->async = FALSE;
    enter_state(entry, PCA_CLAIM_READY, NULL);
    if (claim->kind == PCA_KIND_CLAIM)
        pca_entry_watch_lease(entry);
    pca_entry_tell(entry, NULL);
    if (claim->state == PCA_CLAIM_READY)
        announce(claims, claim);
}
