/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the life of claims.
 * Thread: the main one. Ownership: see the headers.
 */
#include "claim/claims.h"

#include <glib-unix.h>

#include "base/error.h"
#include "base/fds.h"
#include "claim/internal.h"
#include "claim/lease.h"
#include "claim/store.h"
#include "engine/client.h"
#include "engine/plan.h"

typedef struct {
    gboolean prepare;
    PcaClaimFunc func;
    gpointer data;
} Waiter;

static void residue_free(gpointer data) {
    PcaClaimResidue *residue = data;
    g_free(residue->id);
    g_free(residue->text);
    g_free(residue);
}

static void entry_free(gpointer data) {
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

PcaClaims *pca_claims_new(const PcaClaimsConfig *config, PcaClaimsChangedFunc changed,
                          gpointer data) {
    PcaClaims *claims = g_new0(PcaClaims, 1);
    claims->directory = g_strdup(config->directory);
    claims->worker_socket = g_strdup(config->worker_socket);
    claims->boot_id = g_strdup(config->boot_id);
    claims->unbind_grace = config->unbind_grace;
    claims->root = config->root;
    claims->changed = changed;
    claims->changed_data = data;
    claims->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    claims->residues = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, residue_free);
    claims->failed = pca_failed_new();
    claims->taints = pca_taints_load(claims->directory, claims->boot_id);
    claims->queue = pca_queue_new();
    return claims;
}

void pca_claims_free(PcaClaims *claims) {
    g_hash_table_unref(claims->entries);
    g_hash_table_unref(claims->residues);
    g_hash_table_unref(claims->failed);
    g_clear_pointer(&claims->taints, g_hash_table_unref);
    pca_queue_free(claims->queue);
    g_free(claims->directory);
    g_free(claims->worker_socket);
    g_free(claims->boot_id);
    g_free(claims);
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
    entry_free(entry);
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

static void on_undone(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    PcaEntry *entry = data;
    g_autoptr(GError) failure = g_steal_pointer(&entry->failure);
    gboolean residue = reply && pca_entry_take_residue(entry, reply);
    if (!reply && entry->attempts++ < PCA_MAX_ATTEMPTS) {
        entry->failure = g_steal_pointer(&failure);
        pca_entry_call(entry, "undo", NULL, on_undone);
        return;
    }
    if (!reply || (error && !residue)) {
        g_clear_handle_id(&entry->timer, g_source_remove);
        pca_entry_leave_queue(entry);
        pca_entry_set_state(entry, PCA_CLAIM_STUCK, error->message);
        pca_entry_tell(entry, failure ? failure : error);
        return;
    }
    pca_claim_untaint(entry->claims, entry->claim);
    pca_entry_end(entry, residue, failure);
}

static void start_undo(gpointer data) {
    pca_entry_call(data, "undo", NULL, on_undone);
}

void pca_entry_undo(PcaEntry *entry) {
    entry->undoing = TRUE;
    if (entry->queued)
        start_undo(entry);
    else
        pca_entry_enqueue(entry, start_undo);
}

/* Whoever waits is answered first; others are told while the answer is on its way. */
static void become_ready(PcaEntry *entry) {
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

void pca_entry_end_reset(PcaEntry *entry) {
    pca_claims_clear_reset(entry->claims, pca_claim_device(entry->claim, 0)->function);
    pca_entry_end(entry, FALSE, NULL);
}

/* Nobody has had it: it goes back as it was found, whatever is due after a claim. */
static void give_up(PcaEntry *entry) {
    for (guint i = 0; i < entry->claim->devices->len; i++)
        pca_claim_device(entry->claim, i)->keep = FALSE;
    pca_claim_untaint(entry->claims, entry->claim);
    pca_entry_release(entry);
}

static void on_prepared(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    PcaEntry *entry = data;
    g_clear_handle_id(&entry->timer, g_source_remove);
    if (!reply) {
        entry->failure = g_error_copy(error);
        pca_entry_undo(entry);
    } else if (error) {
        pca_claim_untaint(entry->claims, entry->claim);
        pca_entry_end(entry, pca_entry_take_residue(entry, reply), error);
    } else if (entry->claim->kind == PCA_KIND_RESET) {
        pca_entry_end_reset(entry);
    } else if (entry->abandoned) {
        give_up(entry);
    } else {
        become_ready(entry);
    }
}

/* Somebody may have it open who is not seen before. */
static void remember_users(PcaEntry *entry) {
    for (guint i = 0; i < entry->claim->devices->len; i++) {
        const PcaFunction *function = pca_claim_device(entry->claim, i)->function;
        if (function->driver && pca_driver_is_vfio(function->driver)) {
            pca_entry_remember_numbers(entry);
            return;
        }
    }
}

static void start_prepare(gpointer data) {
    PcaEntry *entry = data;
    if (entry->abandoned) {
        /* Nobody wants it any more, and nothing was touched. */
        pca_claim_untaint(entry->claims, entry->claim);
        pca_entry_end(entry, FALSE, NULL);
        return;
    }
    g_autoptr(GPtrArray) functions = pca_claim_functions(entry->claim);
    g_autofree PcaPlanDevice *devices = pca_claim_plan_devices(entry->claim);
    remember_users(entry);
    g_autoptr(PcaPlan) plan =
        entry->claim->kind == PCA_KIND_RESET
            ? pca_plan_reset(g_ptr_array_index(functions, 0), entry->claim->method)
            : pca_plan_claim(functions, devices);
    /* What is reserved has no owner, and may sleep. */
    if (entry->claim->kind == PCA_KIND_CLAIM)
        pca_plan_add_power(plan, functions, devices);
    if (pca_claim_gives_nodes(entry->claim))
        pca_plan_add_nodes(plan, functions, devices, entry->claim->uid, entry->claim->node_label);
    pca_entry_call(entry, "run", plan, on_prepared);
}

static gboolean on_wait_over(gpointer data) {
    PcaEntry *entry = data;
    gboolean reset = entry->claim->kind == PCA_KIND_RESET;
    g_autoptr(GError) error =
        g_error_new(PCA_ERROR, PCA_ERROR_TIMED_OUT,
                    reset ? "the kernel did not let go of the function within the time to wait; "
                            "it is reset as soon as it does"
                          : "the kernel did not finish preparing the devices within the time to "
                            "wait; they go back to the host as soon as it does");
    entry->timer = 0;
    entry->abandoned = TRUE;
    if (entry->claim->async)
        entry->claim->failure = g_error_copy(error);
    else
        pca_fd_close(&entry->claim->lease_writer);
    g_autoptr(GError) stuck = pca_entry_look_stuck(entry);
    pca_entry_start_grace(entry);
    pca_entry_tell(entry, error);
    return G_SOURCE_REMOVE;
}

guint pca_timer_add(gint64 microseconds, GSourceFunc func, gpointer data) {
    gint64 milliseconds = CLAMP(microseconds / 1000, 0, G_MAXINT32);
    return g_timeout_add((guint)milliseconds, func, data);
}

static gboolean check_exclusive(PcaClaims *claims, const PcaClaim *claim, GError **error) {
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaAddress *address = &pca_claim_device(claim, i)->function->address;
        g_autofree char *text = pca_address_format(address);
        if (!pca_claims_find_device(claims, address))
            continue;
        g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY, "%s is held by another claim", text);
        return FALSE;
    }
    return TRUE;
}

