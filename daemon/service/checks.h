/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: every check that a claim makes, with its verdict and what mends a refusal.
 * Thread: the main one; reads sysfs and /proc, changes nothing. Ownership: findings go into the
 * caller's list.
 */
#pragma once

#include "claim/claims.h"
#include "service/isolations.h"
#include "service/names.h"
#include "service/request.h"
#include "service/uses.h"
#include "sys/in-use.h"
#include "sys/root.h"

typedef struct {
    const PcaRoot *root;
    PcaSnapshot *snapshot;
    PcaIsolations *isolations;
    PcaClaims *claims;
    const PcaNames *names;       /* of the caller */
    const PcaAccounts *accounts; /* of the names of the policy */
    const PcaTargets *targets;
    const char *handoff;
    guint64 memory;          /* bytes that its guest may have; 0: not told */
    const char *const *only; /* names of the checks to make; NULL: all */
    gboolean has_policy;     /* FALSE: no policy could be read since the start */
    GHashTable *busy_groups; /* group number → who uses it through VFIO, in words */
    const PcaProgramUses *uses;
    PcaUseLook *look; /* at what the host uses, for all targets */
} PcaCheckContext;

/* Who holds a claim, as far as the caller may know: "alice", "uid 1000", "another user". g_free. */
char *pca_check_holder(const PcaCheckContext *context, const PcaClaim *claim);

/* Appends one verdict for each check that found nothing, and one for each thing found. */
void pca_checks_run(const PcaCheckContext *context, PcaFindings *findings);
