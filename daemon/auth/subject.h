/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: who calls, as the bus says it; never as /proc does.
 * Thread: the main one. Ownership: reference-counted; not changed once it is shared.
 */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

typedef struct {
    char *sender; /* unique bus name */
    guint32 uid;
    guint32 pid;
    GArray *gids;            /* of guint32; empty when the bus does not tell */
    char *label;             /* of the security module, as supplied by the bus; NULL without one */
    int pidfd;               /* of the calling process, or -1 when it has gone */
    gboolean pidfd_from_bus; /* otherwise it was opened by number, which may be another's by then */
    char *unit;              /* see pca_subject_unit */
    gboolean unit_known;
    guint refs;
} PcaSubject;

PcaSubject *pca_subject_ref(PcaSubject *subject);
void pca_subject_unref(PcaSubject *subject);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaSubject, pca_subject_unref)

/* For tests and for the daemon itself: a subject without a connection. */
PcaSubject *pca_subject_new(const char *sender, guint32 uid, guint32 pid);

/* From an answer to GetConnectionCredentials (D-Bus Specification, "Message Bus Messages"). NULL
 * when it names no uid. */
PcaSubject *pca_subject_read(const char *sender, GVariant *credentials, GUnixFDList *fds);

/* The process behind a pidfd; 0 when it has ended (proc_pid_fdinfo(5)). */
pid_t pca_process_of(int pidfd);

/* The system unit that it is in; NULL when it is in none or has ended. Free with g_free. */
char *pca_process_unit(int pidfd);

/* The system unit that the process is in now, as a name with its suffix; NULL unless the bus itself
 * gave the pidfd (dbus 1.16, dbus-broker 34) and the process lives. Looked up once; the subject's.
 */
const char *pca_subject_unit(PcaSubject *subject);
