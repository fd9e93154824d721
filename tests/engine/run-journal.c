/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the interpreter and its journal: what it does when that cannot be written, cannot be
 * understood, or says that there is something to undo.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/run-support.h"

#include <fcntl.h>

static void assert_not_journalled(Run *run) {
    release(run);
    assert_residue(run, NIC, TRUE, "writing the journal");
    assert_binding(NIC, "driver= override=vfio-pci");
}

START_TEST(without_a_journal_nothing_is_done) {
    AUTO_RUN run = run_new(nic);
    pca_fd_close(&run.journal);
    claim(&run);
    assert_error(run.error, PCA_ERROR_FAILED);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    ck_assert(!pca_run_undo(kernel, run.journal, run.residues, NULL));
}
END_TEST

/* The journal's descriptor, and the operation after which it can no longer be written. */
typedef struct {
    int journal;
    const char *glob;
} Loss;

static void lose_journal(PcaFakeKernel *machine, const char *line, gpointer data) {
    Loss *loss = data;
    if (!g_pattern_match_simple(loss->glob, line))
        return;
    PCA_AUTO_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(dup3(full, loss->journal, O_CLOEXEC), 0);
}

START_TEST(a_claim_that_cannot_be_journalled_is_undone) {
    static const char *const moments[] = {"*/driver_override *", "*/unbind *", "*drivers_probe*"};
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        AUTO_RUN run = run_new(nic);
        Loss loss = {run.journal, moments[i]};
        fake->after = lose_journal;
        fake->data = &loss;
        claim(&run);
        assert_error(run.error, PCA_ERROR_FAILED);
        ck_assert_ptr_nonnull(strstr(run.error->message, "writing the journal"));
        assert_binding(NIC, "driver=e1000e override=");
        ck_assert_uint_eq(run.residues->len, 0);
        fake->after = NULL;
    }
}
END_TEST

START_TEST(a_release_that_cannot_be_journalled_quarantines) {
    AUTO_RUN run = claimed(nic);
    Loss loss = {run.journal, "*/unbind *"};
    fake->after = lose_journal;
    fake->data = &loss;
    assert_not_journalled(&run);
}
END_TEST

START_TEST(a_release_is_never_undone) {
    AUTO_RUN run = claimed(nic);
    release(&run);
    ck_assert(!pca_run_undo(kernel, run.journal, run.residues, &run.error));
    assert_error(run.error, PCA_ERROR_INVALID_ARGUMENT);
    assert_result(&run, PCA_JOURNAL_DONE);
}
END_TEST

START_TEST(a_finished_claim_can_be_undone) {
    AUTO_RUN run = claimed(nic);
    ck_assert(pca_run_undo(kernel, run.journal, run.residues, NULL));
    assert_binding(NIC, "driver=e1000e override=");
    assert_result(&run, PCA_JOURNAL_UNDONE);
}
END_TEST

START_TEST(undo_without_a_plan_does_nothing) {
    AUTO_RUN run = run_new(nic);
    ck_assert(pca_run_undo(kernel, run.journal, run.residues, NULL));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    assert_result(&run, PCA_JOURNAL_EMPTY);
}
END_TEST

START_TEST(a_failed_undo_is_degraded_and_can_be_tried_again) {
    AUTO_RUN run = claimed(nic);
    pca_fake_kernel_refuse(fake, NIC, "e1000e");
    ck_assert(pca_run_undo(kernel, run.journal, run.residues, NULL));
    assert_residue(&run, NIC, FALSE, "did not bind to e1000e");
    assert_result(&run, PCA_JOURNAL_RESIDUE);
    pca_fake_kernel_refuse(fake, NIC, NULL);
    g_autoptr(GPtrArray) residues = pca_residues_new();
    ck_assert(pca_run_undo(kernel, run.journal, residues, NULL));
    ck_assert_uint_eq(residues->len, 0);
    assert_binding(NIC, "driver=e1000e override=");
    assert_result(&run, PCA_JOURNAL_UNDONE);
}
END_TEST

START_TEST(a_step_that_never_was_is_refused) {
    AUTO_RUN run = run_new(nic);
    g_autoptr(PcaPlan) plan = pca_plan_claim(run.functions, on_vfio);
    PcaStep *first = g_ptr_array_index(plan->steps, 0);
    first->op = PCA_OP_RESTORE;
    g_free(first->detail);
    first->detail = g_strdup("nonsense");
    ck_assert(!pca_run(kernel, plan, run.journal, run.residues, &run.error));
    assert_error(run.error, PCA_ERROR_FAILED);
    ck_assert_ptr_nonnull(strstr(run.error->message, "malformed binding"));
}
END_TEST

START_TEST(a_journal_of_another_version_is_not_touched) {
    static const char text[] = "pcassign-journal 2\nbegin the beguine";
    char now[sizeof text + 1] = "";
    AUTO_RUN run = run_new(nic);
    ck_assert_int_eq(write(run.journal, text, strlen(text)), (int)strlen(text));
    release(&run);
    ck_assert(!run.ok);
    assert_error(run.error, PCA_ERROR_UNSUPPORTED);
    g_clear_error(&run.error);
    ck_assert(!pca_run_undo(kernel, run.journal, run.residues, &run.error));
    assert_error(run.error, PCA_ERROR_UNSUPPORTED);
    ck_assert_int_eq(pread(run.journal, now, sizeof now - 1, 0), (int)strlen(text));
    ck_assert_str_eq(now, text);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
}
END_TEST

void add_run_journal(Suite *suite) {
    ADD_CASE(suite, "journalling", without_a_journal_nothing_is_done,
             a_claim_that_cannot_be_journalled_is_undone,
             a_release_that_cannot_be_journalled_quarantines, a_release_is_never_undone,
             a_finished_claim_can_be_undone, undo_without_a_plan_does_nothing,
             a_failed_undo_is_degraded_and_can_be_tried_again, a_step_that_never_was_is_refused,
             a_journal_of_another_version_is_not_touched);
}
