/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: leases.
 * Thread: the main one. Ownership: see the header.
 */
#include "claim/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fds.h"

/* More than a FIFO holds (64 KiB by default, 1 MiB at most): what a client wrote is thrown away. */
#define DRAIN_MAX (2 * 1024 * 1024)

int pca_lease_open(const char *path, GError **error) {
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (reader < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "opening the lease %s", path);
    return reader;
}

gboolean pca_lease_create(const char *path, int *reader, int *writer, GError **error) {
    if (mkfifo(path, 0600) < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "making the lease %s", path);
        return FALSE;
    }
    PCA_AUTO_FD r = pca_lease_open(path, error);
    PCA_AUTO_FD w = r < 0 ? -1 : open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (r >= 0 && w >= 0) {
        *reader = pca_fd_steal(&r);
        *writer = pca_fd_steal(&w);
        return TRUE;
    }
    if (r >= 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "opening the lease %s", path);
    unlink(path);
    return FALSE;
}

gboolean pca_lease_alive(int reader) {
    char junk[4096];
    for (gsize drained = 0; drained < DRAIN_MAX;) {
        ssize_t n = read(reader, junk, sizeof junk);
        if (n == 0)
            return FALSE;
        if (n > 0)
            drained += (gsize)n;
        else if (errno != EINTR)
            return errno == EAGAIN;
    }
    return TRUE;
}

gboolean pca_lease_proves(int reader, int fd) {
    struct stat ours, theirs;
    int flags = fcntl(fd, F_GETFL);
    return fstat(reader, &ours) == 0 && fstat(fd, &theirs) == 0 && S_ISFIFO(theirs.st_mode) &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino && flags >= 0 &&
           (flags & O_ACCMODE) == O_WRONLY;
}
