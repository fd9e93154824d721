/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the daemon's side of the worker: one connection per request, on the main loop.
 * Thread: the main one; never blocks. Ownership: a call frees itself after its callback has run.
 */
#pragma once

#include <glib.h>

/* `reply` is NULL when the worker could not be reached or died before it answered, and `error` says
 * so. A reply with "ok" FALSE also comes with `error` made from it. Take descriptors out of `fds`
 * with pca_wire_steal_fd; the rest is closed. All arguments are borrowed. */
typedef void (*PcaWorkerFunc)(GVariant *reply, GArray *fds, const GError *error, gpointer data);

/* Sends `request` (floating: consumed; see wire.h) to the socket. The callback runs exactly once,
 * later, from the main loop; there is no time-out, because the kernel knows none. */
void pca_worker_call(const char *socket_path, GVariant *request, const int *fds, guint n_fds,
                     PcaWorkerFunc func, gpointer data);
