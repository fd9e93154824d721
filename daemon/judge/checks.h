/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: every check that a claim makes, with its verdict and what mends a refusal.
 * Thread: the main one; reads sysfs and /proc, changes nothing. Ownership: findings go into the
 * caller's list.
 */
#pragma once

#include "judge/names.h"
#include "judge/request.h"
#include "judge/sources.h"
#include "sys/in-use.h"
#include "sys/root.h"

/* Which programs have nodes of functions open, disks exclusively among them: the part of the in-use
 * guard that takes rights. */
typedef struct {
    GHashTable *nodes; /* address → PcaUseNodes of the functions that have some */
    char *problem;     /* why nobody knows who has them open; NULL: it is known */
} PcaProgramUses;

/* Of the nodes that there are; who has them open is for the caller to fill in. */
PcaProgramUses *pca_program_uses_new(PcaUseLook *look, const PcaTargets *targets);
void pca_program_uses_free(PcaProgramUses *uses);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaProgramUses, pca_program_uses_free)

/* What whoever asks cannot look at, each with why: "only root may"; NULL: it was looked at. The
 * daemon looks at all of it. */
typedef struct {
    const char *claims;    /* who has claimed what */
    const char *programs;  /* who has nodes open, and who drives groups through VFIO */
    const char *policy;    /* all of the policy files */
    const char *host;      /* /proc: mounts, routes, the kernel's command line */
    const char *registers; /* config spaces beyond their first 64 bytes */
    const char *caller;    /* the unit and label that the caller would have */
    const char *fix;       /* who could look at it */
} PcaUnseen;

typedef struct {
    const PcaRoot *root;
    const PcaSnapshot *snapshot;
    const PcaSources *sources;
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
    PcaUnseen unseen;
} PcaCheckContext;

/* Whether the check of that name is among those to make. */
gboolean pca_check_is_wanted(const PcaCheckContext *context, const char *name);

/* Who holds a claim, as far as the caller may know: "alice", "uid 1000", "another user". g_free. */
char *pca_check_holder(const PcaCheckContext *context, const PcaClaim *claim);

/* Appends one verdict for each check that found nothing, and one for each thing found or not seen.
 * Not "label", which is the service's own. */
void pca_checks_run(const PcaCheckContext *context, PcaFindings *findings);
