/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: calls to pcassignd, and the exit status of what goes wrong with them.
 * Thread: main. Ownership: replies and connections belong to the caller.
 */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#define PCA_BUS_NAME "org.pcassign1"
#define PCA_BUS_PATH "/org/pcassign1"
#define PCA_BUS_MANAGER "org.pcassign1.Manager"
#define PCA_BUS_DEVICE "org.pcassign1.Device"
#define PCA_BUS_CLAIM "org.pcassign1.Claim"

typedef struct {
    const char *path;
    const char *interface;
    const char *method;
    GVariant *arguments;    /* floating: taken over */
    const char *reply_type; /* such as "(ob)" */
    int timeout_ms;         /* 0: the usual one, 30 s */
    GUnixFDList *fds;       /* to send along; may be NULL; borrowed */
    gboolean no_start;      /* fails where the daemon does not run, instead of starting it */
    const char *waiting;    /* what to show on a terminal when it takes long; NULL: nothing */
    gboolean asks;          /* polkit may ask whoever sits at the terminal for a password */
} PcaCall;

/* The system bus; honours DBUS_SYSTEM_BUS_ADDRESS. Any failure is G_DBUS_ERROR_NO_SERVER. */
GDBusConnection *pca_connect(GError **error);

/* One call and its reply; *fds, when not NULL, becomes the list of descriptors in the reply, or
 * NULL. Errors are those of the daemon, of the bus, or of GIO. */
GVariant *pca_call(GDBusConnection *bus, const PcaCall *call, GUnixFDList **fds, GError **error);

/* Whether calls that take longer than a second show that on a terminal (they do unless told). */
void pca_progress_show(gboolean show);

/* Whether to name --offline where the daemon does not run. */
void pca_offline_suggest(gboolean possible);

/* pcassignctl's exit status for an error of pca_call(), pca_connect() or PCA_ERROR. */
int pca_exit_status(const GError *error);

/* Complains about the error on standard error and returns its exit status. `subject` is the device
 * or claim that it is about, or NULL; it is not repeated when the message begins with it. */
int pca_fail(const char *subject, const GError *error);

/* The string of this key; NULL when it is missing, of another type or empty. Borrowed. */
const char *pca_lookup_string(GVariant *dictionary, const char *key);
