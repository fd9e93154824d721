/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the checks must be told that no tree of the kernel's says: who holds what, and what
 * registers and topology say of isolation, and which modules there are. The daemon has it of its
 * registry, who looks without it of the state directory. Thread: the main one. Ownership: what is
 * told is borrowed, unless said otherwise, until the main loop turns.
 */
#pragma once

#include "claim/claim.h"
#include "claim/taint.h"
#include "pci/config.h"
#include "pci/isolation.h"
#include "sys/variants.h"

/* All of them get `data` first. */
typedef struct {
    /* The claim, or what an administrator does, that holds the function, or one of the group; a
     * reservation that nobody is at work on does not. NULL: nobody. */
    const PcaClaim *(*device)(gpointer data, const PcaAddress *address);
    const PcaClaim *(*group)(gpointer data, int group);

    /* Such a reservation; NULL without one. */
    const PcaClaim *(*reservation)(gpointer data, const PcaAddress *address);

    /* Why it could not be put back; NULL: it could. */
    const PcaClaimResidue *(*residue)(gpointer data, const PcaAddress *address);

    /* Who alone may have it; NULL: anybody. */
    const PcaTaint *(*taint)(gpointer data, const PcaFunction *function);

    /* All claims, without what is an administrator's; the array is the caller's. */
    GPtrArray *(*list)(gpointer data);

    /* The function's isolation set, and its config as far as it is known; NULL: not known. */
    const PcaIsolation *(*isolation)(gpointer data, const PcaAddress *address);
    const PcaConfig *(*config)(gpointer data, const PcaAddress *address);

    /* The modules' index as it is now; NULL without one. */
    PcaVariants *(*variants)(gpointer data);
} PcaSourcesOps;

typedef struct {
    const PcaSourcesOps *ops;
    gpointer data;
} PcaSources;

static inline const PcaClaim *pca_sources_device(const PcaSources *s, const PcaAddress *address) {
    return s->ops->device(s->data, address);
}

static inline const PcaClaim *pca_sources_group(const PcaSources *s, int group) {
    return s->ops->group(s->data, group);
}

/* The function's reservation, unless somebody has bound the function to another driver. */
const PcaClaim *pca_sources_reservation(const PcaSources *s, const PcaFunction *function);

static inline GPtrArray *pca_sources_list(const PcaSources *s) {
    return s->ops->list(s->data);
}

static inline const PcaIsolation *pca_sources_isolation(const PcaSources *s,
                                                        const PcaAddress *address) {
    return s->ops->isolation(s->data, address);
}

static inline const PcaConfig *pca_sources_config(const PcaSources *s, const PcaAddress *address) {
    return s->ops->config(s->data, address);
}

/* "host", "free", "claimed", ...; static. */
const char *pca_sources_state(const PcaSources *s, const PcaFunction *function);

/* Since when it is so, microseconds of wall clock; 0 when that is not known. */
gint64 pca_sources_state_since(const PcaSources *s, const PcaFunction *function);

/* Why; NULL when there is nothing to say. */
const char *pca_sources_state_reason(const PcaSources *s, const PcaFunction *function);
