/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: monitor: what happens, a line each, until it is told to end. The daemon may come and go,
 * and is not started; when it is back, what is different from before is told.
 * Thread: main; nothing here blocks, so that a signal ends it at any time. Ownership: a Monitor
 * owns what it has seen.
 *
 * The bus keeps the order of the daemon's messages. So a signal that comes before the answer that
 * tells the same is not needed, and one that comes after it is held until all answers are there. A
 * claim's signal names its id alone: what belongs to a new one is asked for, and signals wait
 * again.
 */
#include "verbs.h"
#include "monitor-seen.h"
#include "output.h"
#include "base/error.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define TIMEOUT_MS 30000

/* How far the monitor has come with a daemon: what it waits for. */
typedef enum {
    WAIT_POLICY,
    WAIT_CLAIMS,
    WAIT_DEVICES,
    RUNNING,
} Phase;

/* Properties that are new, or changed; or an object that went. */
typedef struct {
    char *path;
    char *interface;
    GVariant *properties; /* a{sv}; NULL: it went */
} Signal;

typedef struct {
    GMainLoop *loop;
    GDBusConnection *bus;
    GCancellable *cancellable; /* of the calls to the daemon that runs now */
    guint outstanding;         /* calls */
    Phase phase;
    PcaSeen *seen;
    gboolean seeded;  /* there was something seen before: differences are events */
    int told;         /* of the daemon: 1 running, 0 not, -1 nothing yet */
    GPtrArray *views; /* the answer of WAIT_CLAIMS, of PcaClaimView */
    GQueue *signals;  /* of Signal, that wait for an answer */
    gboolean looking; /* for what belongs to a new claim */
    guint watch;      /* of the name */
    int status;
} Monitor;

static void signal_free(gpointer data) {
    Signal *signal = data;
    g_free(signal->path);
    g_free(signal->interface);
    g_clear_pointer(&signal->properties, g_variant_unref);
    g_free(signal);
}

static void quit(Monitor *m, int status) {
    m->status = m->status ? m->status : status;
    g_main_loop_quit(m->loop);
}

/* A reader that went away is the end, and no error. */
static void printed(Monitor *m, gboolean ok) {
    int errnum = errno;
    if (ok || !g_main_loop_is_running(m->loop))
        return;
    if (errnum != EPIPE)
        pca_complain("standard output: %s", g_strerror(errnum));
    quit(m, errnum == EPIPE ? 0 : pca_error_exit_status(PCA_ERROR_FAILED));
}

/* --- Calls --- */

static void call(Monitor *m, const char *interface, const char *method, GVariant *arguments,
                 const char *reply, GAsyncReadyCallback callback) {
    g_autoptr(GVariantType) type = g_variant_type_new(reply);
    m->outstanding++;
    g_dbus_connection_call(m->bus, PCA_BUS_NAME, PCA_BUS_PATH, interface, method, arguments, type,
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS, m->cancellable, callback,
                           m);
}

/* The answer; NULL when the daemon has gone meanwhile, or after a complaint. */
static GVariant *answer(Monitor *m, GAsyncResult *result) {
    g_autoptr(GError) error = NULL;
    GVariant *reply = g_dbus_connection_call_finish(m->bus, result, &error);
    m->outstanding--;
    if (reply || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
        pca_exit_status(error) == PCA_EXIT_NO_DAEMON)
        return reply;
    quit(m, pca_fail(NULL, error));
    return NULL;
}

/* --- Signals --- */

static void go_on(Monitor *m);

static void on_claims_again(GObject *source, GAsyncResult *result, gpointer data) {
    Monitor *m = data;
    g_autoptr(GVariant) reply = answer(m, result);
    g_autoptr(GPtrArray) views = reply ? pca_claims_read(reply) : NULL;
    if (!views)
        return;
    m->looking = FALSE;
    for (guint i = 0; i < views->len; i++)
        pca_monitor_seen_describe_claim(m->seen, g_ptr_array_index(views, i));
    go_on(m);
}

