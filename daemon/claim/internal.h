/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the registry share.
 * Thread: the main one. Ownership: an entry holds a reference on its claim.
 */
#pragma once

#include "claim/claims.h"
#include "claim/queue.h"
#include "engine/client.h"
#include "engine/plan.h"

/* How often a plan is taken up again whose worker died: also if three more die at that. */
#define PCA_MAX_ATTEMPTS 4

struct PcaClaims {
    char *directory;
    char *worker_socket;
    char *boot_id;
    gint64 unbind_grace;
    const PcaRoot *root;
    PcaClaimsChangedFunc changed;
    gpointer changed_data;
    GHashTable *entries;  /* id → PcaEntry */
    GHashTable *residues; /* address → PcaClaimResidue */
    GHashTable *failed;   /* id → claim that lingers: see failed.c */
    GHashTable *taints;   /* see taint.h; NULL: not known */
    PcaQueue *queue;
};

typedef struct {
    PcaClaims *claims;
    PcaClaim *claim;
    GSList *waiters;    /* of Waiter */
    guint timer;        /* of the wait for prepare, or of the grace for release; or 0 */
    guint attempts;     /* of the running plan, beyond the first */
    gboolean abandoned; /* nobody waits for prepare any more */
    gboolean undoing;   /* what is left to do is the undo of a claim plan, not a release */
    gboolean queued;
    GArray *numbers;    /* of guint64: device numbers that the nodes had when a plan began */
    GError *failure;    /* why prepare failed, while it is undone */
    guint worker_watch; /* of the pidfd of a worker of a former daemon; or 0 */
    PcaPlan *plan;      /* what the release runs; NULL: all devices, as they were found */
} PcaEntry;

PcaEntry *pca_entry_new(PcaClaims *claims, PcaClaim *claim);
void pca_entry_free(gpointer entry);
void pca_entry_set_state(PcaEntry *entry, PcaClaimState state, const char *reason);
void pca_entry_watch_lease(PcaEntry *entry);

/* Whoever waits is answered first; others are told while the answer is on its way. */
void pca_entry_become_ready(PcaEntry *entry);

/* Puts the undo of an interrupted claim plan, or a release, into the queue; begins it at once where
 * the entry has its turn already, so that no other plan comes in between. */
void pca_entry_undo(PcaEntry *entry);
void pca_entry_release(PcaEntry *entry);

/* One of the two, for a claim plan that did not come to its end: undone, unless its owner may have
 * had something of it, by a node or a file. */
void pca_entry_put_back(PcaEntry *entry);

/* Puts a job on the claim's groups into the queue; `data` names it. */
void pca_claim_enqueue(PcaClaims *claims, const PcaClaim *claim, PcaQueueFunc start, gpointer data);

/* Waits its turn behind the plans that share a group; the entry leaves the queue when it ends. */
void pca_entry_enqueue(PcaEntry *entry, PcaQueueFunc start);
void pca_entry_leave_queue(PcaEntry *entry);

/* Sends the worker a request about the claim's journal; `plan` may be NULL. */
void pca_entry_call(PcaEntry *entry, const char *kind, PcaPlan *plan, PcaWorkerFunc func);

/* `func` may be NULL: then nobody waits. `prepare`: for the claim to be ready, not for its end. */
void pca_entry_add_waiter(PcaEntry *entry, gboolean prepare, PcaClaimFunc func, gpointer data);

/* Every waiter gets its one answer. Whoever waits for a claim to be ready hears Revoked when it
 * ended without an error. */
void pca_entry_tell(PcaEntry *entry, const GError *error);

/* The claim is over: tells the waiters, forgets it, and removes it from disk unless there is a
 * residue to remember. */
void pca_entry_end(PcaEntry *entry, gboolean keep, const GError *error);

/* An administrator's reset is done: the function is clean of whoever had it. */
void pca_entry_end_reset(PcaEntry *entry);
void pca_claims_add_residue(PcaClaims *claims, const char *id, const char *device,
                            gboolean quarantined, const char *text);

/* Notes what the worker could not put right now, and forgets what it could not put right before;
 * whether there is anything. */
gboolean pca_entry_take_residue(PcaEntry *entry, GVariant *reply);

/* keep.c: a release is through: what stays reserved becomes so, and the entry ends. Stuck where
 * that cannot be written down. */
void pca_entry_end_release(PcaEntry *entry, gboolean residue, const GError *error);

/* keep.c: what of the claim no reset will clean is its owner's from now on; and no more, because
 * the claim never had it. */
gboolean pca_claim_taint(PcaClaims *claims, const PcaClaim *claim, GError **error);
void pca_claim_untaint(PcaClaims *claims, const PcaClaim *claim);

/* foreign.c: the record stays as it is, for the reason that is given; all functions that it names
 * are quarantined. */
void pca_claims_keep_foreign(PcaClaims *claims, const char *id, const GError *error);

/* failed.c: what `failed` holds, and an ended claim for it, while its lease lives. */
GHashTable *pca_failed_new(void);
void pca_failed_keep(PcaClaims *claims, PcaClaim *claim);
PcaClaim *pca_failed_find(PcaClaims *claims, const char *id);
guint pca_failed_count(PcaClaims *claims, guint32 uid);

guint pca_timer_add(gint64 microseconds, GSourceFunc func, gpointer data);

/* Unless a time runs already, the waiters are told after the grace time that it takes longer, and
 * after each further one, while what is known of the reason is looked at again. */
void pca_entry_start_grace(PcaEntry *entry);

/* stuck.c: the numbers of the devices' nodes, while these are there: a blocked unbind has removed
 * them by the time that somebody asks who holds them open. Also on disk, for after a restart. */
void pca_entry_remember_numbers(PcaEntry *entry);

/* stuck.c: makes the claim `stuck` with what its worker is at for a reason, and finds out who holds
 * its devices where that is what it waits for. The error is for who waits for a release. */
GError *pca_entry_look_stuck(PcaEntry *entry);
