/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: named lists of owned file descriptors.
 * Thread: any. Ownership: see the header.
 */
#include "base/fds.h"

static void named_fd_free(gpointer data) {
    PcaNamedFd *named = data;
    pca_fd_close(&named->fd);
    g_free(named->role);
    g_free(named->name);
    g_free(named->address);
    g_free(named);
}

PcaFds *pca_fds_new(void) {
    return g_ptr_array_new_with_free_func(named_fd_free);
}

void pca_fds_consume(PcaFds *fds, const char *role, const char *name, const char *address, int fd) {
    PcaNamedFd *named = g_new0(PcaNamedFd, 1);
    named->role = g_strdup(role);
    named->name = g_strdup(name);
    named->address = g_strdup(address);
    named->fd = fd;
    g_ptr_array_add(fds, named);
}

PcaNamedFd *pca_fds_get(PcaFds *fds, guint index) {
    return g_ptr_array_index(fds, index);
}
