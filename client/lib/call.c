/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: method calls: sending, waiting, and what an error means; parts of messages.
 * Thread: that of the handle. Ownership: messages belong to the caller.
 */
#include "private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

int64_t pcassign__now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int pcassign__milliseconds(uint64_t usec) {
    /* INT_MAX means "for ever" to libdbus. */
    return usec / 1000 >= INT_MAX ? INT_MAX - 1 : (int)((usec + 999) / 1000);
}

static int no_connection(struct pcassign *p) {
    return pcassign__fail(p, PCASSIGN_ERR_NO_SERVICE, "the connection to the bus is closed");
}

static int not_sent(struct pcassign *p) {
    if (!pcassign__is_connected(p))
        return no_connection(p);
    pcassign__disconnect(p);
    return pcassign__fail(p, PCASSIGN_ERR_TIMED_OUT, "the bus has not taken the message in time");
}

int pcassign__send(struct pcassign *p, DBusMessage *message, int timeout_ms,
                   DBusPendingCall **ret) {
    int64_t deadline = pcassign__now() + timeout_ms, left = timeout_ms;
    DBusPendingCall *pending = NULL;
    p->to_claim = !dbus_message_has_path(message, SERVICE_PATH);
    p->silent = false;
    if (!pcassign__is_connected(p))
        return no_connection(p);
    if (!dbus_connection_send_with_reply(p->bus, message, &pending, timeout_ms))
        return pcassign__no_memory(p);
    if (!pending)
        return no_connection(p);
    while (dbus_connection_has_messages_to_send(p->bus) && left > 0 &&
           dbus_connection_read_write(p->bus, (int)left))
        left = deadline - pcassign__now();
    if (!dbus_connection_has_messages_to_send(p->bus)) {
        *ret = pending;
        return 0;
    }
    dbus_pending_call_cancel(pending);
    dbus_pending_call_unref(pending);
    return not_sent(p);
}

/* Nobody else takes messages off a connection of ours; answers may come after their timeout. */
static void drop_strays(struct pcassign *p) {
    DBusMessage *message;
    while (p->owned && p->bus && (message = dbus_connection_pop_message(p->bus)))
        dbus_message_unref(message);
}

/* The object of a claim that has ended is not there, which libraries tell in several ways. */
static bool is_ended_claim(const struct pcassign *p, const char *name) {
    return p->to_claim && (strcmp(name, DBUS_ERROR_UNKNOWN_OBJECT) == 0 ||
                           strcmp(name, DBUS_ERROR_UNKNOWN_INTERFACE) == 0 ||
                           strcmp(name, DBUS_ERROR_UNKNOWN_METHOD) == 0);
}

static int error_of(struct pcassign *p, DBusMessage *reply) {
    const char *name = dbus_message_get_error_name(reply), *text = NULL;
    if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID) || !*text)
        text = name;
    int code = pcassign__error_from_name(name);
    /* The bus says NoReply when the service goes away, libdbus itself when the bus does or when
     * time is up. */
    p->silent = strcmp(name, DBUS_ERROR_NO_REPLY) == 0 && !dbus_message_get_sender(reply) &&
                pcassign__is_connected(p);
    if (p->silent)
        return pcassign__fail(p, PCASSIGN_ERR_TIMED_OUT, "pcassignd has not answered in time");
    if (!code)
        return pcassign__fail(p, PCASSIGN_ERR_FAILED, "%s: %s", name, text);
    if (is_ended_claim(p, name))
        code = PCASSIGN_ERR_NOT_FOUND;
    return pcassign__fail(p, code, "%s", text);
}

int pcassign__receive(struct pcassign *p, DBusPendingCall *pending, DBusMessage **ret) {
    dbus_pending_call_block(pending);
    DBusMessage *reply = dbus_pending_call_steal_reply(pending);
    dbus_pending_call_unref(pending);
    drop_strays(p);
    if (!reply)
        return no_connection(p);
    if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR) {
        int code = error_of(p, reply);
        dbus_message_unref(reply);
        return code;
    }
    *ret = reply;
    return 0;
}

