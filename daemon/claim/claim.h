/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: one claim: who has which functions, since when, and how far it is.
 * Thread: the main one. Ownership: reference-counted; a claim owns its strings and devices and a
 * reference on each function as it was found.
 */
#pragma once

#include "pci/function.h"

typedef enum {
    PCA_CLAIM_PREPARING,
    PCA_CLAIM_READY,
    PCA_CLAIM_RELEASING,
    PCA_CLAIM_STUCK, /* a worker is blocked in the kernel, or could not be reached */
    PCA_CLAIM_ENDED,
} PcaClaimState;

typedef struct {
    PcaFunction *function; /* as found before the claim */
    char *name;            /* as the client asked for it */
} PcaClaimDevice;

typedef struct {
    char *id; /* 32 hex digits, random */
    PcaClaimState state;
    char *reason;       /* for the state, in words; NULL when there is nothing to say */
    gint64 since;       /* of the claim; microseconds, wall clock */
    gint64 state_since; /* of the state */
    GPtrArray *devices; /* of PcaClaimDevice */
    char *driver;       /* the vfio driver */

    guint32 uid;
    char *user;  /* NULL when the uid has no name */
    guint32 pid; /* of the process that claimed; for people only, never for decisions */
    char *label; /* of the security module, NULL without one */
    char *title;
    char *policy; /* "file:line" of the section that granted it; NULL for root without one */
    char *handoff;
    guint64 memory;   /* bytes of guest memory; 0 when not told */
    char *joined;     /* id of the claim whose VM it is for; NULL when it is for one of its own */
    char *split_from; /* id of the claim that gave these devices back; NULL for others */

    /* Whoever claimed was answered before the claim is ready, and hears of a failure from it. */
    gboolean async;
    GError *failure;  /* why preparing failed, where it was async; NULL otherwise */
    gboolean lingers; /* ended, kept to tell of its failure until its lease ends */

    int lease;        /* read end, or -1 */
    int lease_writer; /* write end, until the client's reply has taken it; or -1 */
    guint lease_watch;
    guint refs;
} PcaClaim;

/* A claim in `preparing` with a fresh id. */
PcaClaim *pca_claim_new(void);
PcaClaim *pca_claim_ref(PcaClaim *claim);
void pca_claim_unref(PcaClaim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaClaim, pca_claim_unref)

/* Takes a reference on the function; copies the name. */
void pca_claim_add_device(PcaClaim *claim, PcaFunction *function, const char *name);
PcaClaimDevice *pca_claim_device(const PcaClaim *claim, guint index);

/* The functions as found; the array owns references. */
GPtrArray *pca_claim_functions(const PcaClaim *claim);
gboolean pca_claim_has_device(const PcaClaim *claim, const PcaAddress *address);
gboolean pca_claim_has_group(const PcaClaim *claim, int group);

/* A copy of its record without state and lease. `leaving`: of the devices at these addresses (of
 * PcaAddress), as a claim of its own; otherwise of the others, with the same id. */
PcaClaim *pca_claim_part(const PcaClaim *claim, const GArray *addresses, gboolean leaving);

/* Revoked: it is not ready, or not yet, and the reason where there is one. */
GError *pca_claim_error_not_ready(const PcaClaim *claim);

const char *pca_claim_state_name(PcaClaimState state);

/* Whether `id` has the form of an id, so that it may become part of a path. */
gboolean pca_claim_id_valid(const char *id);
