/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a release leaves reserved; each death of the worker and of the daemon on the way.
 * Thread: main; the worker is a child. Ownership: each test its claims.
 */
#include "claim/keeping.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>

#include "claim/store.h"
#include "engine/run.h"

static const char *const nic[] = {NIC, NULL};
static const char *const pair[] = {NIC, BARE, NULL};

static gboolean is_left_over(const char *address) {
    g_autoptr(PcaFunction) function = function_of(address);
    return pca_claims_residue(claims, &function->address) != NULL;
}

static void unreserve(const char *address) {
    g_autoptr(PcaClaim) reservation = pca_claim_ref(reservation_of(address));
    release_well(reservation);
    ck_assert_ptr_null(reservation_of(address));
}

START_TEST(what_is_kept_is_reserved_and_can_be_given_back) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = ready(keeping(nic, FALSE), &lease);
    ck_assert_ptr_null(reservation_of(NIC));
    release_well(claim);
    assert_binding(NIC, KEPT);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " NIC "/reset 1"), 1);
    ck_assert_ptr_nonnull(reservation_of(NIC));
    ck_assert_uint_eq(count_stored(), 1);
    unreserve(NIC);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(what_is_kept_outlives_the_daemon) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = ready(keeping(nic, FALSE), &lease);
    release_well(claim);
    for (int i = 0; i < 2; i++) {
        restart();
        ck_assert_ptr_nonnull(reservation_of(NIC));
        ck_assert_uint_eq(count_stored(), 1);
    }
    assert_binding(NIC, KEPT);
    unreserve(NIC);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(only_what_is_to_be_kept_is) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = ready(keeping(pair, FALSE), &lease);
    release_well(claim);
    assert_binding(NIC, KEPT);
    assert_binding(BARE, "driver= override=");
    ck_assert(reservation_of(NIC) && !reservation_of(BARE));
}
END_TEST

START_TEST(one_that_is_left_over_leaves_the_other_kept) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = ready(keeping(pair, FALSE), &lease);
    worker_fail_at("write " BARE "/reset *");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_RESET_FAILED);
    for (int i = 0; i < 2; i++) {
        ck_assert(reservation_of(NIC) && !is_left_over(NIC) && is_left_over(BARE));
        ck_assert_uint_eq(count_stored(), 2);
        restart();
    }
    unreserve(NIC);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(one_that_could_not_be_kept_is_by_the_next_try) {
    AUTO_ANSWER answer = {0}, second = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = ready(keeping(nic, FALSE), &lease);
    worker_fail_at("write bus/pci/drivers_probe *");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    ck_assert_ptr_nonnull(answer.error);
    ck_assert(is_left_over(NIC) && !reservation_of(NIC));
    worker_let_go();
    g_autoptr(PcaFunction) function = function_of(NIC);
    g_autofree char *identity = pca_function_identity(function);
    pca_claims_retry(claims, &function->address, identity, FALSE, "again", on_answer, &second);
    await_answer(&second);
    ck_assert_ptr_null(second.error);
    assert_binding(NIC, KEPT);
    ck_assert(!is_left_over(NIC) && reservation_of(NIC));
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

START_TEST(a_part_that_is_given_back_is_kept_as_well) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = ready(keeping(pair, FALSE), &lease);
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    g_array_append_val(addresses, pca_claim_device(claim, 0)->function->address);
    pca_claims_release_devices(claims, claim, addresses, "enough", on_answer, &answer);
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
    ck_assert_ptr_nonnull(reservation_of(NIC));
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    restart();
    ck_assert_ptr_nonnull(reservation_of(NIC));
    ck_assert_uint_eq(count_stored(), 2);
}
END_TEST

