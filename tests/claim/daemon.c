/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims with a worker.
 * Thread: main; the worker is a child. Ownership: see the header.
 */
#include "claim/support.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "claim/store.h"
#include "engine/serve.h"

PcaClaims *claims;
char *state_directory;
GString *changes;

static char *socket_path;
static gint64 grace;
static int listener = -1;
static pid_t worker;

/* ---- The worker's side ---- */

static char *spoil_path(const char *name) {
    return g_build_filename(pca_tree_path(tree), "fake", name, NULL);
}

static gboolean is_spoilt(const char *name, const char *line) {
    g_autofree char *path = spoil_path(name);
    g_autofree char *glob = NULL;
    return g_file_get_contents(path, &glob, NULL, NULL) && *glob &&
           g_pattern_match_simple(glob, line);
}

static void spoil(PcaFakeKernel *machine, const char *line, gpointer data) {
    if (is_spoilt("kill-always", line))
        raise(SIGKILL);
    if (is_spoilt("kill-once", line)) {
        g_autofree char *path = spoil_path("kill-once");
        g_unlink(path);
        raise(SIGKILL);
    }
    while (is_spoilt("hold", line))
        g_usleep(1000);
    if (is_spoilt("fail", line))
        pca_fake_kernel_fail_matching(machine, "*", EIO, 1);
}

static gboolean is_open(const char *kind, const char *address) {
    g_autofree char *path = g_build_filename(pca_tree_path(tree), "fake", kind, address, NULL);
    PCA_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* As the kernel does: until the last user has closed. */
static void wait_for_users(PcaFakeKernel *machine, const char *address, gpointer data) {
    while (is_open("use", address) || is_open("cdev", address))
        g_usleep(1000);
}

static void serve_in_child(int connection) {
    if (fork() != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pca_fd_close(&listener);
    fake->before = spoil;
    fake->blocked = wait_for_users;
    pca_serve(kernel, connection);
    _exit(0);
}

static void work(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        PCA_AUTO_FD connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection >= 0)
            serve_in_child(connection);
    }
}

void worker_start(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, socket_path, sizeof address.sun_path);
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    worker = fork();
    ck_assert_int_ge(worker, 0);
    if (worker == 0)
        work();
    pca_fd_close(&listener);
}

void worker_stop(void) {
    if (worker > 0) {
        kill(worker, SIGKILL);
        waitpid(worker, NULL, 0);
    }
    worker = 0;
    g_unlink(socket_path);
}

void worker_kill_at(const char *glob, gboolean always) {
    pca_tree_write(tree, always ? "fake/kill-always" : "fake/kill-once", "%s", glob);
}

void worker_fail_at(const char *glob) {
    pca_tree_write(tree, "fake/fail", "%s", glob);
}

void worker_hold_at(const char *glob) {
    pca_tree_write(tree, "fake/hold", "%s", glob);
}

void worker_let_go(void) {
    static const char *const names[] = {"fake/kill-always", "fake/kill-once", "fake/hold",
                                        "fake/fail"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        pca_tree_delete(tree, names[i]);
}

/* ---- The daemon's side ---- */

static void on_changed(PcaClaim *claim, gpointer data) {
    g_string_append_printf(changes, "%s ", pca_claim_state_name(claim->state));
}

static void start_claims(void) {
    PcaClaimsConfig config = {.directory = state_directory,
                              .worker_socket = socket_path,
                              .boot_id = BOOT_ID,
                              .unbind_grace = grace,
                              .root = pca_tree_root(tree)};
    claims = pca_claims_new(&config, on_changed, NULL);
}

void daemon_set_up(void) {
    machine_set_up();
    changes = g_string_new(NULL);
    grace = 60 * G_USEC_PER_SEC;
    state_directory = g_build_filename(pca_tree_path(tree), "claims", NULL);
    socket_path = g_build_filename(pca_tree_path(tree), "worker", NULL);
    ck_assert_int_eq(g_mkdir(state_directory, 0700), 0);
    worker_start();
    start_claims();
}

void daemon_tear_down(void) {
    worker_stop();
    /* What the worker's end makes the main loop do. */
    while (g_main_context_iteration(NULL, FALSE))
        ;
    pca_claims_free(claims);
    g_clear_pointer(&state_directory, g_free);
    g_clear_pointer(&socket_path, g_free);
    g_string_free(changes, TRUE);
    machine_tear_down();
}

void daemon_restart(void) {
    pca_claims_free(claims);
    g_string_truncate(changes, 0);
    start_claims();
}

void daemon_set_grace(gint64 unbind_grace) {
    grace = unbind_grace;
    daemon_restart();
}

void daemon_add_case(Suite *suite, const char *name, const TTest *const tests[], gsize n) {
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, daemon_set_up, daemon_tear_down);
    tcase_set_timeout(tcase, 60);
    for (gsize i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

PcaClaim *claim_new(const char *const *set) {
    g_autoptr(GPtrArray) functions = machine_functions(set);
    PcaClaim *claim = pca_claim_new();
    claim->uid = 1000;
    for (guint i = 0; i < functions->len; i++)
        pca_claim_add_device(claim, g_ptr_array_index(functions, i), "dev", VFIO);
    return claim;
}

void on_answer(PcaClaim *claim, const GError *error, gpointer data) {
    Answer *answer = data;
    answer->calls++;
    answer->state = claim->state;
    g_clear_error(&answer->error);
    answer->error = error ? g_error_copy(error) : NULL;
}

void answer_clear(Answer *answer) {
    g_clear_error(&answer->error);
}

void await_answer(Answer *answer) {
    while (answer->calls == 0)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_uint_eq(answer->calls, 1);
}

void await_state(PcaClaim *claim, PcaClaimState state) {
    while (claim->state != state)
        g_main_context_iteration(NULL, TRUE);
}

void await_reason(PcaClaim *claim, const char *text) {
    while (!claim->reason || !strstr(claim->reason, text))
        g_main_context_iteration(NULL, TRUE);
}

void make_holder(void) {
    struct stat st;
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    pca_tree_write(tree, HELD_NODE, "%u:%u\n", major(st.st_rdev), minor(st.st_rdev));
    pca_tree_write(tree, "proc/4242/comm", "qemu\n");
    pca_tree_mkdir(tree, "proc/4242/fd");
    g_autofree char *fd = g_build_filename(pca_tree_path(tree), "proc/4242/fd/9", NULL);
    ck_assert_int_eq(symlink("/dev/null", fd), 0);
}

void await_operation(const char *glob, guint count) {
    while (pca_fake_kernel_count(fake, glob) <= count) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
}

PcaClaim *claim_ready(const char *const *set, int *lease) {
    AUTO_ANSWER answer = {0};
    PcaClaim *claim = claim_new(set);
    pca_claims_prepare(claims, claim, 60 * G_USEC_PER_SEC, on_answer, &answer);
    await_answer(&answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    *lease = pca_fd_steal(&claim->lease_writer);
    return claim;
}

void release_well(PcaClaim *claim) {
    AUTO_ANSWER answer = {0};
    pca_claims_release(claims, claim, "the test is over", on_answer, &answer);
    await_answer(&answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
}

guint count_stored(void) {
    g_auto(GStrv) ids = pca_store_list(state_directory);
    return g_strv_length(ids);
}
