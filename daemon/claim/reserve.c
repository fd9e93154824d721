/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what administrators do beside claims: reservations, and another try at what an earlier
 * record has left.
 * Thread: the main one. Ownership: see the headers.
 */
#include <errno.h>
#include <sys/file.h>

#include "base/error.h"
#include "base/fds.h"
#include "claim/internal.h"
#include "claim/store.h"
#include "engine/bus-reset.h"
#include "engine/journal.h"

void pca_claims_forget(PcaClaims *claims, PcaClaim *reservation, const char *reason) {
    PcaEntry *entry = g_hash_table_lookup(claims->entries, reservation->id);
    if (!entry || !pca_claim_is_dormant(entry->claim))
        return;
    g_warning("reservation %s is forgotten: %s", reservation->id, reason);
    pca_entry_end(entry, FALSE, NULL);
}

/* ---- Another try ---- */

static gboolean is_at_work(const PcaEntry *entry) {
    return entry->queued || entry->worker_watch;
}

/* The process that the journal names last; 0 when it names none. */
static int last_worker(int journal) {
    g_autoptr(PcaJournal) progress = journal < 0 ? NULL : pca_journal_read(journal, NULL);
    return progress ? (int)progress->pid : 0;
}

static GError *error_at_work(PcaClaims *claims, const char *id, const char *address,
                             const char *reason) {
    PCA_AUTO_FD journal = pca_store_open_journal(claims->directory, id, NULL);
    int pid = last_worker(journal);
    g_autofree char *process = pid ? g_strdup_printf("process %d", pid) : g_strdup("a process");
    return g_error_new(PCA_ERROR, PCA_ERROR_BUSY,
                       "the worker (%s) is still at work on %s in the kernel%s%s; it goes on by "
                       "itself when that lets it",
                       process, address, reason ? ": " : "", reason ? reason : "");
}

/* TRUE with *journal (NULL when it tells nothing any more); FALSE when it could not be opened, a
 * worker has its lock, or a newer version wrote it. */
static gboolean read_left(PcaClaims *claims, const char *id, const char *address,
                          PcaJournal **journal, GError **error) {
    PCA_AUTO_FD fd = pca_store_open_journal(claims->directory, id, error);
    if (fd < 0)
        return FALSE;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        g_propagate_error(error, error_at_work(claims, id, address, NULL));
        return FALSE;
    }
    g_autoptr(GError) problem = NULL;
    *journal = pca_journal_read(fd, &problem);
    if (!g_error_matches(problem, PCA_ERROR, PCA_ERROR_UNSUPPORTED))
        return TRUE;
    g_autofree char *path = pca_store_path(claims->directory, id, "journal");
    g_propagate_prefixed_error(error, g_steal_pointer(&problem), "%s: ", path);
    return FALSE;
}

static GHashTable *left_devices(PcaClaims *claims, const char *id) {
    GHashTable *devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer address, residue;
    g_hash_table_iter_init(&iter, claims->residues);
    while (g_hash_table_iter_next(&iter, &address, &residue))
        if (g_str_equal(((PcaClaimResidue *)residue)->id, id))
            g_hash_table_add(devices, g_strdup(address));
    return devices;
}

/* Whatever is left of the record goes into the plan: its journal tells of the last plan alone. */
static PcaPlan *plan_retry(PcaClaims *claims, const PcaClaim *claim, const PcaAddress *unproved) {
    g_autoptr(GPtrArray) functions = pca_claim_functions(claim);
    g_autofree PcaPlanDevice *devices = pca_claim_plan_devices(claim);
    g_autofree PcaRecovery *how = g_new0(PcaRecovery, functions->len);
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(functions, i);
        const PcaClaimResidue *residue = pca_claims_residue(claims, &function->address);
        if (!residue->quarantined)
            how[i] = PCA_RECOVER_BINDING;
        else if (unproved && pca_address_equal(unproved, &function->address))
            how[i] = PCA_RECOVER_UNPROVED;
    }
    PcaPlan *plan = pca_plan_recover(functions, devices, how);
    if (pca_claim_gives_nodes(claim))
        pca_plan_add_nodes(plan, functions, devices, claim->uid, claim->node_label);
    return plan;
}

/* Of a function that was replaced nothing can be put right any more. */
static void forget_replaced(PcaClaims *claims, const PcaClaim *claim, const PcaAddress *address,
                            const char *identity) {
    g_autofree char *text = pca_address_format(address);
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaFunction *found = pca_claim_device(claim, i)->function;
        g_autofree char *before = pca_function_identity(found);
        if (!pca_address_equal(&found->address, address) || g_str_equal(before, identity))
            continue;
        g_warning("%s is %s now: what was left of %s is forgotten", text, identity, before);
        g_hash_table_remove(claims->residues, text);
    }
}

/* Somebody may have another member of the group by now: its node, and its DMA, are theirs. */
static gboolean check_groups(PcaClaims *claims, const PcaClaim *left, GError **error) {
    for (guint i = 0; i < left->devices->len; i++) {
        const PcaFunction *function = pca_claim_device(left, i)->function;
        const PcaClaim *holder = pca_claims_find_group(claims, function->iommu_group);
        g_autofree char *address = pca_address_format(&function->address);
        if (!holder)
            continue;
        g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                    "IOMMU group %d of %s is held by a %s that is %s; end it first",
                    function->iommu_group, address, pca_claim_kind_name(holder->kind),
                    pca_claim_state_name(holder->state));
        return FALSE;
    }
    return TRUE;
}

