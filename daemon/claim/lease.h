/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the lease: a FIFO of which the daemon holds the reading end and the client the only
 * writing end. It lives as long as any process holds that end, survives exec and the daemon's
 * restart, and cannot be opened by path by anybody but root.
 * Thread: the main one. Ownership: descriptors are the caller's.
 */
#pragma once

#include <glib.h>

/* Makes the FIFO at `path` and opens both ends; FALSE with *error and nothing left behind. */
gboolean pca_lease_create(const char *path, int *reader, int *writer, GError **error);

/* Opens the reading end of an existing FIFO; -1 with *error. */
int pca_lease_open(const char *path, GError **error);

/* Whether somebody holds the writing end. Asked by read(), because a FIFO that is opened after its
 * last writer went never polls as hung up. */
gboolean pca_lease_alive(int reader);

/* Whether `fd` is the writing end of the FIFO behind `reader`. */
gboolean pca_lease_proves(int reader, int fd);