/* FALSE when it is to come again, once more is known. */
static gboolean take_claim_signal(Monitor *m, const Signal *signal) {
    const char *slash = strrchr(signal->path, '/');
    const char *id = slash ? slash + 1 : signal->path;
    const char *state = signal->properties ? pca_lookup_string(signal->properties, "State") : NULL;
    gboolean known = g_hash_table_contains(m->seen->claims, id);
    if (state && known)
        printed(m, pca_monitor_seen_claim(m->seen, id, state, TRUE));
    if (!state || known)
        return TRUE;
    pca_monitor_seen_add_claim(m->seen, id);
    m->looking = TRUE;
    call(m, PCA_BUS_MANAGER, "ListClaims", NULL, "(a(oa{sv}))", on_claims_again);
    return FALSE;
}

static gboolean take_signal(Monitor *m, const Signal *signal) {
    if (g_str_equal(signal->interface, PCA_BUS_CLAIM))
        return take_claim_signal(m, signal);
    if (g_str_equal(signal->interface, PCA_BUS_MANAGER) && signal->properties)
        printed(m, pca_monitor_seen_policy(m->seen, signal->properties, TRUE));
    else if (g_str_equal(signal->interface, PCA_BUS_DEVICE) && !signal->properties)
        printed(m, pca_monitor_seen_device_gone(m->seen, signal->path));
    else if (g_str_equal(signal->interface, PCA_BUS_DEVICE) &&
             (g_hash_table_contains(m->seen->devices, signal->path) ||
              pca_lookup_string(signal->properties, "Address")))
        printed(m, pca_monitor_seen_device(m->seen, signal->path, signal->properties, TRUE));
    return TRUE;
}

static void go_on(Monitor *m) {
    while (m->phase == RUNNING && !m->looking && !g_queue_is_empty(m->signals)) {
        Signal *signal = g_queue_pop_head(m->signals);
        if (take_signal(m, signal))
            signal_free(signal);
        else
            g_queue_push_head(m->signals, signal);
    }
}

static void add_signal(Monitor *m, const char *path, const char *interface, GVariant *properties) {
    Phase answered = g_str_equal(interface, PCA_BUS_MANAGER) ? WAIT_CLAIMS
                     : g_str_equal(interface, PCA_BUS_CLAIM) ? WAIT_DEVICES
                                                             : RUNNING;
    if (m->phase < answered)
        return;
    Signal *signal = g_new0(Signal, 1);
    signal->path = g_strdup(path);
    signal->interface = g_strdup(interface);
    signal->properties = properties ? g_variant_ref(properties) : NULL;
    g_queue_push_tail(m->signals, signal);
    go_on(m);
}

static void on_properties(GDBusConnection *bus, const char *sender, const char *path,
                          const char *interface, const char *name, GVariant *parameters,
                          gpointer data) {
    const char *changed = NULL;
    g_autoptr(GVariant) properties = NULL;
    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(sa{sv}as)")))
        return;
    g_variant_get(parameters, "(&s@a{sv}as)", &changed, &properties, NULL);
    add_signal(data, path, changed, properties);
}

static void on_added(GDBusConnection *bus, const char *sender, const char *path,
                     const char *interface, const char *name, GVariant *parameters, gpointer data) {
    const char *object = NULL;
    g_autoptr(GVariant) interfaces = NULL;
    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(oa{sa{sv}})")))
        return;
    g_variant_get(parameters, "(&o@a{sa{sv}})", &object, &interfaces);
    g_autoptr(GVariant) properties =
        g_variant_lookup_value(interfaces, PCA_BUS_DEVICE, G_VARIANT_TYPE_VARDICT);
    if (properties)
        add_signal(data, object, PCA_BUS_DEVICE, properties);
}

