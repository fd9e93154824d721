/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: stopping services through the system's manager, one process after the other.
 * Thread: the main one. Ownership: see the header; a stop belongs to its task.
 */
#include "auth/units.h"

#include <fcntl.h>
#include <string.h>

#include "auth/subject.h"
#include "base/fds.h"

#define NAME "org.freedesktop.systemd1"
#define PATH "/org/freedesktop/systemd1"
#define MANAGER NAME ".Manager"
#define TIMEOUT_MS 5000

struct PcaUnits {
    GDBusConnection *bus;
    guint refs;
};

typedef struct {
    PcaUnits *units;
    GArray *pidfds; /* of int; owned */
    guint next;     /* the one to look at then */
    char *unit;     /* of the one that is looked at now */
    GPtrArray *stopped;
} Stop;

PcaUnits *pca_units_new(GDBusConnection *bus) {
    PcaUnits *units = g_new0(PcaUnits, 1);
    units->bus = g_object_ref(bus);
    units->refs = 1;
    return units;
}

PcaUnits *pca_units_ref(PcaUnits *units) {
    units->refs++;
    return units;
}

void pca_units_unref(PcaUnits *units) {
    if (--units->refs > 0)
        return;
    g_object_unref(units->bus);
    g_free(units);
}

static void stop_free(gpointer data) {
    Stop *stop = data;
    for (guint i = 0; i < stop->pidfds->len; i++)
        pca_fd_close(&g_array_index(stop->pidfds, int, i));
    g_array_unref(stop->pidfds);
    g_ptr_array_unref(stop->stopped);
    g_free(stop->unit);
    pca_units_unref(stop->units);
    g_free(stop);
}

static void look_at_next(GTask *task);

static void call(GTask *task, const char *path, const char *interface, const char *method,
                 GVariant *args, const char *type, GAsyncReadyCallback callback) {
    Stop *stop = g_task_get_task_data(task);
    g_autoptr(GVariantType) reply = g_variant_type_new(type);
    g_dbus_connection_call(stop->units->bus, NAME, path, interface, method, args, reply,
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS, NULL, callback, task);
}

/* NULL after a word in the journal: then this one is left to whoever ends processes. */
static GVariant *take_answer(GObject *source, GAsyncResult *result, GTask *task) {
    Stop *stop = g_task_get_task_data(task);
    g_autoptr(GError) error = NULL;
    GVariant *reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (!reply) {
        g_dbus_error_strip_remote_error(error);
        g_warning("%s cannot be stopped: %s", stop->unit, error->message);
    }
    return reply;
}

static void on_stopped(GObject *source, GAsyncResult *result, gpointer data) {
    GTask *task = data;
    Stop *stop = g_task_get_task_data(task);
    g_autoptr(GVariant) reply = take_answer(source, result, task);
    if (reply)
        g_ptr_array_add(stop->stopped, g_steal_pointer(&stop->unit));
    look_at_next(task);
}

static void on_main_process(GObject *source, GAsyncResult *result, gpointer data) {
    GTask *task = data;
    Stop *stop = g_task_get_task_data(task);
    g_autoptr(GVariant) reply = take_answer(source, result, task);
    g_autoptr(GVariant) value = NULL;
    guint32 pid = 0;
    if (reply)
        g_variant_get(reply, "(v)", &value);
    if (value && g_variant_is_of_type(value, G_VARIANT_TYPE_UINT32))
        pid = g_variant_get_uint32(value);
    /* As long as the pidfd's process lives, its number is no other's. */
    if (pid != 0 && (pid_t)pid == pca_process_of(g_array_index(stop->pidfds, int, stop->next - 1)))
        call(task, PATH, MANAGER, "StopUnit", g_variant_new("(ss)", stop->unit, "replace"), "(o)",
             on_stopped);
    else
        look_at_next(task);
}

static void on_unit(GObject *source, GAsyncResult *result, gpointer data) {
    GTask *task = data;
    g_autoptr(GVariant) reply = take_answer(source, result, task);
    const char *path;
    if (!reply) {
        look_at_next(task);
        return;
    }
    g_variant_get(reply, "(&o)", &path);
    call(task, path, "org.freedesktop.DBus.Properties", "Get",
         g_variant_new("(ss)", NAME ".Service", "MainPID"), "(v)", on_main_process);
}

static gboolean is_service(const char *unit) {
    return unit && g_str_has_suffix(unit, ".service") && !g_str_has_prefix(unit, "user@") &&
           g_utf8_validate(unit, -1, NULL);
}

static void look_at_next(GTask *task) {
    Stop *stop = g_task_get_task_data(task);
    while (stop->next < stop->pidfds->len) {
        g_free(stop->unit);
        stop->unit = pca_process_unit(g_array_index(stop->pidfds, int, stop->next++));
        if (!is_service(stop->unit))
            continue;
        call(task, PATH, MANAGER, "GetUnit", g_variant_new("(s)", stop->unit), "(o)", on_unit);
        return;
    }
    g_ptr_array_add(stop->stopped, NULL);
    g_task_return_pointer(task, g_strdupv((char **)stop->stopped->pdata),
                          (GDestroyNotify)g_strfreev);
    g_object_unref(task);
}

void pca_units_stop_async(PcaUnits *units, const GArray *pidfds, GAsyncReadyCallback callback,
                          gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    Stop *stop = g_new0(Stop, 1);
    stop->units = pca_units_ref(units);
    stop->pidfds = g_array_new(FALSE, FALSE, sizeof(int));
    stop->stopped = g_ptr_array_new_with_free_func(g_free);
    g_task_set_task_data(task, stop, stop_free);
    for (guint i = 0; i < pidfds->len; i++) {
        int copy = fcntl(g_array_index(pidfds, int, i), F_DUPFD_CLOEXEC, 3);
        if (copy >= 0)
            g_array_append_val(stop->pidfds, copy);
    }
    look_at_next(task);
}

char **pca_units_stop_finish(GAsyncResult *result) {
    return g_task_propagate_pointer(G_TASK(result), NULL);
}
