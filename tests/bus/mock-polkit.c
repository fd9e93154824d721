/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: polkit's authority, made up.
 * Thread: `serve` and the handlers run in the mock's; what both sides use is guarded by its mutex.
 * Ownership: see the header.
 */
#include "mock-polkit.h"

static const char interface_xml[] =
    "<node><interface name='org.freedesktop.PolicyKit1.Authority'>"
    "<method name='CheckAuthorization'><arg type='(sa{sv})' direction='in'/>"
    "<arg type='s' direction='in'/><arg type='a{ss}' direction='in'/>"
    "<arg type='u' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='(bba{ss})' direction='out'/></method>"
    "<method name='CancelCheckAuthorization'><arg type='s' direction='in'/></method>"
    "</interface></node>";

struct PcaPolkitMock {
    GMutex mutex;
    GMainContext *context;
    GMainLoop *loop;
    GThread *thread;
    GDBusConnection *bus;
    PcaPolkitAnswer answer;
    GPtrArray *waiting; /* of GDBusMethodInvocation */
    guint asked, withdrawn;
    char *last;
};

static GVariant *verdict(PcaPolkitAnswer answer) {
    GVariantBuilder details;
    g_variant_builder_init(&details, G_VARIANT_TYPE("a{ss}"));
    if (answer == PCA_POLKIT_DISMISSED)
        g_variant_builder_add(&details, "{ss}", "polkit.dismissed", "true");
    return g_variant_new("((bba{ss}))", answer == PCA_POLKIT_YES, answer == PCA_POLKIT_CHALLENGE,
                         &details);
}

/* A type that the interface does not have has to be sent by hand. */
static void answer_malformed(GDBusMethodInvocation *invocation) {
    g_autoptr(GDBusMessage) reply =
        g_dbus_message_new_method_reply(g_dbus_method_invocation_get_message(invocation));
    g_dbus_message_set_body(reply, g_variant_new("(b)", TRUE));
    g_dbus_connection_send_message(g_dbus_method_invocation_get_connection(invocation), reply,
                                   G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
    g_object_unref(invocation);
}

static void answer(GDBusMethodInvocation *invocation, PcaPolkitAnswer how) {
    if (how == PCA_POLKIT_ERROR)
        g_dbus_method_invocation_return_dbus_error(
            invocation, "org.freedesktop.PolicyKit1.Error.Failed", "out of order");
    else if (how == PCA_POLKIT_MALFORMED)
        answer_malformed(invocation);
    else
        g_dbus_method_invocation_return_value(invocation, verdict(how));
}

static char *describe(GVariant *args) {
    g_autoptr(GVariant) subject = NULL;
    g_autoptr(GVariant) details = NULL;
    const char *kind, *action, *sender = "?";
    guint32 flags;
    g_variant_get(args, "((&s@a{sv})&s@a{ss}u&s)", &kind, &subject, &action, &details, &flags,
                  NULL);
    ck_assert_str_eq(kind, "system-bus-name");
    g_variant_lookup(subject, "name", "&s", &sender);
    g_autofree char *text = g_variant_print(details, FALSE);
    return g_strdup_printf("%s %s %u %s", sender, action, flags, text);
}

static void on_call(GDBusConnection *c, const char *sender, const char *path, const char *interface,
                    const char *method, GVariant *args, GDBusMethodInvocation *invocation,
                    gpointer data) {
    PcaPolkitMock *mock = data;
    g_mutex_lock(&mock->mutex);
    PcaPolkitAnswer how = mock->answer;
    if (g_str_equal(method, "CancelCheckAuthorization")) {
        mock->withdrawn++;
        g_dbus_method_invocation_return_value(invocation, NULL);
    } else {
        g_free(mock->last);
        mock->last = describe(args);
        mock->asked++;
        if (how == PCA_POLKIT_SILENT)
            g_ptr_array_add(mock->waiting, invocation);
        else
            answer(invocation, how);
    }
    g_mutex_unlock(&mock->mutex);
}

static gpointer serve(gpointer data) {
    PcaPolkitMock *mock = data;
    g_main_context_push_thread_default(mock->context);
    g_main_loop_run(mock->loop);
    g_main_context_pop_thread_default(mock->context);
    return NULL;
}

static void own_name(PcaPolkitMock *mock) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        mock->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "RequestName", g_variant_new("(su)", "org.freedesktop.PolicyKit1", 0), NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    ck_assert_msg(reply != NULL, "%s", error ? error->message : "");
}

