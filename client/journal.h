/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the daemon wrote into the system's journal about a claim and devices.
 * Thread: any. Ownership: the caller's.
 */
#pragma once

#include <glib.h>

/* The last lines, at most `max`, oldest first, each with its time in front; empty when there is no
 * journal or the caller may not read it. `claim` may be NULL; `devices` are addresses, with NULL at
 * the end. */
GPtrArray *pca_journal_last(const char *claim, const char *const *devices, guint max);
