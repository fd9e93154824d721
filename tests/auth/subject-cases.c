/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: who a caller is, as a bus of its own says it.
 * Thread: main. Ownership: each test owns its bus, which dies with it.
 */
#include "cases.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>

#include "auth/credentials.h"
#include "auth/pending.h"
#include "auth/polkit.h"
#include "base/error.h"
#include "base/fds.h"

#define OTHER_UID 65534
#define OTHER_GROUPS 2

static char *directory, *address;
static pid_t bus_pid;
static GDBusConnection *bus;
static PcaCredentials *credentials;

/* The socket is there a moment before somebody listens at it. */
static gboolean is_listening(const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    g_strlcpy(name.sun_path, path, sizeof name.sun_path);
    PCA_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&name, sizeof name) == 0;
}

static char *start_bus(void) {
    g_autofree char *config = g_build_filename(directory, "bus.conf", NULL);
    g_autofree char *option = g_strdup_printf("--config-file=%s", config);
    g_autofree char *text = g_strdup_printf(
        "<busconfig><type>system</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
        "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow "
        "send_destination=\"*\"/>"
        "<allow receive_sender=\"*\"/></policy></busconfig>",
        directory);
    g_autofree char *path = g_build_filename(directory, "bus", NULL);
    ck_assert(g_file_set_contents(config, text, -1, NULL));
    bus_pid = fork();
    if (bus_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        execlp("dbus-daemon", "dbus-daemon", option, "--nofork", "--nopidfile", NULL);
        _exit(127);
    }
    for (int i = 0; i < 5000 && !is_listening(path); i++)
        g_usleep(2000);
    return g_strdup_printf("unix:path=%s", path);
}

static GDBusConnection *connect_bus(void) {
    g_autoptr(GError) error = NULL;
    GDBusConnection *c =
        g_dbus_connection_new_for_address_sync(address,
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, &error);
    ck_assert_msg(c != NULL, "%s", error ? error->message : "");
    return c;
}

static void set_up(void) {
    directory = g_dir_make_tmp("pca-auth-XXXXXX", NULL);
    ck_assert_int_eq(chmod(directory, 0755), 0);
    address = start_bus();
    bus = connect_bus();
    credentials = pca_credentials_new(bus);
}

static void tear_down(void) {
    static const char *const names[] = {"bus", "bus.conf"};
    pca_credentials_unref(credentials);
    g_object_unref(bus);
    kill(bus_pid, SIGKILL);
    waitpid(bus_pid, NULL, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(directory, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(directory);
    g_free(directory);
    g_free(address);
}

static void on_result(GObject *source, GAsyncResult *result, gpointer data) {
    *(GAsyncResult **)data = g_object_ref(result);
}

static PcaSubject *ask(const char *sender, GError **error) {
    g_autoptr(GAsyncResult) result = NULL;
    pca_credentials_get_async(credentials, sender, on_result, &result);
    while (!result)
        g_main_context_iteration(NULL, TRUE);
    return pca_credentials_get_finish(result, error);
}

static gboolean has_group(const PcaSubject *subject, guint32 gid) {
    for (guint i = 0; i < subject->gids->len; i++)
        if (g_array_index(subject->gids, guint32, i) == gid)
            return TRUE;
    return FALSE;
}

/* The process behind the descriptor, by a signal that asks only. */
static gboolean is_alive(int pidfd) {
    return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0;
}

START_TEST(ourselves) {
    g_autoptr(PcaSubject) subject = ask(g_dbus_connection_get_unique_name(bus), NULL);
    ck_assert_ptr_nonnull(subject);
    ck_assert_str_eq(subject->sender, g_dbus_connection_get_unique_name(bus));
    ck_assert_uint_eq(subject->uid, geteuid());
    ck_assert_uint_eq(subject->pid, (guint32)getpid());
    ck_assert(has_group(subject, getegid()));
    ck_assert(is_alive(subject->pidfd));
    ck_assert_int_eq(fcntl(subject->pidfd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}
END_TEST

static const char *const nobodies[] = {":1.999", ":99.1", "org.example.Nobody"};

START_TEST(nobody) {
    g_autoptr(GError) error = NULL;
    g_autoptr(PcaSubject) subject = ask(nobodies[_i], &error);
    ck_assert_ptr_null(subject);
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED));
    ck_assert_ptr_nonnull(strstr(error->message, nobodies[_i]));
}
END_TEST

/* The caller disconnects while we ask: an error is no uid, and above all not uid 0. */
START_TEST(caller_gone) {
    for (int i = 0; i < 50; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(GDBusConnection) caller = connect_bus();
        pca_credentials_get_async(credentials, g_dbus_connection_get_unique_name(caller), on_result,
                                  &result);
        g_dbus_connection_close_sync(caller, NULL, NULL);
        while (!result)
            g_main_context_iteration(NULL, TRUE);
        g_autoptr(PcaSubject) subject = pca_credentials_get_finish(result, &error);
        ck_assert(subject ? subject->uid == geteuid()
                          : g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED));
    }
}
END_TEST

/* A bus that went away while it was asked. */
START_TEST(bus_gone) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) result = NULL;
    kill(bus_pid, SIGSTOP);
    pca_credentials_get_async(credentials, g_dbus_connection_get_unique_name(bus), on_result,
                              &result);
    kill(bus_pid, SIGKILL);
    while (!result)
        g_main_context_iteration(NULL, TRUE);
    g_autoptr(PcaSubject) subject = pca_credentials_get_finish(result, &error);
    ck_assert_ptr_null(subject);
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED));
}
END_TEST

