/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: running and undoing plans.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/run.h"

#include "base/error.h"

static void residue_free(gpointer data) {
    PcaResidue *residue = data;
    g_free(residue->device);
    g_free(residue->text);
    g_free(residue);
}

PcaResidues *pca_residues_new(void) {
    return g_ptr_array_new_with_free_func(residue_free);
}

static gboolean has_residue(PcaResidues *residues, const char *device) {
    for (guint i = 0; i < residues->len; i++)
        if (g_str_equal(((PcaResidue *)g_ptr_array_index(residues, i))->device, device))
            return TRUE;
    return FALSE;
}

static void add_residue(PcaResidues *residues, const char *device, gboolean quarantined,
                        const char *text) {
    PcaResidue *residue = g_new0(PcaResidue, 1);
    residue->device = g_strdup(device);
    residue->quarantined = quarantined;
    residue->text = g_strdup(text);
    g_ptr_array_add(residues, residue);
}

static gboolean end_run(int journal, PcaResidues *residues, const char *result, GError **error) {
    return pca_journal_append(journal, error, "end %s", residues->len ? "residue" : result);
}

/* Begins the step in the journal, does it, and journals the outcome. */
static gboolean do_step(PcaStepContext *context, const PcaPlan *plan, guint index, int journal,
                        GError **error) {
    const PcaStep *step = g_ptr_array_index(plan->steps, index);
    g_autoptr(GError) failure = NULL;
    if (!pca_journal_append(journal, error, "begin %u", index))
        return FALSE;
    if (pca_step_do(context, step, step->op, step->detail, &failure))
        return pca_journal_append(journal, error, "done %u", index);
    pca_journal_append(journal, NULL, "fail %u %s", index, failure->message);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static void undo_step(PcaStepContext *context, const PcaPlan *plan, guint index, int journal,
                      PcaResidues *residues) {
    const PcaStep *step = g_ptr_array_index(plan->steps, index);
    g_autoptr(GError) failure = NULL;
    if (step->undo == PCA_OP_NONE || has_residue(residues, step->device))
        return;
    /* A device that has gone has nothing left to undo. */
    if (pca_journal_append(journal, &failure, "undo %u", index) &&
        (pca_step_do(context, step, step->undo, step->undo_detail, &failure) ||
         g_error_matches(failure, PCA_ERROR, PCA_ERROR_NOT_FOUND))) {
        pca_journal_append(journal, NULL, "undone %u", index);
        return;
    }
    pca_journal_append(journal, NULL, "undo-failed %u %s", index, failure->message);
    add_residue(residues, step->device, FALSE, failure->message);
}

static gboolean run_claim(PcaStepContext *context, const PcaPlan *plan, int journal,
                          PcaResidues *residues, GError **error) {
    for (guint i = 0; i < plan->steps->len; i++) {
        if (do_step(context, plan, i, journal, error))
            continue;
        for (guint j = i + 1; j-- > 0;)
            undo_step(context, plan, j, journal, residues);
        end_run(journal, residues, "undone", NULL);
        return FALSE;
    }
    return end_run(journal, residues, "done", error);
}

static gboolean run_release(PcaStepContext *context, const PcaPlan *plan, int journal,
                            PcaResidues *residues, GError **error) {
    g_autoptr(GError) first = NULL;
    for (guint i = 0; i < plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(plan->steps, i);
        g_autoptr(GError) failure = NULL;
        if (has_residue(residues, step->device) ||
            do_step(context, plan, i, journal, &failure))
            continue;
        /* Past the restore the function was proved clean; before it, it was not. */
        gboolean gone = g_error_matches(failure, PCA_ERROR, PCA_ERROR_NOT_FOUND);
        if (!gone)
            add_residue(residues, step->device, step->op != PCA_OP_RESTORE, failure->message);
        if (!first)
            first = g_steal_pointer(&failure);
    }
    if (!first)
        return end_run(journal, residues, "done", error);
    end_run(journal, residues, "done", NULL);
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

gboolean pca_run(PcaKernel *kernel, const PcaPlan *plan, int journal, PcaResidues *residues,
                 GError **error) {
    g_autoptr(PcaStepContext) context = pca_step_context_new(kernel);
    if (!pca_journal_begin_run(journal, plan, error))
        return FALSE;
    return plan->kind == PCA_PLAN_CLAIM ? run_claim(context, plan, journal, residues, error)
                                        : run_release(context, plan, journal, residues, error);
}

gboolean pca_run_undo(PcaKernel *kernel, int journal, PcaResidues *residues, GError **error) {
    g_autoptr(PcaStepContext) context = pca_step_context_new(kernel);
    g_autoptr(PcaJournal) progress = pca_journal_read(journal, error);
    if (!progress || !pca_journal_begin_run(journal, NULL, error))
        return FALSE;
    if (!progress->plan)
        return TRUE;
    for (guint i = progress->plan->steps->len; i-- > 0;)
        if (progress->states[i] == PCA_STEP_BEGUN || progress->states[i] == PCA_STEP_DONE)
            undo_step(context, progress->plan, i, journal, residues);
    return end_run(journal, residues, "undone", error);
}
