/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: owned file descriptors, single and in named lists.
 * Thread: any. Ownership: a PcaFd closes itself; a PcaFds owns every descriptor that was added
 * to it until it is stolen.
 */
#pragma once

#include <glib.h>
#include <unistd.h>

static inline void pca_fd_close(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* An int that is closed at the end of its scope; -1 means none. */
#define PCA_AUTO_FD __attribute__((cleanup(pca_fd_close))) int

static inline int pca_fd_steal(int *fd) {
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

typedef struct {
    char *role;    /* "iommufd", "device", ... (interfaces: roles of Open) */
    char *name;    /* "gpu-a", "nvme0", or "" */
    char *address; /* of the function, or "" */
    int fd;
} PcaNamedFd;

/* A list of PcaNamedFd; free with g_ptr_array_unref, which closes what it still owns. */
typedef GPtrArray PcaFds;
PcaFds *pca_fds_new(void);

/* Takes `fd` over; copies the strings. */
void pca_fds_consume(PcaFds *fds, const char *role, const char *name, const char *address, int fd);
PcaNamedFd *pca_fds_get(PcaFds *fds, guint index);
