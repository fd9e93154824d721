/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the agent's process.
 * Thread: main. Ownership: see the header.
 */
#include "agent.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fds.h"

#define NOTIFY_FD 3
#define PATIENCE_MS 10000 /* polkit may have to be started */

static GSubprocess *agent;

gboolean pca_agent_useful(void) {
    return geteuid() != 0 && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static void die_with_us(gpointer data) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* It closes the descriptor when polkit knows it, and when it ends. */
static gboolean await_known(int fd) {
    struct pollfd poller = {fd, POLLIN, 0};
    return poll(&poller, 1, PATIENCE_MS) == 1;
}

gboolean pca_agent_start(void) {
    static const char *const command[] = {"pkttyagent", "--notify-fd=3", NULL};
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return FALSE;
    PCA_AUTO_FD end = pipes[0];
    g_subprocess_launcher_take_fd(launcher, pipes[1], NOTIFY_FD);
    g_subprocess_launcher_set_child_setup(launcher, die_with_us, NULL, NULL);
    agent = g_subprocess_launcher_spawnv(launcher, command, NULL);
    g_subprocess_launcher_close(launcher);
    if (agent && await_known(end))
        return TRUE;
    pca_agent_end();
    return FALSE;
}

void pca_agent_end(void) {
    if (!agent)
        return;
    g_subprocess_send_signal(agent, SIGTERM);
    g_subprocess_wait(agent, NULL, NULL);
    g_clear_object(&agent);
}