/* The daemon dies between the writing down of a reservation and the end of the claim's record. */
START_TEST(a_reservation_is_not_made_twice) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = ready(keeping(nic, FALSE), &lease);
    g_autofree char *record = pca_store_path(state_directory, claim->id, "claim");
    g_autofree char *journal = pca_store_path(state_directory, claim->id, "journal");
    g_autofree char *directory = g_path_get_dirname(record);
    g_autofree char *record_text = NULL, *journal_text = NULL;
    ck_assert(g_file_get_contents(record, &record_text, NULL, NULL));
    worker_hold_at("write bus/pci/drivers_probe *");
    AUTO_ANSWER answer = {0};
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_operation("write bus/pci/drivers_probe *", 1);
    ck_assert(g_file_get_contents(journal, &journal_text, NULL, NULL));
    worker_let_go();
    await_answer(&answer);
    /* As it was before the end, but through. */
    g_autofree char *through = g_strconcat(journal_text, "end done\n", NULL);
    ck_assert_int_eq(g_mkdir(directory, 0700), 0);
    ck_assert(g_file_set_contents(record, record_text, -1, NULL));
    ck_assert(g_file_set_contents(journal, through, -1, NULL));
    ck_assert_uint_eq(count_stored(), 2);
    restart();
    ck_assert_ptr_nonnull(reservation_of(NIC));
    ck_assert_uint_eq(count_stored(), 1);
    unreserve(NIC);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

/* Each operation of the release kills the worker and, with it, the daemon. */
static const char *const moments[] = {
    "write bus/pci/drivers/vfio-pci/unbind *",
    "write " NIC "/reset *",
    "write " NIC "/driver_override *",
    "write bus/pci/drivers_probe *",
};

static void die(PcaFakeKernel *machine, const char *line, gpointer glob) {
    if (g_pattern_match_simple(glob, line))
        raise(SIGKILL);
}

/* The release's worker, as a daemon leaves it that dies as well. */
static void release_and_die(const PcaClaim *claim, const char *glob) {
    g_autoptr(GPtrArray) functions = pca_claim_functions(claim);
    g_autofree PcaPlanDevice *devices = pca_claim_plan_devices(claim);
    g_autoptr(PcaPlan) plan = pca_plan_release(functions, devices);
    PCA_AUTO_FD journal = pca_store_open_journal(state_directory, claim->id, NULL);
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        g_autoptr(GPtrArray) residues = pca_residues_new();
        fake->before = die;
        fake->data = (gpointer)glob;
        pca_run(kernel, plan, journal, residues, NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
}

START_TEST(a_death_on_the_way_leaves_it_reserved_in_the_end) {
    daemon_set_up();
    {
        PCA_AUTO_FD lease = -1;
        g_autoptr(PcaClaim) claim = ready(keeping(nic, FALSE), &lease);
        daemon_restart();
        release_and_die(claim, moments[_i]);
        pca_claims_recover(claims);
        await_rest();
        assert_binding(NIC, KEPT);
        ck_assert(reservation_of(NIC) && !is_left_over(NIC));
        ck_assert_uint_eq(count_stored(), 1);
        unreserve(NIC);
        assert_binding(NIC, "driver=e1000e override=");
    }
    daemon_tear_down();
}
END_TEST

START_TEST(what_cannot_be_written_down_is_stuck_not_lost) {
    AUTO_ANSWER answer = {0}, second = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = ready(keeping(nic, FALSE), &lease);
    worker_hold_at("write " NIC "/reset *");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_operation("write " NIC "/reset *", 0);
    g_autofree char *moved = g_strconcat(state_directory, "-moved", NULL);
    ck_assert_int_eq(g_rename(state_directory, moved), 0);
    worker_let_go();
    await_answer(&answer);
    ck_assert_ptr_nonnull(answer.error);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    ck_assert_int_eq(g_rename(moved, state_directory), 0);
    pca_claims_release(claims, claim, "again", on_answer, &second);
    await_answer(&second);
    ck_assert_ptr_null(second.error);
    assert_binding(NIC, KEPT);
    ck_assert_ptr_nonnull(reservation_of(NIC));
}
END_TEST

void add_keep(Suite *suite) {
    ADD_DAEMON_CASE(suite, "kept", what_is_kept_is_reserved_and_can_be_given_back,
                    what_is_kept_outlives_the_daemon, only_what_is_to_be_kept_is,
                    one_that_is_left_over_leaves_the_other_kept,
                    one_that_could_not_be_kept_is_by_the_next_try,
                    a_part_that_is_given_back_is_kept_as_well, a_reservation_is_not_made_twice,
                    what_cannot_be_written_down_is_stuck_not_lost);
    PCA_TABLE(suite, "deaths while kept", a_death_on_the_way_leaves_it_reserved_in_the_end,
              moments);
}
