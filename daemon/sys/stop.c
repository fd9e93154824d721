/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: ending processes by pidfds.
 * Thread: any. Ownership: see the header.
 */
#include "sys/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fds.h"

/* A process that SIGKILL has reached closes its descriptors before it ends, which may take a while:
 * its memory is unpinned. */
#define KILL_PATIENCE (2 * G_USEC_PER_SEC)

static void owned_free(gpointer data) {
    PcaOwned *owned = data;
    pca_fd_close(&owned->pidfd);
    g_free(owned);
}

/* The first number of a line of /proc/PID/status (proc_pid_status(5)); -1 when it is not there. */
static gint64 read_status(const char *status, const char *key) {
    g_autofree char *start = g_strdup_printf("\n%s:", key);
    const char *line = strstr(status, start);
    char *end = NULL;
    gint64 value = line ? g_ascii_strtoll(line + strlen(start), &end, 10) : -1;
    return line && end > line + strlen(start) ? value : -1;
}

static gboolean is_of(const PcaRoot *root, pid_t pid, uid_t owner) {
    g_autofree char *process = g_strdup_printf("%s/%d", root->proc, (int)pid);
    g_autofree char *status = pca_read_text(process, "status", NULL);
    return status && pid > 1 && pid != getpid() && read_status(status, "Uid") == (gint64)owner &&
           read_status(status, "PPid") > 0 && read_status(status, "PPid") != (gint64)getppid();
}

GPtrArray *pca_owned_find(const PcaRoot *root, GPtrArray *holders, const dev_t *numbers, gsize n,
                          uid_t owner) {
    GPtrArray *list = g_ptr_array_new_with_free_func(owned_free);
    for (guint i = 0; i < holders->len; i++) {
        PcaHolder *holder = g_ptr_array_index(holders, i);
        PCA_AUTO_FD pidfd = (int)syscall(SYS_pidfd_open, holder->pid, 0);
        /* From here on the number is this process's, or the pidfd is of no use. */
        if (pidfd < 0 || !is_of(root, holder->pid, owner) ||
            !pca_holds(root, holder->pid, numbers, n))
            continue;
        PcaOwned *owned = g_new0(PcaOwned, 1);
        *owned = (PcaOwned){holder, pca_fd_steal(&pidfd)};
        g_ptr_array_add(list, owned);
    }
    return list;
}

static void send_all(GPtrArray *owned, int signal) {
    for (guint i = 0; i < owned->len; i++) {
        const PcaOwned *one = g_ptr_array_index(owned, i);
        if (syscall(SYS_pidfd_send_signal, one->pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
            g_warning("process %d (%s) cannot be sent signal %d: %s", (int)one->holder->pid,
                      one->holder->comm, signal, g_strerror(errno));
    }
}

static gboolean has_ended(const PcaOwned *owned, gint64 end) {
    struct pollfd poller = {owned->pidfd, POLLIN, 0};
    int n;
    do {
        gint64 left = MAX(end - g_get_monotonic_time(), 0);
        n = poll(&poller, 1, (int)((left + 999) / 1000));
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

static gboolean await_all(GPtrArray *owned, gint64 patience) {
    gint64 end = g_get_monotonic_time() + patience;
    gboolean all = TRUE;
    for (guint i = 0; i < owned->len; i++)
        all = has_ended(g_ptr_array_index(owned, i), end) && all;
    return all;
}

gboolean pca_owned_stop(GPtrArray *owned, gint64 patience) {
    send_all(owned, SIGTERM);
    if (await_all(owned, patience))
        return TRUE;
    send_all(owned, SIGKILL);
    return await_all(owned, KILL_PATIENCE);
}
