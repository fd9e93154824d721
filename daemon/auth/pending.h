/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: how many calls of each uid are being served, so that one user's flood leaves the others
 * their turn.
 * Thread: the main one. Ownership: the caller's.
 */
#pragma once

#include <glib.h>

#define PCA_MAX_PENDING                                                                            \
    128 /* calls of one uid, and of one connection whose uid is still asked for */

typedef struct PcaPending PcaPending;

PcaPending *pca_pending_new(void);
void pca_pending_free(PcaPending *pending);

/* One call more of this uid; every success needs a pca_pending_leave(). LimitExceeded when it has
 * as many as it may; root may have any number. `first` (may be NULL) becomes whether it is the
 * first refusal since the uid had none: the others need not be told to the journal. */
gboolean pca_pending_enter(PcaPending *pending, guint32 uid, gboolean *first, GError **error);
void pca_pending_leave(PcaPending *pending, guint32 uid);
