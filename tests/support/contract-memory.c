/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the contract's part about limits of locked memory.
 * Thread: main. Ownership: none.
 */
#include "support/kernel-contract-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/fds.h"

START_TEST(rlimit_mode_of_a_fresh_iommufd) {
    if (without_cdev())
        return;
    int iommufd = open_node(iommu_number());
    assert_fresh_node(iommufd, iommu_number());
    ck_assert_int_eq(subject.kernel->ops->set_rlimit_mode(subject.kernel, iommufd), 0);
}
END_TEST

START_TEST(rlimit_mode_of_something_else) {
    PCA_AUTO_FD fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(subject.kernel->ops->set_rlimit_mode(subject.kernel, fd), -ENOTTY);
}
END_TEST

static pid_t start_sleeper(int *pidfd) {
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        while (TRUE)
            pause();
    }
    *pidfd = pidfd_open(pid, 0);
    ck_assert_int_ge(*pidfd, 0);
    return pid;
}

START_TEST(memlock_rises_for_the_living_only) {
    PcaKernel *kernel = subject.kernel;
    PCA_AUTO_FD pidfd = -1;
    pid_t pid = start_sleeper(&pidfd);
    struct rlimit before, after;
    int got_before = prlimit(pid, RLIMIT_MEMLOCK, NULL, &before);
    guint64 more = before.rlim_max == RLIM_INFINITY ? RLIM_INFINITY : before.rlim_max + (1 << 30);
    int raised = kernel->ops->raise_memlock(kernel, pidfd, more);
    int lowered = kernel->ops->raise_memlock(kernel, pidfd, 4096);
    int got_after = prlimit(pid, RLIMIT_MEMLOCK, NULL, &after);
    kill(pid, SIGKILL);
    siginfo_t ended;
    waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT);
    int zombie = kernel->ops->raise_memlock(kernel, pidfd, more);
    waitpid(pid, NULL, 0);
    ck_assert(got_before == 0 && got_after == 0);
    ck_assert_int_eq(raised, 0);
    ck_assert_int_eq(lowered, 0);
    if (!subject.stand_ins) {
        ck_assert_uint_eq(after.rlim_cur, more);
        ck_assert_uint_eq(after.rlim_max, more);
    }
    ck_assert_int_eq(zombie, -ESRCH);
    ck_assert_int_eq(kernel->ops->raise_memlock(kernel, pidfd, more), -ESRCH);
}
END_TEST

void contract_add_memory(TCase *contract) {
    tcase_add_test(contract, rlimit_mode_of_a_fresh_iommufd);
    tcase_add_test(contract, rlimit_mode_of_something_else);
    tcase_add_test(contract, memlock_rises_for_the_living_only);
}
