/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: devices and claims with their states as the state directory tells them, in the form that
 * the daemon would give them (objects.h).
 * Thread: main. Ownership: lists are the caller's.
 */
#pragma once

#include "offline.h"
#include "status.h"

/* All functions, and the claims. FALSE with *error where the state may not be read: without it no
 * state is known. */
gboolean pca_status_read_offline(const PcaOffline *offline, GPtrArray **devices, GPtrArray **claims,
                                 GError **error);

/* Adds what the journals have left to do, and who goes on with it. */
void pca_status_complete_offline(const PcaOffline *offline, PcaStatus *status);

/* Says on standard error which records are not understood, or mean nothing now. */
void pca_status_complain_unread(const PcaOffline *offline);
