/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: asks the bus who a caller is, however many call at once. An answer may hold a pidfd, and
 * dbus-daemon keeps only some dozen descriptors in a connection's queue: with one question for each
 * call, one user's flood would have the bus refuse everybody's messages to us.
 * Thread: the main one. Ownership: reference-counted; lives as long as a question is open.
 */
#pragma once

#include "auth/subject.h"

typedef struct PcaCredentials PcaCredentials;

PcaCredentials *pca_credentials_new(GDBusConnection *bus);
void pca_credentials_unref(PcaCredentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaCredentials, pca_credentials_unref)

/* Of the connection with the unique name `sender`, whose credentials never change: who asks while
 * a question about it is open gets the same answer. Fails with NotPermitted when the caller has
 * gone or the bus does not tell its uid, with LimitExceeded when PCA_MAX_PENDING of its calls wait
 * for the answer already. */
void pca_credentials_get_async(PcaCredentials *credentials, const char *sender,
                               GAsyncReadyCallback callback, gpointer data);

/* The reference is the caller's. */
PcaSubject *pca_credentials_get_finish(GAsyncResult *result, GError **error);
