/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the interpreter: what it does when all goes well, and what it answers to each way in
 * which a device or somebody else spoils it.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/support.h"

#include <fcntl.h>
#include <stdio.h>

#include "engine/run.h"

#define COMMAND 0x04
#define MASTER 0x0004

static const char *const nic[] = {NIC, NULL};

static Run run_new(const char *const *set) {
    return new_run(machine_functions(set));
}

static void do_plan(Run *run, PcaPlanKind kind) {
    g_autoptr(PcaPlan) plan = kind == PCA_PLAN_CLAIM ? pca_plan_claim(run->functions, on_vfio)
                                                     : pca_plan_release(run->functions, on_vfio);
    run_plan(run, plan);
}

static void claim(Run *run) {
    do_plan(run, PCA_PLAN_CLAIM);
}

static void release(Run *run) {
    do_plan(run, PCA_PLAN_RELEASE);
}

static void assert_result(Run *run, PcaJournalResult result) {
    g_autoptr(PcaJournal) journal = pca_journal_read(run->journal, NULL);
    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(journal->result, result);
}

/* Claimed, and then given the trouble that the test has made. */
static Run claimed(const char *const *set) {
    Run run = run_new(set);
    claim(&run);
    ck_assert(run.ok);
    return run;
}

static void assert_residue(Run *run, const char *device, gboolean quarantined, const char *text) {
    ck_assert_uint_eq(run->residues->len, 1);
    const PcaResidue *residue = g_ptr_array_index(run->residues, 0);
    ck_assert_str_eq(residue->device, device);
    ck_assert_int_eq(residue->quarantined, quarantined);
    ck_assert_msg(strstr(residue->text, text), "\"%s\" lacks \"%s\"", residue->text, text);
}

/* ---- Success ---- */

START_TEST(each_set_is_claimed_and_given_back_as_found) {
    for (guint i = 0; i < n_sets; i++) {
        g_autofree char *before = machine_bindings(sets[i]);
        AUTO_RUN run = claimed(sets[i]);
        assert_result(&run, PCA_JOURNAL_DONE);
        for (const char *const *device = sets[i]; *device; device++)
            assert_binding(*device, "driver=vfio-pci override=vfio-pci");
        release(&run);
        ck_assert(run.ok);
        ck_assert_uint_eq(run.residues->len, 0);
        assert_result(&run, PCA_JOURNAL_DONE);
        g_autofree char *after = machine_bindings(sets[i]);
        ck_assert_str_eq(after, before);
    }
}
END_TEST

START_TEST(the_operations_come_in_order) {
    AUTO_RUN run = claimed(nic);
    release(&run);
    g_auto(GStrv) lines = pca_fake_kernel_operations(fake);
    g_autofree char *text = g_strjoinv("\n", lines);
    ck_assert_str_eq(text, "write 0000:01:00.0/driver_override vfio-pci\n"
                           "write bus/pci/drivers/e1000e/unbind 0000:01:00.0\n"
                           "write bus/pci/drivers_probe 0000:01:00.0\n"
                           "write bus/pci/drivers/vfio-pci/unbind 0000:01:00.0\n"
                           "write 0000:01:00.0/reset 1\n"
                           "write 0000:01:00.0/driver_override e1000e\n"
                           "write bus/pci/drivers_probe 0000:01:00.0\n"
                           "write 0000:01:00.0/driver_override \\n");
}
END_TEST

START_TEST(found_on_vfio_is_bound_anew_between_owners) {
    AUTO_RUN run = claimed((const char *[]){SPARE, NULL});
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "open_group 4"), 1);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write bus/pci/drivers/vfio-pci/unbind " SPARE),
                      1);
}
END_TEST

START_TEST(what_an_owner_left_is_gone_after_release) {
    AUTO_RUN run = claimed(nic);
    pca_fake_kernel_set_secret(fake, NIC, "alice's");
    release(&run);
    ck_assert(run.ok);
    ck_assert_ptr_null(pca_fake_kernel_get_secret(fake, NIC));
}
END_TEST

