/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the limit of locked memory of another process.
 * Thread: any. Ownership: see the header.
 */
#include "sys/memlock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>

#define ATTEMPTS 8

/* 0 while the process lives, -ESRCH once it has ended, reaped or not. */
static int check_alive(int pidfd) {
    struct pollfd poller = {.fd = pidfd, .events = POLLIN};
    int ready;
    do
        ready = poll(&poller, 1, 0);
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return -errno;
    if (poller.revents & POLLNVAL)
        return -EBADF;
    return ready == 0 ? 0 : -ESRCH;
}

/* The process id behind a pidfd, seen from our pid namespace, or -errno. */
static int read_pid(const PcaRoot *root, int pidfd) {
    g_autofree char *name = g_strdup_printf("self/fdinfo/%d", pidfd);
    g_autofree char *text = pca_read_text(root->proc, name, NULL);
    if (!text)
        return -EBADF;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        int pid;
        if (sscanf(lines[i], "Pid: %d", &pid) == 1)
            return pid > 0 ? pid : -ESRCH;
    }
    return -EBADF;
}

static struct rlimit raised(struct rlimit limit, rlim_t bytes) {
    return (struct rlimit){MAX(limit.rlim_cur, bytes), MAX(limit.rlim_max, bytes)};
}

static gboolean covers(const struct rlimit *limit, const struct rlimit *other) {
    return limit->rlim_cur >= other->rlim_cur && limit->rlim_max >= other->rlim_max;
}

static int raise_limit(pid_t pid, rlim_t bytes) {
    struct rlimit found, wanted;
    if (prlimit(pid, RLIMIT_MEMLOCK, NULL, &found) < 0)
        return -errno;
    wanted = raised(found, bytes);
    if (covers(&found, &wanted))
        return 0;
    /* If somebody raised it meanwhile, what we set was a lowering: take the greater of the two. */
    for (int i = 0; i < ATTEMPTS; i++) {
        if (prlimit(pid, RLIMIT_MEMLOCK, &wanted, &found) < 0)
            return -errno;
        if (covers(&wanted, &found))
            return 0;
        wanted = (struct rlimit){MAX(wanted.rlim_cur, found.rlim_cur),
                                 MAX(wanted.rlim_max, found.rlim_max)};
    }
    return -EAGAIN;
}

int pca_memlock_raise(const PcaRoot *root, int pidfd, guint64 bytes) {
    int pid = read_pid(root, pidfd);
    if (pid < 0)
        return pid;
    int result = check_alive(pidfd);
    if (result == 0)
        result = raise_limit(pid, bytes);
    /* Alive now: then the id was its own all along. */
    int alive = check_alive(pidfd);
    return alive < 0 ? alive : result;
}
