/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: taking up what a former daemon left: by each claim's journal, its lock and its lease.
 * Thread: the main one. Ownership: see the headers.
 */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "base/error.h"
#include "base/fds.h"
#include "claim/internal.h"
#include "claim/lease.h"
#include "claim/store.h"
#include "engine/journal.h"

static void recover_entry(PcaEntry *entry);

static gboolean on_old_worker_gone(int fd, GIOCondition condition, gpointer data) {
    PcaEntry *entry = data;
    entry->worker_watch = 0;
    close(fd);
    recover_entry(entry);
    return G_SOURCE_REMOVE;
}

static gboolean on_retry(gpointer data) {
    PcaEntry *entry = data;
    entry->worker_watch = 0;
    recover_entry(entry);
    return G_SOURCE_REMOVE;
}

/* The worker that holds the lock by the journal's last record, if that process is still the same.
 */
static int open_worker(int journal) {
    g_autoptr(PcaJournal) progress = pca_journal_read(journal, NULL);
    if (!progress || progress->pid == 0)
        return -1;
    PCA_AUTO_FD pidfd = (int)syscall(SYS_pidfd_open, progress->pid, 0);
    if (pidfd < 0 || pca_process_start_time(progress->pid) != progress->start_time)
        return -1;
    return pca_fd_steal(&pidfd);
}

/* A worker of before is still in the kernel: nothing may be done to its devices until it is gone.
 * It cannot report to us, so it is killed; blocked in the kernel it dies when that lets it go. */
static void await_worker(PcaEntry *entry, int journal) {
    PCA_AUTO_FD pidfd = open_worker(journal);
    if (pidfd < 0) {
        entry->worker_watch = g_timeout_add_seconds(1, on_retry, entry);
    } else {
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        entry->worker_watch =
            g_unix_fd_add(pca_fd_steal(&pidfd), G_IO_IN, on_old_worker_gone, entry);
    }
    /* One who looked already does so again by itself. */
    g_autoptr(GError) stuck = entry->timer ? NULL : pca_entry_look_stuck(entry);
    pca_entry_start_grace(entry);
}

static gboolean lease_alive(PcaEntry *entry) {
    g_autofree char *path = pca_store_path(entry->claims->directory, entry->claim->id, "lease");
    if (entry->claim->lease < 0)
        entry->claim->lease = pca_lease_open(path, NULL);
    return entry->claim->lease >= 0 && pca_lease_alive(entry->claim->lease);
}

static void recover_prepared(PcaEntry *entry) {
    if (entry->claim->kind == PCA_KIND_RESET) {
        pca_entry_end_reset(entry);
        return;
    }
    if (!entry->abandoned && entry->claim->kind == PCA_KIND_RESERVATION) {
        pca_entry_set_state(entry, PCA_CLAIM_READY, NULL);
        return;
    }
    if (!entry->abandoned && lease_alive(entry)) {
        pca_entry_set_state(entry, PCA_CLAIM_READY, NULL);
        pca_entry_watch_lease(entry);
        return;
    }
    g_free(entry->claim->reason);
    entry->claim->reason =
        g_strdup(entry->abandoned ? "released" : "the lease ended while the service was down");
    pca_entry_release(entry);
}

/* What an earlier release or undo could not put right, told again from the journal. */
static void recover_residue(PcaEntry *entry, const PcaJournal *journal) {
    const char *text = journal->last_failure ? journal->last_failure : "unknown";
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < journal->plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(journal->plan->steps, i);
        if (pca_journal_step_left(journal, i) && g_hash_table_add(seen, step->device))
            pca_claims_add_residue(entry->claims, entry->claim->id, step->device,
                                   pca_journal_step_quarantines(journal, step), text);
    }
    if (journal->plan->kind == PCA_PLAN_RELEASE)
        pca_entry_end_release(entry, TRUE, NULL);
    else
        pca_entry_end(entry, TRUE, NULL);
}

/* Nothing is known of how far the worker came. */
static void quarantine_all(PcaEntry *entry, const GError *error) {
    for (guint i = 0; i < entry->claim->devices->len; i++) {
        g_autofree char *address =
            pca_address_format(&pca_claim_device(entry->claim, i)->function->address);
        pca_claims_add_residue(entry->claims, entry->claim->id, address, TRUE, error->message);
    }
    pca_entry_end(entry, TRUE, error);
}

