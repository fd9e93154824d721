/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: having modules loaded by systemd, whose unit modprobe@.service does so; this process has
 * not the right to, and needs none.
 * Thread: the main one. Ownership: a load frees itself when it is told of.
 */
#include "bus/private.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define PATIENCE (10 * G_TIME_SPAN_SECOND)
#define CALL_TIMEOUT_MS 10000
#define POLL_INTERVAL_MS 20

typedef struct {
    PcaBus *bus;
    char *module;
    char *job; /* its path */
    gint64 end;
    void (*done)(gpointer data);
    gpointer data;
} Load;

static void finish(Load *load) {
    load->done(load->data);
    g_free(load->module);
    g_free(load->job);
    g_free(load);
}

static gboolean on_poll(gpointer data);

/* The object of a job is there as long as the job. */
static void on_state(GObject *source, GAsyncResult *result, gpointer data) {
    Load *load = data;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
    if (reply && g_get_monotonic_time() < load->end)
        g_timeout_add(POLL_INTERVAL_MS, on_poll, load);
    else
        finish(load);
}

static gboolean on_poll(gpointer data) {
    Load *load = data;
    g_dbus_connection_call(load->bus->connection, SYSTEMD, load->job,
                           "org.freedesktop.DBus.Properties", "Get",
                           g_variant_new("(ss)", SYSTEMD ".Job", "State"), NULL,
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_TIMEOUT_MS, NULL, on_state, load);
    return G_SOURCE_REMOVE;
}

static void on_started(GObject *source, GAsyncResult *result, gpointer data) {
    Load *load = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (!reply) {
        g_message("systemd does not load the module %s: %s", load->module, error->message);
        finish(load);
        return;
    }
    g_variant_get(reply, "(o)", &load->job);
    on_poll(load);
}

void pca_bus_load_module(const char *module, void (*done)(gpointer data), gpointer done_data,
                         gpointer data) {
    PcaBus *bus = data;
    Load *load = g_new0(Load, 1);
    *load = (Load){.bus = bus,
                   .module = g_strdelimit(g_strdup(module), "-", '_'),
                   .end = g_get_monotonic_time() + PATIENCE,
                   .done = done,
                   .data = done_data};
    g_autofree char *unit = g_strdup_printf("modprobe@%s.service", load->module);
    g_message("asking systemd for %s", unit);
    g_dbus_connection_call(bus->connection, SYSTEMD, "/org/freedesktop/systemd1",
                           SYSTEMD ".Manager", "StartUnit", g_variant_new("(ss)", unit, "replace"),
                           G_VARIANT_TYPE("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_TIMEOUT_MS,
                           NULL, on_started, load);
}
