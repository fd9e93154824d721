/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which system calls change state.
 * Thread: main. Ownership: see the header.
 */
#include "state-calls.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_DIRECTORY "/run/pcassign"
#define ID_LENGTH 8 /* hexadecimal digits from which on a name is an id */
#define TEMPORARY 6 /* characters that g_file_set_contents() puts behind a dot */

/* What a call is about: the number of the argument that names it, and how. */
enum about { FILE_OF_FD, SOCKET_OF_FD, PATH, PATH_OPENED, LIMIT, ANYTHING };

static const struct {
    long number;
    const char *name;
    enum about about;
    int argument;
} calls[] = {
    {SYS_write, "write", FILE_OF_FD, 0},
    {SYS_pwrite64, "write", FILE_OF_FD, 0},
    {SYS_writev, "write", FILE_OF_FD, 0},
    {SYS_pwritev, "write", FILE_OF_FD, 0},
    {SYS_ftruncate, "truncate", FILE_OF_FD, 0},
    {SYS_fallocate, "allocate", FILE_OF_FD, 0},
    {SYS_fsync, "fsync", FILE_OF_FD, 0},
    {SYS_fdatasync, "fsync", FILE_OF_FD, 0},
    {SYS_flock, "flock", FILE_OF_FD, 0},
    {SYS_ioctl, "ioctl", FILE_OF_FD, 0},
    {SYS_fchown, "chown", FILE_OF_FD, 0},
    {SYS_fchmod, "chmod", FILE_OF_FD, 0},
    {SYS_fsetxattr, "setxattr", FILE_OF_FD, 0},
    {SYS_sendmsg, "send", SOCKET_OF_FD, 0},
    {SYS_open, "open", PATH_OPENED, 0},
    {SYS_openat, "open", PATH_OPENED, 1},
    {SYS_creat, "creat", PATH, 0},
    {SYS_truncate, "truncate", PATH, 0},
    {SYS_mknod, "mknod", PATH, 0},
    {SYS_mknodat, "mknod", PATH, 1},
    {SYS_mkdir, "mkdir", PATH, 0},
    {SYS_mkdirat, "mkdir", PATH, 1},
    {SYS_rmdir, "rmdir", PATH, 0},
    {SYS_unlink, "unlink", PATH, 0},
    {SYS_unlinkat, "unlink", PATH, 1},
    {SYS_link, "link", PATH, 0},
    {SYS_linkat, "link", PATH, 1},
    {SYS_symlink, "symlink", PATH, 1},
    {SYS_symlinkat, "symlink", PATH, 2},
    {SYS_rename, "rename", PATH, 0},
    {SYS_renameat, "rename", PATH, 1},
    {SYS_renameat2, "rename", PATH, 1},
    {SYS_chown, "chown", PATH, 0},
    {SYS_lchown, "chown", PATH, 0},
    {SYS_fchownat, "chown", PATH, 1},
    {SYS_chmod, "chmod", PATH, 0},
    {SYS_fchmodat, "chmod", PATH, 1},
    {SYS_setxattr, "setxattr", PATH, 0},
    {SYS_lsetxattr, "setxattr", PATH, 0},
    {SYS_mount, "mount", PATH, 1},
    {SYS_umount2, "umount", PATH, 0},
    {SYS_prlimit64, "prlimit", LIMIT, 2},
    {SYS_pidfd_send_signal, "signal", ANYTHING, 0},
};

