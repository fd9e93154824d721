/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: puts functions into a tree, and takes them in the order in which the kernel finds them.
 * Thread: any. Ownership: see the headers.
 */
#include "pci/isolation-internal.h"

/* There are 256 buses in a domain. */
#define MAX_DEPTH 256

static void clear_node(gpointer data) {
    PcaNode *node = data;
    g_clear_pointer(&node->function, pca_function_unref);
    g_clear_pointer(&node->config, pca_config_unref);
}

PcaTopology *pca_topology_new(void) {
    PcaTopology *topology = g_new0(PcaTopology, 1);
    topology->nodes = g_array_new(FALSE, TRUE, sizeof(PcaNode));
    g_array_set_clear_func(topology->nodes, clear_node);
    topology->dma_devices = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return topology;
}

void pca_topology_free(PcaTopology *topology) {
    g_array_unref(topology->nodes);
    g_hash_table_unref(topology->dma_devices);
    g_free(topology);
}

static void add_node(PcaTopology *topology, const PcaAddress *address, PcaFunction *function,
                     PcaConfig *config) {
    PcaNode node = {.address = *address,
                    .function = function ? pca_function_ref(function) : NULL,
                    .config = config ? pca_config_ref(config) : NULL,
                    .upstream = PCA_NO_NODE,
                    .join = {PCA_JOIN_NONE, PCA_NO_NODE, PCA_NO_NODE, NULL},
                    .set = PCA_NO_NODE};
    g_array_append_val(topology->nodes, node);
}

void pca_topology_add(PcaTopology *topology, PcaFunction *function, PcaConfig *config) {
    g_return_if_fail(!topology->sealed);
    add_node(topology, &function->address, function, config);
}

void pca_topology_set_dma_device(PcaTopology *topology, guint32 domain, const PcaAddress *device) {
    g_return_if_fail(!topology->sealed);
    g_hash_table_insert(topology->dma_devices, GUINT_TO_POINTER(domain),
                        g_memdup2(device, sizeof *device));
}

