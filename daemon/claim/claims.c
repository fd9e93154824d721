/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the registry, and how a claim is prepared or undone.
 * Thread: the main one. Ownership: see the headers.
 */
#include "claim/claims.h"

#include "base/error.h"
#include "base/fds.h"
#include "claim/internal.h"
#include "claim/lease.h"
#include "claim/store.h"
#include "engine/client.h"
#include "engine/journal.h"
#include "engine/plan.h"

static void residue_free(gpointer data) {
    PcaClaimResidue *residue = data;
    g_free(residue->id);
    g_free(residue->text);
    g_free(residue);
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
    claims->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, pca_entry_free);
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

static gboolean has_files(const PcaClaim *claim) {
    for (guint i = 0; i < claim->devices->len; i++)
        if (pca_claim_device(claim, i)->files)
            return TRUE;
    return FALSE;
}

/* A journal that cannot be read does not say that nobody had it. */
static gboolean was_handed_out(const PcaEntry *entry) {
    if (!pca_claim_gives_nodes(entry->claim) && !has_files(entry->claim))
        return FALSE;
    PCA_AUTO_FD fd = pca_store_open_journal(entry->claims->directory, entry->claim->id, NULL);
    g_autoptr(PcaJournal) journal = fd < 0 ? NULL : pca_journal_read(fd, NULL);
    return !journal || pca_journal_handed_out(journal);
}

void pca_entry_put_back(PcaEntry *entry) {
    if (!was_handed_out(entry)) {
        pca_entry_undo(entry);
        return;
    }
    g_free(entry->claim->reason);
    entry->claim->reason =
        g_strdup(entry->failure ? entry->failure->message : "its preparing was cut off");
    pca_entry_release(entry);
}

void pca_entry_end_reset(PcaEntry *entry) {
    pca_claims_clear_reset(entry->claims, pca_claim_device(entry->claim, 0)->function);
    pca_entry_end(entry, FALSE, NULL);
}

/* What nobody has had goes back as it was found, whatever is due after a claim. */
static void give_up(PcaEntry *entry) {
    if (was_handed_out(entry)) {
        pca_entry_release(entry);
        return;
    }
    for (guint i = 0; i < entry->claim->devices->len; i++)
        pca_claim_device(entry->claim, i)->keep = FALSE;
    pca_claim_untaint(entry->claims, entry->claim);
    pca_entry_release(entry);
}

static void on_prepared(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    PcaEntry *entry = data;
    g_clear_handle_id(&entry->timer, g_source_remove);
    if (!reply || (error && was_handed_out(entry))) {
        entry->failure = g_error_copy(error);
        pca_entry_put_back(entry);
    } else if (error) {
        pca_claim_untaint(entry->claims, entry->claim);
        pca_entry_end(entry, pca_entry_take_residue(entry, reply), error);
    } else if (entry->claim->kind == PCA_KIND_RESET) {
        pca_entry_end_reset(entry);
    } else if (entry->abandoned) {
        give_up(entry);
    } else {
        pca_entry_become_ready(entry);
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
