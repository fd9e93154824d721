/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: `kill-at [--itself] TARGET CALLS before|after N...`: traces a process and its children,
 * those that it has and those that it will have, and kills the child that makes the N-th of the
 * CALLS, before or after the kernel has done it; with --itself, the process TARGET, whose own calls
 * are counted then. Several N: goes on, and counts anew after each kill. It kills as often as there
 * are numbers: what is started afterwards to mend the damage runs undisturbed.
 * `kill-at [--itself] TARGET CALLS list`: says what calls are made, and kills nobody.
 *   TARGET  a process id, or a control group's file cgroup.procs: the first process in it, and once
 *           that was killed the one that is there next with the same program
 *   CALLS   sysfs: writes below /sys, sysfs:NAME: to files of that name; unlink: unlinkat; owner:
 *           changes of a file's owner or mode; state: everything that changes state (state-calls.h)
 *
 * Says "ready" when it traces, then what it sees and whom it killed; ends with status 0 when it has
 * killed, with 3 when SIGTERM told it to stop before, or two minutes have passed. Thread: main.
 * Ownership: the traced processes go their own way when this one ends.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state-calls.h"

#define OF_CHILDREN (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)
#define STATUS_STOPPED 3
#define PATIENCE 120    /* seconds */
#define LOOK_AGAIN 1000 /* microseconds */

static enum { SYSFS, UNLINK, OWNER, STATE } wanted;
static const char *wanted_name; /* of the file; NULL: any */
static bool itself, wants_after;
static char **numbers;           /* of calls from one kill to the next; NULL: list them */
static const char *target;       /* as it was given */
static char program[PATH_MAX];   /* of the target */
static pid_t traced;             /* the target */
static int left;                 /* calls until the one that counts */
static pid_t inside;             /* the process within the call that counts, or 0 */
static char what[PATH_MAX + 32]; /* that call, for people */

static void stop(int signal) {
    _exit(STATUS_STOPPED);
}

static bool is_sysfs_write(pid_t pid, const struct __ptrace_syscall_info *info) {
    if (info->entry.nr != SYS_write && info->entry.nr != SYS_pwrite64)
        return false;
    state_fd_name(pid, (long)info->entry.args[0], what, sizeof what);
    const char *name = strrchr(what, '/');
    return strncmp(what, "/sys/", 5) == 0 && (!wanted_name || strcmp(name + 1, wanted_name) == 0);
}

static bool counts(pid_t pid, const struct __ptrace_syscall_info *info) {
    if (wanted == STATE)
        return state_call(pid, info, what, sizeof what);
    if (wanted == SYSFS)
        return is_sysfs_write(pid, info);
    strcpy(what, wanted == UNLINK ? "unlinkat" : "chown or chmod");
    if (wanted == UNLINK)
        return info->entry.nr == SYS_unlinkat;
    return info->entry.nr == SYS_fchownat || info->entry.nr == SYS_chmod ||
           info->entry.nr == SYS_fchmodat;
}

static void read_program(pid_t pid, char *name, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t n = readlink(link, name, size - 1);
    name[n < 0 ? 0 : n] = '\0';
}

/* What comes in the place of a killed one begins as its manager's child. */
static bool is_target(pid_t pid) {
    char now[PATH_MAX];
    if (!itself)
        return pid != traced;
    read_program(pid, now, sizeof now);
    return strcmp(now, program) == 0;
}

/* Whether that was the last one. */
static bool kill_it(pid_t pid) {
    kill(pid, SIGKILL);
    printf("killed %d %s the call: %s\n", (int)pid, wants_after ? "after" : "before", what);
    inside = 0;
    left = *++numbers ? atoi(*numbers) : 0;
    return !*numbers;
}

/* Whether it was the call, and the process has been killed for the last time. */
static bool at_syscall(pid_t pid) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
        return false;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && pid == inside)
        return kill_it(pid);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || inside || !counts(pid, &info) || !is_target(pid))
        return false;
    if (!numbers || --left > 0) {
        printf("%d: %s\n", (int)pid, what);
        return false;
    }
    if (!wants_after)
        return kill_it(pid);
    inside = pid;
    return false;
}

