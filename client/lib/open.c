/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: Open: the descriptors of a claim, from the answer or through a channel.
 * Thread: that of the handle. Ownership: the list is the caller's.
 */
#include "private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define REPLY_SIGNATURE "a(ssha{sv})"

/* `channel` is -1 for none. */
static DBusMessage *open_message(const struct pcassign_claim *claim, int channel) {
    AUTO_MESSAGE message = pcassign__claim_message(claim, "Open");
    DBusMessageIter args, dict = DBUS_MESSAGE_ITER_INIT_CLOSED;
    if (!message)
        return NULL;
    dbus_message_iter_init_append(message, &args);
    if (!dbus_message_iter_append_basic(&args, DBUS_TYPE_UNIX_FD, &claim->lease) ||
        !dbus_message_iter_open_container(&args, DBUS_TYPE_ARRAY, "{sv}", &dict) ||
        (channel >= 0 && !pcassign__append_option(&dict, "channel", DBUS_TYPE_UNIX_FD, &channel)) ||
        !dbus_message_iter_close_container(&args, &dict)) {
        dbus_message_iter_abandon_container_if_open(&args, &dict);
        return NULL;
    }
    DBusMessage *result = message;
    message = NULL;
    return result;
}

static int add_entry(struct pcassign *p, DBusMessageIter *array, struct pcassign_fds *fds) {
    DBusMessageIter entry;
    const char *role, *name;
    dbus_message_iter_recurse(array, &entry);
    dbus_message_iter_get_basic(&entry, &role);
    dbus_message_iter_next(&entry);
    dbus_message_iter_get_basic(&entry, &name);
    dbus_message_iter_next(&entry);
    int fd = pcassign__get_fd(p, &entry);
    if (fd < 0)
        return fd;
    dbus_message_iter_next(&entry);
    const char *address = pcassign__lookup(&entry, "address");
    int code = pcassign__fds_add(fds, fd, role, name, address ? address : "");
    return code ? pcassign__no_memory(p) : 0;
}

static int open_by_reply(struct pcassign_claim *claim, struct pcassign_fds *fds) {
    struct pcassign *p = claim->p;
    AUTO_MESSAGE reply = NULL;
    DBusMessageIter iter, array;
    errno = 0;
    AUTO_MESSAGE message = open_message(claim, -1);
    if (!message)
        return pcassign__no_message(p);
    int timeout = pcassign__milliseconds(p->timeout_usec);
    int code = pcassign__call(p, message, timeout, REPLY_SIGNATURE, true, &reply);
    if (code)
        return code;
    dbus_message_iter_init(reply, &iter);
    dbus_message_iter_recurse(&iter, &array);
    for (; !code && dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRUCT;
         dbus_message_iter_next(&array))
        code = add_entry(p, &array, fds);
    return code;
}

/* Sends Open with one end of a new pair of sockets, of which only the other, *ret, is left here. */
static int send_channel(struct pcassign_claim *claim, int timeout, int *ret,
                        DBusPendingCall **pending) {
    struct pcassign *p = claim->p;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return pcassign__fail(p,
                              errno == EMFILE || errno == ENFILE ? PCASSIGN_ERR_LIMIT_EXCEEDED
                                                                 : PCASSIGN_ERR_FAILED,
                              "socket: %s", strerror(errno));
    AUTO_FD ours = pair[0];
    AUTO_FD theirs = pair[1];
    errno = 0;
    AUTO_MESSAGE message = open_message(claim, theirs);
    if (!message)
        return pcassign__no_message(p);
    int code = pcassign__send(p, message, timeout, pending);
    if (!code)
        *ret = pcassign__steal(&ours);
    return code;
}

static int open_by_channel(struct pcassign_claim *claim, struct pcassign_fds *fds) {
    struct pcassign *p = claim->p;
    AUTO_FD channel = -1;
    AUTO_MESSAGE reply = NULL;
    DBusPendingCall *pending = NULL;
    bool closed = false;
    int timeout = pcassign__milliseconds(p->timeout_usec);
    int64_t deadline = pcassign__now() + timeout;
    int code = send_channel(claim, timeout, &channel, &pending);
    if (code)
        return code;
    code = pcassign__channel_receive(p, channel, deadline, fds, &closed);
    if (code && !closed) {
        dbus_pending_call_cancel(pending);
        dbus_pending_call_unref(pending);
        return code;
    }
    /* A service that closes the channel early says why in its answer. */
    int answer = pcassign__receive(p, pending, &reply);
    return answer ? answer : code;
}

EXPORT int pcassign_open(struct pcassign_claim *claim, unsigned flags, struct pcassign_fds **ret) {
    struct pcassign *p = claim->p;
    p->message[0] = '\0';
    if (!ret || (flags & ~PCASSIGN_OPEN_CHANNEL))
        return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT, "unknown flags of open: %#x",
                              flags);
    if (claim->lease < 0)
        return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT,
                              "the lease was taken out of the claim");
    AUTO_FDS fds = pcassign__fds_new();
    if (!fds)
        return pcassign__no_memory(p);
    int code =
        flags & PCASSIGN_OPEN_CHANNEL ? open_by_channel(claim, fds) : open_by_reply(claim, fds);
    if (code)
        return code;
    *ret = fds;
    fds = NULL;
    return 0;
}
