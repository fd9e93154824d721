/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of libpcassign share; nothing of it is seen outside.
 * Thread: that of the handle. Ownership: as in pcassign.h.
 */
#pragma once

#include "pcassign.h"

#include <dbus/dbus.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define PRINTF(a, b) __attribute__((format(printf, a, b)))
#define AUTO(function) __attribute__((cleanup(function)))

#define SERVICE_NAME "org.pcassign1"
#define SERVICE_PATH "/org/pcassign1"
#define CLAIM_PREFIX "/org/pcassign1/claim/"
#define DEVICE_PREFIX "/org/pcassign1/device/"
#define MANAGER_INTERFACE "org.pcassign1.Manager"
#define CLAIM_INTERFACE "org.pcassign1.Claim"

#define MESSAGE_SIZE 1024

struct pcassign {
    DBusConnection *bus; /* NULL: our own, which broke */
    bool owned;          /* private to the handle, which closes it */
    unsigned refs;       /* of the caller, and of each claim */
    uint64_t timeout_usec;
    bool to_claim; /* the call that is on its way goes to a claim's object */
    bool silent;   /* nobody has answered the last call in time */
    char message[MESSAGE_SIZE];
};

struct pcassign_claim {
    struct pcassign *p;
    char *path;
    int lease; /* -1: stolen */
    char *state;
    char *reason;
    char *release_reason;
};

static inline void pcassign__close(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static inline int pcassign__steal(int *fd) {
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

static inline void pcassign__unref_message(DBusMessage **message) {
    if (*message)
        dbus_message_unref(*message);
}

static inline void pcassign__free_fds(struct pcassign_fds **fds) {
    pcassign_fds_free(*fds);
}

#define AUTO_FD AUTO(pcassign__close) int
#define AUTO_MESSAGE AUTO(pcassign__unref_message) DBusMessage *
#define AUTO_FDS AUTO(pcassign__free_fds) struct pcassign_fds *

/* --- error.c --- */

/* Writes the text into a buffer of MESSAGE_SIZE bytes, cut at a character; returns `code`. */
int pcassign__complain(char *buffer, int code, const char *format, ...) PRINTF(3, 4);

#define pcassign__fail(p, code, ...) pcassign__complain((p)->message, code, __VA_ARGS__)

int pcassign__no_memory(struct pcassign *p);

/* The code for an error's D-Bus name; 0 when it is not one that is known. */
int pcassign__error_from_name(const char *name);

/* --- connect.c --- */

struct pcassign *pcassign__ref(struct pcassign *p);

/* Whether there is a connection. One of our own that broke is dropped, because messages that it has
 * not sent hold copies of their descriptors, such as the lease. */
bool pcassign__is_connected(struct pcassign *p);

/* Closes and drops the connection if it is our own. */
void pcassign__disconnect(struct pcassign *p);

/* --- call.c --- */

/* Milliseconds of a clock that only goes forward. */
int64_t pcassign__now(void);

int pcassign__milliseconds(uint64_t usec);

/* Sends the message and writes it out; with *ret the caller goes on to pcassign__receive(). */
int pcassign__send(struct pcassign *p, DBusMessage *message, int timeout_ms, DBusPendingCall **ret);

/* Waits for the answer and frees `pending`. An error becomes its code and its message. */
int pcassign__receive(struct pcassign *p, DBusPendingCall *pending, DBusMessage **ret);

/* Both of them, and the answer must have the signature. When nobody answers and `brings_fds`, the
 * handle's own connection is closed: descriptors in an answer that nobody reads would stay open. */
int pcassign__call(struct pcassign *p, DBusMessage *message, int timeout_ms, const char *signature,
                   bool brings_fds, DBusMessage **ret);

/* A method call to the claim; NULL when there is no memory. */
DBusMessage *pcassign__claim_message(const struct pcassign_claim *claim, const char *method);

/* Why a message with descriptors could not be made, by errno: libdbus copies each that it is given,
 * and does not say what was short. */
int pcassign__no_message(struct pcassign *p);

/* Appends {key: variant of that basic type} to an open array of such; false without memory. */
bool pcassign__append_option(DBusMessageIter *dict, const char *key, int type, const void *value);

/* The string under `key` in a dictionary a{sv}; NULL when there is none. Borrowed. */
const char *pcassign__lookup(DBusMessageIter *dict, const char *key);

/* The same for a number of 64 bits; false when there is none. */
bool pcassign__lookup_number(DBusMessageIter *dict, const char *key, uint64_t *value);

/* The descriptor that the iterator is at, as a new one; a code and its message if it is not there.
 */
int pcassign__get_fd(struct pcassign *p, DBusMessageIter *iter);

/* --- fds.c --- */

/* An empty list; NULL without memory. */
struct pcassign_fds *pcassign__fds_new(void);

/* Takes the descriptor over, also when it fails; strings are copied. 0 or NO_MEMORY. */
int pcassign__fds_add(struct pcassign_fds *fds, int fd, const char *role, const char *name,
                      const char *address);

/* --- channel.c --- */

/* Receives until the packet that ends it; `deadline` is by pcassign__now(). *closed tells whether
 * it failed because the other side closed it before. */
int pcassign__channel_receive(struct pcassign *p, int channel, int64_t deadline,
                              struct pcassign_fds *fds, bool *closed);
