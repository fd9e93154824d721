/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the nodes of a topology, shared by the files that fill, group and explain them.
 * Thread: any. Ownership: the topology owns its nodes, a node references on function and config.
 */
#pragma once

#include "pci/isolation.h"
#include "pci/quirks.h"

#define PCA_NO_NODE -1

/* Whether a function keeps itself, or what is below it, apart (pci_acs_enabled). */
typedef struct {
    PcaTri isolated;
    guint16 missing; /* when NO */
    const char *why; /* when NO; static */
    gboolean quirk;  /* a table decided */
} PcaVerdict;

/* Why a node joined the set of another that was there before. */
typedef enum {
    PCA_JOIN_NONE,
    PCA_JOIN_UPSTREAM,
    PCA_JOIN_SLOT,
    PCA_JOIN_ALIAS,
    PCA_JOIN_BRIDGE,
    PCA_JOIN_DMA_DEVICE,
} PcaJoinKind;

typedef struct {
    PcaJoinKind kind;
    int to;          /* node */
    int at;          /* node: the port, bridge or function that is the reason */
    const char *why; /* static; of an alias */
} PcaJoin;

typedef struct {
    PcaAddress address;
    PcaFunction *function; /* NULL: not found, but named as a bridge by others */
    PcaConfig *config;     /* NULL: not read */
    int upstream;          /* node of the bridge above; PCA_NO_NODE on a root bus */
    gboolean has_below;    /* something names it as its bridge */
    gboolean placed;       /* it has its place in the kernel's order */
    gboolean multifunction;
    PcaTri pcie;
    gboolean type_known;
    guint type; /* as the kernel corrects it */
    PcaVerdict acs;
    gboolean has_alias; /* its DMA can bear other requester IDs of its bus */
    PcaJoin join;
    int set; /* node that began the set */
} PcaNode;

struct PcaTopology {
    GArray *nodes;           /* of PcaNode, sorted by address once sealed */
    GHashTable *dma_devices; /* domain -> PcaAddress */
    gboolean sealed;
};

static inline PcaNode *pca_node(const PcaTopology *topology, int index) {
    return &g_array_index(topology->nodes, PcaNode, index);
}

/* The node of an address; PCA_NO_NODE without one. Of a sealed topology. */
int pca_topology_find(const PcaTopology *topology, const PcaAddress *address);

/* Whether `above` is a bridge somewhere above `node`. */
gboolean pca_topology_is_above(const PcaTopology *topology, int above, int node);

PcaQuirkSubject pca_node_subject(const PcaNode *node);

/* Type, multifunction and verdict of a node; after those of the bridges above it. */
void pca_node_judge(PcaTopology *topology, int index);

/* Finds the set of one node. All are judged, and those before it in the kernel's order have theirs.
 */
void pca_node_join(PcaTopology *topology, int index);
