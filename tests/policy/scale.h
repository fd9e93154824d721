/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: large policies on large machines, and how long they take.
 * Thread: one. Ownership: results are the caller's.
 */
#pragma once

#include "policy/policy.h"

/* `n` functions, several to a slot, each with a path of its own. */
PcaSnapshot *make_large_host(guint n);

/* The text of `n` sections, three [Device] to one [Deny], that mean functions of such a host. */
char *make_large_policy(guint n);

/* Processor time in seconds: of parsing, and of matching every function of the host once and asking
 * whether somebody may have it. The least of several tries. */
typedef struct {
    double parse, match;
    guint granted; /* functions that the caller may have */
} PcaScale;
PcaScale measure_scale(guint sections, guint functions, guint tries);
