/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: `kill-at PID sysfs[:NAME]|unlink|owner before|after N`: traces the process PID and its
 * children, those that it has and those that it will have, and kills the child that makes the N-th
 * write below /sys, to a file called NAME if one is given (or the N-th unlinkat, or change of a
 * file's owner or mode), before or after the kernel has done it. It kills once: what the service
 * starts to mend the damage runs undisturbed. Says "ready" when it traces, then what it killed;
 * ends with status 0 when it has killed, with 3 when SIGTERM told it to stop before, or two minutes
 * have passed. Thread: main. Ownership: the traced processes go their own way when this one ends.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                    \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)
#define STATUS_STOPPED 3
#define PATIENCE 120 /* seconds */

static pid_t listener;
static enum { SYSFS, UNLINK, OWNER } wanted;
static const char *wanted_name; /* of the file; NULL: any */
static int wants_after;
static int left;            /* calls until the one that counts */
static pid_t inside;        /* the process within the call that counts, or 0 */
static char what[PATH_MAX]; /* that call, for people */

static void stop(int signal) {
    _exit(STATUS_STOPPED);
}

static int is_sysfs_write(pid_t pid, const struct __ptrace_syscall_info *info) {
    char link[64];
    if (info->entry.nr != SYS_write && info->entry.nr != SYS_pwrite64)
        return 0;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, (int)info->entry.args[0]);
    ssize_t n = readlink(link, what, sizeof what - 1);
    if (n < 0)
        return 0;
    what[n] = '\0';
    const char *name = strrchr(what, '/');
    return strncmp(what, "/sys/", 5) == 0 && (!wanted_name || strcmp(name + 1, wanted_name) == 0);
}

static int counts(pid_t pid, const struct __ptrace_syscall_info *info) {
    if (wanted == SYSFS)
        return is_sysfs_write(pid, info);
    strcpy(what, wanted == UNLINK ? "unlinkat" : "chown or chmod");
    if (wanted == UNLINK)
        return info->entry.nr == SYS_unlinkat;
    return info->entry.nr == SYS_fchownat || info->entry.nr == SYS_chmod ||
           info->entry.nr == SYS_fchmodat;
}

static int kill_it(pid_t pid) {
    kill(pid, SIGKILL);
    printf("killed %d %s the call: %s\n", (int)pid, wants_after ? "after" : "before", what);
    return 1;
}

/* Whether it was the call, and the process has been killed. */
static int at_syscall(pid_t pid) {
    struct __ptrace_syscall_info info;
    if (pid == listener || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
        return 0;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && pid == inside)
        return kill_it(pid);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || left == 0 || !counts(pid, &info))
        return 0;
    if (--left > 0) {
        printf("%d: %s\n", (int)pid, what);
        return 0;
    }
    if (!wants_after)
        return kill_it(pid);
    inside = pid;
    return 0;
}

/* Lets a stopped process go on; `signal` is what it stopped for, if that was a signal of its own.
 */
static void resume(pid_t pid, int status) {
    int event = status >> 16, signal = WSTOPSIG(status);
    if (event || signal == (SIGTRAP | 0x80))
        signal = 0;
    ptrace(PTRACE_SYSCALL, pid, 0, signal);
}

static int trace(void) {
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (pid <= 0 || !WIFSTOPPED(status))
            continue;
        if (status >> 16 == 0 && WSTOPSIG(status) == (SIGTRAP | 0x80) && at_syscall(pid))
            return EXIT_SUCCESS;
        resume(pid, status);
    }
    perror("waitpid");
    return EXIT_FAILURE;
}

/* A child may be traced already, since it was forked meanwhile, or be gone. */
static int seize(pid_t pid) {
    if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0)
        return errno == EPERM || errno == ESRCH;
    if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0)
        return 1;
    perror("ptrace");
    return 0;
}

/* Until it stops: then it is not in the midst of a fork, whose child would be neither traced by
 * itself nor among the children yet. */
static int seize_listener(int *status) {
    return seize(listener) && waitpid(listener, status, __WALL) == listener && WIFSTOPPED(*status);
}

static int seize_children(void) {
    char path[64];
    int pid, ok = 1;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)listener, (int)listener);
    FILE *children = fopen(path, "re");
    while (ok && children && fscanf(children, "%d", &pid) == 1)
        ok = seize(pid);
    if (children)
        fclose(children);
    return ok && children;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: kill-at PID sysfs[:NAME]|unlink|owner before|after N\n");
        return 2;
    }
    listener = atoi(argv[1]);
    wanted = strcmp(argv[2], "unlink") == 0  ? UNLINK
             : strcmp(argv[2], "owner") == 0 ? OWNER
                                             : SYSFS;
    if (strncmp(argv[2], "sysfs:", 6) == 0)
        wanted_name = argv[2] + 6;
    wants_after = strcmp(argv[3], "after") == 0;
    left = atoi(argv[4]);
    signal(SIGTERM, stop);
    signal(SIGALRM, stop);
    alarm(PATIENCE);
    setvbuf(stdout, NULL, _IOLBF, 0);
    int status;
    if (!seize_listener(&status) || !seize_children())
        return EXIT_FAILURE;
    resume(listener, status);
    puts("ready");
    return trace();
}
