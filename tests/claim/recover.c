/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a daemon takes up that another one left: by journal and lease.
 * Thread: main; former workers are children. Ownership: each test its claim on disk.
 */
#include "claim/left.h"

#include <glib/gstdio.h>

#include "claim/lease.h"
#include "claim/store.h"

/* ---- By the journal ---- */

START_TEST(an_empty_journal_is_the_end) {
    AUTO_LEFT left = left_new();
    recover(&left);
    ck_assert_ptr_null(taken_up(&left));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    assert_gone(&left);
}
END_TEST

START_TEST(a_claim_plan_without_an_end_is_undone) {
    AUTO_LEFT left = left_new();
    run_and_die(&left, PCA_PLAN_CLAIM, "write bus/pci/drivers_probe " BARE);
    recover(&left);
    ck_assert_ptr_nonnull(taken_up(&left));
    await_end(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_prepared_claim_with_a_live_lease_is_ready) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    recover(&left);
    PcaClaim *claim = taken_up(&left);
    ck_assert_ptr_nonnull(claim);
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    ck_assert(pca_lease_proves(claim->lease, left.lease));
    pca_fd_close(&left.lease);
    await_end(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_prepared_claim_whose_lease_ended_is_released) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pca_fake_kernel_set_secret(fake, NIC, "alice's");
    pca_fd_close(&left.lease);
    recover(&left);
    ck_assert_str_eq(taken_up(&left)->reason, "the lease ended while the service was down");
    await_end(&left);
    ck_assert_ptr_null(pca_fake_kernel_get_secret(fake, NIC));
    assert_gone(&left);
}
END_TEST

START_TEST(a_prepared_claim_without_a_lease_is_released) {
    AUTO_LEFT left = left_new();
    g_autofree char *path = pca_store_path(state_directory, left.claim->id, "lease");
    run_plan(&left, PCA_PLAN_CLAIM);
    ck_assert_int_eq(g_unlink(path), 0);
    recover(&left);
    await_end(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(an_undone_claim_is_the_end) {
    AUTO_LEFT left = left_new();
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    run_plan(&left, PCA_PLAN_CLAIM);
    recover(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_release_without_an_end_goes_on) {
    static const char *const moments[] = {"write */unbind *", "write " BARE "/reset *",
                                          "write bus/pci/drivers_probe " NIC};
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        AUTO_LEFT left = left_new();
        run_plan(&left, PCA_PLAN_CLAIM);
        run_and_die(&left, PCA_PLAN_RELEASE, moments[i]);
        recover(&left);
        ck_assert_int_eq(taken_up(&left)->state, PCA_CLAIM_RELEASING);
        await_end(&left);
        assert_gone(&left);
    }
}
END_TEST

START_TEST(a_finished_release_is_the_end) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    run_plan(&left, PCA_PLAN_RELEASE);
    recover(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_half_undone_claim_is_not_ready) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    ck_assert_int_gt(dprintf(left.journal, "run 1 1\nundo 0\n"), 0);
    recover(&left);
    ck_assert_int_ne(taken_up(&left)->state, PCA_CLAIM_READY);
    await_end(&left);
    assert_gone(&left);
}
END_TEST

/* ---- What could not be put right ---- */

/* Recovered twice, it is told the same each time, and kept on disk. */
static void assert_told(Left *left, guint index, gboolean quarantined, const char *text) {
    for (int i = 0; i < 2; i++) {
        daemon_restart();
        recover(left);
        ck_assert_ptr_null(taken_up(left));
        const PcaClaimResidue *residue = residue_of(left, index);
        ck_assert_ptr_nonnull(residue);
        ck_assert_int_eq(residue->quarantined, quarantined);
        ck_assert_msg(strstr(residue->text, text), "%s", residue->text);
        ck_assert_uint_eq(count_stored(), 1);
    }
}

START_TEST(the_residue_of_a_claim_is_told_again) {
    AUTO_LEFT left = left_new();
    pca_fake_kernel_fail_matching(fake, "write bus/pci/drivers_probe " NIC, EIO, 0);
    run_plan(&left, PCA_PLAN_CLAIM);
    assert_told(&left, 0, FALSE, "writing drivers_probe");
    ck_assert_ptr_null(residue_of(&left, 1));
}
END_TEST

START_TEST(the_residue_of_a_release_is_told_again) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pca_fake_kernel_fail_matching(fake, "write " NIC "/reset *", EIO, 0);
    run_plan(&left, PCA_PLAN_RELEASE);
    assert_told(&left, 0, TRUE, "reset failed");
    ck_assert_ptr_null(residue_of(&left, 1));
}
END_TEST

