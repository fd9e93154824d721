/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the handle and its connection to the bus.
 * Thread: that of the handle. Ownership: the handle lives until it is closed and the last of its
 * claims freed; it closes the connection if that is its own.
 */
#include "private.h"

#define DEFAULT_TIMEOUT_USEC (30u * 1000 * 1000)

/* There is no handle yet that could keep it. */
static _Thread_local char connect_message[MESSAGE_SIZE];

static void unref(struct pcassign *p) {
    if (--p->refs > 0)
        return;
    pcassign__disconnect(p);
    if (p->bus)
        dbus_connection_unref(p->bus);
    free(p);
}

void pcassign__disconnect(struct pcassign *p) {
    if (!p->owned || !p->bus)
        return;
    dbus_connection_close(p->bus);
    dbus_connection_unref(p->bus);
    p->bus = NULL;
}

bool pcassign__is_connected(struct pcassign *p) {
    if (p->bus && dbus_connection_get_is_connected(p->bus))
        return true;
    pcassign__disconnect(p);
    return false;
}

struct pcassign *pcassign__ref(struct pcassign *p) {
    p->refs++;
    return p;
}

EXPORT void pcassign_close(struct pcassign *p) {
    if (p)
        unref(p);
}

/* Takes one reference to `bus`, with what belongs to it; gives it back on failure. */
static int wrap(DBusConnection *bus, bool owned, struct pcassign **ret) {
    struct pcassign *p = calloc(1, sizeof *p);
    int code = 0;
    if (!p)
        code = pcassign__complain(connect_message, PCASSIGN_ERR_NO_MEMORY, "out of memory");
    else if (!dbus_connection_get_is_connected(bus))
        code = pcassign__complain(connect_message, PCASSIGN_ERR_NO_SERVICE,
                                  "the connection to the bus is closed");
    else if (!dbus_connection_can_send_type(bus, DBUS_TYPE_UNIX_FD))
        code = pcassign__complain(connect_message, PCASSIGN_ERR_UNSUPPORTED,
                                  "this connection to the bus does not pass descriptors");
    if (code) {
        if (owned)
            dbus_connection_close(bus);
        dbus_connection_unref(bus);
        free(p);
        return code;
    }
    *p = (struct pcassign){
        .bus = bus, .owned = owned, .refs = 1, .timeout_usec = DEFAULT_TIMEOUT_USEC};
    *ret = p;
    return 0;
}

/* Whatever keeps us from the bus is its absence, unless the bus refuses us or we lack something. */
static int connect_failed(DBusError *error) {
    int code = pcassign__error_from_name(error->name);
    if (code != PCASSIGN_ERR_NOT_PERMITTED && code != PCASSIGN_ERR_NO_MEMORY &&
        code != PCASSIGN_ERR_LIMIT_EXCEEDED)
        code = PCASSIGN_ERR_NO_SERVICE;
    pcassign__complain(connect_message, code, "system bus: %s", error->message);
    dbus_error_free(error);
    return code;
}

EXPORT int pcassign_connect(struct pcassign **ret) {
    DBusError error = DBUS_ERROR_INIT;
    connect_message[0] = '\0';
    if (!ret)
        return PCASSIGN_ERR_INVALID_ARGUMENT;
    /* libdbus would ignore SIGPIPE for the whole process; its writes to sockets never raise it. */
    dbus_connection_set_change_sigpipe(FALSE);
    DBusConnection *bus = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error);
    if (!bus)
        return connect_failed(&error);
    dbus_connection_set_exit_on_disconnect(bus, FALSE);
    return wrap(bus, true, ret);
}

EXPORT int pcassign_connect_bus(DBusConnection *bus, struct pcassign **ret) {
    connect_message[0] = '\0';
    if (!bus || !ret)
        return PCASSIGN_ERR_INVALID_ARGUMENT;
    return wrap(dbus_connection_ref(bus), false, ret);
}

EXPORT int pcassign_set_timeout(struct pcassign *p, uint64_t usec) {
    p->message[0] = '\0';
    if (usec == 0)
        return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT, "a timeout of 0");
    p->timeout_usec = usec;
    return 0;
}

EXPORT const char *pcassign_last_error(const struct pcassign *p) {
    return p ? p->message : connect_message;
}
