/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassign-worker: a listener that forks once for each request of the daemon, so that a
 * request which blocks in the kernel holds up no other, nor this process.
 * Thread: one per process. Ownership: the listener owns only the listening socket; the child owns
 * its connection and everything that comes over it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/fds.h"
#include "engine/serve.h"

/* The socket's mode lets only root connect; this check also holds should somebody loosen it. */
static gboolean is_root(int connection) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == geteuid();
}

static void serve_in_child(int listener, int connection) {
    pid_t pid = fork();
    if (pid < 0)
        g_warning("fork: %s", g_strerror(errno));
    if (pid != 0)
        return;
    close(listener);
    /* A stop of the unit must not cut a plan in two; what blocks for good is killed by name. */
    signal(SIGTERM, SIG_IGN);
    g_autoptr(PcaRoot) root = pca_root_new_host();
    PcaKernel kernel = {&pca_kernel_ops, root};
    pca_serve(&kernel, connection);
    _exit(EXIT_SUCCESS);
}

int main(void) {
    if (sd_listen_fds(TRUE) != 1) {
        g_printerr("pcassign-worker: started without its socket; "
                   "it is started by pcassign-worker.socket\n");
        return EXIT_FAILURE;
    }
    int listener = SD_LISTEN_FDS_START;
    signal(SIGCHLD, SIG_IGN);
    sd_notify(FALSE, "READY=1");
    for (;;) {
        PCA_AUTO_FD connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            g_printerr("pcassign-worker: accept: %s\n", g_strerror(errno));
            return EXIT_FAILURE;
        }
        if (is_root(connection))
            serve_in_child(listener, connection);
        else
            g_warning("refused a connection from another user than root");
    }
}
