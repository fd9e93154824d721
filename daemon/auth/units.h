/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: has the system's manager (org.freedesktop.systemd1) stop services, so that they end in
 * their own way and are not started again at once.
 * Thread: the main one; nothing blocks. Ownership: reference-counted; lives as long as a stop is
 * under way.
 */
#pragma once

#include <gio/gio.h>

typedef struct PcaUnits PcaUnits;

PcaUnits *pca_units_new(GDBusConnection *bus);
PcaUnits *pca_units_ref(PcaUnits *units);
void pca_units_unref(PcaUnits *units);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaUnits, pca_units_unref)

/* Asks the manager to stop each service of which one of the processes behind `pidfds` (of int,
 * copied) is the main process. Nothing else is stopped: a session, a user's manager and a service
 * that only happens to have the process among others hold more than that process, which has to be
 * ended by itself. */
void pca_units_stop_async(PcaUnits *units, const GArray *pidfds, GAsyncReadyCallback callback,
                          gpointer data);

/* The names of those that it has begun to stop; free with g_strfreev. */
char **pca_units_stop_finish(GAsyncResult *result);
