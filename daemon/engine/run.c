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
    /* Whether the journal takes it or not: it says already that there is something to undo. */
    pca_journal_append(journal, NULL, "undo %u", index);
    /* A device that has gone has nothing left to undo. */
    if (pca_step_do(context, step, step->undo, step->undo_detail, &failure) ||
        g_error_matches(failure, PCA_ERROR, PCA_ERROR_NOT_FOUND)) {
        pca_journal_append(journal, NULL, "undone %u", index);
        return;
    }
    pca_journal_append(journal, NULL, "undo-failed %u %s", index, failure->message);
    add_residue(residues, step->device, FALSE, failure->message);
}

static gboolean run_claim(PcaStepContext *context, const PcaPlan *plan, int journal,
                          PcaResidues *residues, GError **error) {
    guint begun = 0;
    gboolean ok = TRUE;
    while (ok && begun < plan->steps->len)
        ok = do_step(context, plan, begun++, journal, error);
    if (ok && end_run(journal, residues, "done", error))
        return TRUE;
    while (begun-- > 0)
        undo_step(context, plan, begun, journal, residues);
    end_run(journal, residues, "undone", NULL);
    return FALSE;
}

static gboolean same_plan(const PcaPlan *a, const PcaPlan *b) {
    g_autoptr(GVariant) x = g_variant_ref_sink(pca_plan_to_variant(a));
    g_autoptr(GVariant) y = g_variant_ref_sink(pca_plan_to_variant(b));
    return g_variant_equal(x, y);
}

/* The functions (a set of addresses) that the run before had proved clean and begun to give back:
 * their host driver may be at work, so all that may be done again is the restore. */
static GHashTable *find_restored(const PcaJournal *before) {
    GHashTable *devices = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; before && i < before->plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(before->plan->steps, i);
        if (step->op == PCA_OP_RESTORE && before->states[i] != PCA_STEP_PENDING)
            g_hash_table_add(devices, step->device);
    }
    for (guint i = 0; before && i < before->plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(before->plan->steps, i);
        if (step->op != PCA_OP_RESTORE && before->states[i] != PCA_STEP_DONE)
            g_hash_table_remove(devices, step->device);
    }
    return devices;
}

static gboolean run_release(PcaStepContext *context, const PcaPlan *plan, int journal,
                            const PcaJournal *before, PcaResidues *residues, GError **error) {
    g_autoptr(GError) first = NULL;
    g_autoptr(GHashTable) restored = find_restored(before);
    g_autoptr(GHashTable) gone = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(plan->steps, i);
        g_autoptr(GError) failure = NULL;
        if (step->op != PCA_OP_RESTORE && g_hash_table_contains(restored, step->device)) {
            pca_journal_append(journal, NULL, "done %u", i);
            continue;
        }
        if (g_hash_table_contains(gone, step->device)) {
            pca_journal_append(journal, NULL, "gone %u", i);
            continue;
        }
        if (has_residue(residues, step->device) || do_step(context, plan, i, journal, &failure))
            continue;
        /* Where it is given back the function was proved clean; before that, it was not. */
        if (!g_error_matches(failure, PCA_ERROR, PCA_ERROR_NOT_FOUND))
            add_residue(residues, step->device, !pca_op_gives_back(step->op), failure->message);
        else if (g_hash_table_add(gone, step->device))
            pca_journal_append(journal, NULL, "gone %u", i);
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
    g_autoptr(PcaJournal) before = pca_journal_read(journal, NULL);
    /* A release whose worker died goes on in the journal where it stood. */
    if (before &&
        (plan->kind != PCA_PLAN_RELEASE || !before->plan || !same_plan(before->plan, plan)))
        g_clear_pointer(&before, pca_journal_free);
    if (!pca_journal_begin_run(journal, before ? NULL : plan, error))
        return FALSE;
    if (plan->kind == PCA_PLAN_CLAIM)
        return run_claim(context, plan, journal, residues, error);
    return run_release(context, plan, journal, before, residues, error);
}

gboolean pca_run_undo(PcaKernel *kernel, int journal, PcaResidues *residues, GError **error) {
    g_autoptr(PcaStepContext) context = pca_step_context_new(kernel);
    g_autoptr(PcaJournal) progress = pca_journal_read(journal, error);
    if (!progress)
        return FALSE;
    if (progress->plan && progress->plan->kind != PCA_PLAN_CLAIM) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "a release cannot be undone");
        return FALSE;
    }
    if (!pca_journal_begin_run(journal, NULL, error))
        return FALSE;
    if (!progress->plan)
        return TRUE;
    for (guint i = progress->plan->steps->len; i-- > 0;)
        if (progress->states[i] == PCA_STEP_BEGUN || progress->states[i] == PCA_STEP_DONE)
            undo_step(context, progress->plan, i, journal, residues);
    return end_run(journal, residues, "undone", error);
}