/* Lets a stopped process go on; `signal` is what it stopped for, if that was a signal of its own.
 */
static void resume(pid_t pid, int status) {
    int event = status >> 16, signal = WSTOPSIG(status);
    if (event || signal == (SIGTRAP | 0x80))
        signal = 0;
    ptrace(PTRACE_SYSCALL, pid, 0, signal);
}

/* A child may be traced already, since it was forked meanwhile, or be gone. */
static bool seize(pid_t pid) {
    if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD | (itself ? 0 : OF_CHILDREN)) < 0)
        return errno == EPERM || errno == ESRCH;
    if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0)
        return true;
    perror("ptrace");
    return false;
}

static bool seize_children(void) {
    char path[64];
    int pid;
    bool ok = true;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)traced, (int)traced);
    FILE *children = fopen(path, "re");
    while (ok && children && fscanf(children, "%d", &pid) == 1)
        ok = seize(pid);
    if (children)
        fclose(children);
    return ok && children;
}

/* Waits until it stops: then it is not in the midst of a fork, whose child would be neither traced
 * by itself nor among the children yet. */
static bool seize_target(void) {
    int status;
    if (!seize(traced) || waitpid(traced, &status, __WALL) != traced || !WIFSTOPPED(status) ||
        (!itself && !seize_children()))
        return false;
    resume(traced, status);
    return true;
}

/* The process that `target` means now, or 0. */
static pid_t find_target(void) {
    int pid = 0;
    if (*target != '/')
        return atoi(target);
    FILE *group = fopen(target, "re");
    if (group && fscanf(group, "%d", &pid) != 1)
        pid = 0;
    if (group)
        fclose(group);
    return pid;
}

static bool follow_target(void) {
    pid_t before = traced;
    while ((traced = find_target()) == 0 || traced == before)
        usleep(LOOK_AGAIN);
    return seize_target();
}

static int trace(void) {
    int status;
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0 || (itself && pid == traced && !WIFSTOPPED(status))) {
            if (!itself || !numbers || *target != '/' || !follow_target())
                return EXIT_FAILURE;
            continue;
        }
        if (!WIFSTOPPED(status))
            continue;
        if (status >> 16 == 0 && WSTOPSIG(status) == (SIGTRAP | 0x80) && at_syscall(pid))
            return EXIT_SUCCESS;
        resume(pid, status);
    }
}

static bool parse(int argc, char **argv) {
    static const char *const names[] = {"sysfs", "unlink", "owner", "state"};
    itself = argc > 1 && strcmp(argv[1], "--itself") == 0;
    argv += itself;
    argc -= itself;
    if (argc < 4)
        return false;
    target = argv[1];
    char *name = strchr(argv[2], ':');
    if (name)
        *name++ = '\0';
    wanted_name = name;
    while (wanted <= STATE && strcmp(names[wanted], argv[2]) != 0)
        wanted++;
    wants_after = strcmp(argv[3], "after") == 0;
    numbers = strcmp(argv[3], "list") == 0 ? NULL : argv + 4;
    left = numbers && *numbers ? atoi(*numbers) : 0;
    return wanted <= STATE && (!numbers || left > 0);
}

int main(int argc, char **argv) {
    if (!parse(argc, argv)) {
        fprintf(stderr, "usage: kill-at [--itself] TARGET sysfs[:NAME]|unlink|owner|state "
                        "before|after N... | list\n");
        return 2;
    }
    signal(SIGTERM, stop);
    signal(SIGALRM, stop);
    alarm(PATIENCE);
    setvbuf(stdout, NULL, _IOLBF, 0);
    traced = find_target();
    read_program(traced, program, sizeof program);
    if (!seize_target()) {
        perror("kill-at");
        return EXIT_FAILURE;
    }
    puts("ready");
    return trace();
}
