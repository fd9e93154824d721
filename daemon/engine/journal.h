/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the journal of a claim: which plan the worker runs, and how far it has come. Append
 * only, one record a line. Whoever runs a plan holds the file's flock: a free lock proves that no
 * worker is at work on the claim, a held one that a worker may still be in the kernel. Thread: any.
 * Ownership: a PcaJournal owns its plan and strings.
 *
 *   pcassign-journal 1
 *   run PID START          process and its start time in clock ticks after boot (proc(5), stat)
 *   plan VARIANT           GVariant text of type PCA_PLAN_TYPE; begins a new run
 *   begin N | done N | fail N TEXT
 *   gone N                 the function was removed: nothing is left to do, the step counts as done
 *   undo N | undone N | undo-failed N TEXT
 *   end RESULT             "done", "undone" or "residue"
 *
 * A last line without its newline was torn by the death of its writer and counts as not written.
 */
#pragma once

#include "engine/plan.h"

typedef enum { PCA_STEP_PENDING, PCA_STEP_BEGUN, PCA_STEP_DONE, PCA_STEP_UNDONE } PcaStepState;

typedef enum {
    PCA_JOURNAL_EMPTY,   /* no plan was written: nothing was touched */
    PCA_JOURNAL_RUNNING, /* a plan without an end */
    PCA_JOURNAL_DONE,
    PCA_JOURNAL_UNDONE,
    PCA_JOURNAL_RESIDUE,
} PcaJournalResult;

typedef struct {
    pid_t pid; /* of the last run; 0 when there was none */
    guint64 start_time;
    PcaPlan *plan;        /* of the last run; NULL when none was written */
    PcaStepState *states; /* one per step of the plan */
    PcaJournalResult result;
    char *last_failure; /* text of the last fail or undo-failed record of that run, or NULL */
    GPtrArray *current; /* of PcaStep, the plan's: begun, and neither done nor failed yet */
    gboolean undoing;   /* what was begun of them is their undo */
} PcaJournal;

#define PCA_JOURNAL_MAX (4 * 1024 * 1024) /* bytes */

/* Reads a journal's text. NULL with *error for anything malformed, which is Unsupported for another
 * format: then nothing is known of the devices, and they are to be quarantined. */
PcaJournal *pca_journal_parse(const char *text, GError **error);

/* The whole file behind `fd`, from its start. */
PcaJournal *pca_journal_read(int fd, GError **error);
/* Whether the step is still to be done, of a release, or to be undone, of anything else. */
gboolean pca_journal_step_left(const PcaJournal *journal, guint index);

/* Whether its function is not provably clean while that step is left. */
gboolean pca_journal_step_quarantines(const PcaJournal *journal, const PcaStep *step);

/* Whether somebody holds the journal's lock, asked of the kernel's list: whoever tried to take it
 * would have it for a moment, and be taken for a worker at work. */
gboolean pca_journal_is_locked(int fd);

void pca_journal_free(PcaJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaJournal, pca_journal_free)

/* Whether the owner of a claim, whose plan this is, may have had its functions, if only for a moment
 * (pca_op_hands_out). */
gboolean pca_journal_handed_out(const PcaJournal *journal);

/* Appends one record; the newline is added, control characters in the text become spaces and what
 * is not UTF-8 is replaced. Nothing of it is left in the file when it cannot be written whole. */
gboolean pca_journal_append(int fd, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The records that begin a run by this process: header if the file is empty, run, plan. Without a
 * plan the run goes on with the one that stands there. */
gboolean pca_journal_begin_run(int fd, const PcaPlan *plan, GError **error);

/* The start time of a process in clock ticks after boot; 0 when it is gone. */
guint64 pca_process_start_time(pid_t pid);
