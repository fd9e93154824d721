/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: who is told that a claim is to be given back: the connections that made it or opened its
 * devices. The signal goes to each of them alone; only then the bus is asked which are still there,
 * since nobody who claims should wait for that.
 * Thread: the main one. Ownership: a claim's object owns its listeners.
 */
#include "bus/private.h"

#define LISTENERS "pcassign-listeners" /* data of a claim's object: a GPtrArray of unique names */
#define MAX_LISTENERS 16

static GPtrArray *listeners_of(PcaBusClaim *object) {
    GPtrArray *list = g_object_get_data(G_OBJECT(object), LISTENERS);
    if (list)
        return list;
    list = g_ptr_array_new_with_free_func(g_free);
    g_object_set_data_full(G_OBJECT(object), LISTENERS, list, (GDestroyNotify)g_ptr_array_unref);
    return list;
}

void pca_listeners_add(PcaBusClaim *object, const char *sender) {
    GPtrArray *list = listeners_of(object);
    if (g_ptr_array_find_with_equal_func(list, sender, g_str_equal, NULL))
        return;
    if (list->len >= MAX_LISTENERS)
        g_ptr_array_remove_index(list, 0);
    g_ptr_array_add(list, g_strdup(sender));
}

/* ---- Who is still there ---- */

typedef struct {
    PcaBus *bus;
    PcaClaim *claim;
    guint left; /* to answer */
    gboolean present;
} RollCall;

/* A bus never gives a unique name to a second connection. */
static void on_answer(GObject *source, GAsyncResult *result, gpointer data) {
    RollCall *roll = data;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
    gboolean present = TRUE; /* where the bus does not say */
    if (reply)
        g_variant_get(reply, "(b)", &present);
    roll->present |= present;
    if (--roll->left > 0)
        return;
    if (!roll->present && roll->bus->service)
        pca_service_nobody_listens(roll->bus->service, roll->claim);
    pca_claim_unref(roll->claim);
    g_free(roll);
}

static void call_roll(PcaBus *bus, PcaClaim *claim, const GPtrArray *list) {
    RollCall *roll = g_new0(RollCall, 1);
    roll->bus = bus;
    roll->claim = pca_claim_ref(claim);
    roll->left = list->len;
    for (guint i = 0; i < list->len; i++)
        g_dbus_connection_call(bus->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "NameHasOwner",
                               g_variant_new("(s)", g_ptr_array_index(list, i)),
                               G_VARIANT_TYPE("(b)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_answer,
                               roll);
}

guint pca_listeners_tell(PcaBus *bus, PcaClaim *claim) {
    PcaBusClaim *object = g_hash_table_lookup(bus->claims, claim->id);
    if (!object)
        return 0;
    const GPtrArray *list = listeners_of(object);
    if (list->len == 0)
        return 0;
    g_autofree char *path = pca_translate_claim_path(claim);
    for (guint i = 0; i < list->len; i++)
        g_dbus_connection_emit_signal(
            bus->connection, g_ptr_array_index(list, i), path, "org.pcassign1.Claim",
            "ReleaseRequested",
            g_variant_new("(st)", claim->release_reason, (guint64)claim->release_deadline), NULL);
    pca_bus_claim_set_release_deadline(object, (guint64)claim->release_deadline);
    call_roll(bus, claim, list);
    return list->len;
}
