/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassign-worker on a fake machine, so that pcassignd runs against a host that is not
 * there. `fake-worker [--groups-only] FILE…` makes a machine from the lines of the files (see
 * fake-commands.h), prints the tree's path, and serves on PATH/worker as daemon/worker/main.c does
 * until it is told to end (SIGTERM, or its parent dies); then it removes the tree.
 * `fake-worker --tell PATH COMMAND WORD…` changes it meanwhile; besides the language's commands:
 *     kill           every worker that is at work
 *     deaf, listen   connections to the worker are refused; or accepted again
 * Thread: one per process. Ownership: the parent owns the tree, the sockets and the list of
 * workers.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/fds.h"
#include "engine/serve.h"
#include "support/fake-commands.h"

#define LINE_SIZE 4096
#define BACKLOG 4096

typedef struct {
    PcaTree *tree;
    PcaFakeKernel *fake;
    PcaFakeCommands *commands;
    GArray *workers; /* of pid_t */
    int listener, control, signals;
} Worker;

static int open_socket(const char *path, gboolean listening) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    gboolean fits =
        g_strlcpy(address.sun_path, path, sizeof address.sun_path) < sizeof address.sun_path;
    if (listening)
        remove(path);
    if (fits && fd >= 0 &&
        (listening ? bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                         listen(fd, BACKLOG) == 0
                   : connect(fd, (struct sockaddr *)&address, sizeof address) == 0))
        return fd;
    g_printerr("fake-worker: %s: %s\n", path, fits ? g_strerror(errno) : "too long");
    exit(EXIT_FAILURE);
}

static int listen_at(const Worker *w, const char *name) {
    g_autofree char *path = g_build_filename(pca_tree_path(w->tree), name, NULL);
    return open_socket(path, TRUE);
}

static void reap(Worker *w) {
    for (guint i = w->workers->len; i-- > 0;)
        if (waitpid(g_array_index(w->workers, pid_t, i), NULL, WNOHANG) > 0)
            g_array_remove_index_fast(w->workers, i);
}

/* Not yet reaped: so the numbers are still theirs. */
static void kill_workers(Worker *w) {
    reap(w);
    for (guint i = 0; i < w->workers->len; i++)
        kill(g_array_index(w->workers, pid_t, i), SIGKILL);
    for (guint i = 0; i < w->workers->len; i++)
        waitpid(g_array_index(w->workers, pid_t, i), NULL, 0);
    g_array_set_size(w->workers, 0);
}

static void serve(Worker *w) {
    PCA_AUTO_FD connection = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
    pid_t pid = connection < 0 ? -1 : fork();
    if (pid > 0)
        g_array_append_val(w->workers, pid);
    if (pid != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(w->listener);
    close(w->control);
    close(w->signals);
    pca_fake_commands_enter(w->commands);
    pca_serve(&w->fake->kernel, connection);
    _exit(EXIT_SUCCESS);
}

static char *do_command(Worker *w, const char *line) {
    if (g_str_equal(line, "kill")) {
        kill_workers(w);
    } else if (g_str_equal(line, "deaf")) {
        pca_fd_close(&w->listener);
        pca_tree_delete(w->tree, "worker");
    } else if (g_str_equal(line, "listen")) {
        w->listener = listen_at(w, "worker");
    } else {
        return pca_fake_command(w->commands, line);
    }
    return NULL;
}

static void take_command(Worker *w) {
    char line[LINE_SIZE] = "";
    PCA_AUTO_FD connection = accept4(w->control, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0 || recv(connection, line, sizeof line - 1, 0) <= 0)
        return;
    g_autofree char *problem = do_command(w, line);
    const char *reply = problem ? problem : "ok";
    send(connection, reply, strlen(reply), MSG_NOSIGNAL);
}

/* Until SIGTERM or SIGINT; SIGCHLD alone only wakes it to reap. */
static void run(Worker *w) {
    for (;;) {
        struct pollfd polled[] = {
            {w->signals, POLLIN, 0}, {w->control, POLLIN, 0}, {w->listener, POLLIN, 0}};
        struct signalfd_siginfo info = {0};
        if (poll(polled, G_N_ELEMENTS(polled), -1) < 0 && errno != EINTR)
            return;
        if ((polled[0].revents & POLLIN) && read(w->signals, &info, sizeof info) > 0 &&
            info.ssi_signo != SIGCHLD)
            return;
        reap(w);
        if (polled[1].revents & POLLIN)
            take_command(w);
        else if (polled[2].revents & POLLIN)
            serve(w);
    }
}

static gboolean read_machine(Worker *w, const char *path) {
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        g_printerr("fake-worker: %s\n", error->message);
        return FALSE;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_autofree char *problem = pca_fake_command(w->commands, lines[i]);
        if (problem) {
            g_printerr("fake-worker: %s:%u: %s\n", path, i + 1, problem);
            return FALSE;
        }
    }
    return TRUE;
}

static int tell(const char *tree, char **words) {
    char reply[LINE_SIZE] = "";
    g_autofree char *path = g_build_filename(tree, "control", NULL);
    g_autoptr(GString) line = g_string_new(NULL);
    for (; *words; words++) {
        g_autofree char *quoted = g_shell_quote(*words);
        gboolean alone = !words[1] && line->len == 0;
        g_string_append_printf(line, "%s%s", line->len ? " " : "", alone ? *words : quoted);
    }
    PCA_AUTO_FD fd = open_socket(path, FALSE);
    send(fd, line->str, line->len, MSG_NOSIGNAL);
    if (recv(fd, reply, sizeof reply - 1, 0) > 0 && g_str_equal(reply, "ok"))
        return EXIT_SUCCESS;
    g_printerr("fake-worker: %s\n", *reply ? reply : "no answer");
    return EXIT_FAILURE;
}

static int open_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv) {
    if (argc > 3 && g_str_equal(argv[1], "--tell"))
        return tell(argv[2], argv + 3);
    gboolean groups_only = argc > 1 && g_str_equal(argv[1], "--groups-only");
    g_autoptr(PcaTree) tree = pca_tree_new();
    g_autoptr(PcaFakeKernel) fake = pca_fake_kernel_new(tree, !groups_only);
    Worker w = {.tree = tree, .fake = fake, .workers = g_array_new(FALSE, FALSE, sizeof(pid_t))};
    gboolean good = TRUE;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    w.commands = pca_fake_commands_new(tree, fake);
    w.signals = open_signals();
    w.listener = listen_at(&w, "worker");
    w.control = listen_at(&w, "control");
    chmod(pca_tree_path(tree), 0755);
    for (int i = groups_only ? 2 : 1; i < argc && good; i++)
        good = read_machine(&w, argv[i]);
    if (good) {
        printf("%s\n", pca_tree_path(tree));
        fflush(stdout);
        run(&w);
    }
    kill_workers(&w);
    g_array_unref(w.workers);
    pca_fake_commands_free(w.commands);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
