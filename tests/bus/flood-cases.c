/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: many clients at once, clients that ask without end, never read, or lie.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define N_CLIENTS 20
#define N_CALLS 1000
#define N_FLOOD 10000

typedef struct {
    guint ended, won, busy;
    PcaHeld held; /* of who won */
} Race;

static void on_claimed(GObject *source, GAsyncResult *result, gpointer data) {
    Race *race = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &fds, result, &error);
    race->ended++;
    race->busy += pca_is_error(error, "Busy");
    if (!reply)
        return;
    race->won++;
    race->held.lease = g_unix_fd_list_get(fds, 0, NULL);
}

static void begin(GDBusConnection *c, const char *method, GVariant *args,
                  GAsyncReadyCallback callback, gpointer data) {
    g_dbus_connection_call_with_unix_fd_list(c, "org.pcassign1", ROOT_PATH, MANAGER, method, args,
                                             NULL, G_DBUS_CALL_FLAGS_NONE, 60000, NULL, NULL,
                                             callback, data);
}

START_TEST(one_winner) {
    GDBusConnection *clients[N_CLIENTS];
    for (int i = 0; i < N_CLIENTS; i++)
        clients[i] = pca_world_connect(world);
    for (int round = 0; round < 3; round++) {
        Race race = {.held.lease = -1};
        for (int i = 0; i < N_CLIENTS; i++)
            begin(clients[i], "Claim", pca_devices(i % 2 ? NIC : "gpu nic", NULL), on_claimed,
                  &race);
        pca_await(&race.ended, N_CLIENTS);
        ck_assert_uint_eq(race.won, 1);
        ck_assert_uint_eq(race.busy, N_CLIENTS - 1);
        pca_fd_close(&race.held.lease);
        pca_world_await_no_claim(world);
    }
    for (int i = 0; i < N_CLIENTS; i++)
        g_object_unref(clients[i]);
}
END_TEST

static void on_answered(GObject *source, GAsyncResult *result, gpointer data) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), NULL, result, &error);
    ck_assert_msg(reply || pca_is_error(error, "LimitExceeded"), "%s", error ? error->message : "");
    (*(guint *)data)++;
}

/* Somebody else's question, asked meanwhile, is answered in seconds. */
static void expect_served(const char *meanwhile) {
    gint64 start = g_get_monotonic_time();
    g_autoptr(GDBusConnection) c = pca_world_connect(world);
    g_auto(PcaHeld) held = pca_claim_words(c, NIC_2);
    g_variant_unref(pca_call(c, held.path, "Claim.Release", NULL, NULL));
    gint64 took = g_get_monotonic_time() - start;
    ck_assert_msg(took < 10 * G_TIME_SPAN_SECOND, "%s: %.1f s", meanwhile, (double)took / 1e6);
}

START_TEST(queue_of_calls) {
    guint answered = 0;
    guint before = pca_world_count_fds(world);
    for (int i = 0; i < N_CALLS; i++)
        begin(bus, i % 2 ? "Check" : "Plan", pca_devices("gpu nic", NULL), on_answered, &answered);
    g_dbus_connection_flush_sync(bus, NULL, NULL);
    expect_served("a thousand calls");
    pca_await(&answered, N_CALLS);
    ck_assert(pca_world_await_fds(world, before));
}
END_TEST

typedef struct {
    guint answered, limited;
    gboolean named; /* the limit, in the words of the refusal */
} Flood;

static void on_flooded(GObject *source, GAsyncResult *result, gpointer data) {
    Flood *flood = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), NULL, result, &error);
    flood->answered++;
    flood->limited += pca_is_error(error, "LimitExceeded");
    flood->named |= error && strstr(error->message, "128 calls that are not answered") != NULL;
    ck_assert_msg(reply || pca_is_error(error, "LimitExceeded"), "%s", error ? error->message : "");
}

