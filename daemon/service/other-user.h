/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: somebody who does not call, for administrators who ask what another user may do.
 * Thread: call from the main one; the look-up is in a thread. Ownership: see the functions.
 */
#pragma once

#include "auth/subject.h"

/* The user of that name or decimal uid, with the groups of a login and nothing else: no process, no
 * unit, no label. NotFound when there is none, TimedOut when nobody can say within some seconds. */
void pca_other_user_async(const char *user, GAsyncReadyCallback callback, gpointer data);

/* The subject is the caller's. */
PcaSubject *pca_other_user_finish(GAsyncResult *result, GError **error);
