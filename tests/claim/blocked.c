/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what takes long: unbinds that wait for a user, waits that end, releases that come while
 * a claim is still being prepared.
 * Thread: main. Ownership: each test its claims and users.
 */
#include "claim/support.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#include "claim/store.h"

#define WAIT (60 * G_USEC_PER_SEC)
#define SOON (50 * G_TIME_SPAN_MILLISECOND)

static const char *const nic[] = {NIC, NULL};
static const char *const disk[] = {DISK, NULL};
static const char *const twin[] = {TWIN, NULL};

/* ---- Released while it is prepared ---- */

START_TEST(released_in_the_midst_of_prepare_it_goes_back) {
    AUTO_ANSWER prepared = {0}, released = {0};
    g_autoptr(PcaClaim) claim = claim_new(nic);
    worker_hold_at("write bus/pci/drivers_probe *");
    pca_claims_prepare(claims, claim, WAIT, on_answer, &prepared);
    await_operation("write bus/pci/drivers_probe *", 0);
    pca_claims_release(claims, claim, "changed my mind", on_answer, &released);
    worker_let_go();
    await_answer(&released);
    await_answer(&prepared);
    assert_error(prepared.error, PCA_ERROR_REVOKED);
    ck_assert_ptr_null(released.error);
    ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_str_eq(changes->str, "preparing releasing ended ");
}
END_TEST

START_TEST(released_before_its_turn_it_touches_nothing) {
    AUTO_ANSWER first = {0}, prepared = {0}, released = {0};
    g_autoptr(PcaClaim) busy = claim_new(disk);
    g_autoptr(PcaClaim) claim = claim_new(twin);
    worker_hold_at("write " DISK "/driver_override *");
    pca_claims_prepare(claims, busy, WAIT, on_answer, &first);
    pca_claims_prepare(claims, claim, WAIT, on_answer, &prepared);
    pca_claims_release(claims, claim, "changed my mind", on_answer, &released);
    worker_let_go();
    await_answer(&released);
    await_answer(&prepared);
    assert_error(prepared.error, PCA_ERROR_REVOKED);
    ck_assert_ptr_null(released.error);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*" TWIN "*"), 0);
    ck_assert_uint_eq(count_stored(), 1);
    await_answer(&first);
    release_well(busy);
}
END_TEST

START_TEST(a_prepare_that_fails_after_its_release_says_why) {
    AUTO_ANSWER prepared = {0}, released = {0};
    g_autoptr(PcaClaim) claim = claim_new(nic);
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    pca_claims_prepare(claims, claim, WAIT, on_answer, &prepared);
    pca_claims_release(claims, claim, "changed my mind", on_answer, &released);
    await_answer(&prepared);
    await_answer(&released);
    assert_error(prepared.error, PCA_ERROR_BIND_FAILED);
}
END_TEST

/* ---- The wait for prepare ---- */

START_TEST(a_prepare_that_blocks_times_out_and_goes_back) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_new(nic);
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    daemon_set_grace(SOON);
    pca_claims_prepare(claims, claim, SOON, on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_TIMED_OUT);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    ck_assert_int_eq(claim->lease_writer, -1);
    await_reason(claim, "the kernel is not through with it yet: " NIC ", unbind from e1000e");
    ck_assert_uint_eq(g_variant_n_children(claim->holders), 0);
    g_autoptr(GHashTable) evicting = pca_claims_evicting(claims);
    ck_assert(g_hash_table_contains(evicting, NIC));
    pca_fd_close(&user);
    await_state(claim, PCA_CLAIM_ENDED);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(answer.calls, 1);
    ck_assert_uint_eq(count_stored(), 0);
    ck_assert(g_str_has_prefix(changes->str, "preparing stuck "));
    /* On a busy machine also the way back may take longer than that. */
    ck_assert_msg(g_regex_match_simple("^preparing (stuck )+(releasing (stuck )*)+ended $",
                                       changes->str, 0, 0),
                  "%s", changes->str);
}
END_TEST

START_TEST(a_stuck_prepare_holds_up_its_group_alone) {
    AUTO_ANSWER answer = {0}, neighbour_answer = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_new(disk);
    g_autoptr(PcaClaim) neighbour = claim_new(twin);
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, DISK);
    pca_claims_prepare(claims, claim, SOON, on_answer, &answer);
    pca_claims_prepare(claims, neighbour, 2 * SOON, on_answer, &neighbour_answer);
    await_answer(&answer);
    await_answer(&neighbour_answer);
    assert_error(neighbour_answer.error, PCA_ERROR_TIMED_OUT);
    g_autoptr(PcaClaim) stranger = claim_ready(nic, &lease);
    pca_fd_close(&user);
    await_state(neighbour, PCA_CLAIM_ENDED);
    /* It had not had its turn: the release of the other one came first, and then nobody wanted it.
     */
    ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*" TWIN "*"), 0);
    assert_binding(DISK, "driver=nvme override=nvme");
    release_well(stranger);
}
END_TEST

