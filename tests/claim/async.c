/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims whose client was answered before they were ready: what it learns, and how it
 * abandons them. And claims that join another one.
 * Thread: main. Ownership: each test its claims.
 */
#include "claim/support.h"

#include <sys/syscall.h>

#define WAIT (60 * G_USEC_PER_SEC)
#define SOON (20 * G_TIME_SPAN_MILLISECOND)

static const char *const nic[] = {NIC, NULL};

/* Begins to prepare it; its lease is the client's at once. */
static PcaClaim *begin(gint64 wait, Answer *answer, int *lease) {
    PcaClaim *claim = claim_new(nic);
    claim->async = TRUE;
    pca_claims_prepare(claims, claim, wait, on_answer, answer);
    ck_assert_uint_eq(answer->calls, 0);
    ck_assert_int_eq(claim->state, PCA_CLAIM_PREPARING);
    *lease = pca_fd_steal(&claim->lease_writer);
    return claim;
}

static void await_nothing_left(const char *id) {
    while (pca_claims_find(claims, id))
        g_main_context_iteration(NULL, TRUE);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 0);
    ck_assert_uint_eq(count_stored(), 0);
}

/* It has ended, is found by its id and says this. */
static void assert_lingers(PcaClaim *claim, PcaError error) {
    ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
    ck_assert_ptr_eq(pca_claims_find(claims, claim->id), claim);
    assert_error(claim->failure, error);
    ck_assert_str_eq(claim->reason, claim->failure->message);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 1);
    g_autoptr(GPtrArray) list = pca_claims_list(claims);
    ck_assert_uint_eq(list->len, 0);
    ck_assert_ptr_null(
        pca_claims_find_device(claims, &pca_claim_device(claim, 0)->function->address));
    ck_assert_uint_eq(count_stored(), 0);
}

static void on_not_opened(GVariant *names, GArray *fds, const GError *error, gpointer data) {
    *(GError **)data = g_error_copy(error);
}

static void assert_not_opened(PcaClaim *claim, const char *text) {
    g_autoptr(GError) error = NULL;
    pca_claims_open(claims, claim, -1, on_not_opened, &error);
    assert_error(error, PCA_ERROR_REVOKED);
    ck_assert_msg(strstr(error->message, text), "%s", error->message);
}

START_TEST(it_gets_ready) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = begin(WAIT, &answer, &lease);
    assert_not_opened(claim, "preparing, not ready yet");
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    pca_fd_close(&lease);
    await_state(claim, PCA_CLAIM_ENDED);
    await_nothing_left(claim->id);
    ck_assert_str_eq(changes->str, "preparing ready releasing ended ");
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(a_failure_stays_until_the_lease_ends) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    g_autoptr(PcaClaim) claim = begin(WAIT, &answer, &lease);
    await_answer(&answer);
    assert_lingers(claim, PCA_ERROR_BIND_FAILED);
    assert_not_opened(claim, claim->failure->message);
    release_well(claim);
    assert_lingers(claim, PCA_ERROR_BIND_FAILED);
    ck_assert_str_eq(changes->str, "preparing ended ");
    pca_fd_close(&lease);
    await_nothing_left(claim->id);
    ck_assert(!claim->lingers);
    ck_assert_str_eq(changes->str, "preparing ended ended ");
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(without_the_lease_nobody_wants_to_know) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    worker_hold_at("write bus/pci/drivers_probe *");
    g_autoptr(PcaClaim) claim = begin(WAIT, &answer, &lease);
    await_operation("write bus/pci/drivers_probe *", 0);
    pca_fd_close(&lease);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    worker_let_go();
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_REVOKED);
    await_nothing_left(claim->id);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_str_eq(changes->str, "preparing releasing ended ");
}
END_TEST

START_TEST(a_time_out_is_told_when_all_is_over) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    g_autoptr(PcaClaim) claim = begin(SOON, &answer, &lease);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_TIMED_OUT);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    pca_fd_close(&user);
    await_state(claim, PCA_CLAIM_ENDED);
    assert_lingers(claim, PCA_ERROR_TIMED_OUT);
    pca_fd_close(&lease);
    await_nothing_left(claim->id);
}
END_TEST

START_TEST(released_by_somebody_it_says_so) {
    AUTO_ANSWER answer = {0}, released = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = begin(WAIT, &answer, &lease);
    pca_claims_release(claims, claim, "by root", on_answer, &released);
    await_answer(&released);
    await_answer(&answer);
    assert_lingers(claim, PCA_ERROR_REVOKED);
    pca_fd_close(&lease);
    await_nothing_left(claim->id);
}
END_TEST

/* What was ready once tells no more than other claims when it ends. */
START_TEST(it_lingers_only_when_it_failed) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = begin(WAIT, &answer, &lease);
    await_answer(&answer);
    release_well(claim);
    ck_assert_ptr_null(claim->failure);
    await_nothing_left(claim->id);
}
END_TEST

START_TEST(the_registry_may_go_first) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    g_autoptr(PcaClaim) claim = begin(WAIT, &answer, &lease);
    await_answer(&answer);
    daemon_restart();
    pca_fd_close(&lease);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    ck_assert_ptr_null(pca_claims_find(claims, claim->id));
}
END_TEST

static void on_opened(GVariant *names, GArray *fds, const GError *error, gpointer data) {
    *(char **)data = error ? g_strdup(error->message) : g_variant_print(names, FALSE);
}

START_TEST(who_joins_gets_the_device_alone) {
    PCA_AUTO_FD lease = -1;
    PCA_AUTO_FD pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    g_autofree char *opened = NULL;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    claim->joined = g_strdup("0123456789abcdef0123456789abcdef");
    pca_claims_open(claims, claim, pidfd, on_opened, &opened);
    while (!opened)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_str_eq(opened, "[('device', 'dev', '0000:01:00.0')]");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "set_rlimit_mode"), 0);
    release_well(claim);
}
END_TEST

void add_async(Suite *suite) {
    ADD_DAEMON_CASE(suite, "async", it_gets_ready, a_failure_stays_until_the_lease_ends,
                    without_the_lease_nobody_wants_to_know, a_time_out_is_told_when_all_is_over,
                    released_by_somebody_it_says_so, it_lingers_only_when_it_failed,
                    the_registry_may_go_first);
    ADD_DAEMON_CASE(suite, "join", who_joins_gets_the_device_alone);
}
