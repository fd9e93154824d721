/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a third party does on the bus, with GDBus and nothing of the project's.
 * Thread: main. Ownership: see the header.
 */
#include "world.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME "org.pcassign1"
#define ERROR_PREFIX NAME ".Error."
#define SKIPPED 77 /* says automake */
#define CALL_TIMEOUT_MS 20000
#define AWAIT_TIMEOUT_MS 30000

GDBusConnection *pca_world_connect(const PcaWorld *world) {
    g_autoptr(GError) error = NULL;
    GDBusConnection *c =
        g_dbus_connection_new_for_address_sync(world->address,
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, &error);
    ck_assert_msg(c != NULL, "%s", error ? error->message : "");
    return c;
}

static gboolean write_map(const char *path, const char *text) {
    PCA_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

void pca_play_root(void) {
    if (geteuid() == 0)
        return;
    g_autofree char *uids = g_strdup_printf("0 %u 1", (unsigned)geteuid());
    g_autofree char *gids = g_strdup_printf("0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWUSER) == 0 && write_map("/proc/self/setgroups", "deny") &&
        write_map("/proc/self/uid_map", uids) && write_map("/proc/self/gid_map", gids))
        return;
    g_printerr("neither root nor allowed to play root in a user namespace\n");
    exit(g_getenv("CI") ? EXIT_FAILURE : SKIPPED);
}

static gboolean take_ids(guint32 uid, gid_t gid) {
    const gid_t groups[] = {gid};
    return seteuid(0) == 0 && setgroups(1, groups) == 0 && setegid(gid) == 0 && seteuid(uid) == 0;
}

gboolean pca_become(guint32 uid) {
    if (take_ids(uid, uid))
        return TRUE;
    ck_assert_msg(!g_getenv("CI"), "other users can be played by root only");
    g_printerr("not root: a test of other users is left out\n");
    return FALSE;
}

GDBusConnection *pca_world_connect_as(const PcaWorld *world, guint32 uid, guint32 gid) {
    uid_t before = geteuid();
    ck_assert(take_ids(uid, gid));
    GDBusConnection *c = pca_world_connect(world);
    ck_assert(take_ids(before, before));
    return c;
}

GVariant *pca_call_fds(GDBusConnection *c, const char *path, const char *method, GVariant *args,
                       int fd, GUnixFDList **fds, GError **error) {
    g_autoptr(GError) problem = NULL;
    g_autoptr(GUnixFDList) sent = fd < 0 ? NULL : g_unix_fd_list_new();
    g_auto(GStrv) parts = g_strsplit(method, ".", 2);
    g_autofree char *interface = g_strconcat(NAME ".", parts[0], NULL);
    if (sent)
        g_unix_fd_list_append(sent, fd, NULL);
    GVariant *reply = g_dbus_connection_call_with_unix_fd_list_sync(
        c, NAME, path, interface, parts[1], args, NULL, G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT_MS,
        sent, fds, NULL, &problem);
    ck_assert_msg(reply || error, "%s: %s", method, problem ? problem->message : "");
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    return reply;
}

GVariant *pca_call(GDBusConnection *c, const char *path, const char *method, GVariant *args,
                   GError **error) {
    return pca_call_fds(c, path, method, args, -1, NULL, error);
}

gboolean pca_is_error(const GError *error, const char *name) {
    g_autofree char *remote = error ? g_dbus_error_get_remote_error(error) : NULL;
    const char *short_name =
        remote && g_str_has_prefix(remote, ERROR_PREFIX) ? remote + strlen(ERROR_PREFIX) : remote;
    return g_strcmp0(short_name, name) == 0;
}

const char *pca_refused(GDBusConnection *c, const char *path, const char *method, GVariant *args,
                        const char *name) {
    static GError *error;
    g_clear_error(&error);
    g_autoptr(GVariant) reply = pca_call(c, path, method, args, &error);
    ck_assert_msg(!reply, "%s succeeded, and should fail with %s", method, name);
    ck_assert_msg(pca_is_error(error, name), "%s: %s instead of %s", method, error->message, name);
    return error->message;
}

GVariant *pca_devices(const char *words, const char *options) {
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    g_autoptr(GError) error = NULL;
    GVariantBuilder devices;
    g_variant_builder_init(&devices, G_VARIANT_TYPE("a(sa{sv})"));
    for (char **word = list; *word; word++)
        g_variant_builder_add(&devices, "(sa{sv})", *word, NULL);
    GVariant *dict =
        g_variant_parse(G_VARIANT_TYPE_VARDICT, options ? options : "{}", NULL, NULL, &error);
    ck_assert_msg(dict != NULL, "%s", error ? error->message : "");
    GVariant *both = g_variant_new("(a(sa{sv})@a{sv})", &devices, dict);
    g_variant_unref(dict);
    return both;
}

void pca_held_clear(PcaHeld *held) {
    g_clear_pointer(&held->path, g_free);
    pca_fd_close(&held->lease);
}

PcaHeld pca_claim_with(GDBusConnection *c, const char *words, const char *options) {
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply =
        pca_call_fds(c, ROOT_PATH, "Manager.Claim", pca_devices(words, options), -1, &fds, NULL);
    PcaHeld held = {NULL, -1};
    gint32 index = -1;
    g_variant_get(reply, "(oh)", &held.path, &index);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 1);
    held.lease = g_unix_fd_list_get(fds, index, NULL);
    ck_assert_int_ge(held.lease, 0);
    return held;
}