static void on_removed(GDBusConnection *bus, const char *sender, const char *path,
                       const char *interface, const char *name, GVariant *parameters,
                       gpointer data) {
    const char *object = NULL;
    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(oas)")))
        return;
    g_variant_get(parameters, "(&oas)", &object, NULL);
    add_signal(data, object, PCA_BUS_DEVICE, NULL);
}

/* --- The daemon comes and goes --- */

static void tell_service(Monitor *m, gboolean running) {
    if (m->told == running)
        return;
    m->told = running;
    printed(m, pca_monitor_print_service(m->seen->options, running));
}

static gboolean has_view(GPtrArray *views, const char *id) {
    for (guint i = 0; i < views->len; i++)
        if (g_str_equal(((PcaClaimView *)g_ptr_array_index(views, i))->id, id))
            return TRUE;
    return FALSE;
}

static void take_claims(Monitor *m) {
    g_autoptr(GList) ids = g_hash_table_get_keys(m->seen->claims);
    for (GList *id = ids; id; id = id->next)
        if (!has_view(m->views, id->data))
            printed(m, pca_monitor_seen_claim(m->seen, id->data, "ended", m->seeded));
    for (guint i = 0; i < m->views->len; i++) {
        const PcaClaimView *view = g_ptr_array_index(m->views, i);
        const char *state = pca_lookup_string(view->details, "state");
        if (!g_hash_table_contains(m->seen->claims, view->id))
            pca_monitor_seen_add_claim(m->seen, view->id);
        pca_monitor_seen_describe_claim(m->seen, view);
        printed(m, pca_monitor_seen_claim(m->seen, view->id, state ? state : "unknown", m->seeded));
    }
}

static void take_devices(Monitor *m, GVariant *reply) {
    g_autoptr(GHashTable) gone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GVariantIter) objects = NULL;
    GHashTableIter iter;
    gpointer path;
    GVariant *interfaces;
    g_hash_table_iter_init(&iter, m->seen->devices);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        g_hash_table_add(gone, g_strdup(path));
    g_variant_get(reply, "(a{oa{sa{sv}}})", &objects);
    while (g_variant_iter_next(objects, "{&o@a{sa{sv}}}", &path, &interfaces)) {
        g_autoptr(GVariant) properties =
            g_variant_lookup_value(interfaces, PCA_BUS_DEVICE, G_VARIANT_TYPE_VARDICT);
        if (properties)
            printed(m, pca_monitor_seen_device(m->seen, path, properties, m->seeded));
        g_hash_table_remove(gone, path);
        g_variant_unref(interfaces);
    }
    g_hash_table_iter_init(&iter, gone);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        printed(m, pca_monitor_seen_device_gone(m->seen, path));
}

static void on_devices(GObject *source, GAsyncResult *result, gpointer data) {
    Monitor *m = data;
    g_autoptr(GVariant) reply = answer(m, result);
    if (!reply)
        return;
    m->phase = RUNNING;
    tell_service(m, TRUE);
    take_claims(m);
    take_devices(m, reply);
    m->seeded = TRUE;
    go_on(m);
}

static void on_claims(GObject *source, GAsyncResult *result, gpointer data) {
    Monitor *m = data;
    g_autoptr(GVariant) reply = answer(m, result);
    if (!reply)
        return;
    g_clear_pointer(&m->views, g_ptr_array_unref);
    m->views = pca_claims_read(reply);
    m->phase = WAIT_DEVICES;
    call(m, OBJECT_MANAGER, "GetManagedObjects", NULL, "(a{oa{sa{sv}}})", on_devices);
}

static void on_policy(GObject *source, GAsyncResult *result, gpointer data) {
    Monitor *m = data;
    g_autoptr(GVariant) reply = answer(m, result);
    if (!reply)
        return;
    g_autoptr(GVariant) properties = g_variant_get_child_value(reply, 0);
    /* Each daemon counts anew: what it begins with is no event. */
    pca_monitor_seen_policy(m->seen, properties, FALSE);
    m->phase = WAIT_CLAIMS;
    call(m, PCA_BUS_MANAGER, "ListClaims", NULL, "(a(oa{sv}))", on_claims);
}

