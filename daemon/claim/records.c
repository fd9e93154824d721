/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reading what the daemon wrote down, record by record, as recover.c does; but nothing
 * comes of it.
 * Thread: the main one. Ownership: see the header.
 */
#include "claim/records.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fds.h"
#include "claim/lease.h"
#include "claim/store.h"
#include "engine/journal.h"

/* One record that is read. */
typedef struct {
    PcaRecords *records;
    const char *directory;
    gboolean live;
    PcaClaim *claim;
    gboolean locked; /* whoever runs a plan holds its journal's lock */
    gint64 touched;  /* when its journal was written last; microseconds, wall clock; 0: not known */
} Reader;

static void residue_free(gpointer data) {
    PcaClaimResidue *residue = data;
    g_free(residue->id);
    g_free(residue->text);
    g_free(residue);
}

static PcaRecords *records_new(void) {
    PcaRecords *records = g_new0(PcaRecords, 1);
    records->claims = g_ptr_array_new_with_free_func((GDestroyNotify)pca_claim_unref);
    records->steps =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
    records->at_work = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    records->residues = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, residue_free);
    records->unread = g_ptr_array_new_with_free_func(g_free);
    return records;
}

void pca_records_free(PcaRecords *records) {
    g_ptr_array_unref(records->claims);
    g_hash_table_unref(records->steps);
    g_hash_table_unref(records->at_work);
    g_hash_table_unref(records->residues);
    g_clear_pointer(&records->taints, g_hash_table_unref);
    g_ptr_array_unref(records->unread);
    g_free(records);
}

static void add_residue(PcaRecords *records, const char *id, const char *device,
                        gboolean quarantined, const char *text, gint64 since) {
    PcaClaimResidue *residue = g_new0(PcaClaimResidue, 1);
    *residue = (PcaClaimResidue){.id = g_strdup(id),
                                 .quarantined = quarantined,
                                 .text = g_utf8_make_valid(text, -1),
                                 .since = since};
    g_hash_table_insert(records->residues, g_strdup(device), residue);
}

/* ---- One claim ---- */

static void note_steps(const Reader *r, const PcaJournal *journal) {
    g_autoptr(GStrvBuilder) lines = g_strv_builder_new();
    gboolean release = journal->plan->kind == PCA_PLAN_RELEASE;
    for (guint i = 0; i < journal->plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(journal->plan->steps, i);
        g_autofree char *what = release ? pca_step_describe(step) : pca_step_describe_undo(step);
        g_autofree char *line = g_strdup_printf("%s: %s", step->device, what ? what : "nothing");
        if (pca_journal_step_left(journal, i))
            g_strv_builder_add(lines, line);
    }
    g_hash_table_insert(r->records->steps, g_strdup(r->claim->id), g_strv_builder_end(lines));
}

static void keep(const Reader *r, PcaClaimState state, const char *reason) {
    r->claim->state = state;
    r->claim->reason = g_strdup(reason);
    if (state != PCA_CLAIM_READY && r->touched)
        r->claim->state_since = r->touched;
    g_ptr_array_add(r->records->claims, pca_claim_ref(r->claim));
}

static void keep_locked(const Reader *r, const PcaJournal *journal) {
    gboolean release = journal->plan && journal->plan->kind == PCA_PLAN_RELEASE;
    g_autofree char *worker =
        g_strdup_printf("a worker (process %d) is at work on it", journal->pid);
    if (journal->plan)
        note_steps(r, journal);
    g_hash_table_add(r->records->at_work, g_strdup(r->claim->id));
    keep(r, release || journal->undoing ? PCA_CLAIM_RELEASING : PCA_CLAIM_PREPARING,
         journal->pid ? worker : "a worker is at work on it");
}

/* What its owner may have had is released, not undone. */
static void keep_running(const Reader *r, const PcaJournal *journal) {
    gboolean release = journal->plan->kind == PCA_PLAN_RELEASE || journal->undoing;
    gboolean had = !release && pca_journal_handed_out(journal);
    note_steps(r, journal);
    keep(r, release || had ? PCA_CLAIM_RELEASING : PCA_CLAIM_PREPARING,
         release ? "no worker is at work on it; pcassignd goes on with it once it runs"
         : had   ? "its preparing was cut off; pcassignd gives its devices back once it runs"
                 : "no worker is at work on it; pcassignd undoes it once it runs");
}