/* ---- Side by side ---- */

static const char *const several[] = {NIC, DISK, SPARE, NULL};

/* What the journal's last run says of the steps of that op. */
static char *records_of(Run *run, const char *op) {
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", run->journal);
    g_autofree char *text = NULL;
    g_autoptr(PcaJournal) journal = pca_journal_read(run->journal, NULL);
    g_autoptr(GString) found = g_string_new(NULL);
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strrstr(text, "\nplan "), "\n", -1);
    for (char **line = lines; *line; line++) {
        guint index;
        char word[16];
        if (sscanf(*line, "%15s %u", word, &index) != 2)
            continue;
        const PcaStep *step = g_ptr_array_index(journal->plan->steps, index);
        if (g_str_equal(pca_op_name(step->op), op))
            g_string_append_printf(found, "%s %.7s\n", word, step->device);
    }
    return g_string_free(g_steal_pointer(&found), FALSE);
}

START_TEST(all_are_begun_before_any_is_done) {
    AUTO_RUN run = claimed(several);
    g_autofree char *records = records_of(&run, "unbind");
    ck_assert_str_eq(records, "begin 0000:01\nbegin 0000:02\nbegin 0000:03\n"
                              "done 0000:01\ndone 0000:02\ndone 0000:03\n");
}
END_TEST

START_TEST(where_one_of_several_fails_all_are_undone) {
    g_autofree char *before = machine_bindings(several);
    AUTO_RUN run = run_new(several);
    pca_fake_kernel_fail_matching(fake, "write bus/pci/drivers/nvme/unbind *", EIO, 1);
    claim(&run);
    ck_assert(!run.ok);
    ck_assert_msg(strstr(run.error->message, DISK), "%s", run.error->message);
    g_autofree char *records = records_of(&run, "unbind");
    ck_assert_str_eq(records, "begin 0000:01\nbegin 0000:02\nbegin 0000:03\n"
                              "done 0000:01\nfail 0000:02\ndone 0000:03\n");
    g_autofree char *after = machine_bindings(several);
    ck_assert_str_eq(after, before);
    assert_result(&run, PCA_JOURNAL_UNDONE);
}
END_TEST

START_TEST(where_one_of_several_is_not_reset_the_others_go_back) {
    AUTO_RUN run = claimed(several);
    pca_fake_kernel_fail_matching(fake, "write " NIC "/reset *", EIO, 0);
    release(&run);
    assert_residue(&run, NIC, TRUE, "reset failed");
    assert_binding(DISK, "driver=nvme override=nvme");
    g_autofree char *records = records_of(&run, "reset");
    ck_assert_str_eq(records, "begin 0000:01\nbegin 0000:02\nbegin 0000:03\n"
                              "fail 0000:01\ndone 0000:02\ndone 0000:03\n");
}
END_TEST

START_TEST(of_several_one_that_is_gone_keeps_no_other) {
    AUTO_RUN run = claimed(several);
    pca_fake_kernel_unplug(fake, DISK);
    release(&run);
    ck_assert_uint_eq(run.residues->len, 0);
    assert_result(&run, PCA_JOURNAL_DONE);
    g_autofree char *records = records_of(&run, "reset");
    ck_assert_str_eq(records, "gone 0000:02\nbegin 0000:01\nbegin 0000:03\n"
                              "done 0000:01\ndone 0000:03\n");
}
END_TEST

/* ---- Refusals before anything is touched ---- */

START_TEST(a_used_group_is_in_use) {
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, SPARE);
    AUTO_RUN run = run_new((const char *[]){SPARE, NIC, NULL});
    claim(&run);
    assert_error(run.error, PCA_ERROR_IN_USE);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write *"), 0);
    ck_assert_uint_eq(run.residues->len, 0);
    assert_result(&run, PCA_JOURNAL_UNDONE);
}
END_TEST

START_TEST(rebound_since_the_plan_is_busy) {
    AUTO_RUN run = run_new((const char *[]){BARE, NIC, NULL});
    pca_tree_bind(tree, NIC, "other");
    claim(&run);
    assert_error(run.error, PCA_ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(run.error->message, "found driver=other"));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
}
END_TEST