static void forget_calls(Monitor *m) {
    g_cancellable_cancel(m->cancellable);
    g_clear_object(&m->cancellable);
    m->cancellable = g_cancellable_new();
    g_queue_clear_full(m->signals, signal_free);
    m->looking = FALSE;
    m->phase = WAIT_POLICY;
}

static void on_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data) {
    Monitor *m = data;
    forget_calls(m);
    call(m, PROPERTIES, "GetAll", g_variant_new("(s)", PCA_BUS_MANAGER), "(a{sv})", on_policy);
}

static void on_vanished(GDBusConnection *bus, const char *name, gpointer data) {
    Monitor *m = data;
    forget_calls(m);
    tell_service(m, FALSE);
}

/* --- The verb --- */

static gboolean on_end(gpointer data) {
    quit(data, 0);
    return G_SOURCE_CONTINUE;
}

static gboolean on_reader_gone(int fd, GIOCondition condition, gpointer data) {
    quit(data, 0);
    return G_SOURCE_REMOVE;
}

static void on_bus_gone(GDBusConnection *bus, gboolean remote, GError *error, gpointer data) {
    pca_complain("the system bus has gone");
    quit(data, PCA_EXIT_NO_DAEMON);
}

static void subscribe(Monitor *m, const char *interface, const char *signal,
                      GDBusSignalCallback callback) {
    g_dbus_connection_signal_subscribe(m->bus, PCA_BUS_NAME, interface, signal, NULL, NULL,
                                       G_DBUS_SIGNAL_FLAGS_NONE, callback, m, NULL);
}

static void watch(Monitor *m) {
    signal(SIGPIPE, SIG_IGN);
    g_unix_signal_add(SIGINT, on_end, m);
    g_unix_signal_add(SIGTERM, on_end, m);
    g_unix_fd_add(STDOUT_FILENO, G_IO_ERR | G_IO_HUP, on_reader_gone, m);
    g_signal_connect(m->bus, "closed", G_CALLBACK(on_bus_gone), m);
    subscribe(m, PROPERTIES, "PropertiesChanged", on_properties);
    subscribe(m, OBJECT_MANAGER, "InterfacesAdded", on_added);
    subscribe(m, OBJECT_MANAGER, "InterfacesRemoved", on_removed);
    m->watch = g_bus_watch_name_on_connection(m->bus, PCA_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                              on_appeared, on_vanished, m, NULL);
}

static void monitor_clear(Monitor *m) {
    /* Calls that are under way refer to the monitor. */
    g_bus_unwatch_name(m->watch);
    forget_calls(m);
    while (m->outstanding > 0)
        g_main_context_iteration(NULL, TRUE);
    g_clear_object(&m->cancellable);
    g_queue_free_full(m->signals, signal_free);
    pca_monitor_seen_free(m->seen);
    g_clear_pointer(&m->views, g_ptr_array_unref);
    g_main_loop_unref(m->loop);
    g_clear_object(&m->bus);
}

int pca_verb_monitor(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    if (pca_options_n_words(options) > 0) {
        pca_complain("monitor takes no argument, but '%s' was given", pca_options_word(options, 0));
        return PCA_EXIT_USAGE;
    }
    Monitor m = {.told = -1, .bus = pca_connect(&error)};
    if (!m.bus)
        return pca_fail(NULL, error);
    m.loop = g_main_loop_new(NULL, FALSE);
    m.cancellable = g_cancellable_new();
    m.signals = g_queue_new();
    m.seen = pca_monitor_seen_new(options);
    watch(&m);
    g_main_loop_run(m.loop);
    monitor_clear(&m);
    return m.status;
}
