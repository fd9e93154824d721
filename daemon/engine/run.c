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

typedef struct {
    PcaStepContext *context;
    const PcaPlan *plan;
    int journal;
    gboolean *handed_out; /* by a step that was begun */
} Runner;

/* A step that is to be done, and why it was not, or why the journal does not say that it was. */
typedef struct {
    const Runner *runner;
    guint index;
    const PcaStep *step;
    GError *failure;
} Attempt;

static void attempts_free(GArray *attempts) {
    for (guint i = 0; i < attempts->len; i++)
        g_clear_error(&g_array_index(attempts, Attempt, i).failure);
    g_array_unref(attempts);
}
typedef GArray Attempts;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attempts, attempts_free)

static Attempts *attempts_new(void) {
    return g_array_new(FALSE, TRUE, sizeof(Attempt));
}

static void attempts_add(Attempts *attempts, const Runner *runner, guint index) {
    Attempt attempt = {runner, index, g_ptr_array_index(runner->plan->steps, index), NULL};
    g_array_append_val(attempts, attempt);
}

static gboolean attempt_begin(Attempt *attempt) {
    const Runner *runner = attempt->runner;
    /* Opened here, the function is the same for good, whichever process does the step. What is in
     * the way of that is the step's failure. */
    pca_step_directory(runner->context, attempt->step->device, attempt->step->identity, NULL);
    if (!pca_journal_append(runner->journal, &attempt->failure, "begin %u", attempt->index))
        return FALSE;
    *runner->handed_out |= pca_op_hands_out(attempt->step->op);
    return TRUE;
}

static void attempt_end(Attempt *attempt, GError *failure) {
    int journal = attempt->runner->journal;
    if (failure)
        pca_journal_append(journal, NULL, "fail %u %s", attempt->index, failure->message);
    else
        pca_journal_append(journal, &attempt->failure, "done %u", attempt->index);
    if (failure)
        attempt->failure = failure;
}

static gboolean do_one(gpointer data, guint i, GError **error) {
    Attempt **begun = data;
    const PcaStep *step = begun[i]->step;
    return pca_step_do(begun[i]->runner->context, step, step->op, step->detail, error);
}

/* Begins the steps in the journal, does them, side by side where there are several, and journals
 * the outcome of each. */
static void try_steps(const Runner *runner, Attempts *attempts) {
    PcaKernel *kernel = runner->context->kernel;
    g_autofree Attempt **begun = g_new0(Attempt *, attempts->len + 1);
    g_autofree GError **errors = g_new0(GError *, attempts->len + 1);
    guint n = 0;
    for (guint i = 0; i < attempts->len; i++) {
        Attempt *attempt = &g_array_index(attempts, Attempt, i);
        if (attempt_begin(attempt))
            begun[n++] = attempt;
    }
    if (n == 1)
        do_one(begun, 0, &errors[0]);
    else if (n > 1)
        kernel->ops->side_by_side(kernel, do_one, begun, n, errors);
    for (guint i = 0; i < n; i++)
        attempt_end(begun[i], errors[i]);
}