START_TEST(overridden_since_the_plan_is_busy) {
    AUTO_RUN run = run_new(nic);
    pca_tree_set(tree, NIC, "driver_override", "other");
    claim(&run);
    assert_error(run.error, PCA_ERROR_BUSY);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
}
END_TEST

START_TEST(another_device_is_an_identity_mismatch) {
    AUTO_RUN run = run_new(nic);
    machine_replace(NIC);
    claim(&run);
    assert_error(run.error, PCA_ERROR_IDENTITY_MISMATCH);
    ck_assert_uint_eq(run.residues->len, 0);
    release(&run);
    assert_error(run.error, PCA_ERROR_IDENTITY_MISMATCH);
    assert_residue(&run, NIC, TRUE, "no longer 8086:10d3");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    assert_binding(NIC, "driver=other override=");
}
END_TEST

START_TEST(an_absent_device_is_not_found) {
    AUTO_RUN run = run_new(nic);
    pca_fake_kernel_unplug(fake, NIC);
    claim(&run);
    assert_error(run.error, PCA_ERROR_NOT_FOUND);
    ck_assert_uint_eq(run.residues->len, 0);
}
END_TEST

START_TEST(unreadable_is_not_gone) {
    AUTO_RUN run = claimed(nic);
    pca_tree_set(tree, NIC, "subsystem_vendor", "nonsense");
    release(&run);
    assert_error(run.error, PCA_ERROR_FAILED);
    assert_residue(&run, NIC, TRUE, "cannot read its subsystem_vendor");
}
END_TEST

/* ---- Binding ---- */

START_TEST(a_silent_probe_is_a_failed_bind_and_undone) {
    AUTO_RUN run = run_new(nic);
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    claim(&run);
    assert_error(run.error, PCA_ERROR_BIND_FAILED);
    ck_assert_uint_eq(run.residues->len, 0);
    assert_binding(NIC, "driver=e1000e override=");
    assert_result(&run, PCA_JOURNAL_UNDONE);
}
END_TEST

START_TEST(a_host_driver_that_refuses_leaves_it_degraded) {
    AUTO_RUN run = claimed(nic);
    pca_fake_kernel_refuse(fake, NIC, "e1000e");
    release(&run);
    assert_error(run.error, PCA_ERROR_BIND_FAILED);
    assert_residue(&run, NIC, FALSE, "did not bind to e1000e");
    assert_binding(NIC, "driver= override=");
    assert_result(&run, PCA_JOURNAL_RESIDUE);
}
END_TEST

START_TEST(one_bad_function_holds_no_other_up) {
    AUTO_RUN run = claimed((const char *[]){NIC, BARE, DISK, NULL});
    pca_fake_kernel_fail_matching(fake, "write " BARE "/reset *", EIO, 0);
    release(&run);
    assert_error(run.error, PCA_ERROR_RESET_FAILED);
    assert_residue(&run, BARE, TRUE, "reset failed");
    assert_binding(NIC, "driver=e1000e override=");
    assert_binding(DISK, "driver=nvme override=nvme");
    assert_binding(BARE, "driver= override=vfio-pci");
}
END_TEST

START_TEST(a_node_may_be_late) {
    AUTO_RUN run = run_new(nic);
    fake->node_delay = 2 * G_USEC_PER_SEC;
    claim(&run);
    ck_assert(run.ok);
    ck_assert_int_ge(fake->now, 2 * G_USEC_PER_SEC);
}
END_TEST

