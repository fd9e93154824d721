/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which system calls of daemon and worker change state: of the kernel, of devices, of the
 * files that they remember things in. Thread: main. Ownership: nothing is kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/types.h>

/* Whether the call that the traced process `pid` is about to make is such a one. `what` gets what
 * it is, for people: "rename /run/pcassign/claims/ID/claim.tmp"; what differs from run to run (ids
 * of claims, names of temporary files, numbers of descriptors) is left out, so that the same call
 * reads the same in each run. */
bool state_call(pid_t pid, const struct __ptrace_syscall_info *info, char *what, size_t size);

/* The target of the link /proc/PID/fd/FD; "" without one. */
void state_fd_name(pid_t pid, long fd, char *name, size_t size);
