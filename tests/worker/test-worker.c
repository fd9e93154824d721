/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassign-worker as a program: how many of its children wait, and who serves.
 * Thread: main. Ownership: a Worker owns its processes, which this one reaps, and its socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fds.h"
#include "engine/wire.h"
#include "support/suite.h"

#define WAITING 3         /* children */
#define BURST 16          /* requests at once, many more than children wait */
#define PATIENCE_MS 10000 /* for what comes soon */

typedef struct {
    struct sockaddr_un address;
    pid_t pid;
} Worker;

static void run_worker(int listener) {
    g_autofree char *program = g_build_filename(g_getenv("BUILDDIR"), "pcassign-worker", NULL);
    g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
    if (listener >= 0) {
        /* Of a descriptor that is 3 already dup2 makes no copy, which would outlive exec. */
        if (dup2(listener, 3) == listener)
            fcntl(listener, F_SETFD, 0);
        g_setenv("LISTEN_FDS", "1", TRUE);
        g_setenv("LISTEN_PID", pid, TRUE);
    }
    execl(program, program, NULL);
    _exit(127);
}

static void worker_start(Worker *worker) {
    *worker = (Worker){.address = {.sun_family = AF_UNIX}};
    /* An abstract name, so that nothing is left; bind makes one up. */
    PCA_AUTO_FD listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(sa_family_t);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&worker->address, size), 0);
    size = sizeof worker->address;
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&worker->address, &size), 0);
    ck_assert_int_eq(listen(listener, 2 * BURST), 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    worker->pid = fork();
    if (worker->pid == 0)
        run_worker(listener);
    ck_assert_int_gt(worker->pid, 0);
}

/* Its children end with it; those come to this process. */
static void worker_stop(Worker *worker) {
    kill(worker->pid, SIGTERM);
    for (int waited = 0; waited < PATIENCE_MS; waited++) {
        pid_t ended;
        while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (ended < 0 && errno == ECHILD)
            return;
        g_usleep(1000);
    }
    ck_abort_msg("processes of the worker are left");
}

static int connect_to(const Worker *worker) {
    PCA_AUTO_FD connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    gsize length = strlen(worker->address.sun_path + 1);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    ck_assert_int_eq(connect(connection, (const struct sockaddr *)&worker->address, size), 0);
    return pca_fd_steal(&connection);
}

static int ask(const Worker *worker) {
    g_auto(GVariantDict) request;
    g_variant_dict_init(&request, NULL);
    g_variant_dict_insert(&request, "kind", "s", "config");
    g_variant_dict_insert_value(&request, "devices", g_variant_new("as", NULL));
    PCA_AUTO_FD connection = connect_to(worker);
    ck_assert(pca_wire_send(connection, g_variant_dict_end(&request), NULL, 0, NULL));
    return pca_fd_steal(&connection);
}

static void expect_answer(int asked) {
    PCA_AUTO_FD connection = asked;
    g_autoptr(GArray) fds = pca_wire_fds_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = pca_wire_receive(connection, fds, &error);
    gboolean ok = FALSE;
    ck_assert_msg(reply != NULL, "%s", error ? error->message : "");
    ck_assert(g_variant_lookup(reply, "ok", "b", &ok) && ok);
}

static guint list_children(const Worker *worker, pid_t children[BURST]) {
    g_autofree char *path =
        g_strdup_printf("/proc/%d/task/%d/children", (int)worker->pid, (int)worker->pid);
    g_autofree char *text = NULL;
    guint n = 0;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) words = g_strsplit(g_strstrip(text), " ", -1);
    for (char **word = words; *word && **word && n < BURST; word++)
        children[n++] = atoi(*word);
    return n;
}

static guint await_children(const Worker *worker, guint wanted, pid_t children[BURST]) {
    guint n = 0;
    for (int waited = 0; waited < PATIENCE_MS && n != wanted; waited += 5) {
        g_usleep(5000);
        n = list_children(worker, children);
    }
    ck_assert_uint_eq(n, wanted);
    return n;
}

static Worker worker;

static void start(void) {
    worker_start(&worker);
}

static void stop(void) {
    worker_stop(&worker);
}

START_TEST(who_has_served_is_replaced) {
    pid_t children[BURST];
    await_children(&worker, WAITING, children);
    for (int i = 0; i < WAITING + 2; i++)
        expect_answer(ask(&worker));
    await_children(&worker, WAITING, children);
}
END_TEST

START_TEST(more_requests_at_once_than_children) {
    int asked[BURST];
    for (int i = 0; i < BURST; i++)
        asked[i] = ask(&worker);
    for (int i = BURST; i-- > 0;)
        expect_answer(asked[i]);
}
END_TEST

START_TEST(who_died_waiting_is_replaced) {
    pid_t children[BURST];
    guint n = await_children(&worker, WAITING, children);
    for (guint i = 0; i < n; i++)
        while (kill(children[i], SIGKILL) == 0)
            g_usleep(1000);
    expect_answer(ask(&worker));
    await_children(&worker, WAITING, children);
}
END_TEST

/* The daemon may have been killed between connect and send. */
START_TEST(who_says_nothing_costs_one_child_only) {
    for (int i = 0; i < 2 * WAITING; i++)
        close(connect_to(&worker));
    expect_answer(ask(&worker));
}
END_TEST

START_TEST(nothing_without_its_socket) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        PCA_AUTO_FD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        run_worker(-1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
}
END_TEST

Suite *pca_suite(void) {
    Suite *suite = suite_create("worker");
    TCase *tcase = tcase_create("children");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, who_has_served_is_replaced);
    tcase_add_test(tcase, more_requests_at_once_than_children);
    tcase_add_test(tcase, who_died_waiting_is_replaced);
    tcase_add_test(tcase, who_says_nothing_costs_one_child_only);
    suite_add_tcase(suite, tcase);
    TCase *alone = tcase_create("without a socket");
    tcase_add_test(alone, nothing_without_its_socket);
    suite_add_tcase(suite, alone);
    return suite;
}