/* The very plan that was at work: it may be another try at some of the devices alone. */
static void recover_release(PcaEntry *entry, PcaJournal *journal) {
    g_autoptr(GHashTable) devices = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < journal->plan->steps->len; i++)
        g_hash_table_add(devices, ((PcaStep *)g_ptr_array_index(journal->plan->steps, i))->device);
    pca_claim_keep_devices(entry->claim, devices);
    entry->plan = g_steal_pointer(&journal->plan);
    pca_entry_release(entry);
}

/* Its owner never had it. */
static void end_unused(PcaEntry *entry) {
    pca_claim_untaint(entry->claims, entry->claim);
    pca_entry_end(entry, FALSE, NULL);
}

/* What left another claim is prepared: it stays reserved (keep.c), or only its release had not
 * begun. */
static void recover_unbegun(PcaEntry *entry) {
    if (!entry->claim->split_from)
        end_unused(entry);
    else if (entry->claim->kind == PCA_KIND_RESERVATION)
        pca_entry_set_state(entry, PCA_CLAIM_READY, NULL);
    else
        pca_entry_release(entry);
}

static void recover_by_journal(PcaEntry *entry, PcaJournal *journal) {
    gboolean release = journal->plan && journal->plan->kind == PCA_PLAN_RELEASE;
    switch (journal->result) {
    case PCA_JOURNAL_EMPTY:
        recover_unbegun(entry);
        break;
    case PCA_JOURNAL_UNDONE:
        end_unused(entry);
        break;
    case PCA_JOURNAL_RESIDUE:
        recover_residue(entry, journal);
        break;
    case PCA_JOURNAL_RUNNING:
        if (release)
            recover_release(entry, journal);
        else
            pca_entry_put_back(entry);
        break;
    case PCA_JOURNAL_DONE:
        if (release)
            pca_entry_end_release(entry, FALSE, NULL);
        else
            recover_prepared(entry);
        break;
    }
}

static void recover_entry(PcaEntry *entry) {
    g_autoptr(GError) error = NULL;
    PCA_AUTO_FD fd = pca_store_open_journal(entry->claims->directory, entry->claim->id, &error);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        await_worker(entry, fd);
        return;
    }
    g_autofree char *path = pca_store_path(entry->claims->directory, entry->claim->id, "journal");
    g_autoptr(PcaJournal) journal = fd < 0 ? NULL : pca_journal_read(fd, &error);
    if (fd >= 0)
        g_prefix_error(&error, "%s: ", path);
    /* The worker that goes on takes the lock on its own. */
    pca_fd_close(&fd);
    if (journal)
        recover_by_journal(entry, journal);
    else
        quarantine_all(entry, error);
}

static void load(PcaClaims *claims, const char *id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(PcaClaim) claim = pca_store_load(claims->directory, id, claims->boot_id, &error);
    if (claim)
        pca_store_load_nodes(claims->directory, id, pca_entry_new(claims, claim)->numbers);
    else if (g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_FOUND))
        pca_store_remove(claims->directory, id);
    else if (g_error_matches(error, PCA_ERROR, PCA_ERROR_REVOKED))
        g_warning("claim %s on disk is left alone: %s", id, error->message);
    else
        pca_claims_keep_foreign(claims, id, error);
}

/* Whether the claim that these devices were to leave still has them: see split.c. */
static gboolean has_not_left(PcaClaims *claims, const PcaClaim *claim) {
    const PcaClaim *whole = claim->split_from ? pca_claims_find(claims, claim->split_from) : NULL;
    return whole && pca_claim_has_device(whole, &pca_claim_device(claim, 0)->function->address);
}

static void forget(PcaClaims *claims, const char *id) {
    g_message("claim %s on disk: its devices had not left their claim yet", id);
    pca_store_remove(claims->directory, id);
    g_hash_table_remove(claims->entries, id);
}

void pca_claims_recover(PcaClaims *claims) {
    g_auto(GStrv) ids = pca_store_list(claims->directory);
    for (char **id = ids; *id; id++)
        load(claims, *id);
    for (char **id = ids; *id; id++) {
        const PcaEntry *entry = g_hash_table_lookup(claims->entries, *id);
        if (entry && has_not_left(claims, entry->claim))
            forget(claims, *id);
    }
    for (char **id = ids; *id; id++) {
        PcaEntry *entry = g_hash_table_lookup(claims->entries, *id);
        if (entry)
            recover_entry(entry);
    }
}
