/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: workers that die in the midst of a claim's plan or of a release, once or always.
 * Thread: main. Ownership: each test its claims.
 */
#include "claim/support.h"

#define WAIT (60 * G_USEC_PER_SEC)

static const char *const pair[] = {NIC, BARE, NULL};

static const char *const prepare_moments[] = {
    "write " NIC "/driver_override *", "write " BARE "/driver_override *",
    "write bus/pci/drivers/e1000e/unbind *", "write bus/pci/drivers_probe " NIC,
    "write bus/pci/drivers_probe " BARE};

START_TEST(a_worker_killed_in_prepare_is_undone) {
    daemon_set_up();
    {
        AUTO_ANSWER answer = {0};
        g_autofree char *before = machine_bindings(pair);
        g_autoptr(PcaClaim) claim = claim_new(pair);
        worker_kill_at(prepare_moments[_i], FALSE);
        pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
        await_answer(&answer);
        assert_error(answer.error, PCA_ERROR_FAILED);
        ck_assert_ptr_nonnull(strstr(answer.error->message, "did not answer"));
        ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
        g_autofree char *after = machine_bindings(pair);
        ck_assert_str_eq(after, before);
        ck_assert_uint_eq(count_stored(), 0);
    }
    daemon_tear_down();
}
END_TEST

static const char *const release_moments[] = {"write bus/pci/drivers/vfio-pci/unbind " NIC,
                                              "write " NIC "/reset *",
                                              "write " BARE "/reset *",
                                              "write " NIC "/driver_override e1000e",
                                              "write bus/pci/drivers_probe " NIC,
                                              "write " NIC "/driver_override \\n",
                                              "write " BARE "/driver_override \\n"};

START_TEST(a_worker_killed_in_release_is_followed_by_another) {
    daemon_set_up();
    {
        PCA_AUTO_FD lease = -1;
        g_autofree char *before = machine_bindings(pair);
        g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
        pca_fake_kernel_forget(fake);
        worker_kill_at(release_moments[_i], FALSE);
        release_well(claim);
        g_autofree char *after = machine_bindings(pair);
        ck_assert_str_eq(after, before);
        ck_assert_uint_gt(pca_fake_kernel_count(fake, release_moments[_i]), 1);
        ck_assert_uint_eq(count_stored(), 0);
    }
    daemon_tear_down();
}
END_TEST

START_TEST(a_prepare_that_always_dies_is_stuck_until_it_can_be_undone) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_new(pair);
    worker_kill_at("write bus/pci/drivers_probe *", TRUE);
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_FAILED);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    ck_assert_ptr_nonnull(claim->reason);
    worker_let_go();
    release_well(claim);
    assert_binding(NIC, "driver=e1000e override=");
    /* Nobody had it, so there was nothing to reset. */
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */reset *"), 0);
}
END_TEST

START_TEST(a_release_that_always_dies_is_stuck_until_it_can_be_done) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    worker_kill_at("write " NIC "/reset *", TRUE);
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_FAILED);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    worker_let_go();
    release_well(claim);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(without_a_worker_a_prepare_fails_and_is_retried_on_release) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_new(pair);
    worker_stop();
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_FAILED);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    worker_start();
    release_well(claim);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(a_journal_that_is_gone_leaves_a_release_stuck) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    g_autofree char *journal = g_strdup_printf("claims/%s/journal", claim->id);
    pca_tree_delete(tree, journal);
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    assert_binding(NIC, "driver=vfio-pci override=vfio-pci");
}
END_TEST

void add_death(Suite *suite) {
    PCA_TABLE(suite, "killed in prepare", a_worker_killed_in_prepare_is_undone, prepare_moments);
    PCA_TABLE(suite, "killed in release", a_worker_killed_in_release_is_followed_by_another,
              release_moments);
    ADD_DAEMON_CASE(suite, "death", a_prepare_that_always_dies_is_stuck_until_it_can_be_undone,
                    a_release_that_always_dies_is_stuck_until_it_can_be_done,
                    without_a_worker_a_prepare_fails_and_is_retried_on_release,
                    a_journal_that_is_gone_leaves_a_release_stuck);
}