/* dbus-daemon 1.16 and dbus-broker 34 do. */
static gboolean gives_pidfds(void) {
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        bus, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionCredentials",
        g_variant_new("(s)", g_dbus_connection_get_unique_name(bus)), G_VARIANT_TYPE("(a{sv})"),
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
    ck_assert_ptr_nonnull(reply);
    g_autoptr(GVariant) dictionary = g_variant_get_child_value(reply, 0);
    g_autoptr(GVariant) fd = g_variant_lookup_value(dictionary, "ProcessFD", NULL);
    return fd != NULL;
}

/* A caller of another user, with groups; after it changed its user, its process is no more the one
 * that the bus knows. */
START_TEST(another_user) {
    const gid_t groups[] = {61300, 61301};
    if (getuid() != 0) {
        ck_assert_msg(!g_getenv("CI"), "other users can be played by root only");
        g_printerr("not root: a test of other users is left out\n");
        return;
    }
    ck_assert_int_eq(setgroups(OTHER_GROUPS, groups), 0);
    ck_assert_int_eq(seteuid(OTHER_UID), 0);
    g_autoptr(GDBusConnection) other = connect_bus();
    g_autoptr(PcaSubject) subject = ask(g_dbus_connection_get_unique_name(other), NULL);
    ck_assert_int_eq(seteuid(0), 0);
    g_autoptr(PcaSubject) later = ask(g_dbus_connection_get_unique_name(other), NULL);
    ck_assert_uint_eq(subject->uid, OTHER_UID);
    ck_assert(has_group(subject, 61300) && has_group(subject, 61301));
    ck_assert_int_ge(subject->pidfd, 0);
    ck_assert_uint_eq(later->uid, OTHER_UID);
    /* The bus's own pidfd is of the process that connected, whoever that is now. */
    ck_assert(gives_pidfds() == (later->pidfd >= 0));
}
END_TEST

/* Whoever asks more at a time is refused before anybody is asked. */
START_TEST(one_question_for_all) {
    GAsyncResult *results[1000] = {NULL};
    PcaSubject *first = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(results); i++)
        pca_credentials_get_async(credentials, g_dbus_connection_get_unique_name(bus), on_result,
                                  &results[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(results); i++) {
        while (!results[i])
            g_main_context_iteration(NULL, TRUE);
        g_autoptr(GError) error = NULL;
        g_autoptr(PcaSubject) subject = pca_credentials_get_finish(results[i], &error);
        g_object_unref(results[i]);
        ck_assert_int_eq(subject != NULL, i < PCA_MAX_PENDING);
        ck_assert(subject || g_error_matches(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED));
        first = first ? first : pca_subject_ref(subject);
        ck_assert(!subject || subject == first);
    }
    pca_subject_unref(first);
}
END_TEST

/* More than are asked about at a time. */
START_TEST(many_callers) {
    GDBusConnection *callers[100];
    GAsyncResult *results[G_N_ELEMENTS(callers)] = {NULL};
    for (gsize i = 0; i < G_N_ELEMENTS(callers); i++) {
        callers[i] = connect_bus();
        pca_credentials_get_async(credentials, g_dbus_connection_get_unique_name(callers[i]),
                                  on_result, &results[i]);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(callers); i++) {
        while (!results[i])
            g_main_context_iteration(NULL, TRUE);
        g_autoptr(PcaSubject) subject = pca_credentials_get_finish(results[i], NULL);
        ck_assert_ptr_nonnull(subject);
        ck_assert_str_eq(subject->sender, g_dbus_connection_get_unique_name(callers[i]));
        g_object_unref(results[i]);
        g_object_unref(callers[i]);
    }
}
END_TEST

/* ---- Units ---- */

/* What a bus answers that gives a descriptor of this process. */
static PcaSubject *subject_with(int pidfd) {
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
    g_autofree char *text =
        g_strdup_printf("{'UnixUserID': <uint32 %u>, 'ProcessID': <uint32 %u>, 'ProcessFD': "
                        "<handle 0>}",
                        (unsigned)getuid(), (unsigned)getpid());
    g_autoptr(GVariant) answer = g_variant_ref_sink(g_variant_new_parsed(text));
    g_unix_fd_list_append(fds, pidfd, NULL);
    return pca_subject_read(":1.5", answer, fds);
}

