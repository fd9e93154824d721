/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: taking a claim back: who is told and who is not, how long the owner has, and whom a
 * forced release stops. A child of the test, with /dev/null open in the fake /proc, stands for the
 * VMM; the fake host's "use" for what holds the unbind up.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#define GRACE 400 /* milliseconds, of the unbind and of the owner alike */

static void use_grace(guint milliseconds) {
    pca_world_end_daemon(world, SIGTERM);
    world->grace_ms = milliseconds;
    world->owner_ms = milliseconds;
    pca_world_start_daemon(world);
}

/* ---- What is heard ---- */

typedef struct {
    guint n;
    char *path, *reason;
    guint64 deadline;
    guint subscription;
    GDBusConnection *c;
} Heard;

static void on_signal(GDBusConnection *c, const char *sender, const char *path,
                      const char *interface, const char *name, GVariant *args, gpointer data) {
    Heard *heard = data;
    heard->n++;
    g_free(heard->path);
    g_free(heard->reason);
    heard->path = g_strdup(path);
    g_variant_get(args, "(st)", &heard->reason, &heard->deadline);
}

static void listen_on(GDBusConnection *c, Heard *heard) {
    heard->c = c;
    heard->subscription =
        g_dbus_connection_signal_subscribe(c, "org.pcassign1", CLAIM, "ReleaseRequested", NULL,
                                           NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, heard, NULL);
    /* Answered after the bus knows of it. */
    g_free(pca_property(c, ROOT_PATH, MANAGER, "Version"));
}

static void heard_clear(Heard *heard) {
    g_dbus_connection_signal_unsubscribe(heard->c, heard->subscription);
    g_free(heard->path);
    g_free(heard->reason);
}

#define AUTO_HEARD __attribute__((cleanup(heard_clear))) Heard

/* ---- The administrator ---- */

typedef struct {
    guint ended;
    GVariant *reply;
    GError *error;
    gint64 began, took;
} Revoked;

static void revoked_clear(Revoked *revoked) {
    g_clear_pointer(&revoked->reply, g_variant_unref);
    g_clear_error(&revoked->error);
}

#define AUTO_REVOKED __attribute__((cleanup(revoked_clear))) Revoked

static void on_revoked(GObject *source, GAsyncResult *result, gpointer data) {
    Revoked *revoked = data;
    revoked->reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &revoked->error);
    revoked->took = g_get_monotonic_time() - revoked->began;
    revoked->ended++;
}

static void begin(GDBusConnection *admin, const char *path, const char *method, const char *args,
                  Revoked *revoked) {
    revoked->began = g_get_monotonic_time();
    g_dbus_connection_call(admin, "org.pcassign1", path, CLAIM, method,
                           args ? g_variant_new_parsed(args) : NULL, NULL, G_DBUS_CALL_FLAGS_NONE,
                           -1, NULL, on_revoked, revoked);
}

static void expect_stopped(const Revoked *revoked, const char *text) {
    ck_assert_msg(!revoked->error, "%s", revoked->error ? revoked->error->message : "");
    g_autofree char *stopped = g_variant_print(revoked->reply, FALSE);
    ck_assert_str_eq(stopped, text);
}

#define NOBODY "({'units': <@as []>, 'processes': <@a(uus) []>},)"

