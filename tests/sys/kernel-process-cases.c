/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what is done to processes and by several: limits of locked memory, and work side by
 * side; on children.
 * Thread: main. Ownership: the fixture's.
 */
#include "sys/kernel-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/fds.h"

/* ---- Locked memory ---- */

/* A child whose soft limit is 4 KiB below a hard limit of its own. */
static pid_t start_limited(int *pidfd, rlim_t *hard) {
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    *hard = MIN(limit.rlim_max, 65536);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        while (TRUE)
            pause();
    limit = (struct rlimit){*hard - 4096, *hard};
    ck_assert_int_eq(prlimit(pid, RLIMIT_MEMLOCK, &limit, NULL), 0);
    *pidfd = pidfd_open(pid, 0);
    ck_assert_int_ge(*pidfd, 0);
    return pid;
}

START_TEST(memlock_only_rises) {
    PCA_AUTO_FD pidfd = -1;
    rlim_t hard;
    struct rlimit limit;
    pid_t pid = start_limited(&pidfd, &hard);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, pidfd, 1), 0);
    ck_assert_int_eq(prlimit(pid, RLIMIT_MEMLOCK, NULL, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, hard - 4096);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, pidfd, hard), 0);
    ck_assert_int_eq(prlimit(pid, RLIMIT_MEMLOCK, NULL, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, hard);
    ck_assert_uint_eq(limit.rlim_max, hard);
    int more = kernel.ops->raise_memlock(&kernel, pidfd, hard + 1);
    ck_assert(more == 0 || more == -EPERM); /* by our privileges */
    kill(pid, SIGKILL);
    siginfo_t ended;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, pidfd, hard), -ESRCH);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, pidfd, hard), -ESRCH);
}
END_TEST

START_TEST(memlock_wants_a_pidfd) {
    PCA_AUTO_FD fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, fd, 4096), -EBADF);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, -1, 4096), -EBADF);
    ck_assert_int_eq(kernel.ops->set_rlimit_mode(&kernel, fd), -ENOTTY);
    ck_assert_int_eq(kernel.ops->set_rlimit_mode(&kernel, -1), -EBADF);
}
END_TEST

/* ---- Side by side ---- */

#define TOGETHER 3
#define PATIENCE 20 /* seconds for what ends at once, unless it never does */

/* Each waits for all others, so that one after the other would never end; the second fails. */
static gboolean meet(gpointer data, guint index, GError **error) {
    const int *ends = data;
    struct pollfd pollers[TOGETHER];
    if (write(ends[2 * index + 1], "", 1) != 1)
        return FALSE;
    for (guint i = 0; i < TOGETHER; i++)
        pollers[i] = (struct pollfd){.fd = ends[2 * i], .events = POLLIN};
    for (guint i = 0; i < TOGETHER; i++)
        if (poll(&pollers[i], 1, PATIENCE * 1000) != 1) {
            g_set_error(error, PCA_ERROR, PCA_ERROR_TIMED_OUT, "%u did not come", i);
            return FALSE;
        }
    if (index != 1)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY, "the second one");
    return FALSE;
}

static guint count_own_fds(void) {
    g_auto(GStrv) names = pca_read_directory("/proc/self/fd");
    return g_strv_length(names);
}

static void assert_meeting(void) {
    int ends[2 * TOGETHER];
    GError *errors[TOGETHER] = {NULL};
    for (guint i = 0; i < TOGETHER; i++)
        ck_assert_int_eq(pipe2(&ends[2 * i], O_CLOEXEC), 0);
    guint fds = count_own_fds();
    kernel.ops->side_by_side(&kernel, meet, ends, TOGETHER, errors);
    ck_assert_uint_eq(count_own_fds(), fds);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_ptr_null(errors[0]);
    ck_assert(g_error_matches(errors[1], PCA_ERROR, PCA_ERROR_BUSY));
    ck_assert_str_eq(errors[1]->message, "the second one");
    ck_assert_ptr_null(errors[2]);
    g_clear_error(&errors[1]);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
        close(ends[i]);
}

START_TEST(all_are_at_work_at_the_same_time) {
    assert_meeting();
    /* As in the worker. */
    signal(SIGCHLD, SIG_IGN);
    assert_meeting();
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

static gboolean die_in_a_child(gpointer data, guint index, GError **error) {
    const pid_t *caller = data;
    if (getpid() != *caller)
        kill(getpid(), SIGKILL);
    g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED, "by the caller: %u", index);
    return FALSE;
}

/* With so many descriptors at most. */
static void assert_done_by_the_caller(rlim_t descriptors) {
    GError *errors[TOGETHER] = {NULL};
    pid_t self = getpid();
    struct rlimit limit, before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = (struct rlimit){MIN(before.rlim_cur, descriptors), before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    pca_side_by_side(die_in_a_child, &self, TOGETHER, errors);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (guint i = 0; i < TOGETHER; i++) {
        g_autofree char *expected = g_strdup_printf("by the caller: %u", i);
        ck_assert(g_error_matches(errors[i], PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED));
        ck_assert_str_eq(errors[i]->message, expected);
        g_clear_error(&errors[i]);
    }
}

START_TEST(what_a_child_died_over_the_caller_does) {
    assert_done_by_the_caller(RLIM_INFINITY);
}
END_TEST

START_TEST(without_children_the_caller_does_it_all) {
    assert_done_by_the_caller(0);
}
END_TEST

/* Holds a lock of the caller's, as long as it lives. */
static gboolean sleep_on(gpointer data, guint index, GError **error) {
    const int *told = data;
    if (write(*told, "", 1) == 1)
        sleep(PATIENCE);
    return TRUE;
}

START_TEST(children_die_with_the_caller_who_keeps_a_lock_until_then) {
    g_autofree char *path = path_of("lock");
    int ends[2], told = 0;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    PCA_AUTO_FD reader = ends[0], writer = ends[1];
    pid_t caller = fork();
    if (caller == 0) {
        GError *errors[TOGETHER] = {NULL};
        PCA_AUTO_FD lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        flock(lock, LOCK_EX);
        pca_side_by_side(sleep_on, &writer, TOGETHER, errors);
        _exit(0);
    }
    char byte;
    while (told < TOGETHER && read(reader, &byte, 1) == 1)
        told++;
    PCA_AUTO_FD lock = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(lock, 0);
    ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), -1);
    kill(caller, SIGKILL);
    ck_assert_int_eq(waitpid(caller, NULL, 0), caller);
    pca_fd_close(&writer);
    /* Once the last child has gone, which had the writing end. */
    struct pollfd poller = {.fd = reader, .events = POLLIN};
    ck_assert_int_eq(poll(&poller, 1, PATIENCE * 1000 / 2), 1);
    ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
}
END_TEST

void add_kernel_processes(Suite *suite) {
    ADD_CASE(suite, "memlock", memlock_only_rises, memlock_wants_a_pidfd);
    ADD_CASE(suite, "side by side", all_are_at_work_at_the_same_time,
             what_a_child_died_over_the_caller_does, without_children_the_caller_does_it_all,
             children_die_with_the_caller_who_keeps_a_lock_until_then);
}
