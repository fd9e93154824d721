/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassign-worker: a process for each request of the daemon, so that a request which
 * blocks in the kernel holds up no other. Some children wait for the next ones, so that none waits
 * for a fork; the parent only sees to it that there are some. Thread: one per process.
 * Ownership: parent and children share the listening socket; a child owns its connection and
 * everything that comes over it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/fds.h"
#include "engine/serve.h"
#include "engine/wire.h"
#include "sys/rights.h"

#define WAITING 3   /* children: as many as the requests of a claim that is opened at once */
#define CALM_MS 200 /* without a request, until those that are missing are made */
#define PAUSE (G_USEC_PER_SEC / 5) /* after a child that could not be made or died early */

/* The socket's mode lets only root connect; this check also holds should somebody loosen it. */
static gboolean is_root(int connection) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == geteuid();
}

/* What prepares for the next request does not interrupt the one that is being served. */
static void set_policy(int policy) {
    const struct sched_param none = {0};
    if (sched_setscheduler(0, policy, &none) < 0)
        g_debug("sched_setscheduler: %s", g_strerror(errno));
}

static int await_request(int listener) {
    for (;;) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (connection < 0)
            g_printerr("pcassign-worker: accept: %s\n", g_strerror(errno));
        if (connection < 0 || is_root(connection))
            return connection;
        g_warning("refused a connection from another user than root");
        close(connection);
    }
}

/* After a fork each page costs a fault at its first use. An empty request takes those that every
 * request needs, while none is waiting; of the kind that leaves this process its rights, which are
 * read here too, since that takes long. */
static void warm_up(PcaKernel *kernel) {
    int ends[2];
    pca_rights_lower();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    PCA_AUTO_FD ours = ends[0], theirs = ends[1];
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "kind", "s", "config");
    g_variant_dict_insert_value(&dict, "devices", g_variant_new("as", NULL));
    g_autoptr(GVariant) request = g_variant_ref_sink(g_variant_dict_end(&dict));
    g_autoptr(GArray) none = pca_wire_fds_new();
    if (!pca_wire_send(ours, request, NULL, 0, NULL))
        return;
    pca_serve(kernel, theirs);
    g_autoptr(GVariant) reply = pca_wire_receive(ours, none, NULL);
}

/* `taken`: what is written there tells the parent that one child less waits. */
static int serve_one(int listener, int taken, pid_t parent) {
    g_autoptr(PcaRoot) root = pca_root_new_host();
    PcaKernel kernel = {&pca_kernel_ops, root};
    /* Who only waits goes with the parent; what follows is for a parent that has gone before. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        return EXIT_SUCCESS;
    warm_up(&kernel);
    int connection = await_request(listener);
    set_policy(SCHED_OTHER);
    /* A stop of the unit must not cut a plan in two; what blocks for good is killed by name. */
    signal(SIGTERM, SIG_IGN);
    close(listener);
    if (connection < 0 || write(taken, "", 1) != 1)
        return EXIT_FAILURE;
    close(taken);
    pca_serve(&kernel, connection);
    return EXIT_SUCCESS;
}

/* Whether the child behind that pipe has taken a request; FALSE: it died before. */
static gboolean was_taken(int fd) {
    char byte;
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

/* The end of the pipe by which the child tells; -1: there is none. */
static int add_waiting(int listener) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        g_warning("pipe: %s", g_strerror(errno));
        return -1;
    }
    PCA_AUTO_FD reader = ends[0], writer = ends[1];
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        pca_fd_close(&reader);
        _exit(serve_one(listener, pca_fd_steal(&writer), parent));
    }
    if (child > 0)
        return pca_fd_steal(&reader);
    g_warning("fork: %s", g_strerror(errno));
    return -1;
}

/* Those whose child waits no more are empty afterwards; FALSE if one died before its time. */
static gboolean drop_taken(struct pollfd *children) {
    gboolean ok = TRUE;
    for (int i = 0; i < WAITING; i++)
        if (children[i].fd >= 0 && children[i].revents != 0) {
            ok &= was_taken(children[i].fd);
            pca_fd_close(&children[i].fd);
        }
    return ok;
}

/* At most that many; FALSE if one could not be made. */
static gboolean fill_up(int listener, struct pollfd *children, int most) {
    gboolean ok = TRUE;
    for (int i = 0; i < WAITING && most > 0; i++)
        if (children[i].fd < 0) {
            children[i].fd = add_waiting(listener);
            ok &= children[i].fd >= 0;
            most--;
        }
    return ok;
}

static gboolean is_full(const struct pollfd *children) {
    for (int i = 0; i < WAITING; i++)
        if (children[i].fd < 0)
            return FALSE;
    return TRUE;
}

static gboolean is_empty(const struct pollfd *children) {
    for (int i = 0; i < WAITING; i++)
        if (children[i].fd >= 0)
            return FALSE;
    return TRUE;
}

/* New ones are made when no request has come for a while, or one has and nobody is left for it: who
 * makes them takes the processor from who serves. */
static void keep_waiting(int listener) {
    struct pollfd polled[WAITING + 1];
    for (int i = 0; i < WAITING; i++)
        polled[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    for (gboolean ok = fill_up(listener, polled, WAITING);;) {
        if (!ok)
            g_usleep(PAUSE);
        polled[WAITING] = (struct pollfd){.fd = is_empty(polled) ? listener : -1, .events = POLLIN};
        int n = poll(polled, G_N_ELEMENTS(polled), is_full(polled) ? -1 : CALM_MS);
        ok = n <= 0 || drop_taken(polled);
        if (n == 0)
            ok = fill_up(listener, polled, WAITING);
        else if (polled[WAITING].revents != 0)
            ok &= fill_up(listener, polled, 1);
    }
}

int main(void) {
    if (sd_listen_fds(TRUE) != 1) {
        g_printerr("pcassign-worker: started without its socket; "
                   "it is started by pcassign-worker.socket\n");
        return EXIT_FAILURE;
    }
    int lowered = pca_rights_lower();
    if (lowered < 0) {
        g_printerr("pcassign-worker: capset: %s\n", g_strerror(-lowered));
        return EXIT_FAILURE;
    }
    signal(SIGCHLD, SIG_IGN);
    set_policy(SCHED_BATCH);
    sd_notify(FALSE, "READY=1");
    keep_waiting(SD_LISTEN_FDS_START);
}
