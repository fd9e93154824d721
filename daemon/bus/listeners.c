/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: who is told that a claim is to be given back: the connections that made it or opened its
 * devices, as long as they are there. The signal goes to each of them alone.
 * Thread: the main one. Ownership: a claim's object owns its listeners.
 */
#include "bus/private.h"

#define LISTENERS "pcassign-listeners" /* data of a claim's object: a GPtrArray of Listener */
#define MAX_LISTENERS 16

typedef struct {
    GPtrArray *list;
    char *sender;
    guint watch;
} Listener;

static void listener_free(gpointer data) {
    Listener *listener = data;
    g_bus_unwatch_name(listener->watch);
    g_free(listener->sender);
    g_free(listener);
}

static void on_vanished(GDBusConnection *connection, const char *name, gpointer data) {
    Listener *listener = data;
    g_ptr_array_remove_fast(listener->list, listener);
}

static GPtrArray *listeners_of(PcaBusClaim *object) {
    GPtrArray *list = g_object_get_data(G_OBJECT(object), LISTENERS);
    if (list)
        return list;
    list = g_ptr_array_new_with_free_func(listener_free);
    g_object_set_data_full(G_OBJECT(object), LISTENERS, list, (GDestroyNotify)g_ptr_array_unref);
    return list;
}

void pca_listeners_add(PcaBus *bus, PcaBusClaim *object, const char *sender) {
    GPtrArray *list = listeners_of(object);
    for (guint i = 0; i < list->len; i++)
        if (g_str_equal(((Listener *)g_ptr_array_index(list, i))->sender, sender))
            return;
    if (list->len >= MAX_LISTENERS)
        return;
    Listener *listener = g_new0(Listener, 1);
    listener->list = list;
    listener->sender = g_strdup(sender);
    g_ptr_array_add(list, listener);
    /* A bus never gives a unique name to a second connection. */
    listener->watch = g_bus_watch_name_on_connection(
        bus->connection, sender, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_vanished, listener, NULL);
}

guint pca_listeners_tell(PcaBus *bus, const PcaClaim *claim) {
    PcaBusClaim *object = g_hash_table_lookup(bus->claims, claim->id);
    if (!object)
        return 0;
    const GPtrArray *list = listeners_of(object);
    if (list->len == 0)
        return 0;
    g_autofree char *path = pca_translate_claim_path(claim);
    for (guint i = 0; i < list->len; i++) {
        const Listener *listener = g_ptr_array_index(list, i);
        g_dbus_connection_emit_signal(
            bus->connection, listener->sender, path, "org.pcassign1.Claim", "ReleaseRequested",
            g_variant_new("(st)", claim->release_reason, (guint64)claim->release_deadline), NULL);
    }
    pca_bus_claim_set_release_deadline(object, (guint64)claim->release_deadline);
    return list->len;
}
