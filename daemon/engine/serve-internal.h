/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files that answer requests share.
 * Thread: the worker's. Ownership: an exchange borrows everything; it lives as long as its request.
 */
#pragma once

#include "base/fds.h"
#include "sys/kernel.h"

typedef struct {
    PcaKernel *kernel;
    int socket;
    GVariant *request;
    GArray *fds;         /* that came with the request */
    gboolean locked;     /* the first of them is a journal whose lock we hold */
    GVariantDict *reply; /* being made */
    PcaFds *reply_fds;
} PcaExchange;

/* Others choose some of what ends up in a reply: a process its name, root a driver_override. The
 * caller's. */
char *pca_serve_printable(const char *text);

/* FALSE, with InvalidArgument: the request lacks `what`. */
gboolean pca_serve_malformed(const char *what, GError **error);

/* serve-users.c: the kinds of those names, see wire.h. */
gboolean pca_serve_probe(PcaExchange *x, GError **error);
gboolean pca_serve_holders(PcaExchange *x, GError **error);
gboolean pca_serve_stop(PcaExchange *x, GError **error);
gboolean pca_serve_uses(PcaExchange *x, GError **error);
