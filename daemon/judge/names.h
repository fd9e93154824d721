/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the caller as policies and messages know it.
 * Thread: the main one. Ownership: the names are the caller's.
 */
#pragma once

#include "policy/policy.h"

typedef struct {
    guint32 uid;
    char *user;          /* NULL: it has no name, or that cannot be said now */
    GArray *gids;        /* of guint32 */
    char *unit, *label;  /* NULL: not known */
    gboolean is_other;   /* not the caller, but somebody whom it asks about: without a label */
    char *node_label;    /* of the nodes of a claim of theirs; NULL where SELinux is off */
    GError *label_error; /* why there can be none; NULL */
    gboolean late;       /* some names of the policy could not be looked up in time */
} PcaNames;

void pca_names_free(PcaNames *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaNames, pca_names_free)

/* Without any name: only numbers can match. */
PcaNames *pca_names_new(guint32 uid);

/* The caller that policies judge; borrows from `names`. */
PcaCaller pca_names_caller(const PcaNames *names);