START_TEST(the_owner_alone_is_asked) {
    use_grace(20000);
    g_autoptr(GDBusConnection) admin = pca_world_connect(world);
    g_autoptr(GDBusConnection) stranger = pca_world_connect(world);
    AUTO_HEARD owner = {0}, others = {0};
    AUTO_REVOKED revoked = {0}, again = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    listen_on(bus, &owner);
    listen_on(stranger, &others);
    begin(admin, held.path, "Revoke", "(@a{sv} {},)", &revoked);
    pca_await(&owner.n, 1);
    ck_assert_str_eq(owner.path, held.path);
    ck_assert_str_eq(owner.reason, "taken back by uid 0");
    gint64 left = (gint64)owner.deadline - revoked.began;
    ck_assert_msg(left >= 20000 * 1000 && left < 30000 * 1000, "%" G_GINT64_FORMAT, left);
    /* Those who come later can read it; whoever asks too shortens nothing and tells nobody again.
     */
    g_autofree char *property = pca_property(stranger, held.path, CLAIM, "ReleaseDeadline");
    g_autofree char *deadline = g_strdup_printf("uint64 %" G_GUINT64_FORMAT, owner.deadline);
    ck_assert_ptr_nonnull(strstr(deadline, property));
    begin(admin, held.path, "Revoke", "(@a{sv} {},)", &again);
    g_autofree char *state = pca_property(stranger, held.path, CLAIM, "State");
    ck_assert_str_eq(state, "ready");
    g_autoptr(GVariant) described = pca_call(bus, held.path, "Claim.Describe", NULL, NULL);
    g_autofree char *text = g_variant_print(described, FALSE);
    ck_assert_msg(strstr(text, "'release_reason': <'taken back by uid 0'>") != NULL, "%s", text);
    pca_fd_close(&held.lease);
    pca_await(&revoked.ended, 1);
    pca_await(&again.ended, 1);
    expect_stopped(&revoked, NOBODY);
    expect_stopped(&again, NOBODY);
    ck_assert_int_lt(revoked.took, 15 * G_USEC_PER_SEC);
    g_free(pca_property(stranger, ROOT_PATH, MANAGER, "Version"));
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    ck_assert_uint_eq(others.n, 0);
    ck_assert_uint_eq(owner.n, 1);
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

/* Whoever does not listen has the time all the same, and no more. */
START_TEST(the_time_of_the_owner) {
    use_grace(GRACE);
    g_autoptr(GDBusConnection) admin = pca_world_connect(world);
    AUTO_REVOKED revoked = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    begin(admin, held.path, "Revoke", "(@a{sv} {},)", &revoked);
    pca_await(&revoked.ended, 1);
    expect_stopped(&revoked, NOBODY);
    ck_assert_int_ge(revoked.took, GRACE * 1000);
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

/* The command that `run` has become has no connection: there is nobody to wait for. */
START_TEST(an_owner_without_a_connection) {
    use_grace(20000);
    AUTO_REVOKED revoked = {0};
    g_autoptr(GDBusConnection) owner = pca_world_connect(world);
    g_auto(PcaHeld) held = pca_claim_words(owner, NIC);
    g_dbus_connection_close_sync(owner, NULL, NULL);
    begin(bus, held.path, "Revoke", "(@a{sv} {},)", &revoked);
    pca_await(&revoked.ended, 1);
    expect_stopped(&revoked, NOBODY);
    ck_assert_int_lt(revoked.took, 15 * G_USEC_PER_SEC);
}
END_TEST

/* After a restart it is whoever opens that is told. */
START_TEST(whoever_opens_is_told) {
    use_grace(20000);
    g_autoptr(GDBusConnection) admin = pca_world_connect(world);
    AUTO_HEARD heard = {0};
    AUTO_REVOKED revoked = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    use_grace(20000);
    listen_on(bus, &heard);
    g_clear_object(&(GUnixFDList *){pca_open_held(bus, &held, NULL, NULL)});
    begin(admin, held.path, "Revoke", "(@a{sv} {},)", &revoked);
    pca_await(&heard.n, 1);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_await(&revoked.ended, 1);
    expect_stopped(&revoked, NOBODY);
}
END_TEST

/* Release of another user's claim is the same; of one's own it is no question. */
START_TEST(release_by_root_asks_too) {
    if (!pca_become(0))
        return;
    use_grace(20000);
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    AUTO_HEARD heard = {0};
    AUTO_REVOKED revoked = {0};
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
    listen_on(alice, &heard);
    begin(bus, held.path, "Release", NULL, &revoked);
    pca_await(&heard.n, 1);
    g_variant_unref(pca_call(alice, held.path, "Claim.Release", NULL, NULL));
    pca_await(&revoked.ended, 1);
    expect_stopped(&revoked, "()");
    ck_assert_uint_eq(heard.n, 1);
}
END_TEST

START_TEST(options_of_revoke) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_refused(bus, held.path, "Claim.Revoke", g_variant_new_parsed("({'force': <1>},)"),
                "InvalidArgument");
    pca_refused(bus, held.path, "Claim.Revoke", g_variant_new_parsed("({'x': <true>},)"),
                "InvalidArgument");
    g_autofree char *state = pca_property(bus, held.path, CLAIM, "State");
    ck_assert_str_eq(state, "ready");
}
END_TEST

/* ---- By force ---- */

typedef struct {
    pid_t pid;
    int status; /* of its end */
} Vmm;

/* With `deaf` only SIGKILL ends it. */
static Vmm make_vmm(guint32 uid, gboolean deaf) {
    /* Before the fork, so that no signal finds the test runner's handler in the child. */
    void (*before)(int) = signal(SIGTERM, deaf ? SIG_IGN : SIG_DFL);
    Vmm vmm = {.pid = fork()};
    ck_assert_int_ge(vmm.pid, 0);
    if (vmm.pid == 0)
        for (;;)
            pause();
    signal(SIGTERM, before);
    pca_world_tell(world, "opener %d vmm /dev/null", (int)vmm.pid);
    pca_world_tell(world, "write proc/%d/status 'Name: x\nPPid:\t1\nUid:\t%u\t0\t0\t0\n'",
                   (int)vmm.pid, uid);
    pca_world_tell(world, "write sys/class/vfio/2/dev 1:3");
    pca_world_tell(world, "use " NIC);
    return vmm;
}

static gboolean has_ended(Vmm *vmm) {
    return vmm->pid > 0 && waitpid(vmm->pid, &vmm->status, WNOHANG) == vmm->pid;
}

/* When it ends, the device is free. */
static void await_vmm(Vmm *vmm, const Revoked *revoked) {
    gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
    while (!has_ended(vmm)) {
        ck_assert_msg(g_get_monotonic_time() < end && revoked->ended == 0, "the VMM lives%s%s",
                      revoked->error ? ": " : "", revoked->error ? revoked->error->message : "");
        g_main_context_iteration(NULL, FALSE);
        g_usleep(2000);
    }
    pca_world_tell(world, "unuse " NIC);
    pca_world_tell(world, "delete proc/%d", (int)vmm->pid);
}

static void end_vmm(Vmm *vmm) {
    kill(vmm->pid, SIGKILL);
    waitpid(vmm->pid, NULL, 0);
    pca_world_tell(world, "unuse " NIC);
}

START_TEST(force_ends_the_owners_process) {
    static const int signals[] = {SIGTERM, SIGKILL};
    use_grace(GRACE);
    AUTO_REVOKED revoked = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    Vmm vmm = make_vmm(0, _i == 1);
    begin(bus, held.path, "Revoke", "({'force': <true>},)", &revoked);
    await_vmm(&vmm, &revoked);
    ck_assert(WIFSIGNALED(vmm.status) && WTERMSIG(vmm.status) == signals[_i]);
    pca_await(&revoked.ended, 1);
    g_autofree char *expected = g_strdup_printf(
        "({'units': <@as []>, 'processes': <[(uint32 %d, uint32 0, 'vmm')]>},)", (int)vmm.pid);
    expect_stopped(&revoked, expected);
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

/* The lock of the claim's journal, for a worker that is beyond any signal: the one that has it is
 * ended, as no test can be so. */
static int take_lock(const PcaHeld *held) {
    g_autofree char *path =
        g_strdup_printf("%s/run/claims/%s/journal", world->tree, strrchr(held->path, '/') + 1);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    const char *run = g_strrstr(text, "\nrun ");
    ck_assert_ptr_nonnull(run);
    kill(atoi(run + strlen("\nrun ")), SIGKILL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    return fd;
}

/* As in the kernel, the node has gone with the begin of the unbind. */
START_TEST(force_after_a_restart) {
    use_grace(GRACE);
    AUTO_REVOKED revoked = {0}, forced = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    Vmm vmm = make_vmm(0, FALSE);
    begin(bus, held.path, "Revoke", "(@a{sv} {},)", &revoked);
    pca_await(&revoked.ended, 1);
    ck_assert(pca_is_error(revoked.error, "UnbindTimeout"));
    pca_world_tell(world, "delete sys/class/vfio/2/dev");
    pca_world_end_daemon(world, SIGKILL);
    PCA_AUTO_FD lock = take_lock(&held);
    pca_world_start_daemon(world);
    begin(bus, held.path, "Revoke", "({'force': <true>},)", &forced);
    await_vmm(&vmm, &forced);
    pca_await(&forced.ended, 1);
    g_autofree char *expected =
        g_strdup_printf("; stopped: vmm (process %d of uid 0)", (int)vmm.pid);
    ck_assert(pca_is_error(forced.error, "UnbindTimeout"));
    ck_assert_msg(strstr(forced.error->message, expected), "%s", forced.error->message);
    pca_fd_close(&lock);
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

/* Without force nobody is touched. */
START_TEST(without_force_it_lives) {
    use_grace(GRACE);
    AUTO_REVOKED revoked = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    Vmm vmm = make_vmm(0, FALSE);
    begin(bus, held.path, "Revoke", "(@a{sv} {},)", &revoked);
    pca_await(&revoked.ended, 1);
    ck_assert(pca_is_error(revoked.error, "UnbindTimeout"));
    ck_assert(!has_ended(&vmm));
    end_vmm(&vmm);
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

/* Of another user; of one whose uid cannot be read; of nobody that is seen. */
START_TEST(force_spares_others) {
    use_grace(GRACE);
    AUTO_REVOKED revoked = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    Vmm vmm = make_vmm(_i == 0 ? BOB : 0, FALSE);
    if (_i == 1)
        pca_world_tell(world, "delete proc/%d/status", (int)vmm.pid);
    if (_i == 2)
        pca_world_tell(world, "delete proc/%d", (int)vmm.pid);
    begin(bus, held.path, "Revoke", "({'force': <true>},)", &revoked);
    pca_await(&revoked.ended, 1);
    ck_assert(pca_is_error(revoked.error, "UnbindTimeout"));
    ck_assert_msg(strstr(revoked.error->message, "no process of the owner is seen"), "%s",
                  revoked.error->message);
    ck_assert(!has_ended(&vmm));
    end_vmm(&vmm);
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

/* Who lets go in time is not stopped, whatever the administrator was ready to do. */
START_TEST(force_that_is_not_needed) {
    use_grace(20000);
    AUTO_REVOKED revoked = {0};
    g_autoptr(GDBusConnection) owner = pca_world_connect(world);
    AUTO_HEARD heard = {0};
    g_auto(PcaHeld) held = pca_claim_words(owner, NIC);
    listen_on(owner, &heard);
    begin(bus, held.path, "Revoke", "({'force': <true>},)", &revoked);
    pca_await(&heard.n, 1);
    pca_fd_close(&held.lease);
    pca_await(&revoked.ended, 1);
    expect_stopped(&revoked, NOBODY);
}
END_TEST

TCase *pca_revoke_cases(void) {
    TCase *tcase = pca_case_new("revoke");
    tcase_add_test(tcase, the_owner_alone_is_asked);
    tcase_add_test(tcase, the_time_of_the_owner);
    tcase_add_test(tcase, an_owner_without_a_connection);
    tcase_add_test(tcase, whoever_opens_is_told);
    tcase_add_test(tcase, release_by_root_asks_too);
    tcase_add_test(tcase, options_of_revoke);
    tcase_add_loop_test(tcase, force_ends_the_owners_process, 0, 2);
    tcase_add_test(tcase, force_after_a_restart);
    tcase_add_test(tcase, without_force_it_lives);
    tcase_add_loop_test(tcase, force_spares_others, 0, 3);
    tcase_add_test(tcase, force_that_is_not_needed);
    return tcase;
}