PcaPolkitMock *pca_polkit_mock_new(const PcaWorld *world) {
    static const GDBusInterfaceVTable table = {.method_call = on_call};
    PcaPolkitMock *mock = g_new0(PcaPolkitMock, 1);
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(interface_xml, NULL);
    g_mutex_init(&mock->mutex);
    mock->context = g_main_context_new();
    mock->loop = g_main_loop_new(mock->context, FALSE);
    mock->waiting = g_ptr_array_new();
    g_main_context_push_thread_default(mock->context);
    mock->bus = pca_world_connect(world);
    ck_assert_uint_ne(
        g_dbus_connection_register_object(mock->bus, "/org/freedesktop/PolicyKit1/Authority",
                                          node->interfaces[0], &table, mock, NULL, NULL),
        0);
    g_main_context_pop_thread_default(mock->context);
    own_name(mock);
    mock->thread = g_thread_new("polkit", serve, mock);
    return mock;
}

void pca_polkit_mock_free(PcaPolkitMock *mock) {
    pca_polkit_mock_answer(mock, PCA_POLKIT_NO);
    g_dbus_connection_close_sync(mock->bus, NULL, NULL);
    g_main_loop_quit(mock->loop);
    g_thread_join(mock->thread);
    g_object_unref(mock->bus);
    while (g_main_context_iteration(mock->context, FALSE))
        continue;
    g_main_loop_unref(mock->loop);
    g_main_context_unref(mock->context);
    g_ptr_array_unref(mock->waiting);
    g_mutex_clear(&mock->mutex);
    g_free(mock->last);
    g_free(mock);
}

void pca_polkit_mock_answer(PcaPolkitMock *mock, PcaPolkitAnswer how) {
    g_mutex_lock(&mock->mutex);
    mock->answer = how;
    for (guint i = 0; how != PCA_POLKIT_SILENT && i < mock->waiting->len; i++)
        answer(g_ptr_array_index(mock->waiting, i), how);
    if (how != PCA_POLKIT_SILENT)
        g_ptr_array_set_size(mock->waiting, 0);
    g_mutex_unlock(&mock->mutex);
}

static guint read_counter(PcaPolkitMock *mock, const guint *counter) {
    g_mutex_lock(&mock->mutex);
    guint value = *counter;
    g_mutex_unlock(&mock->mutex);
    return value;
}

guint pca_polkit_mock_asked(PcaPolkitMock *mock) {
    return read_counter(mock, &mock->asked);
}

guint pca_polkit_mock_waiting(PcaPolkitMock *mock) {
    return read_counter(mock, &mock->waiting->len);
}

guint pca_polkit_mock_withdrawn(PcaPolkitMock *mock) {
    return read_counter(mock, &mock->withdrawn);
}

void pca_polkit_mock_await(PcaPolkitMock *mock, guint asked) {
    for (int i = 0; i < 10000 && pca_polkit_mock_asked(mock) < asked; i++)
        g_usleep(2000);
    ck_assert_uint_ge(pca_polkit_mock_asked(mock), asked);
}

char *pca_polkit_mock_last(PcaPolkitMock *mock) {
    g_mutex_lock(&mock->mutex);
    char *last = g_strdup(mock->last);
    g_mutex_unlock(&mock->mutex);
    return last;
}
