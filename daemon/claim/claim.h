/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: one claim: who has which functions, since when, and how far it is.
 * Thread: the main one. Ownership: reference-counted; a claim owns its strings and devices and a
 * reference on each function as it was found.
 */
#pragma once

#include "engine/plan.h"
#include "pci/function.h"

typedef enum {
    PCA_CLAIM_PREPARING,
    PCA_CLAIM_READY,
    PCA_CLAIM_RELEASING,
    PCA_CLAIM_STUCK, /* a worker is blocked in the kernel, or could not be reached */
    PCA_CLAIM_ENDED,
} PcaClaimState;

/* What a record in the state directory stands for. All but the first are an administrator's, have
 * no lease, and are listed nowhere. */
typedef enum {
    PCA_KIND_CLAIM,
    PCA_KIND_RESERVATION, /* `ready` means: kept from its host driver, free for a claim */
    PCA_KIND_RESET,       /* ends when the reset is done */
    PCA_KIND_RECOVERY,    /* another try at what an earlier record left; never saved as such */
    PCA_N_KINDS,
} PcaClaimKind;

typedef struct {
    PcaFunction *function; /* as found before the claim */
    char *name;            /* as the client asked for it */
    char *driver;          /* that the claim binds it to */
    gboolean stub;         /* kept from the host for the sake of its IOMMU group alone: nobody gets
                              it, and nothing resets it */
    char *methods;         /* see PcaPlanDevice; NULL unless set */
    char *files;           /* the same */
    gboolean keep;         /* the same */
    gboolean with_bus;     /* the same */
} PcaClaimDevice;

typedef struct {
    char *id; /* 32 hex digits, random */
    PcaClaimKind kind;
    PcaClaimState state;
    char *reason;       /* for the state, in words; NULL when there is nothing to say */
    GVariant *holders;  /* a(uus), process, uid, comm: who keeps it stuck; NULL when not known */
    gint64 since;       /* of the claim; microseconds, wall clock */
    gint64 state_since; /* of the state */
    GPtrArray *devices; /* of PcaClaimDevice */

    guint32 uid;
    char *user;       /* NULL when the uid has no name */
    guint32 pid;      /* of the process that claimed; for people only, never for decisions */
    char *label;      /* of the security module, NULL without one */
    char *node_label; /* that the nodes have which are handed out; NULL where SELinux is off */
    GArray *gids;     /* of guint32: groups of whoever claimed, as the bus told them */
    char *unit;       /* the system unit that they were in; NULL: not known */
    char *title;
    char *policy;  /* "file:line" of the section that granted it; NULL for root without one */
    char *refusal; /* why the policy in force now would not grant it; NULL: it would. Not saved */
    char *handoff;
    guint64 memory;   /* bytes of guest memory; 0 when not told */
    gboolean viommu;  /* the guest has an IOMMU of its own: each function maps all of its memory */
    char *method;     /* of a reset: the one to use; NULL: all in their order. Not saved */
    char *joined;     /* id of the claim whose VM it is for; NULL when it is for one of its own */
    char *split_from; /* id of the claim that gave these devices back; NULL for others */

    /* Whoever claimed was answered before the claim is ready, and hears of a failure from it. */
    gboolean async;
    GError *failure;  /* why preparing failed, where it was async; NULL otherwise */
    gboolean lingers; /* ended, kept to tell of its failure until its lease ends */

    /* By when its owner has been asked to give it back, and why; microseconds of CLOCK_MONOTONIC; 0
     * and NULL when nobody has asked. Not saved: whoever asked has no answer after a restart. */
    gint64 release_deadline;
    char *release_reason;

    int lease;        /* read end, or -1 */
    int lease_writer; /* write end, until the client's reply has taken it; or -1 */
    guint lease_watch;
    guint refs;
} PcaClaim;

/* A function that could not be put back: why. */
typedef struct {
    char *id;             /* of the record that its journal is in */
    gboolean quarantined; /* otherwise degraded */
    char *text;
    gint64 since; /* microseconds, wall clock; 0: not known */
} PcaClaimResidue;

/* A claim in `preparing` with a fresh id. */
PcaClaim *pca_claim_new(void);
PcaClaim *pca_claim_ref(PcaClaim *claim);
void pca_claim_unref(PcaClaim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaClaim, pca_claim_unref)

/* Takes a reference on the function; copies name and driver. The rest is the caller's to set. */
PcaClaimDevice *pca_claim_add_device(PcaClaim *claim, PcaFunction *function, const char *name,
                                     const char *driver);
PcaClaimDevice *pca_claim_device(const PcaClaim *claim, guint index);

/* The functions as found; the array owns references. */
GPtrArray *pca_claim_functions(const PcaClaim *claim);

/* What plans do with these, one for each; g_free; the strings stay the claim's. */
PcaPlanDevice *pca_claim_plan_devices(const PcaClaim *claim);
PcaPlanDevice pca_claim_plan_device(const PcaClaimDevice *device);
gboolean pca_claim_has_device(const PcaClaim *claim, const PcaAddress *address);

/* Whether it only keeps that one from the host. */
gboolean pca_claim_has_stub(const PcaClaim *claim, const PcaAddress *address);
gboolean pca_claim_has_group(const PcaClaim *claim, int group);

/* Forgets the devices whose address is not in the set (of text). */
void pca_claim_keep_devices(PcaClaim *claim, GHashTable *addresses);

/* A reservation that nobody is at work on: it stands in nobody's way. */
gboolean pca_claim_is_dormant(const PcaClaim *claim);

/* Whether nobody else gets that function, or one of that group, while there is the claim. */
gboolean pca_claim_holds_device(const PcaClaim *claim, const PcaAddress *address);
gboolean pca_claim_holds_group(const PcaClaim *claim, int group);

/* A GCompareFunc for arrays of claims: the oldest first. */
gint pca_claim_compare_ages(gconstpointer a, gconstpointer b);

/* An a{sv} of what there is to say of it, floating: all, or what everybody may know. */
GVariant *pca_claim_describe(const PcaClaim *claim, gboolean all);

/* "claim", "reservation", "reset", "recovery". */
const char *pca_claim_kind_name(PcaClaimKind kind);

/* Whether its owner opens the nodes of its IOMMU groups by their paths (handoff "node"). */
gboolean pca_claim_gives_nodes(const PcaClaim *claim);

/* A copy of its record without state and lease. `leaving`: of the devices at these addresses (of
 * PcaAddress), as a claim of its own; otherwise of the others, with the same id. */
PcaClaim *pca_claim_part(const PcaClaim *claim, const GArray *addresses, gboolean leaving);

/* Revoked: it is not ready, or not yet, and the reason where there is one. */
GError *pca_claim_error_not_ready(const PcaClaim *claim);

const char *pca_claim_state_name(PcaClaimState state);

/* Whether `id` has the form of an id, so that it may become part of a path. */
gboolean pca_claim_id_valid(const char *id);