START_TEST(a_node_that_never_comes_is_a_failed_bind) {
    AUTO_RUN run = run_new(nic);
    fake->node_delay = 60 * G_USEC_PER_SEC;
    claim(&run);
    assert_error(run.error, PCA_ERROR_BIND_FAILED);
    ck_assert_int_le(fake->now, 6 * G_USEC_PER_SEC);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(without_cdevs_no_node_is_awaited) {
    pca_tree_delete(tree, "sys/class/misc/iommu");
    AUTO_RUN run = claimed(nic);
    ck_assert_int_eq(fake->now, 0);
}
END_TEST

/* ---- Reset ---- */

static void assert_quarantined(Run *run, PcaError error, const char *text) {
    release(run);
    assert_error(run->error, error);
    assert_residue(run, NIC, TRUE, text);
    assert_binding(NIC, "driver= override=vfio-pci");
    assert_result(run, PCA_JOURNAL_RESIDUE);
}

START_TEST(a_failed_reset_quarantines) {
    AUTO_RUN run = claimed(nic);
    pca_fake_kernel_fail_matching(fake, "write */reset *", EIO, 0);
    assert_quarantined(&run, PCA_ERROR_RESET_FAILED, "reset failed");
}
END_TEST

START_TEST(no_reset_quarantines) {
    AUTO_RUN run = claimed(nic);
    pca_tree_unset(tree, NIC, "reset_method");
    assert_quarantined(&run, PCA_ERROR_NO_RESET, "no reset method");
}
END_TEST

START_TEST(silence_after_reset_quarantines) {
    AUTO_RUN run = claimed(nic);
    pca_fake_kernel_die_at_reset(fake, NIC);
    assert_quarantined(&run, PCA_ERROR_RESET_FAILED, "does not answer");
    ck_assert_int_ge(fake->now, 5 * G_USEC_PER_SEC);
}
END_TEST

static void answer_again(PcaFakeKernel *machine, const char *address, gpointer data) {
    pca_tree_set_config16(tree, address, COMMAND, 0);
}

static void be_back_after(gint64 seconds) {
    pca_fake_kernel_die_at_reset(fake, NIC);
    pca_fake_kernel_later(fake, seconds * G_USEC_PER_SEC, answer_again, NIC, NULL);
}

START_TEST(a_function_may_be_late_after_its_reset) {
    AUTO_RUN run = claimed(nic);
    be_back_after(4);
    release(&run);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    ck_assert_int_ge(fake->now, 4 * G_USEC_PER_SEC);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(a_function_that_is_back_too_late_is_quarantined) {
    AUTO_RUN run = claimed(nic);
    be_back_after(6);
    assert_quarantined(&run, PCA_ERROR_RESET_FAILED, "does not answer 5 seconds after");
    ck_assert_int_lt(fake->now, 6 * G_USEC_PER_SEC);
}
END_TEST

/* As the vendor of each virtual function reads (SR-IOV 1.1, 3.4.1.1). */
START_TEST(a_vendor_of_all_ones_is_no_silence) {
    AUTO_RUN run = claimed(nic);
    pca_tree_set_config16(tree, NIC, 0x00, 0xffff);
    release(&run);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    ck_assert_int_eq(fake->now, 0);
}
END_TEST

/* A port tells so by the vendor 0001 where it may. */
START_TEST(a_function_that_asks_for_patience_is_waited_for) {
    AUTO_RUN run = claimed(nic);
    be_back_after(2);
    pca_tree_set_config16(tree, NIC, 0x00, 0x0001);
    release(&run);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    ck_assert_int_ge(fake->now, 2 * G_USEC_PER_SEC);
}
END_TEST

START_TEST(silence_before_reset_quarantines) {
    AUTO_RUN run = claimed(nic);
    pca_tree_set_config16(tree, NIC, COMMAND, 0xffff);
    fake->keeps_bus_master = TRUE;
    assert_quarantined(&run, PCA_ERROR_QUARANTINED, "does not answer");
}
END_TEST

START_TEST(bus_mastering_is_switched_off_before_reset) {
    AUTO_RUN run = claimed(nic);
    pca_tree_set_config16(tree, NIC, COMMAND, 0x0007);
    fake->keeps_bus_master = TRUE;
    release(&run);
    ck_assert(run.ok);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "config " NIC " 0x04=0x0003"), 1);
}
END_TEST

static void master_again(PcaFakeKernel *machine, const char *line, gpointer data) {
    if (g_pattern_match_simple("write */reset *", line))
        pca_tree_set_config16(tree, NIC, COMMAND, MASTER);
}

