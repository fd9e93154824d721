/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what monitor has seen so far, so that it can tell what is different.
 * Thread: main. Ownership: a PcaSeen owns all that it has; arguments are borrowed.
 */
#pragma once

#include "monitor-print.h"
#include "objects.h"

typedef struct {
    const PcaOptions *options;
    GHashTable *devices; /* object path → PcaSeenDevice */
    GHashTable *claims;  /* id → PcaSeenClaim */
    guint64 generation;
    gboolean stale;
} PcaSeen;

PcaSeen *pca_monitor_seen_new(const PcaOptions *options);
void pca_monitor_seen_free(PcaSeen *seen);

/* What follows prints an event where something is different and `tell` is TRUE; FALSE when standard
 * output takes no more, with errno set. */

/* Properties that `properties` does not have stay as they were. */
gboolean pca_monitor_seen_device(PcaSeen *seen, const char *path, GVariant *properties,
                                 gboolean tell);
gboolean pca_monitor_seen_device_gone(PcaSeen *seen, const char *path);

/* A claim that was added; one that has ended is forgotten. */
gboolean pca_monitor_seen_claim(PcaSeen *seen, const char *id, const char *state, gboolean tell);
gboolean pca_monitor_seen_policy(PcaSeen *seen, GVariant *properties, gboolean tell);

/* Adds a claim, of which nothing but the id is known yet. */
void pca_monitor_seen_add_claim(PcaSeen *seen, const char *id);

/* Takes devices and owner over, when the claim was added. */
void pca_monitor_seen_describe_claim(PcaSeen *seen, const PcaClaimView *view);
