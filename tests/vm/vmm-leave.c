/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a VMM can keep of a device without anybody seeing that it has it, or after it has
 * given up its lease.
 * Thread: main. Ownership: see vmm.h.
 */
#include "vmm.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3

static int close_from(unsigned first, unsigned last) {
    return first > last || syscall(SYS_close_range, first, last, 0) == 0 ? 0
                                                                         : vmm_fail("close_range");
}

static int close_all_but(int fd) {
    return close_from(FIRST_FD, (unsigned)fd - 1) < 0 || close_from((unsigned)fd + 1, UINT_MAX) < 0
               ? -1
               : 0;
}

static int say_ready(pid_t holder) {
    printf("holder %d\nready\n", (int)holder);
    return fflush(stdout);
}

static int unmap(struct vmm *vmm) {
    return vmm->bar && munmap((void *)vmm->bar, vmm->bar_size) < 0 ? vmm_fail("munmap") : 0;
}

static int stay(void) {
    while (pause() < 0)
        continue;
    return 0;
}

/* A process that has the descriptor and nothing else; it outlives this one. */
static int leave_in_child(struct vmm *vmm) {
    pid_t child = unmap(vmm) < 0 ? -1 : fork();
    if (child < 0)
        return vmm_fail("a child");
    if (child == 0)
        _exit(close_all_but(vmm->device) < 0 ? EXIT_FAILURE : stay());
    if (close_from(FIRST_FD, UINT_MAX) < 0 || say_ready(child) < 0)
        return -1;
    return waitpid(child, NULL, 0) < 0 ? vmm_fail("waitpid") : 0;
}

static int leave_mapping(void) {
    if (close_from(FIRST_FD, UINT_MAX) < 0 || say_ready(getpid()) < 0)
        return -1;
    return stay();
}

static int send_to(int socket, int fd) {
    char byte = 0;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(socket, &message, 0) < 0 ? vmm_fail("sendmsg") : 0;
}

/* Nobody ever reads it. */
static int leave_in_queue(struct vmm *vmm) {
    int ends[2];
    if (unmap(vmm) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        return vmm_fail("socketpair");
    if (send_to(ends[0], vmm->device) < 0 || dup2(ends[0], FIRST_FD) < 0 ||
        dup2(ends[1], FIRST_FD + 1) < 0 || close_from(FIRST_FD + 2, UINT_MAX) < 0 ||
        say_ready(getpid()) < 0)
        return -1;
    return stay();
}

int vmm_leave(struct vmm *vmm, const char *what) {
    if (strcmp(what, "leave-mapping") == 0)
        return leave_mapping();
    if (strcmp(what, "leave-queue") == 0)
        return leave_in_queue(vmm);
    if (strcmp(what, "leave-device") == 0 || strcmp(what, "leave-node") == 0)
        return leave_in_child(vmm);
    return vmm_complain("unknown action %s", what);
}