int pca_topology_find(const PcaTopology *topology, const PcaAddress *address) {
    int low = 0, high = topology->nodes->len;
    while (low < high) {
        int middle = (low + high) / 2;
        int order = pca_address_compare(&pca_node(topology, middle)->address, address);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return PCA_NO_NODE;
}

gboolean pca_topology_is_above(const PcaTopology *topology, int above, int node) {
    for (int at = pca_node(topology, node)->upstream; at != PCA_NO_NODE;
         at = pca_node(topology, at)->upstream)
        if (at == above)
            return TRUE;
    return FALSE;
}

/* ---- The tree ---- */

static gint by_address(gconstpointer a, gconstpointer b) {
    return pca_address_compare(&((const PcaNode *)a)->address, &((const PcaNode *)b)->address);
}

static void sort(PcaTopology *topology) {
    g_array_sort(topology->nodes, by_address);
    for (guint i = 1; i < topology->nodes->len;) {
        if (by_address(pca_node(topology, i - 1), pca_node(topology, i)) == 0)
            g_array_remove_index(topology->nodes, i);
        else
            i++;
    }
}

/* A bridge that others name and that is not there: it went away between two reads, or a saved tree
 * is not whole. It must not look as if they were on a root bus. */
static void add_missing_bridges(PcaTopology *topology) {
    g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    for (guint i = 0; i < topology->nodes->len; i++) {
        const PcaFunction *function = pca_node(topology, i)->function;
        if (function->has_upstream &&
            pca_topology_find(topology, &function->upstream) == PCA_NO_NODE)
            g_array_append_val(missing, function->upstream);
    }
    for (guint i = 0; i < missing->len; i++)
        add_node(topology, &g_array_index(missing, PcaAddress, i), NULL, NULL);
    sort(topology);
}

static void link_up(PcaTopology *topology) {
    for (guint i = 0; i < topology->nodes->len; i++) {
        PcaNode *node = pca_node(topology, i);
        if (node->function && node->function->has_upstream)
            node->upstream = pca_topology_find(topology, &node->function->upstream);
        if (node->upstream != PCA_NO_NODE)
            pca_node(topology, node->upstream)->has_below = TRUE;
    }
}

static gboolean is_above_itself(const PcaTopology *topology, int index) {
    guint steps = 0;
    int at = pca_node(topology, index)->upstream;
    while (at != PCA_NO_NODE && at != index && steps++ < topology->nodes->len)
        at = pca_node(topology, at)->upstream;
    return at == index;
}

/* Two reads of a changing tree can contradict each other. The first function of a loop, by address,
 * loses its config and its place, so that nothing is known of it and all below share with it. */
static void cut_loops(PcaTopology *topology) {
    for (int i = 0; i < (int)topology->nodes->len; i++) {
        PcaNode *node = pca_node(topology, i);
        if (!is_above_itself(topology, i))
            continue;
        node->upstream = PCA_NO_NODE;
        g_clear_pointer(&node->config, pca_config_unref);
    }
}

/* ---- The kernel's order ---- */

static gboolean is_vf(const PcaNode *node) {
    return node->function && node->function->is_vf;
}

typedef struct {
    PcaTopology *topology;
    GArray *order; /* of int: nodes, bridges before what is below them */
} Walk;

static void place(Walk *walk, int index) {
    pca_node(walk->topology, index)->placed = TRUE;
    g_array_append_val(walk->order, index);
}

/* The functions of one bus: those below a bridge, or on a root bus like `like`. */
static gboolean on_bus(const PcaNode *node, int bridge, const PcaNode *like) {
    return node->upstream == bridge && !is_vf(node) &&
           (!like || (node->address.domain == like->address.domain &&
                      node->address.bus == like->address.bus));
}

/* First all functions of a bus, then what is below each (pci_scan_child_bus_extend). */
static void place_bus(Walk *walk, int bridge, const PcaNode *like, guint depth) {
    int length = walk->topology->nodes->len;
    for (int i = 0; i < length; i++)
        if (on_bus(pca_node(walk->topology, i), bridge, like))
            place(walk, i);
    for (int i = 0; i < length; i++) {
        const PcaNode *node = pca_node(walk->topology, i);
        if (node->has_below && depth < MAX_DEPTH && on_bus(node, bridge, like))
            place_bus(walk, i, NULL, depth + 1);
    }
}

static void place_after_bridges(Walk *walk, int index) {
    while (!pca_node(walk->topology, index)->placed) {
        int top = index, upstream;
        while ((upstream = pca_node(walk->topology, top)->upstream) != PCA_NO_NODE &&
               !pca_node(walk->topology, upstream)->placed)
            top = upstream;
        place(walk, top);
    }
}

/* Root buses by number, and last the VFs: a driver makes them, when all else is there. */
static void place_all(Walk *walk) {
    int length = walk->topology->nodes->len;
    for (int i = 0; i < length; i++) {
        const PcaNode *node = pca_node(walk->topology, i);
        if (node->upstream == PCA_NO_NODE && !node->placed && !is_vf(node))
            place_bus(walk, PCA_NO_NODE, node, 0);
    }
    for (int i = 0; i < length; i++)
        place_after_bridges(walk, i);
}

void pca_topology_seal(PcaTopology *topology) {
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(int));
    Walk walk = {topology, order};
    g_return_if_fail(!topology->sealed);
    sort(topology);
    add_missing_bridges(topology);
    link_up(topology);
    cut_loops(topology);
    place_all(&walk);
    for (guint i = 0; i < order->len; i++)
        pca_node_judge(topology, g_array_index(order, int, i));
    for (guint i = 0; i < order->len; i++)
        pca_node_join(topology, g_array_index(order, int, i));
    topology->sealed = TRUE;
}
