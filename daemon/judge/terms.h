/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: on which terms the policy has functions claimed: driver, reset methods, what becomes of
 * them afterwards; and the plan that comes of it.
 * Thread: the main one; reads sysfs. Ownership: targets own what is set.
 */
#pragma once

#include "engine/plan.h"
#include "judge/names.h"
#include "judge/request.h"
#include "judge/sources.h"
#include "sys/root.h"

/* Fills in on which terms a claim of theirs would have these targets, of that snapshot. */
void pca_targets_set_terms(PcaTargets *targets, const PcaNames *names, const PcaRoot *root,
                           const PcaSnapshot *snapshot, const PcaSources *sources);

/* "cdev" or "group", the best that the kernel of the snapshot has; static. */
const char *pca_handoff_best(const PcaSnapshot *snapshot);

/* The steps that a claim of these would take, once the terms are set; the caller's. `handoff` may
 * be NULL. */
PcaPlan *pca_targets_plan(PcaTargets *targets, const PcaNames *names, const char *handoff);