static int open_pidfd(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Whose process this is depends on who runs the test; in tests/vm/polkit.test it is a unit. */
START_TEST(unit_by_a_pidfd_of_the_bus) {
    g_autofree char *unit = NULL;
    PCA_AUTO_FD pidfd = open_pidfd(getpid());
    g_autoptr(PcaSubject) subject = subject_with(pidfd);
    ck_assert(subject->pidfd_from_bus);
    if (sd_pid_get_unit(getpid(), &unit) < 0)
        unit = NULL;
    ck_assert_pstr_eq(pca_subject_unit(subject), unit);
}
END_TEST

/* The number may be another process's by now: of one that has ended nothing is told. */
START_TEST(no_unit_of_a_process_that_ended) {
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    PCA_AUTO_FD pidfd = open_pidfd(child);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    g_autoptr(PcaSubject) subject = subject_with(pidfd);
    ck_assert(subject->pidfd_from_bus);
    ck_assert_ptr_null(pca_subject_unit(subject));
}
END_TEST

START_TEST(no_unit_without_the_bus_s_pidfd) {
    g_autoptr(PcaSubject) subject = ask(g_dbus_connection_get_unique_name(bus), NULL);
    ck_assert_int_eq(subject->pidfd_from_bus, gives_pidfds());
    ck_assert_int_ge(subject->pidfd, 0);
    if (!subject->pidfd_from_bus)
        ck_assert_ptr_null(pca_subject_unit(subject));
}
END_TEST

/* A descriptor that the message has not brought. */
START_TEST(no_such_descriptor) {
    g_autoptr(GUnixFDList) none = g_unix_fd_list_new();
    g_autoptr(GVariant) answer = g_variant_ref_sink(
        g_variant_new_parsed("{'UnixUserID': <uint32 4000000>, 'ProcessFD': <handle -1>}"));
    g_autoptr(PcaSubject) subject = pca_subject_read(":1.5", answer, none);
    ck_assert(!subject->pidfd_from_bus);
    ck_assert_int_eq(subject->pidfd, -1);
}
END_TEST

/* ---- Polkit ---- */

static void own_polkit(GDBusConnection *c) {
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        c, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
        g_variant_new("(su)", "org.freedesktop.PolicyKit1", 0), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
        NULL, NULL);
    ck_assert_ptr_nonnull(reply);
}

static GDBusMessage *swallow(GDBusConnection *c, GDBusMessage *message, gboolean incoming,
                             gpointer data) {
    gboolean call =
        incoming && g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL;
    if (call)
        g_object_unref(message);
    return call ? NULL : message;
}

START_TEST(silent_polkit) {
    g_autoptr(GDBusConnection) silent = connect_bus();
    g_autoptr(PcaPolkit) polkit = pca_polkit_new(bus);
    g_autoptr(PcaSubject) subject = ask(g_dbus_connection_get_unique_name(bus), NULL);
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    own_polkit(silent);
    g_dbus_connection_add_filter(silent, swallow, NULL, NULL);
    pca_polkit_set_patience(polkit, 50);
    pca_polkit_ask_async(polkit, subject, "org.pcassign1.manage", NULL, FALSE, on_result, &result);
    while (!result)
        g_main_context_iteration(NULL, TRUE);
    ck_assert(!pca_polkit_ask_finish(result, &error));
    ck_assert_msg(strstr(error->message, "polkit has not answered in time") != NULL, "%s",
                  error->message);
}
END_TEST

START_TEST(made_by_hand) {
    g_autoptr(PcaSubject) subject = pca_subject_new(":1.5", 1000, 42);
    g_autoptr(PcaSubject) again = pca_subject_ref(subject);
    ck_assert_str_eq(again->sender, ":1.5");
    ck_assert_uint_eq(again->uid, 1000);
    ck_assert_uint_eq(again->gids->len, 0);
    ck_assert_ptr_null(again->label);
    ck_assert_int_eq(again->pidfd, -1);
}
END_TEST

TCase *pca_subject_cases(void) {
    TCase *tcase = tcase_create("subjects");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, ourselves);
    tcase_add_loop_test(tcase, nobody, 0, G_N_ELEMENTS(nobodies));
    tcase_add_test(tcase, caller_gone);
    tcase_add_test(tcase, bus_gone);
    tcase_add_test(tcase, another_user);
    tcase_add_test(tcase, no_unit_without_the_bus_s_pidfd);
    tcase_add_test(tcase, one_question_for_all);
    tcase_add_test(tcase, many_callers);
    tcase_add_test(tcase, silent_polkit);
    tcase_add_test(tcase, made_by_hand);
    return tcase;
}

TCase *pca_unit_cases(void) {
    TCase *tcase = tcase_create("units");
    tcase_add_test(tcase, unit_by_a_pidfd_of_the_bus);
    tcase_add_test(tcase, no_unit_of_a_process_that_ended);
    tcase_add_test(tcase, no_such_descriptor);
    return tcase;
}
