/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tells when the kernel adds, removes, binds or unbinds a PCI function. Nothing is read
 * from sysfs here: such reads can hang while a function is being evicted.
 * Thread: the one that runs the default main context. Ownership: pca_uevents_free ends it; the
 * callback is not called afterwards.
 */
#pragma once

#include <glib.h>

typedef struct PcaUevents PcaUevents;

/* `action` is the kernel's ("add", "remove", "change", "bind", "unbind", "move", ...), "change" for
 * any that somebody asked the kernel for by writing to a function's `uevent`, and `sysname`
 * the function's address, "0000:01:00.0"; both valid during the call only. With the action
 * PCA_UEVENT_RESCAN, sysname NULL, events were lost: look at everything. The callback must not free
 * the PcaUevents. */
#define PCA_UEVENT_RESCAN "rescan"
typedef void (*PcaUeventFunc)(const char *action, const char *sysname, gpointer data);

/* Listens on the default main context from now on: scan after this call, not before, and no event
 * falls in between. NULL with *error in PCA_ERROR_FAILED. */
PcaUevents *pca_uevents_new(PcaUeventFunc func, gpointer data, GError **error);
void pca_uevents_free(PcaUevents *uevents);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaUevents, pca_uevents_free)
