/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: finds a function's set among those that are there: pci_device_group
 * (drivers/iommu/iommu.c) with unknowns, which count as not isolated.
 * Thread: any. Ownership: see the headers.
 */
#include "pci/isolation-internal.h"

#define DEVFNS 256

static PcaJoin join(PcaJoinKind kind, int to, int at, const char *why) {
    return (PcaJoin){kind, to, at, why};
}

static const PcaJoin no_join = {PCA_JOIN_NONE, PCA_NO_NODE, PCA_NO_NODE, NULL};

static gboolean has_set(const PcaTopology *topology, int index) {
    return pca_node(topology, index)->set != PCA_NO_NODE;
}

static guint8 devfn_of(const PcaNode *node) {
    return node->address.device << 3 | node->address.function;
}

/* ---- Aliases by topology (pci_for_each_dma_alias, drivers/pci/search.c) ---- */

/* Whether the bridge puts another requester ID on what passes; of a bridge of which too little is
 * known the next step speaks, which counts it as not isolated. */
static gboolean bridge_aliases(const PcaNode *bridge) {
    if (bridge->pcie == PCA_TRI_NO)
        return TRUE;
    return bridge->type_known &&
           (bridge->type == PCA_PCIE_TO_PCI || bridge->type == PCA_PCI_TO_PCIE);
}

static PcaJoin join_dma_device(const PcaTopology *topology, int index) {
    guint32 domain = pca_node(topology, index)->address.domain;
    const PcaAddress *address =
        g_hash_table_lookup(topology->dma_devices, GUINT_TO_POINTER(domain));
    int device = address ? pca_topology_find(topology, address) : PCA_NO_NODE;
    if (device == PCA_NO_NODE || device == index || !has_set(topology, device))
        return no_join;
    return join(PCA_JOIN_DMA_DEVICE, device, device, NULL);
}

static PcaJoin join_bridge(const PcaTopology *topology, int index) {
    for (int at = pca_node(topology, index)->upstream; at != PCA_NO_NODE;
         at = pca_node(topology, at)->upstream) {
        const PcaNode *bridge = pca_node(topology, at);
        if (bridge->function &&
            pca_quirk_translation_root(bridge->function->vendor, bridge->function->device))
            break;
        if (bridge_aliases(bridge))
            return join(PCA_JOIN_BRIDGE, at, at, NULL);
    }
    return no_join;
}

/* ---- Ports above (pci_acs_path_enabled, drivers/pci/pci.c) ---- */

/* The nearest port on the way up that is not isolated; a port that surely is not rather than one of
 * which it is not known. PCA_NO_NODE when all are. */
static int open_port(const PcaTopology *topology, int bridge) {
    int unknown = PCA_NO_NODE;
    for (int at = bridge; at != PCA_NO_NODE; at = pca_node(topology, at)->upstream) {
        PcaTri isolated = pca_node(topology, at)->acs.isolated;
        if (isolated == PCA_TRI_NO)
            return at;
        if (isolated == PCA_TRI_UNKNOWN && unknown == PCA_NO_NODE)
            unknown = at;
    }
    return unknown;
}

static PcaJoin join_upstream(const PcaTopology *topology, int index) {
    int bridge = pca_node(topology, index)->upstream;
    int open = open_port(topology, bridge);
    return open == PCA_NO_NODE ? no_join : join(PCA_JOIN_UPSTREAM, bridge, open, NULL);
}

/* ---- The same bus (get_pci_alias_group, get_pci_function_alias_group) ---- */

static gboolean same_bus(const PcaNode *a, const PcaNode *b) {
    return a->address.domain == b->address.domain && a->address.bus == b->address.bus;
}

/* Those of one bus stand together. */
static void find_bus(const PcaTopology *topology, int index, int *begin, int *end) {
    const PcaNode *node = pca_node(topology, index);
    for (*begin = index; *begin > 0 && same_bus(pca_node(topology, *begin - 1), node);)
        (*begin)--;
    for (*end = index + 1;
         *end < (int)topology->nodes->len && same_bus(pca_node(topology, *end), node);)
        (*end)++;
}

/* Which of the two has the fault; PCA_NO_NODE when neither is an alias of the other. */
static int aliasing(const PcaTopology *topology, int a, int b, const char **why) {
    if (!pca_node(topology, a)->has_alias && !pca_node(topology, b)->has_alias)
        return PCA_NO_NODE;
    PcaQuirkSubject first = pca_node_subject(pca_node(topology, a));
    PcaQuirkSubject second = pca_node_subject(pca_node(topology, b));
    *why = pca_quirk_dma_alias(&first, second.devfn);
    if (*why)
        return a;
    *why = pca_quirk_dma_alias(&second, first.devfn);
    return *why ? b : PCA_NO_NODE;
}

static PcaJoin join_slot(const PcaTopology *topology, int index, gboolean *seen);

/* The set of a node or of one that it shares requester IDs with; `seen`, by devfn, ends loops. */
static PcaJoin join_alias(const PcaTopology *topology, int index, gboolean *seen) {
    const PcaNode *node = pca_node(topology, index);
    if (seen[devfn_of(node)])
        return no_join;
    seen[devfn_of(node)] = TRUE;
    if (has_set(topology, index))
        return join(PCA_JOIN_ALIAS, index, PCA_NO_NODE, NULL);
    int begin, end;
    find_bus(topology, index, &begin, &end);
    for (int other = begin; other < end; other++) {
        const char *why;
        int at = other == index ? PCA_NO_NODE : aliasing(topology, index, other, &why);
        if (at == PCA_NO_NODE)
            continue;
        PcaJoin found = join_alias(topology, other, seen);
        if (found.kind == PCA_JOIN_NONE)
            found = join_slot(topology, other, seen);
        if (found.kind != PCA_JOIN_NONE)
            return join(PCA_JOIN_ALIAS, found.to, at, why);
    }
    return no_join;
}

static PcaJoin join_slot(const PcaTopology *topology, int index, gboolean *seen) {
    const PcaNode *node = pca_node(topology, index);
    if (!node->multifunction || node->acs.isolated == PCA_TRI_YES)
        return no_join;
    int begin, end;
    find_bus(topology, index, &begin, &end);
    for (int i = begin; i < end; i++) {
        const PcaNode *other = pca_node(topology, i);
        if (i == index || !pca_address_same_slot(&other->address, &node->address) ||
            other->acs.isolated == PCA_TRI_YES)
            continue;
        PcaJoin found = join_alias(topology, i, seen);
        if (found.kind != PCA_JOIN_NONE)
            return join(PCA_JOIN_SLOT, found.to, i, NULL);
    }
    return no_join;
}

/* ---- All together ---- */

static PcaJoin find_join(const PcaTopology *topology, int index) {
    gboolean seen[DEVFNS] = {FALSE};
    PcaJoin found = join_dma_device(topology, index);
    if (found.kind == PCA_JOIN_NONE)
        found = join_bridge(topology, index);
    if (found.kind == PCA_JOIN_NONE)
        found = join_upstream(topology, index);
    if (found.kind == PCA_JOIN_NONE)
        found = join_alias(topology, index, seen);
    if (found.kind == PCA_JOIN_NONE)
        found = join_slot(topology, index, seen);
    return found;
}

void pca_node_join(PcaTopology *topology, int index) {
    PcaNode *node = pca_node(topology, index);
    node->join = find_join(topology, index);
    node->set = node->join.kind == PCA_JOIN_NONE ? index : pca_node(topology, node->join.to)->set;
}
