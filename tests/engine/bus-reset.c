/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the reset of a bus with all functions on it. The sweeps (sweep.c) have it as well.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/support.h"

#include <errno.h>

#include "engine/run.h"

static const char *const slot[] = {DISK, TWIN, NULL};
static const PcaPlanDevice together[] = {{.driver = VFIO, .with_bus = TRUE},
                                         {.driver = "other", .methods = "", .with_bus = TRUE}};

static Run claimed(void) {
    Run run = new_run(machine_functions(slot));
    g_autoptr(PcaPlan) plan = pca_plan_claim(run.functions, together);
    run_plan(&run, plan);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    for (guint i = 0; slot[i]; i++)
        pca_fake_kernel_set_secret(fake, slot[i], "alice's");
    return run;
}

static void release(Run *run) {
    g_autoptr(PcaPlan) plan = pca_plan_release(run->functions, together);
    run_plan(run, plan);
}

static void assert_quarantined(const Run *run, guint n, const char *text) {
    ck_assert(!run->ok);
    ck_assert_uint_eq(run->residues->len, n);
    for (guint i = 0; i < n; i++) {
        const PcaResidue *residue = g_ptr_array_index(run->residues, i);
        ck_assert(residue->quarantined);
        ck_assert_msg(strstr(residue->text, text), "\"%s\" lacks \"%s\"", residue->text, text);
    }
}

START_TEST(all_of_it_are_staged_reset_and_unbound) {
    g_autoptr(GPtrArray) functions = machine_functions(slot);
    g_autoptr(PcaPlan) plan = pca_plan_release(functions, together);
    g_autofree char *text = print_plan(plan);
    ck_assert_str_eq(text, "unbind 02:00.0 vfio-pci\n"
                           "unbind 02:00.1 other\n"
                           "unbind 02:00.1 vfio-pci\n"
                           "quiesce 02:00.0 \n"
                           "quiesce 02:00.1 \n"
                           "stage 02:00.0 vfio-pci\n"
                           "stage 02:00.1 vfio-pci\n"
                           "busreset 02:00.0 0000:02:00.0 0000:02:00.1\n"
                           "busreset 02:00.1 0000:02:00.0 0000:02:00.1\n"
                           "unbind 02:00.0 vfio-pci\n"
                           "unbind 02:00.1 vfio-pci\n"
                           "alive 02:00.0 \n"
                           "alive 02:00.1 \n"
                           "restore 02:00.0 driver=nvme override=nvme\n"
                           "restore 02:00.1 driver=e1000e override=\n");
}
END_TEST

START_TEST(it_is_done_once_and_cleans_all) {
    AUTO_RUN run = claimed();
    release(&run);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "hot_reset " DISK " group 3"), 1);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "hot_reset *"), 1);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */reset 1"), 0);
    for (guint i = 0; slot[i]; i++)
        ck_assert_ptr_null(pca_fake_kernel_get_secret(fake, slot[i]));
    assert_binding(DISK, "driver=nvme override=nvme");
    assert_binding(TWIN, "driver=e1000e override=");
}
END_TEST

/* Plugged in since the claim was made, and the host's. */
START_TEST(it_never_reaches_anybody_else) {
    AUTO_RUN run = claimed();
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:02:00.2",
                                          .below = "0000:00:02.0",
                                          .group = 9,
                                          .driver = "e1000e"});
    release(&run);
    assert_quarantined(&run, 2, "would reach 0000:02:00.2, which is not of the same claim");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "hot_reset *"), 0);
    assert_binding("0000:02:00.2", "driver=e1000e override=");
}
END_TEST

START_TEST(one_that_failed_before_keeps_all_from_it) {
    AUTO_RUN run = claimed();
    pca_fake_kernel_fail_matching(fake, "write bus/pci/drivers/vfio-pci/unbind " DISK, EIO, 1);
    release(&run);
    ck_assert_uint_eq(run.residues->len, 2);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "hot_reset *"), 0);
}
END_TEST

START_TEST(a_failure_is_everybodys_until_the_next_try) {
    AUTO_RUN run = claimed();
    static const PcaRecovery how[] = {PCA_RECOVER_PROVED, PCA_RECOVER_PROVED};
    pca_fake_kernel_fail_matching(fake, "hot_reset *", EINVAL, 1);
    release(&run);
    assert_quarantined(&run, 2, "reset of its bus failed");
    g_autoptr(PcaPlan) again = pca_plan_recover(run.functions, together, how);
    g_ptr_array_set_size(run.residues, 0);
    run_plan(&run, again);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    assert_binding(TWIN, "driver=e1000e override=");
}
END_TEST

START_TEST(one_alone_is_not_recovered_by_it) {
    AUTO_RUN run = claimed();
    static const PcaRecovery how[] = {PCA_RECOVER_PROVED, PCA_RECOVER_BINDING};
    g_autoptr(PcaPlan) plan = pca_plan_recover(run.functions, together, how);
    run_plan(&run, plan);
    assert_quarantined(&run, 1, "would reach " TWIN);
    assert_binding(TWIN, "driver=e1000e override=");
}
END_TEST

START_TEST(what_was_removed_is_left_out) {
    AUTO_RUN run = claimed();
    pca_fake_kernel_unplug(fake, TWIN);
    release(&run);
    assert_error(run.error, PCA_ERROR_NOT_FOUND);
    ck_assert_uint_eq(run.residues->len, 0);
    assert_binding(DISK, "driver=nvme override=nvme");
}
END_TEST

/* Without CONFIG_VFIO_CONTAINER, for one. */
START_TEST(without_containers_it_fails) {
    AUTO_RUN run = claimed();
    pca_tree_delete(tree, "sys/class/misc/vfio");
    release(&run);
    assert_quarantined(&run, 2, "reset of its bus failed");
}
END_TEST

void add_bus_reset(Suite *suite) {
    ADD_CASE(suite, "bus reset", all_of_it_are_staged_reset_and_unbound,
             it_is_done_once_and_cleans_all, it_never_reaches_anybody_else,
             one_that_failed_before_keeps_all_from_it, a_failure_is_everybodys_until_the_next_try,
             one_alone_is_not_recovered_by_it, what_was_removed_is_left_out,
             without_containers_it_fails);
}
