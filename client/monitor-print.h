/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the lines of monitor: one event each, for people or as JSON.
 * Thread: main. Ownership: everything is borrowed.
 */
#pragma once

#include "options.h"

/* What monitor knows of a device; strings are never NULL. */
typedef struct {
    char *address;
    char *name;
    char *driver;
    char *driver_override;
    char *state;
} PcaSeenDevice;

typedef struct {
    char *id;
    char *state;    /* NULL until it is known */
    char **devices; /* addresses; NULL: not known */
    char *user;     /* NULL: not told */
} PcaSeenClaim;

/* Each prints and flushes one line, stamped with the present time; FALSE when standard output takes
 * no more, with errno set. */
gboolean pca_monitor_print_service(const PcaOptions *options, gboolean running);
gboolean pca_monitor_print_policy(const PcaOptions *options, guint64 generation, gboolean stale);
gboolean pca_monitor_print_claim(const PcaOptions *options, const PcaSeenClaim *claim);

/* `deadline`: microseconds of CLOCK_MONOTONIC. */
gboolean pca_monitor_print_request(const PcaOptions *options, const PcaSeenClaim *claim,
                                   guint64 deadline);

/* `before` is NULL for one that is new, `after` for one that is gone. Nothing is printed for two
 * that are the same. */
gboolean pca_monitor_print_device(const PcaOptions *options, const PcaSeenDevice *before,
                                  const PcaSeenDevice *after);