static gboolean lease_lives(const Reader *r) {
    g_autofree char *path = pca_store_path(r->directory, r->claim->id, "lease");
    PCA_AUTO_FD lease = pca_lease_open(path, NULL);
    return lease >= 0 && pca_lease_alive(lease);
}

static void keep_prepared(const Reader *r) {
    if (r->claim->kind == PCA_KIND_RESET)
        return;
    if (r->claim->kind == PCA_KIND_RESERVATION)
        keep(r, PCA_CLAIM_READY, NULL);
    else if (!r->live)
        keep(r, PCA_CLAIM_READY, "whether its lease lives cannot be told of another machine");
    else if (lease_lives(r))
        keep(r, PCA_CLAIM_READY, NULL);
    else
        keep(r, PCA_CLAIM_RELEASING,
             "its lease has ended; pcassignd gives its devices back once it runs");
}

static void keep_unbegun(const Reader *r) {
    if (r->claim->split_from && r->claim->kind == PCA_KIND_RESERVATION)
        keep(r, PCA_CLAIM_READY, NULL);
    else if (r->claim->split_from)
        keep(r, PCA_CLAIM_RELEASING, "its release has not begun");
    else
        keep(r, PCA_CLAIM_PREPARING, "nothing was done to its devices yet");
}

static void take_residue(const Reader *r, const PcaJournal *journal) {
    const char *text = journal->last_failure ? journal->last_failure : "unknown";
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    note_steps(r, journal);
    for (guint i = 0; i < journal->plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(journal->plan->steps, i);
        if (pca_journal_step_left(journal, i) && g_hash_table_add(seen, step->device))
            add_residue(r->records, r->claim->id, step->device,
                        pca_journal_step_quarantines(journal, step), text, r->touched);
    }
}

static void read_journal(const Reader *r, const PcaJournal *journal) {
    gboolean release = journal->plan && journal->plan->kind == PCA_PLAN_RELEASE;
    switch (journal->result) {
    case PCA_JOURNAL_EMPTY:
        keep_unbegun(r);
        break;
    case PCA_JOURNAL_UNDONE:
        break;
    case PCA_JOURNAL_RESIDUE:
        take_residue(r, journal);
        break;
    case PCA_JOURNAL_RUNNING:
        keep_running(r, journal);
        break;
    case PCA_JOURNAL_DONE:
        if (!release)
            keep_prepared(r);
        break;
    }
}

/* Nothing is known of how far the worker came. */
static void quarantine_all(const Reader *r, const GError *error) {
    for (guint i = 0; i < r->claim->devices->len; i++) {
        g_autofree char *address =
            pca_address_format(&pca_claim_device(r->claim, i)->function->address);
        add_residue(r->records, r->claim->id, address, TRUE, error->message, r->touched);
    }
}

static PcaJournal *open_journal(Reader *r, GError **error) {
    g_autofree char *path = pca_store_path(r->directory, r->claim->id, "journal");
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "opening %s", path);
        return NULL;
    }
    if (fstat(fd, &st) == 0) {
        r->touched = (gint64)st.st_mtim.tv_sec * G_USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
        r->locked = r->live && pca_journal_is_locked(fd);
    }
    PcaJournal *journal = pca_journal_read(fd, error);
    if (!journal)
        g_prefix_error(error, "%s: ", path);
    return journal;
}

static void read_claim(Reader *r) {
    g_autoptr(GError) error = NULL;
    g_autoptr(PcaJournal) journal = open_journal(r, &error);
    if (journal && r->locked)
        keep_locked(r, journal);
    else if (journal)
        read_journal(r, journal);
    else
        quarantine_all(r, error);
}

static void take_foreign(const Reader *r, const char *id, const GError *error) {
    g_autoptr(GHashTable) devices = pca_record_addresses(r->directory, id);
    g_autofree char *text = pca_record_text(error);
    GHashTableIter iter;
    gpointer device;
    g_ptr_array_add(r->records->unread,
                    g_strdup_printf("claim %s is not understood: %s", id, text));
    g_hash_table_iter_init(&iter, devices);
    while (g_hash_table_iter_next(&iter, &device, NULL))
        add_residue(r->records, id, device, TRUE, text, 0);
}

