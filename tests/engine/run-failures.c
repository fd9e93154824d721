/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the interpreter: what it answers to each way in which a device, a driver or somebody
 * else spoils it.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/run-support.h"

#define COMMAND 0x04
#define MASTER 0x0004

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

void add_run_failures(Suite *suite) {
    ADD_CASE(suite, "binding", a_silent_probe_is_a_failed_bind_and_undone,
             a_host_driver_that_refuses_leaves_it_degraded, one_bad_function_holds_no_other_up,
             a_node_may_be_late, a_node_that_never_comes_is_a_failed_bind,
             without_cdevs_no_node_is_awaited, bound_by_somebody_during_claim_is_left_alone);
    ADD_CASE(suite, "reset", a_failed_reset_quarantines, no_reset_quarantines,
             silence_after_reset_quarantines, a_function_may_be_late_after_its_reset,
             a_function_that_is_back_too_late_is_quarantined, a_vendor_of_all_ones_is_no_silence,
             a_function_that_asks_for_patience_is_waited_for, silence_before_reset_quarantines,
             bus_mastering_is_switched_off_before_reset, bus_mastering_after_reset_quarantines);
    PCA_TABLE(suite, "rebound", bound_by_somebody_during_release_is_left_alone, release_moments);
}
