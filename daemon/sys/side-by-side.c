/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: several pieces of work at the same time.
 * Thread: one. Ownership: see the header.
 */
#include "sys/side-by-side.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fds.h"

/* What a child tells; written at once, since it fits into a pipe's atomic unit. */
typedef struct {
    gint32 failed;
    gint32 code;
    char message[1024];
} Outcome;
G_STATIC_ASSERT(sizeof(Outcome) <= PIPE_BUF);

typedef struct {
    pid_t pid; /* 0: there is none */
    int outcome;
} Child;

static Outcome run(PcaWork work, gpointer data, guint index) {
    g_autoptr(GError) error = NULL;
    Outcome outcome = {0};
    outcome.failed = !work(data, index, &error);
    if (outcome.failed) {
        outcome.code = error->domain == PCA_ERROR ? error->code : PCA_ERROR_FAILED;
        g_strlcpy(outcome.message, error->message, sizeof outcome.message);
    }
    return outcome;
}

static void be_child(PcaWork work, gpointer data, guint index, pid_t parent, int result) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* It may have died before. */
    if (getppid() != parent)
        _exit(1);
    Outcome outcome = run(work, data, index);
    _exit(write(result, &outcome, sizeof outcome) != sizeof outcome);
}

static Child start(PcaWork work, gpointer data, guint index) {
    Child child = {.outcome = -1};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        g_debug("pipe: %s", g_strerror(errno));
        return child;
    }
    PCA_AUTO_FD reader = ends[0], writer = ends[1];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        be_child(work, data, index, parent, writer);
    if (pid < 0) {
        g_debug("fork: %s", g_strerror(errno));
        return child;
    }
    child.pid = pid;
    child.outcome = pca_fd_steal(&reader);
    return child;
}

/* FALSE: it died before it could tell. */
static gboolean finish(Child *child, Outcome *outcome) {
    ssize_t n;
    if (child->pid == 0)
        return FALSE;
    do
        n = read(child->outcome, outcome, sizeof *outcome);
    while (n < 0 && errno == EINTR);
    pca_fd_close(&child->outcome);
    /* Where SIGCHLD is ignored this waits as well, and then says ECHILD. */
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return n == sizeof *outcome;
}

void pca_side_by_side(PcaWork work, gpointer data, guint n, GError **errors) {
    g_autofree Child *children = g_new0(Child, n);
    for (guint i = 0; i < n; i++)
        children[i] = start(work, data, i);
    for (guint i = 0; i < n; i++) {
        Outcome outcome;
        if (!finish(&children[i], &outcome))
            outcome = run(work, data, i);
        if (outcome.failed)
            g_set_error_literal(&errors[i], PCA_ERROR, outcome.code, outcome.message);
    }
}
