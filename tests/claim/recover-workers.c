/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a daemon does about a worker of before that is still at work: by the lock.
 * Thread: main; former workers are children. Ownership: each test its claim on disk.
 */
#include "claim/left.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "claim/store.h"

static void wait_for_ever(PcaFakeKernel *machine, const char *line, gpointer glob) {
    while (g_pattern_match_simple(glob, line))
        pause();
}

/* A worker that holds the lock and has come to the operation. */
static pid_t former_worker(Left *left, PcaPlanKind kind, const char *glob) {
    guint before = pca_fake_kernel_count(fake, glob);
    pid_t pid = fork();
    if (pid == 0) {
        /* An open file of its own: this process's must not share the lock. */
        pca_fd_close(&left->journal);
        pca_fd_close(&left->lease);
        left->journal = pca_store_open_journal(state_directory, left->claim->id, NULL);
        flock(left->journal, LOCK_EX);
        fake->before = wait_for_ever;
        fake->data = (gpointer)glob;
        run_plan(left, kind);
        _exit(0);
    }
    await_operation(glob, before);
    return pid;
}

START_TEST(a_worker_of_before_is_awaited_and_its_plan_undone) {
    AUTO_LEFT left = left_new();
    pid_t pid = former_worker(&left, PCA_PLAN_CLAIM, "write bus/pci/drivers_probe " NIC);
    recover(&left);
    ck_assert_int_eq(taken_up(&left)->state, PCA_CLAIM_STUCK);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 1);
    await_end(&left);
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_gone(&left);
}
END_TEST

START_TEST(a_release_of_before_is_awaited_and_goes_on) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pid_t pid = former_worker(&left, PCA_PLAN_RELEASE, "write " NIC "/reset *");
    recover(&left);
    ck_assert_int_eq(taken_up(&left)->state, PCA_CLAIM_STUCK);
    await_end(&left);
    waitpid(pid, NULL, 0);
    assert_gone(&left);
}
END_TEST

/* Somebody who holds the lock, but whom the journal does not name. */
static pid_t hold_the_lock(Left *left) {
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int own = pca_store_open_journal(state_directory, left->claim->id, NULL);
        pca_fd_close(&left->journal);
        pca_fd_close(&left->lease);
        flock(own, LOCK_EX);
        /* No assertion in a child: its message would get into those of the parent. */
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static gboolean end_process(gpointer pid) {
    kill(GPOINTER_TO_INT(pid), SIGKILL);
    waitpid(GPOINTER_TO_INT(pid), NULL, 0);
    return G_SOURCE_REMOVE;
}

START_TEST(an_unknown_holder_of_the_lock_is_waited_for) {
    AUTO_LEFT left = left_new();
    pid_t pid = hold_the_lock(&left);
    recover(&left);
    ck_assert_int_eq(taken_up(&left)->state, PCA_CLAIM_STUCK);
    g_timeout_add(10, end_process, GINT_TO_POINTER(pid));
    await_end(&left);
    assert_gone(&left);
}
END_TEST

/* Whoever released is told that it takes longer, and it ends with the process that holds the lock.
 */
static void expect_blocked_until_end(Left *left, Answer *answer, pid_t holder) {
    await_answer(answer);
    assert_error(answer->error, PCA_ERROR_UNBIND_TIMEOUT);
    end_process(GINT_TO_POINTER(holder));
    await_end(left);
    assert_gone(left);
}

/* The node has gone with the begin of the unbind: only what the daemon of before wrote down tells
 * who has it. */
START_TEST(who_holds_up_a_worker_of_before_is_named) {
    daemon_set_grace(20 * G_TIME_SPAN_MILLISECOND);
    AUTO_LEFT left = left_new();
    AUTO_ANSWER answer = {0};
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    struct stat st;
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    guint64 number = st.st_rdev;
    g_array_append_val(numbers, number);
    ck_assert(pca_store_save_nodes(state_directory, left.claim->id, numbers, NULL));
    make_holder();
    pca_tree_delete(tree, HELD_NODE);
    run_elsewhere(&left, PCA_PLAN_CLAIM);
    run_and_die(&left, PCA_PLAN_RELEASE, "write bus/pci/drivers/vfio-pci/unbind *");
    pid_t pid = hold_the_lock(&left);
    recover(&left);
    PcaClaim *claim = taken_up(&left);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    await_reason(claim, "still held open by qemu (process 4242 of uid ");
    ck_assert_uint_eq(g_variant_n_children(claim->holders), 1);
    /* Nor is what was seen once told for ever. */
    pca_tree_delete(tree, "proc/4242");
    await_reason(claim, "no process is seen that does");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    expect_blocked_until_end(&left, &answer, pid);
}
END_TEST

START_TEST(released_while_the_lock_is_held_it_is_not_ready_again) {
    AUTO_LEFT left = left_new();
    AUTO_ANSWER early = {0};
    run_elsewhere(&left, PCA_PLAN_CLAIM);
    pid_t pid = hold_the_lock(&left);
    recover(&left);
    pca_claims_release(claims, taken_up(&left), "enough", on_answer, &early);
    ck_assert_uint_eq(early.calls, 0);
    end_process(GINT_TO_POINTER(pid));
    await_answer(&early);
    ck_assert_ptr_null(early.error);
    assert_gone(&left);
}
END_TEST

START_TEST(a_release_that_waits_for_the_lock_is_told_so) {
    daemon_set_grace(20 * G_TIME_SPAN_MILLISECOND);
    AUTO_LEFT left = left_new();
    AUTO_ANSWER answer = {0};
    pid_t pid = hold_the_lock(&left);
    recover(&left);
    pca_claims_release(claims, taken_up(&left), "enough", on_answer, &answer);
    expect_blocked_until_end(&left, &answer, pid);
}
END_TEST

void add_recover_workers(Suite *suite) {
    ADD_DAEMON_CASE(suite, "former workers", a_worker_of_before_is_awaited_and_its_plan_undone,
                    a_release_of_before_is_awaited_and_goes_on,
                    an_unknown_holder_of_the_lock_is_waited_for,
                    who_holds_up_a_worker_of_before_is_named,
                    released_while_the_lock_is_held_it_is_not_ready_again,
                    a_release_that_waits_for_the_lock_is_told_so);
}