START_TEST(a_failed_restore_is_told_as_degraded) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pca_fake_kernel_refuse(fake, NIC, "e1000e");
    run_plan(&left, PCA_PLAN_RELEASE);
    assert_told(&left, 0, FALSE, "did not bind to e1000e");
}
END_TEST

START_TEST(a_device_that_went_is_no_residue) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pca_fake_kernel_unplug(fake, NIC);
    pca_fake_kernel_fail_matching(fake, "write " BARE "/reset *", EIO, 0);
    run_plan(&left, PCA_PLAN_RELEASE);
    assert_told(&left, 1, TRUE, "reset failed");
    ck_assert_ptr_null(residue_of(&left, 0));
}
END_TEST

START_TEST(a_malformed_journal_quarantines_all) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    ck_assert_int_gt(dprintf(left.journal, "nonsense\n"), 0);
    assert_told(&left, 0, TRUE, "malformed");
    ck_assert(residue_of(&left, 1)->quarantined);
}
END_TEST

START_TEST(a_missing_journal_quarantines_all) {
    AUTO_LEFT left = left_new();
    g_autofree char *path = pca_store_path(state_directory, left.claim->id, "journal");
    run_plan(&left, PCA_PLAN_CLAIM);
    ck_assert_int_eq(g_unlink(path), 0);
    assert_told(&left, 0, TRUE, "journal");
}
END_TEST

/* ---- Directories that are no claims ---- */

START_TEST(a_directory_without_its_claim_is_removed) {
    AUTO_LEFT left = left_new();
    g_autofree char *path = pca_store_path(state_directory, left.claim->id, "claim");
    ck_assert_int_eq(g_unlink(path), 0);
    recover(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_record_of_another_boot_is_left_alone) {
    AUTO_LEFT left = left_new();
    ck_assert(pca_store_update(state_directory, left.claim, "another", NULL));
    recover(&left);
    ck_assert_ptr_null(taken_up(&left));
    ck_assert(!residue_of(&left, 0) && !residue_of(&left, 1));
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

/* ---- Several ---- */

START_TEST(several_are_taken_up_each_by_its_own) {
    PCA_AUTO_FD lease = -1, disk_lease = -1;
    g_autoptr(PcaClaim) ended = claim_ready((const char *[]){NIC, NULL}, &lease);
    g_autoptr(PcaClaim) alive = claim_ready((const char *[]){DISK, NULL}, &disk_lease);
    g_autofree char *ended_id = g_strdup(ended->id);
    g_autofree char *alive_id = g_strdup(alive->id);
    g_clear_pointer(&ended, pca_claim_unref);
    g_clear_pointer(&alive, pca_claim_unref);
    daemon_restart();
    pca_fd_close(&lease);
    pca_claims_recover(claims);
    ck_assert_int_eq(pca_claims_find(claims, alive_id)->state, PCA_CLAIM_READY);
    while (pca_claims_find(claims, ended_id))
        g_main_context_iteration(NULL, TRUE);
    assert_binding(NIC, "driver=e1000e override=");
    assert_binding(DISK, "driver=vfio-pci override=vfio-pci");
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

void add_recover(Suite *suite) {
    ADD_DAEMON_CASE(
        suite, "recovery", an_empty_journal_is_the_end, a_claim_plan_without_an_end_is_undone,
        a_prepared_claim_with_a_live_lease_is_ready, a_prepared_claim_whose_lease_ended_is_released,
        a_prepared_claim_without_a_lease_is_released, an_undone_claim_is_the_end,
        a_release_without_an_end_goes_on, a_finished_release_is_the_end,
        a_half_undone_claim_is_not_ready, several_are_taken_up_each_by_its_own);
    ADD_DAEMON_CASE(suite, "residue", the_residue_of_a_claim_is_told_again,
                    the_residue_of_a_release_is_told_again, a_failed_restore_is_told_as_degraded,
                    a_device_that_went_is_no_residue, a_malformed_journal_quarantines_all,
                    a_missing_journal_quarantines_all);
    ADD_DAEMON_CASE(suite, "no claims", a_directory_without_its_claim_is_removed,
                    a_record_of_another_boot_is_left_alone);
}