/* The functions that the plan resets with their bus. */
static char **reset_with_bus(PcaClaims *claims, const PcaClaim *left) {
    g_autoptr(GPtrArray) members = g_ptr_array_new();
    for (guint i = 0; i < left->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(left, i);
        const PcaAddress *address = &device->function->address;
        if (device->with_bus && pca_claims_residue(claims, address)->quarantined)
            g_ptr_array_add(members, pca_address_format(address));
    }
    g_ptr_array_add(members, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&members), FALSE);
}

/* Those that were reset with it are back with the host, and must not meet another reset there. */
static gboolean check_bus(PcaClaims *claims, const PcaClaim *left, const PcaAddress *address,
                          GError **error) {
    g_autofree char *text = pca_address_format(address);
    g_auto(GStrv) members = reset_with_bus(claims, left);
    if (!g_strv_contains((const char *const *)members, text))
        return TRUE;
    g_auto(GStrv) others = pca_bus_others(claims->root, address, (const char *const *)members);
    g_autofree char *names = g_strjoinv(", ", others);
    if (!others[0])
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                "only a reset of its bus cleans %s, and would reach %s as well: where the host can "
                "do without, echo 1 >/sys/bus/pci/devices/%s/remove%s, recover %s, then echo 1 "
                ">/sys/bus/pci/rescan; or recover %s --accept-risk",
                text, names, others[0], others[1] ? " and so for each" : "", text, text);
    return FALSE;
}

/* NULL with *error, or without it when nothing is left to try. */
static PcaEntry *retry_entry(PcaClaims *claims, const char *id, const PcaAddress *address,
                             const char *identity, gboolean accept_risk, GError **error) {
    g_autofree char *text = pca_address_format(address);
    g_autoptr(PcaJournal) journal = NULL;
    g_autoptr(PcaClaim) claim = pca_store_load(claims->directory, id, claims->boot_id, error);
    if (!claim || !read_left(claims, id, text, &journal, error))
        return NULL;
    forget_replaced(claims, claim, address, identity);
    g_autoptr(GHashTable) left = left_devices(claims, id);
    claim->kind = PCA_KIND_RECOVERY;
    pca_claim_keep_devices(claim, left);
    if (claim->devices->len == 0) {
        pca_store_remove(claims->directory, id);
        return NULL;
    }
    gboolean undoing = journal && journal->plan && journal->plan->kind == PCA_PLAN_CLAIM;
    if (!check_groups(claims, claim, error) ||
        (!undoing && !accept_risk && !check_bus(claims, claim, address, error)))
        return NULL;
    PcaEntry *entry = pca_entry_new(claims, claim);
    if (undoing)
        entry->undoing = TRUE;
    else
        entry->plan = plan_retry(claims, claim, accept_risk ? address : NULL);
    return entry;
}

/* The entry that still keeps the function from its host driver, to be released without a reset; or
 * NULL. */
static PcaEntry *trust(PcaClaims *claims, const PcaAddress *address) {
    static const PcaRecovery unproved = PCA_RECOVER_UNPROVED;
    const PcaClaim *reservation = pca_claims_reservation(claims, address);
    PcaEntry *entry = reservation ? g_hash_table_lookup(claims->entries, reservation->id) : NULL;
    pca_claims_clear_taint(claims, address);
    if (!entry)
        return NULL;
    g_autoptr(GPtrArray) functions = pca_claim_functions(reservation);
    g_autofree PcaPlanDevice *devices = pca_claim_plan_devices(reservation);
    entry->plan = pca_plan_recover(functions, devices, &unproved);
    return entry;
}

void pca_claims_retry(PcaClaims *claims, const PcaAddress *address, const char *identity,
                      gboolean accept_risk, const char *reason, PcaClaimFunc func, gpointer data) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = pca_address_format(address);
    PcaClaim *claim = pca_claims_find_device(claims, address);
    const PcaClaimResidue *residue = pca_claims_residue(claims, address);
    PcaEntry *entry = claim ? g_hash_table_lookup(claims->entries, claim->id) : NULL;
    g_autofree char *id = residue ? g_strdup(residue->id) : NULL;
    const PcaTaint *taint = pca_taint_find(claims->taints, address, identity);
    if (entry && is_at_work(entry))
        error = error_at_work(claims, claim->id, text, claim->reason);
    else if (entry && claim->state != PCA_CLAIM_STUCK)
        error = g_error_new(PCA_ERROR, PCA_ERROR_BUSY, "%s is held by a %s that is %s", text,
                            pca_claim_kind_name(claim->kind), pca_claim_state_name(claim->state));
    else if (!entry && !id && taint && taint->foreign)
        error =
            g_error_new(PCA_ERROR, PCA_ERROR_UNSUPPORTED, "%s: %s", text, pca_taint_text(taint));
    else if (!entry && !id && taint && !accept_risk)
        error = g_error_new(PCA_ERROR, PCA_ERROR_QUARANTINED,
                            "%s is not reset when it is given back, so nothing can prove that it "
                            "is clean; pcassignctl recover %s --accept-risk takes it as it is",
                            text, text);
    else if (!entry && !id && taint)
        entry = trust(claims, address);
    else if (!entry && !id)
        error =
            g_error_new(PCA_ERROR, PCA_ERROR_NOT_FOUND, "nothing of %s is left to recover", text);
    else if (!entry)
        entry = retry_entry(claims, id, address, identity, accept_risk, &error);
    if (!entry || error)
        func(claim, error, data);
    else
        pca_claims_release(claims, entry->claim, reason, func, data);
}
