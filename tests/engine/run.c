/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the interpreter: what it does when all goes well, for one and for several side by side,
 * and what it refuses before anything is touched.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/run-support.h"

#include <stdio.h>

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
}
