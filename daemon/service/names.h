/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the names of a caller's uid and gids. A directory server may be slow or silent, so they
 * are looked up in a thread, and a name that cannot be had grants nothing.
 * Thread: call from the main one. Ownership: the names are the caller's.
 */
#pragma once

#include <gio/gio.h>

#include "auth/subject.h"
#include "policy/policy.h"

typedef struct {
    guint32 uid;
    char *user;            /* NULL: it has no name, or the look-up failed */
    GArray *gids;          /* of guint32 */
    PcaAccounts *accounts; /* the caller's own user and groups, as far as they have names */
} PcaNames;

void pca_names_free(PcaNames *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaNames, pca_names_free)

/* Without any name: only numbers can match. */
PcaNames *pca_names_new(guint32 uid);

/* The caller that policies judge; borrows from `names`. */
PcaCaller pca_names_caller(const PcaNames *names);

void pca_names_get_async(const PcaSubject *subject, GAsyncReadyCallback callback, gpointer data);

/* Never fails: names that could not be looked up are missing. */
PcaNames *pca_names_get_finish(GAsyncResult *result);