static void read_record(Reader *r, const char *id, const char *boot_id) {
    g_autoptr(GError) error = NULL;
    g_autoptr(PcaClaim) claim = pca_store_load(r->directory, id, boot_id, &error);
    r->claim = claim;
    r->touched = 0;
    r->locked = FALSE;
    if (claim)
        read_claim(r);
    else if (g_error_matches(error, PCA_ERROR, PCA_ERROR_REVOKED))
        g_ptr_array_add(r->records->unread,
                        g_strdup_printf("claim %s means nothing now: %s", id, error->message));
    else if (!g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_FOUND))
        take_foreign(r, id, error);
}

/* ---- All of them ---- */

static const PcaClaim *find_id(const PcaRecords *records, const char *id) {
    for (guint i = 0; id && i < records->claims->len; i++) {
        const PcaClaim *claim = g_ptr_array_index(records->claims, i);
        if (g_str_equal(claim->id, id))
            return claim;
    }
    return NULL;
}

/* Its devices are still with the claim that they were to leave: see split.c. */
static void drop_unsplit(PcaRecords *records) {
    for (guint i = records->claims->len; i-- > 0;) {
        const PcaClaim *claim = g_ptr_array_index(records->claims, i);
        const PcaClaim *whole = find_id(records, claim->split_from);
        if (whole && pca_claim_has_device(whole, &pca_claim_device(claim, 0)->function->address))
            g_ptr_array_remove_index(records->claims, i);
    }
}

/* Whether it can be read, or is not there at all. */
static gboolean check_directory(const char *directory, GError **error) {
    g_autoptr(GError) problem = NULL;
    g_autoptr(GDir) entries = g_dir_open(directory, 0, &problem);
    if (entries || g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
    gboolean forbidden = g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_ACCES);
    g_set_error(error, PCA_ERROR, forbidden ? PCA_ERROR_NOT_PERMITTED : PCA_ERROR_FAILED,
                forbidden ? "%s is for root alone" : "%s cannot be read", directory);
    return FALSE;
}

PcaRecords *pca_records_read(const char *directory, const char *boot_id, gboolean live,
                             GError **error) {
    if (!check_directory(directory, error))
        return NULL;
    PcaRecords *records = records_new();
    g_auto(GStrv) ids = pca_store_list(directory);
    Reader reader = {.records = records, .directory = directory, .live = live};
    for (char **id = ids; *id; id++)
        read_record(&reader, *id, boot_id);
    drop_unsplit(records);
    g_ptr_array_sort(records->claims, pca_claim_compare_ages);
    records->taints = pca_taints_look(directory, boot_id);
    return records;
}

/* ---- Finding ---- */

const PcaClaim *pca_records_device(const PcaRecords *records, const PcaAddress *address) {
    for (guint i = 0; i < records->claims->len; i++)
        if (pca_claim_holds_device(g_ptr_array_index(records->claims, i), address))
            return g_ptr_array_index(records->claims, i);
    return NULL;
}

const PcaClaim *pca_records_group(const PcaRecords *records, int group) {
    for (guint i = 0; i < records->claims->len; i++)
        if (pca_claim_holds_group(g_ptr_array_index(records->claims, i), group))
            return g_ptr_array_index(records->claims, i);
    return NULL;
}

const PcaClaim *pca_records_reservation(const PcaRecords *records, const PcaAddress *address) {
    for (guint i = 0; i < records->claims->len; i++) {
        const PcaClaim *claim = g_ptr_array_index(records->claims, i);
        if (pca_claim_is_dormant(claim) && pca_claim_has_device(claim, address))
            return claim;
    }
    return NULL;
}

const PcaClaimResidue *pca_records_residue(const PcaRecords *records, const PcaAddress *address) {
    g_autofree char *text = pca_address_format(address);
    return g_hash_table_lookup(records->residues, text);
}

const PcaTaint *pca_records_taint(const PcaRecords *records, const PcaFunction *function) {
    g_autofree char *identity = pca_function_identity(function);
    return pca_taint_find(records->taints, &function->address, identity);
}

GPtrArray *pca_records_list(const PcaRecords *records) {
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)pca_claim_unref);
    for (guint i = 0; i < records->claims->len; i++) {
        PcaClaim *claim = g_ptr_array_index(records->claims, i);
        if (claim->kind == PCA_KIND_CLAIM)
            g_ptr_array_add(list, pca_claim_ref(claim));
    }
    return list;
}
