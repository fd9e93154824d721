/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a bus of its own, a fake host (tests/support/fake-host.machine, fake-worker) and the
 * real pcassignd on both; and what a third party does there. Nothing of it touches the machine's
 * own bus or /sys. Thread: main. Ownership: pca_world_free ends the processes, of which the daemon
 * must end well and without a word from a sanitizer; what cannot be done ends the test. Returned
 * values are the caller's.
 */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "base/fds.h"
#include "support/suite.h"

#define MANAGER "org.pcassign1.Manager"
#define CLAIM "org.pcassign1.Claim"
#define DEVICE "org.pcassign1.Device"
#define ROOT_PATH "/org/pcassign1"
#define NIC "0000:01:00.0"
#define NIC_2 "0000:08:00.0"

/* Users of fake-host.policy: numbers that have an account everywhere, which dbus-daemon wants. */
#define ALICE 65534
#define BOB 1
#define CAROL 2
#define VM_GROUP 61300

typedef struct {
    char *work;    /* directory: bus socket, logs */
    char *tree;    /* of the fake host */
    char *address; /* of the bus */
    pid_t bus, worker, daemon;
    int notify;     /* where the daemon says that it is ready */
    guint grace_ms; /* of an unbind, for the next daemon; 0: pca_world_grace */
    guint owner_ms; /* of an owner whose claim is taken back, likewise; 0: PCA_WORLD_OWNER */
} PcaWorld;

/* How long the daemon waits before a release counts as stuck; milliseconds. */
#define PCA_WORLD_GRACE 1000
extern guint pca_world_grace;
#define PCA_WORLD_OWNER 100

PcaWorld *pca_world_new(void);
void pca_world_free(PcaWorld *world);

/* Waits until it is ready; until it is gone. SIGKILL needs no good end. */
void pca_world_start_daemon(PcaWorld *world);
void pca_world_end_daemon(PcaWorld *world, int signal);

/* A command for the fake host; see fake-commands.h. */
void pca_world_tell(const PcaWorld *world, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The driver of a function now; NULL without one. */
char *pca_world_driver(const PcaWorld *world, const char *address);

/* What the worker did so far that changes something, a line each; "" when nothing. */
char *pca_world_log(const PcaWorld *world);

/* Waits until a worker waits where it was told to pause. All of these have half a minute. */
void pca_world_await_paused(const PcaWorld *world);

/* ... until the function has this driver, and no claim is left on disk. */
void pca_world_await_driver(const PcaWorld *world, const char *address, const char *driver);
void pca_world_await_no_claim(const PcaWorld *world);

/* The same for every function of fake-host.machine that can be claimed. */
void pca_await_all_back(const PcaWorld *world);

/* The daemon's descriptors. */
guint pca_world_count_fds(const PcaWorld *world);

/* Waits until the daemon has no more than so many; whether it came to that. */
gboolean pca_world_await_fds(const PcaWorld *world, guint wanted);

GDBusConnection *pca_world_connect(const PcaWorld *world);

/* Root's part in a user namespace where this process is not root; ends it as skipped, or where CI
 * is set as failed, when that is not allowed either. */
void pca_play_root(void);

/* From here on this process is another user, as far as the bus and the daemon can see; 0: itself
 * again. FALSE where only the real root can: then the test is left out, or fails where CI is set.
 */
gboolean pca_become(guint32 uid);

/* A connection of that user with this group. */
GDBusConnection *pca_world_connect_as(const PcaWorld *world, guint32 uid, guint32 gid);

/* "Interface.Method" of org.pcassign1 with floating arguments. `fd` (borrowed; -1: none) goes as
 * the message's only descriptor. NULL with *error, when that is not NULL; else the test ends. */
GVariant *pca_call_fds(GDBusConnection *c, const char *path, const char *method, GVariant *args,
                       int fd, GUnixFDList **fds, GError **error);
GVariant *pca_call(GDBusConnection *c, const char *path, const char *method, GVariant *args,
                   GError **error);

/* The call fails with org.pcassign1.Error.NAME; its message, borrowed until the next failure. */
const char *pca_refused(GDBusConnection *c, const char *path, const char *method, GVariant *args,
                        const char *name);

/* Whether the error is that one. */
gboolean pca_is_error(const GError *error, const char *name);

/* (a(sa{sv})a{sv}) of words; options: text of a dictionary, such as "{'title': <'x'>}"; or NULL. */
GVariant *pca_devices(const char *words, const char *options);

typedef struct {
    char *path;
    int lease;
} PcaHeld;
void pca_held_clear(PcaHeld *held);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PcaHeld, pca_held_clear)

PcaHeld pca_claim_words(GDBusConnection *c, const char *words);
PcaHeld pca_claim_with(GDBusConnection *c, const char *words, const char *options);

/* The same without waiting, on a connection of its own; *ended counts one when it is answered or
 * its connection closed (pca_await). */
GDBusConnection *pca_begin_claim(const PcaWorld *world, const char *words, guint *ended);

/* Descriptors of Open; NULL with *error. */
GUnixFDList *pca_open_held(GDBusConnection *c, const PcaHeld *held, GVariant **entries,
                           GError **error);

/* A property as text; NULL when there is no such object. */
char *pca_property(GDBusConnection *c, const char *path, const char *interface, const char *name);

/* Runs the main context until the counter reaches the number; ends the test after 30 seconds. */
void pca_await(const guint *counter, guint wanted);