int pcassign__call(struct pcassign *p, DBusMessage *message, int timeout_ms, const char *signature,
                   bool brings_fds, DBusMessage **ret) {
    AUTO_MESSAGE reply = NULL;
    DBusPendingCall *pending = NULL;
    int code = pcassign__send(p, message, timeout_ms, &pending);
    if (!code)
        code = pcassign__receive(p, pending, &reply);
    if (brings_fds && p->silent)
        pcassign__disconnect(p);
    if (code)
        return code;
    if (!dbus_message_has_signature(reply, signature))
        return pcassign__fail(p, PCASSIGN_ERR_PROTOCOL, "%s answered with (%s) instead of (%s)",
                              dbus_message_get_member(message), dbus_message_get_signature(reply),
                              signature);
    *ret = reply;
    reply = NULL;
    return 0;
}

DBusMessage *pcassign__claim_message(const struct pcassign_claim *claim, const char *method) {
    return dbus_message_new_method_call(SERVICE_NAME, claim->path, CLAIM_INTERFACE, method);
}

int pcassign__no_message(struct pcassign *p) {
    if (errno != EMFILE && errno != ENFILE)
        return pcassign__no_memory(p);
    return pcassign__fail(p, PCASSIGN_ERR_LIMIT_EXCEEDED, "descriptor: %s", strerror(errno));
}

bool pcassign__append_option(DBusMessageIter *dict, const char *key, int type, const void *value) {
    DBusMessageIter entry = DBUS_MESSAGE_ITER_INIT_CLOSED, variant = DBUS_MESSAGE_ITER_INIT_CLOSED;
    const char signature[] = {(char)type, '\0'};
    if (dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant) &&
        dbus_message_iter_append_basic(&variant, type, value) &&
        dbus_message_iter_close_container(&entry, &variant) &&
        dbus_message_iter_close_container(dict, &entry))
        return true;
    dbus_message_iter_abandon_container_if_open(&entry, &variant);
    dbus_message_iter_abandon_container_if_open(dict, &entry);
    return false;
}

/* Copies the basic value under `key`, when it has that type. */
static bool lookup(DBusMessageIter *dict, const char *key, int type, void *value) {
    DBusMessageIter entries, entry, variant;
    dbus_message_iter_recurse(dict, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
         dbus_message_iter_next(&entries)) {
        const char *found;
        dbus_message_iter_recurse(&entries, &entry);
        dbus_message_iter_get_basic(&entry, &found);
        dbus_message_iter_next(&entry);
        dbus_message_iter_recurse(&entry, &variant);
        if (strcmp(found, key) != 0 || dbus_message_iter_get_arg_type(&variant) != type)
            continue;
        dbus_message_iter_get_basic(&variant, value);
        return true;
    }
    return false;
}

const char *pcassign__lookup(DBusMessageIter *dict, const char *key) {
    const char *value = NULL;
    return lookup(dict, key, DBUS_TYPE_STRING, &value) ? value : NULL;
}

bool pcassign__lookup_number(DBusMessageIter *dict, const char *key, uint64_t *value) {
    dbus_uint64_t number;
    if (!lookup(dict, key, DBUS_TYPE_UINT64, &number))
        return false;
    *value = number;
    return true;
}

int pcassign__get_fd(struct pcassign *p, DBusMessageIter *iter) {
    int fd = -1;
    errno = 0;
    dbus_message_iter_get_basic(iter, &fd);
    if (fd >= 0)
        return fd;
    if (errno == EMFILE || errno == ENFILE)
        return pcassign__fail(p, PCASSIGN_ERR_LIMIT_EXCEEDED, "descriptor: %s", strerror(errno));
    return pcassign__fail(p, PCASSIGN_ERR_PROTOCOL,
                          "the answer refers to a descriptor that has not come with it");
}
