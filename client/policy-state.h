/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether the policy that is in force is older than its files.
 * Thread: main. Ownership: nothing is kept.
 */
#pragma once

#include "connection.h"
#include "output.h"

typedef struct {
    gboolean known;     /* FALSE: the daemon does not run, or does not say */
    gboolean stale;     /* the files that it read last were refused */
    guint64 generation; /* 0: no policy is in force */
} PcaPolicyState;

/* Never starts the daemon; `bus` may be NULL. */
PcaPolicyState pca_policy_state(GDBusConnection *bus);

/* Says on standard error that the policy is stale, and what to type; nothing when it is not. */
void pca_policy_complain_state(const PcaPolicyState *state);

/* The same behind a refusal by the policy, which this exit status says it is; returns the status.
 * `bus` may be NULL. */
int pca_policy_note_refusal(GDBusConnection *bus, int status);

/* The member "stale" of the object that is open; null when it is not known. */
void pca_json_stale(JsonBuilder *builder, const PcaPolicyState *state);