/* From two connections of one user, while another one is served. */
START_TEST(one_user_s_flood) {
    if (!pca_become(0))
        return;
    GDBusConnection *alice[] = {pca_world_connect_as(world, ALICE, ALICE),
                                pca_world_connect_as(world, ALICE, ALICE)};
    Flood flood = {0};
    guint before = pca_world_count_fds(world);
    for (guint i = 0; i < N_FLOOD; i++)
        begin(alice[i % 2], "Check", pca_devices("gpu nic", NULL), on_flooded, &flood);
    g_dbus_connection_flush_sync(alice[0], NULL, NULL);
    g_dbus_connection_flush_sync(alice[1], NULL, NULL);
    expect_served("ten thousand calls of another user");
    pca_await(&flood.answered, N_FLOOD);
    g_print("# of %u calls of one user %u were over the limit\n", N_FLOOD, flood.limited);
    ck_assert_uint_gt(flood.limited, 0);
    ck_assert(flood.named);
    /* All of them are over: it may call again. */
    g_variant_unref(pca_call(alice[0], ROOT_PATH, "Manager.ListClaims", NULL, NULL));
    ck_assert(pca_world_await_fds(world, before));
    g_object_unref(alice[0]);
    g_object_unref(alice[1]);
}
END_TEST

/* ---- A client that writes its own bytes ---- */

