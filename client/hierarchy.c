/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: makes the tree by the slot paths, which name the root bus and every bridge.
 * Thread: main. Ownership: see the header.
 */
#include "hierarchy.h"

#include <string.h>

#include "pci/config.h"
#include "pci/function.h"

#define VF_MARK "/vf"

static void free_node(gpointer data) {
    PcaHierarchyNode *node = data;
    g_free(node->bus);
    g_ptr_array_unref(node->children);
    g_free(node);
}

static PcaHierarchyNode *new_node(char *bus, const PcaDeviceView *device) {
    PcaHierarchyNode *node = g_new0(PcaHierarchyNode, 1);
    node->bus = bus;
    node->device = device;
    node->children = g_ptr_array_new_with_free_func(free_node);
    return node;
}

/* The root bus of a path, or of an address where there is no path: "0000:00" of
 * "0000:00:01.1/00.0". */
static char *bus_of(const char *text) {
    const char *last = strrchr(text, '/') ? strchr(text, '/') : text + strlen(text);
    while (last > text && *last != ':')
        last--;
    return g_strndup(text, (gsize)(last - text));
}

/* By the name, so that a bus is found again. Buses come in the order of their functions' addresses.
 */
static PcaHierarchyNode *find_bus(GPtrArray *buses, GHashTable *by_path, const char *place) {
    g_autofree char *bus = bus_of(place);
    PcaHierarchyNode *node = g_hash_table_lookup(by_path, bus);
    if (node)
        return node;
    node = new_node(g_strdup(bus), NULL);
    g_hash_table_insert(by_path, g_steal_pointer(&bus), node);
    g_ptr_array_add(buses, node);
    return node;
}

static PcaHierarchyNode *find_parent(GPtrArray *buses, GHashTable *by_path,
                                     const PcaHierarchyNode *node) {
    const char *path = pca_device_string(node->device, "Path");
    const char *slash = path ? strrchr(path, '/') : NULL;
    g_autofree char *above = slash ? g_strndup(path, (gsize)(slash - path)) : NULL;
    PcaHierarchyNode *parent = above ? g_hash_table_lookup(by_path, above) : NULL;
    if (parent && parent != node)
        return parent;
    g_autofree char *address = pca_address_format(&node->device->address);
    return find_bus(buses, by_path, path ? path : address);
}

static gint compare_buses(gconstpointer a, gconstpointer b) {
    const PcaHierarchyNode *x = *(PcaHierarchyNode *const *)a, *y = *(PcaHierarchyNode *const *)b;
    guint64 left = g_ascii_strtoull(x->bus, NULL, 16), right = g_ascii_strtoull(y->bus, NULL, 16);
    if (left != right)
        return left < right ? -1 : 1;
    return strcmp(x->bus, y->bus);
}

GPtrArray *pca_hierarchy_new(GPtrArray *devices) {
    GPtrArray *buses = g_ptr_array_new_with_free_func(free_node);
    g_autoptr(GHashTable) by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) nodes = g_ptr_array_sized_new(devices->len);
    for (guint i = 0; i < devices->len; i++) {
        PcaHierarchyNode *node = new_node(NULL, g_ptr_array_index(devices, i));
        const char *path = pca_device_string(node->device, "Path");
        if (path && !g_hash_table_contains(by_path, path))
            g_hash_table_insert(by_path, g_strdup(path), node);
        g_ptr_array_add(nodes, node);
    }
    /* Each path is longer than the one above it, so that there is no circle. */
    for (guint i = 0; i < nodes->len; i++) {
        PcaHierarchyNode *node = g_ptr_array_index(nodes, i);
        g_ptr_array_add(find_parent(buses, by_path, node)->children, node);
    }
    g_ptr_array_sort(buses, compare_buses);
    return buses;
}

/* ---- Types ---- */

static const char *type_by_class(const PcaDeviceView *device) {
    static const struct {
        const char *class, *name;
    } rows[] = {{"0600", "host bridge"}, {"0601", "ISA bridge"}, {"0607", "CardBus bridge"}};
    const char *class = pca_device_string(device, "Class");
    for (guint i = 0; class && i < G_N_ELEMENTS(rows); i++)
        if (g_str_has_prefix(class, rows[i].class))
            return rows[i].name;
    return NULL;
}

static gboolean is_vf(const PcaDeviceView *device) {
    const char *path = pca_device_string(device, "Path");
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash && g_str_has_prefix(slash, VF_MARK);
}

const char *pca_hierarchy_type(const PcaDeviceView *device) {
    int type = pca_device_number(device, "PcieType");
    const char *class = type_by_class(device);
    const char *name = type >= 0 ? pca_pcie_type_name((guint)type) : NULL;
    if (class)
        return class;
    if (is_vf(device))
        return "virtual function";
    if (name)
        return name;
    gboolean complete = FALSE;
    gboolean bridge = pca_device_number(device, "HeaderType") == PCA_HEADER_BRIDGE;
    g_variant_lookup(device->properties, "CapabilitiesComplete", "b", &complete);
    if (complete)
        return bridge ? "PCI bridge" : "PCI function";
    return bridge ? "bridge" : "function";
}