START_TEST(bus_mastering_after_reset_quarantines) {
    AUTO_RUN run = claimed(nic);
    fake->after = master_again;
    assert_quarantined(&run, PCA_ERROR_RESET_FAILED, "still masters the bus");
}
END_TEST

/* ---- Somebody else ---- */

static void bind_other(PcaFakeKernel *machine, const char *line, gpointer glob) {
    if (g_pattern_match_simple(glob, line))
        pca_tree_bind(tree, NIC, "other");
}

static const char *const release_moments[] = {"write */driver/unbind *", "write */unbind *",
                                              "write */reset *"};

START_TEST(bound_by_somebody_during_release_is_left_alone) {
    machine_set_up();
    {
        AUTO_RUN run = claimed(nic);
        fake->after = bind_other;
        fake->data = (gpointer)release_moments[_i];
        if (_i == 0)
            pca_tree_bind(tree, NIC, "other");
        release(&run);
        ck_assert(!run.ok);
        assert_residue(&run, NIC, TRUE, _i == 1 ? "is bound to other" : "bound it to other");
        assert_binding(NIC, "driver=other override=vfio-pci");
        ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */reset *"), _i == 2);
    }
    machine_tear_down();
}
END_TEST

START_TEST(bound_by_somebody_during_claim_is_left_alone) {
    AUTO_RUN run = run_new(nic);
    fake->after = bind_other;
    fake->data = (gpointer) "write */unbind *";
    claim(&run);
    assert_error(run.error, PCA_ERROR_BIND_FAILED);
    assert_residue(&run, NIC, FALSE, "somebody bound it to other");
    assert_binding(NIC, "driver=other override=vfio-pci");
}
END_TEST

/* ---- The journal in the way ---- */

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

void add_run(Suite *suite) {
    ADD_CASE(suite, "success", each_set_is_claimed_and_given_back_as_found,
             the_operations_come_in_order, found_on_vfio_is_bound_anew_between_owners,
             what_an_owner_left_is_gone_after_release);
    ADD_CASE(suite, "side by side", all_are_begun_before_any_is_done,
             where_one_of_several_fails_all_are_undone,
             where_one_of_several_is_not_reset_the_others_go_back,
             of_several_one_that_is_gone_keeps_no_other);
    ADD_CASE(suite, "refusals", a_used_group_is_in_use, rebound_since_the_plan_is_busy,
             overridden_since_the_plan_is_busy, another_device_is_an_identity_mismatch,
             an_absent_device_is_not_found, unreadable_is_not_gone);
    ADD_CASE(suite, "binding", a_silent_probe_is_a_failed_bind_and_undone,
             a_host_driver_that_refuses_leaves_it_degraded, one_bad_function_holds_no_other_up,
             a_node_may_be_late, a_node_that_never_comes_is_a_failed_bind,
             without_cdevs_no_node_is_awaited);
    ADD_CASE(suite, "reset", a_failed_reset_quarantines, no_reset_quarantines,
             silence_after_reset_quarantines, a_function_may_be_late_after_its_reset,
             a_function_that_is_back_too_late_is_quarantined, a_vendor_of_all_ones_is_no_silence,
             a_function_that_asks_for_patience_is_waited_for, silence_before_reset_quarantines,
             bus_mastering_is_switched_off_before_reset, bus_mastering_after_reset_quarantines);
    PCA_TABLE(suite, "rebound", bound_by_somebody_during_release_is_left_alone, release_moments);
    ADD_CASE(suite, "journalling", bound_by_somebody_during_claim_is_left_alone,
             without_a_journal_nothing_is_done, a_claim_that_cannot_be_journalled_is_undone,
             a_release_that_cannot_be_journalled_quarantines, a_release_is_never_undone,
             a_finished_claim_can_be_undone, undo_without_a_plan_does_nothing,
             a_failed_undo_is_degraded_and_can_be_tried_again, a_step_that_never_was_is_refused,
             a_journal_of_another_version_is_not_touched);
}