PcaHeld pca_claim_words(GDBusConnection *c, const char *words) {
    return pca_claim_with(c, words, NULL);
}

static void on_ended(GObject *source, GAsyncResult *result, gpointer data) {
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &fds, result, NULL);
    (*(guint *)data)++;
}

GDBusConnection *pca_begin_claim(const PcaWorld *world, const char *words, guint *ended) {
    GDBusConnection *c = pca_world_connect(world);
    g_dbus_connection_call_with_unix_fd_list(c, NAME, ROOT_PATH, MANAGER, "Claim",
                                             pca_devices(words, NULL), NULL, G_DBUS_CALL_FLAGS_NONE,
                                             -1, NULL, NULL, on_ended, ended);
    g_dbus_connection_flush_sync(c, NULL, NULL);
    return c;
}

GUnixFDList *pca_open_held(GDBusConnection *c, const PcaHeld *held, GVariant **entries,
                           GError **error) {
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = pca_call_fds(
        c, held->path, "Claim.Open", g_variant_new("(ha{sv})", 0, NULL), held->lease, &fds, error);
    if (!reply)
        return NULL;
    if (entries)
        *entries = g_variant_get_child_value(reply, 0);
    return g_steal_pointer(&fds);
}

char *pca_property(GDBusConnection *c, const char *path, const char *interface, const char *name) {
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_sync(c, NAME, path, "org.freedesktop.DBus.Properties", "Get",
                                    g_variant_new("(ss)", interface, name), G_VARIANT_TYPE("(v)"),
                                    G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT_MS, NULL, NULL);
    if (!reply)
        return NULL;
    g_autoptr(GVariant) value = NULL;
    g_variant_get(reply, "(v)", &value);
    return g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) ? g_variant_dup_string(value, NULL)
                                                              : g_variant_print(value, FALSE);
}

static gboolean on_late(gpointer data) {
    gboolean *late = data;
    *late = TRUE;
    return G_SOURCE_REMOVE;
}

void pca_await(const guint *counter, guint wanted) {
    gboolean late = FALSE;
    guint timer = g_timeout_add(AWAIT_TIMEOUT_MS, on_late, &late);
    while (*counter < wanted && !late)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_msg(*counter >= wanted, "only %u of %u came", *counter, wanted);
    g_source_remove(timer);
}