static gboolean send_text(int fd, const char *text, gsize size) {
    return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static int connect_silent(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[256];
    g_strlcpy(address.sun_path, world->address + strlen("unix:path="), sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    g_autofree char *uid = g_strdup_printf("%u", (unsigned)geteuid());
    g_autoptr(GString) line = g_string_new("AUTH EXTERNAL ");
    for (const char *digit = uid; *digit; digit++)
        g_string_append_printf(line, "%02x", (unsigned)*digit);
    g_string_append(line, "\r\n");
    ck_assert(send_text(fd, "", 1) && send_text(fd, line->str, line->len));
    ck_assert_int_gt(recv(fd, answer, sizeof answer, 0), 0);
    ck_assert(send_text(fd, "BEGIN\r\n", 7));
    return fd;
}

static gboolean send_call(int fd, guint32 serial, const char *name, const char *path,
                          const char *interface, const char *method, GVariant *args) {
    gsize size = 0;
    g_autoptr(GDBusMessage) message = g_dbus_message_new_method_call(name, path, interface, method);
    g_dbus_message_set_serial(message, serial);
    if (args)
        g_dbus_message_set_body(message, args);
    g_autofree guchar *blob =
        g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
    return send_text(fd, (const char *)blob, size);
}

/* It asks for a lot, reads nothing, and goes without a word. */
START_TEST(never_reads) {
    guint before = pca_world_count_fds(world);
    PCA_AUTO_FD fd = connect_silent();
    struct timeval patience = {2, 0};
    guint32 serial = 1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ck_assert(send_call(fd, serial, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                        "org.freedesktop.DBus", "Hello", NULL));
    while (serial++ < N_CALLS / 4 &&
           send_call(fd, serial, "org.pcassign1", ROOT_PATH, "org.freedesktop.DBus.ObjectManager",
                     "GetManagedObjects", NULL))
        continue;
    send_call(fd, serial, "org.pcassign1", ROOT_PATH, MANAGER, "Claim", pca_devices(NIC, NULL));
    expect_served("a client that never reads");
    pca_fd_close(&fd);
    pca_world_await_no_claim(world);
    pca_world_await_driver(world, NIC, "e1000e");
    ck_assert(pca_world_await_fds(world, before));
}
END_TEST

/* ---- Lies ---- */

static void forge(GDBusConnection *c, const char *destination, const char *path,
                  const char *interface, const char *signal, const char *args) {
    g_autoptr(GVariant) body = g_variant_ref_sink(g_variant_new_parsed(args));
    ck_assert(g_dbus_connection_emit_signal(c, destination, path, interface, signal, body, NULL));
}

START_TEST(forged_signals) {
    static const char *const destinations[] = {NULL, "org.pcassign1"};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autoptr(GDBusConnection) liar = pca_world_connect(world);
    const char *owner = g_dbus_connection_get_unique_name(bus);
    g_autofree char *gone = g_strdup_printf("('%s', '%s', '')", owner, owner);
    for (gsize i = 0; i < G_N_ELEMENTS(destinations); i++) {
        forge(liar, destinations[i], "/org/freedesktop/DBus", "org.freedesktop.DBus",
              "NameOwnerChanged", gone);
        forge(liar, destinations[i], "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameLost",
              "('org.pcassign1',)");
        forge(liar, destinations[i], held.path, "org.freedesktop.DBus.Properties",
              "PropertiesChanged", "('org.pcassign1.Claim', {'State': <'ended'>}, @as [])");
        forge(liar, destinations[i], held.path, CLAIM, "ReleaseRequested", "('x', uint64 0)");
    }
    g_dbus_connection_flush_sync(liar, NULL, NULL);
    g_usleep(20000);
    g_autofree char *state = pca_property(bus, held.path, CLAIM, "State");
    ck_assert_pstr_eq(state, "ready");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
}
END_TEST

/* Descriptors that nobody asked for. */
START_TEST(unwanted_descriptors) {
    guint before = pca_world_count_fds(world);
    PCA_AUTO_FD null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 50; i++) {
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        g_autoptr(GError) error = NULL;
        for (int j = 0; j < 16; j++)
            g_unix_fd_list_append(fds, null, NULL);
        g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_sync(
            bus, "org.pcassign1", ROOT_PATH, MANAGER, i % 2 ? "Check" : "ListClaims",
            i % 2 ? pca_devices("gpu", NULL) : NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, fds, NULL,
            NULL, &error);
        ck_assert_msg(reply != NULL, "%s", error ? error->message : "");
    }
    ck_assert(pca_world_await_fds(world, before));
}
END_TEST

static const struct {
    const char *path, *interface, *method, *args;
} odd_calls[] = {
    {ROOT_PATH, MANAGER, "Claim", "('nic',)"},
    {ROOT_PATH, MANAGER, "Claim", "()"},
    {ROOT_PATH, MANAGER, "Claim", "([('nic', 1)], @a{sv} {})"},
    {ROOT_PATH, MANAGER, "Nothing", "()"},
    {ROOT_PATH, CLAIM, "Release", "()"},
    {ROOT_PATH "/claim/00112233445566778899aabbccddeeff", CLAIM, "Release", "()"},
    {ROOT_PATH "/claim", CLAIM, "Release", "()"},
    {ROOT_PATH "/device/0000_01_00_0", CLAIM, "Release", "()"},
    {ROOT_PATH "/device/0000_01_00_0", DEVICE, "Reset", "()"},
};

START_TEST(odd_messages) {
    for (gsize i = 0; i < G_N_ELEMENTS(odd_calls); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) args = g_variant_ref_sink(g_variant_new_parsed(odd_calls[i].args));
        g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
            bus, "org.pcassign1", odd_calls[i].path, odd_calls[i].interface, odd_calls[i].method,
            args, NULL, G_DBUS_CALL_FLAGS_NONE, 5000, NULL, &error);
        ck_assert_msg(!reply && error->domain == G_DBUS_ERROR &&
                          error->code != G_DBUS_ERROR_NO_REPLY,
                      "%s %s: %s", odd_calls[i].method, odd_calls[i].args,
                      error ? error->message : "no error");
    }
    g_autofree char *version = pca_property(bus, ROOT_PATH, MANAGER, "Version");
    ck_assert_ptr_nonnull(version);
}
END_TEST

TCase *pca_flood_cases(void) {
    TCase *tcase = pca_shared_case_new("floods");
    tcase_add_test(tcase, one_winner);
    tcase_add_test(tcase, queue_of_calls);
    tcase_add_test(tcase, one_user_s_flood);
    tcase_add_test(tcase, never_reads);
    tcase_add_test(tcase, forged_signals);
    tcase_add_test(tcase, unwanted_descriptors);
    tcase_add_test(tcase, odd_messages);
    return tcase;
}