/* The taint between its claim's making and removal: without the record nothing would tell that
 * nobody has had the function yet. */
static gboolean write_down(PcaClaims *claims, PcaClaim *claim, GError **error) {
    g_autofree char *lease = pca_store_path(claims->directory, claim->id, "lease");
    if (!pca_store_create(claims->directory, claim, claims->boot_id, error))
        return FALSE;
    if (pca_claim_taint(claims, claim, error) &&
        (claim->kind != PCA_KIND_CLAIM ||
         pca_lease_create(lease, &claim->lease, &claim->lease_writer, error)))
        return TRUE;
    pca_claim_untaint(claims, claim);
    pca_store_remove(claims->directory, claim->id);
    return FALSE;
}

void pca_claims_prepare(PcaClaims *claims, PcaClaim *claim, gint64 wait, PcaClaimFunc func,
                        gpointer data) {
    g_autoptr(GError) error = NULL;
    if (!check_exclusive(claims, claim, &error) || !write_down(claims, claim, &error)) {
        func(claim, error, data);
        return;
    }
    PcaEntry *entry = pca_entry_new(claims, claim);
    pca_entry_add_waiter(entry, claim->kind != PCA_KIND_RESET, func, data);
    entry->timer = pca_timer_add(wait, on_wait_over, entry);
    if (claim->async)
        pca_entry_watch_lease(entry);
    pca_entry_enqueue(entry, start_prepare);
    /* The worker begins while others are told. */
    pca_entry_set_state(entry, PCA_CLAIM_PREPARING, NULL);
}