START_TEST(a_release_of_a_stuck_prepare_is_told_too) {
    AUTO_ANSWER answer = {0}, released = {0};
    g_autoptr(PcaClaim) claim = claim_new(nic);
    daemon_set_grace(SOON);
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    pca_claims_prepare(claims, claim, SOON, on_answer, &answer);
    await_answer(&answer);
    pca_claims_release(claims, claim, "enough", on_answer, &released);
    await_answer(&released);
    assert_error(released.error, PCA_ERROR_UNBIND_TIMEOUT);
    pca_fd_close(&user);
    await_state(claim, PCA_CLAIM_ENDED);
}
END_TEST

/* ---- Releases that block ---- */

START_TEST(a_release_that_blocks_names_the_holder_and_ends_later) {
    AUTO_ANSWER answer = {0}, again = {0};
    PCA_AUTO_FD lease = -1;
    daemon_set_grace(SOON);
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    make_holder();
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_UNBIND_TIMEOUT);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    await_reason(claim, "still held open by qemu (process 4242 of uid ");
    /* Whoever asks once more hears it once more, and the end comes by itself. */
    pca_claims_release(claims, claim, "I said enough", on_answer, &again);
    await_answer(&again);
    assert_error(again.error, PCA_ERROR_UNBIND_TIMEOUT);
    pca_fd_close(&user);
    await_state(claim, PCA_CLAIM_ENDED);
    ck_assert(answer.calls == 1 && again.calls == 1);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

/* The daemon that does not know them any more is in recover.c. */
START_TEST(a_release_writes_down_the_numbers_of_its_nodes) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    struct stat st;
    make_holder();
    worker_hold_at("write */unbind *");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    pca_store_load_nodes(state_directory, claim->id, numbers);
    /* Of the group, and of the function. */
    ck_assert_uint_eq(numbers->len, 2);
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    ck_assert_uint_eq(g_array_index(numbers, guint64, 0), st.st_rdev);
    ck_assert_uint_ne(g_array_index(numbers, guint64, 1), 0);
    worker_let_go();
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(numbers_that_cannot_be_written_down_hold_nothing_up) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    g_autofree char *path = pca_store_path(state_directory, claim->id, "nodes");
    ck_assert_int_eq(g_mkdir(path, 0700), 0);
    make_holder();
    worker_hold_at("write */unbind *");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    ck_assert_int_eq(g_rmdir(path), 0);
    worker_let_go();
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
}
END_TEST

START_TEST(a_release_that_blocks_with_nobody_to_name) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    daemon_set_grace(SOON);
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    await_reason(claim, "no process is seen that does");
    ck_assert_uint_eq(g_variant_n_children(claim->holders), 0);
    pca_fd_close(&user);
    await_state(claim, PCA_CLAIM_ENDED);
}
END_TEST

START_TEST(a_reset_that_blocks_is_told_as_such) {
    AUTO_ANSWER answer = {0}, again = {0};
    PCA_AUTO_FD lease = -1;
    daemon_set_grace(SOON);
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    worker_hold_at("write */reset *");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_UNBIND_TIMEOUT);
    await_reason(claim, "the kernel is not through with it yet: " NIC ", reset the function");
    /* Whoever asks by now is told that as well. */
    pca_claims_release(claims, claim, "I said enough", on_answer, &again);
    await_answer(&again);
    assert_error(again.error, PCA_ERROR_UNBIND_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(again.error->message, NIC ", reset the function"));
    worker_let_go();
    await_state(claim, PCA_CLAIM_ENDED);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(all_who_wait_for_a_release_are_told) {
    AUTO_ANSWER first = {0}, second = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    pca_claims_release(claims, claim, "enough", on_answer, &first);
    pca_claims_release(claims, claim, "enough", on_answer, &second);
    pca_fd_close(&lease);
    await_answer(&first);
    await_answer(&second);
    ck_assert(!first.error && !second.error);
    ck_assert_str_eq(changes->str, "preparing ready releasing ended ");
}
END_TEST

START_TEST(a_lease_that_ends_while_the_release_is_stuck_adds_nothing) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    daemon_set_grace(SOON);
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    pca_fd_close(&lease);
    pca_fd_close(&user);
    await_state(claim, PCA_CLAIM_ENDED);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */reset *"), 1);
}
END_TEST

void add_blocked(Suite *suite) {
    ADD_DAEMON_CASE(suite, "released early", released_in_the_midst_of_prepare_it_goes_back,
                    released_before_its_turn_it_touches_nothing,
                    a_prepare_that_fails_after_its_release_says_why);
    ADD_DAEMON_CASE(suite, "prepare blocks", a_prepare_that_blocks_times_out_and_goes_back,
                    a_stuck_prepare_holds_up_its_group_alone,
                    a_release_of_a_stuck_prepare_is_told_too);
    ADD_DAEMON_CASE(suite, "release blocks", a_release_that_blocks_names_the_holder_and_ends_later,
                    a_release_writes_down_the_numbers_of_its_nodes,
                    numbers_that_cannot_be_written_down_hold_nothing_up,
                    a_release_that_blocks_with_nobody_to_name, a_reset_that_blocks_is_told_as_such,
                    all_who_wait_for_a_release_are_told,
                    a_lease_that_ends_while_the_release_is_stuck_adds_nothing);
}