void state_fd_name(pid_t pid, long fd, char *name, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%ld", (int)pid, fd);
    ssize_t n = readlink(link, name, size - 1);
    name[n < 0 ? 0 : n] = '\0';
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_kept_state(const char *file) {
    return begins(file, "/sys/") || begins(file, STATE_DIRECTORY) ||
           begins(file, "/dev/pcassign") || begins(file, "/dev/vfio") || begins(file, "/dev/iommu");
}

/* A string in the memory of the process; a page at the most, which it may end with. */
static void read_string(pid_t pid, unsigned long address, char *text, size_t size) {
    size_t page = 4096 - address % 4096, wanted = size - 1, done = 0;
    while (done < wanted) {
        size_t n = page < wanted - done ? page : wanted - done;
        struct iovec here = {text + done, n}, there = {(void *)(address + done), n};
        if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)n ||
            memchr(text + done, 0, n))
            break;
        done += n;
        page = 4096;
    }
    text[size - 1] = '\0';
}

/* The worker's connections have names at one end; those of the bus are of another kind. */
static bool is_worker_socket(pid_t pid, long fd) {
    bool found = false;
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    int copy = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, (int)fd, 0);
    for (int end = 0; copy >= 0 && end < 2 && !found; end++) {
        struct sockaddr_un address = {0};
        socklen_t length = sizeof address - 1;
        int result = end ? getpeername(copy, (struct sockaddr *)&address, &length)
                         : getsockname(copy, (struct sockaddr *)&address, &length);
        found = result == 0 && address.sun_family == AF_UNIX &&
                begins(address.sun_path, STATE_DIRECTORY);
    }
    if (copy >= 0)
        close(copy);
    if (process >= 0)
        close(process);
    return found;
}

/* To open what is made or emptied by that, and the nodes, where the kernel counts who has them. */
static bool open_counts(pid_t pid, unsigned long flags, char *path, size_t size) {
    static const char own[] = "/proc/self/fd/";
    if (flags & (O_CREAT | O_TRUNC))
        return true;
    if ((flags & O_ACCMODE) == O_RDONLY)
        return false;
    if (begins(path, own)) {
        long fd = strtol(path + strlen(own), NULL, 10);
        state_fd_name(pid, fd, path, size);
    }
    return begins(path, "/dev/");
}

static size_t id_length(const char *text) {
    size_t n = 0;
    while (isxdigit((unsigned char)text[n]) && !isupper((unsigned char)text[n]))
        n++;
    return n >= ID_LENGTH ? n : 0;
}

static void print_plainly(const char *name, const char *about, char *what, size_t size) {
    size_t used = (size_t)snprintf(what, size, "%s ", name);
    const char *end = strrchr(about, '.');
    for (const char *p = about; *p && used + 3 < size;) {
        size_t id = p == about || p[-1] == '/' ? id_length(p) : 0;
        used += (size_t)snprintf(what + used, size - used, id ? "ID" : "%c", *p);
        p += id ? id : 1;
    }
    if (begins(about, STATE_DIRECTORY) && end && !strchr(end, '/') && strlen(end) == TEMPORARY + 1)
        strcpy(what + used - TEMPORARY, "tmp");
}

bool state_call(pid_t pid, const struct __ptrace_syscall_info *info, char *what, size_t size) {
    char about[PATH_MAX] = "";
    size_t i = 0;
    while (i < sizeof calls / sizeof *calls && calls[i].number != (long)info->entry.nr)
        i++;
    if (i == sizeof calls / sizeof *calls)
        return false;
    const uint64_t *arguments = info->entry.args;
    uint64_t argument = arguments[calls[i].argument];
    bool is_file = calls[i].about == FILE_OF_FD;
    if (is_file)
        state_fd_name(pid, (long)argument, about, sizeof about);
    if ((is_file && !is_kept_state(about)) || (calls[i].about == LIMIT && argument == 0) ||
        (calls[i].about == SOCKET_OF_FD && !is_worker_socket(pid, (long)argument)))
        return false;
    if (calls[i].about == PATH || calls[i].about == PATH_OPENED)
        read_string(pid, argument, about, sizeof about);
    if (calls[i].about == PATH_OPENED &&
        !open_counts(pid, arguments[calls[i].argument + 1], about, sizeof about))
        return false;
    print_plainly(calls[i].name, about, what, size);
    return true;
}
