/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the service share; nobody else includes it.
 * Thread: the main one. Ownership: see the fields.
 */
#pragma once

#include "service/directory.h"
#include "service/isolations.h"
#include "judge/names.h"
#include "service/service.h"
#include "judge/sources.h"
#include "sys/uevent.h"
#include "sys/variants.h"

struct PcaService {
    const PcaRoot *root; /* borrowed */
    char *worker_socket;
    char **policy_directories;
    guint32 policy_owner;
    guint max_claims, max_devices;
    PcaPolkit *polkit; /* NULL without one */
    PcaUnits *units;   /* the same */
    gint64 release_grace;
    PcaServiceEvents events;
    gpointer events_data;
    PcaSnapshot *snapshot;
    gint64 scanned;    /* when the snapshot's scan began; monotonic, microseconds */
    PcaPolicy *policy; /* NULL: none could be read yet, nothing is granted */
    guint64 policy_generation;
    gboolean policy_stale;
    PcaClaims *claims;
    PcaDirectory *directory;
    GPtrArray *loads; /* of policies whose names are being looked up; see policy.c */
    PcaConfigs *configs;
    PcaIsolations *isolations;
    PcaSources sources;    /* what the checks are told */
    PcaVariants *variants; /* NULL until they are asked for, or without modules */
    PcaUevents *uevents;
    guint rescan;        /* idle source, or 0 */
    gboolean rescan_all; /* it is to look at everything, not at `rebound` only */
    GHashTable *rebound; /* a set of addresses, which the next look is for */
    GHashTable
        *unplugged;    /* a set of addresses: a function was removed there since the last look */
    guint gone;        /* idle source that takes them out of their claims; or 0 */
    GPtrArray *parked; /* of GTask: claims that wait for another to be released */
    GPtrArray *woken;  /* of GTask: those of them that are to be examined again, in order */
    GPtrArray *revocations; /* of GTask: claims whose owners have been asked to give them back */
    GTask *examined;        /* the one of them whose turn it is; NULL */
};

/* Looks at the hardware now, and tells what has changed. */
void pca_service_rescan(PcaService *service);

/* Looks at the functions at these addresses (a set of text) alone, whether or not there were any.
 */
void pca_service_look_at(PcaService *service, GHashTable *addresses);

/* Looks at the claim's functions. */
void pca_service_look_at_claim(PcaService *service, const PcaClaim *claim);

/* All functions, unless the last look began at `since` (monotonic, microseconds) or later: one look
 * answers all requests that came before it, so that many of them hold up nobody for long. */
void pca_service_freshen(PcaService *service, gint64 since);

/* policy.c: reads the policy files; what they are worth is told with the result. Then, with the
 * hardware known: looks its names up and judges the claims that there are. */
PcaDiagnostics *pca_service_load_policy(PcaService *service);
void pca_service_begin_policy(PcaService *service, PcaDiagnostics *diagnostics);

/* service->loads, when the service goes before the names have come. */
void pca_service_forget_loads(GPtrArray *loads);

/* told.c; its data is the service. */
extern const PcaSourcesOps pca_service_sources;

/* pca_request_resolve by what this service knows. */
PcaTargets *pca_service_resolve(const PcaService *service, const PcaRequest *request,
                                PcaFindings *findings);

/* Fills in on which terms a claim of theirs would have these targets (of this service's policy). */
void pca_service_set_terms(PcaService *service, PcaTargets *targets, const PcaNames *names);

/* The modules' index as it is now; borrowed, until the next call; NULL without one. */
PcaVariants *pca_service_variants(PcaService *service);

/* A claim has ended: those that waited for one are examined again. */
void pca_service_wake_parked(PcaService *service);

/* A claim has changed: where it is not the owner's any more, whoever waits for the owner waits no
 * longer. */
void pca_service_hurry_revocations(PcaService *service, const PcaClaim *claim);

/* gone.c: whether sysfs has no such function. That a snapshot lacks one is no proof: reading it may
 * have failed. */
gboolean pca_service_is_absent(const PcaService *service, const PcaAddress *address);

/* gone.c: functions of claims that were removed from the machine leave their claims, soon. */
void pca_service_look_for_gone(PcaService *service);