static Attempt *find_failure(Attempts *attempts) {
    for (guint i = 0; i < attempts->len; i++)
        if (g_array_index(attempts, Attempt, i).failure)
            return &g_array_index(attempts, Attempt, i);
    return NULL;
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

/* The steps from *next on that are done side by side, all of them or none; moves *next on. */
static gboolean do_next(const Runner *runner, guint *next, GError **error) {
    g_autoptr(Attempts) attempts = attempts_new();
    for (guint n = pca_plan_side_by_side(runner->plan, *next); n > 0; n--)
        attempts_add(attempts, runner, (*next)++);
    try_steps(runner, attempts);
    Attempt *failed = find_failure(attempts);
    if (failed)
        g_propagate_error(error, g_steal_pointer(&failed->failure));
    return !failed;
}

static gboolean run_claim(const Runner *runner, PcaResidues *residues, GError **error) {
    guint begun = 0;
    gboolean ok = TRUE;
    while (ok && begun < runner->plan->steps->len)
        ok = do_next(runner, &begun, error);
    if (ok && end_run(runner->journal, residues, "done", error))
        return TRUE;
    /* Its owner may have had it by now, and an undo proves nothing clean. */
    if (*runner->handed_out)
        return FALSE;
    while (begun-- > 0)
        undo_step(runner->context, runner->plan, begun, runner->journal, residues);
    end_run(runner->journal, residues, "undone", NULL);
    return FALSE;
}

static gboolean same_plan(const PcaPlan *a, const PcaPlan *b) {
    g_autoptr(GVariant) x = g_variant_ref_sink(pca_plan_to_variant(a));
    g_autoptr(GVariant) y = g_variant_ref_sink(pca_plan_to_variant(b));
    return g_variant_equal(x, y);
}

/* What the run before had come to, where this one goes on with its plan. */
typedef struct {
    const PcaJournal *before; /* NULL: there was none */
    GHashTable *given;        /* addresses: proved clean, and begun to be given back: their host
                                 driver may be at work, so that is all that may be done again */
    GHashTable *mates;        /* what was reset with the bus of those: that is not done again */
} Progress;

static const PcaStep *step_of(const PcaJournal *journal, guint i) {
    return g_ptr_array_index(journal->plan->steps, i);
}

static void find_given(Progress *p) {
    const PcaJournal *before = p->before;
    for (guint i = 0; i < before->plan->steps->len; i++)
        if (pca_op_gives_back(step_of(before, i)->op) && before->states[i] != PCA_STEP_PENDING)
            g_hash_table_add(p->given, step_of(before, i)->device);
    for (guint i = 0; i < before->plan->steps->len; i++)
        if (!pca_op_gives_back(step_of(before, i)->op) && before->states[i] != PCA_STEP_DONE)
            g_hash_table_remove(p->given, step_of(before, i)->device);
}

static void find_mates(Progress *p) {
    for (guint i = 0; i < p->before->plan->steps->len; i++) {
        const PcaStep *step = step_of(p->before, i);
        if (step->op != PCA_OP_BUS_RESET || !g_hash_table_contains(p->given, step->device))
            continue;
        g_auto(GStrv) members = g_strsplit(step->detail, " ", -1);
        for (char **member = members; *member; member++)
            g_hash_table_add(p->mates, g_strdup(*member));
    }
}

static Progress look_back(const PcaJournal *before) {
    Progress p = {before, g_hash_table_new(g_str_hash, g_str_equal),
                  g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    if (before) {
        find_given(&p);
        find_mates(&p);
    }
    return p;
}

static void progress_clear(Progress *p) {
    g_hash_table_unref(p->given);
    g_hash_table_unref(p->mates);
}

static gboolean is_over(const Progress *p, const PcaStep *step, guint i) {
    if (g_hash_table_contains(p->given, step->device))
        return !pca_op_gives_back(step->op);
    return (step->op == PCA_OP_STAGE || step->op == PCA_OP_BUS_RESET) &&
           g_hash_table_contains(p->mates, step->device) && p->before->states[i] == PCA_STEP_DONE;
}

typedef struct {
    const Runner *runner;
    PcaResidues *residues;
    const Progress *progress;
    GHashTable *gone; /* addresses of functions that were removed meanwhile */
    GError *first;    /* why the first step that failed did */
} Release;

/* Whether something is left to do of the step; what is not is journalled. */
static gboolean is_wanted(const Release *release, guint index) {
    const PcaStep *step = g_ptr_array_index(release->runner->plan->steps, index);
    int journal = release->runner->journal;
    if (is_over(release->progress, step, index)) {
        pca_journal_append(journal, NULL, "done %u", index);
        return FALSE;
    }
    if (g_hash_table_contains(release->gone, step->device)) {
        pca_journal_append(journal, NULL, "gone %u", index);
        return FALSE;
    }
    return !has_residue(release->residues, step->device);
}

static void take_failure(Release *release, Attempt *attempt) {
    const PcaStep *step = attempt->step;
    GError *failure = attempt->failure;
    /* Where it is given back the function was proved clean; before that, it was not. */
    if (!g_error_matches(failure, PCA_ERROR, PCA_ERROR_NOT_FOUND))
        add_residue(release->residues, step->device, !pca_op_gives_back(step->op),
                    failure->message);
    else if (g_hash_table_add(release->gone, step->device))
        pca_journal_append(release->runner->journal, NULL, "gone %u", attempt->index);
    if (!release->first)
        release->first = g_steal_pointer(&attempt->failure);
}

static guint release_next(Release *release, guint first) {
    g_autoptr(Attempts) attempts = attempts_new();
    guint n = pca_plan_side_by_side(release->runner->plan, first);
    for (guint i = first; i < first + n; i++)
        if (is_wanted(release, i))
            attempts_add(attempts, release->runner, i);
    try_steps(release->runner, attempts);
    for (guint i = 0; i < attempts->len; i++) {
        Attempt *attempt = &g_array_index(attempts, Attempt, i);
        if (attempt->failure)
            take_failure(release, attempt);
    }
    return n;
}

static gboolean run_release(const Runner *runner, const PcaJournal *before, PcaResidues *residues,
                            GError **error) {
    __attribute__((cleanup(progress_clear))) Progress progress = look_back(before);
    g_autoptr(GHashTable) gone = g_hash_table_new(g_str_hash, g_str_equal);
    Release release = {runner, residues, &progress, gone, NULL};
    for (guint i = 0; i < runner->plan->steps->len;)
        i += release_next(&release, i);
    if (!release.first)
        return end_run(runner->journal, residues, "done", error);
    end_run(runner->journal, residues, "done", NULL);
    g_propagate_error(error, release.first);
    return FALSE;
}

gboolean pca_run(PcaKernel *kernel, const PcaPlan *plan, int journal, PcaResidues *residues,
                 GError **error) {
    g_autoptr(PcaStepContext) context = pca_step_context_new(kernel);
    g_autoptr(GError) problem = NULL;
    g_autoptr(PcaJournal) before = pca_journal_read(journal, &problem);
    /* What a newer version wrote is not ours to go on with. */
    if (g_error_matches(problem, PCA_ERROR, PCA_ERROR_UNSUPPORTED)) {
        g_propagate_prefixed_error(error, g_steal_pointer(&problem), "the claim's journal: ");
        return FALSE;
    }
    /* A release whose worker died goes on in the journal where it stood. */
    if (before &&
        (plan->kind != PCA_PLAN_RELEASE || !before->plan || !same_plan(before->plan, plan)))
        g_clear_pointer(&before, pca_journal_free);
    if (!pca_journal_begin_run(journal, before ? NULL : plan, error))
        return FALSE;
    gboolean handed_out = FALSE;
    const Runner runner = {context, plan, journal, &handed_out};
    if (plan->kind == PCA_PLAN_CLAIM)
        return run_claim(&runner, residues, error);
    return run_release(&runner, before, residues, error);
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
    if (pca_journal_handed_out(progress)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "what its owner may have had has to be released, not undone");
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
