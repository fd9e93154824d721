/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions: life cycle and comparison.
 * Thread: any. Ownership: see the header.
 */
#include "pci/function.h"

PcaFunction *pca_function_new(const PcaAddress *address) {
    PcaFunction *function = g_new0(PcaFunction, 1);
    function->address = *address;
    function->iommu_group = PCA_NO_GROUP;
    function->numa_node = -1;
    function->header_type = PCA_HEADER_UNKNOWN;
    function->reset_methods = g_new0(char *, 1);
    g_atomic_ref_count_init(&function->refs);
    return function;
}

PcaFunction *pca_function_ref(PcaFunction *function) {
    g_atomic_ref_count_inc(&function->refs);
    return function;
}

void pca_function_unref(PcaFunction *function) {
    if (!g_atomic_ref_count_dec(&function->refs))
        return;
    g_free(function->slot_path);
    g_free(function->driver);
    g_free(function->driver_override);
    g_free(function->power);
    g_free(function->node_owner);
    g_strfreev(function->reset_methods);
    g_free(function->description);
    g_free(function);
}

PcaFunction *pca_function_with_node_owner(const PcaFunction *function, const char *node_owner) {
    PcaFunction *copy = g_memdup2(function, sizeof *function);
    copy->slot_path = g_strdup(function->slot_path);
    copy->driver = g_strdup(function->driver);
    copy->driver_override = g_strdup(function->driver_override);
    copy->power = g_strdup(function->power);
    copy->node_owner = g_strdup(node_owner);
    copy->reset_methods = g_strdupv(function->reset_methods);
    copy->description = g_strdup(function->description);
    g_atomic_ref_count_init(&copy->refs);
    return copy;
}

gboolean pca_function_is_bridge(const PcaFunction *function) {
    return function->header_type == PCA_HEADER_BRIDGE ||
           function->header_type == PCA_HEADER_CARDBUS;
}

gboolean pca_driver_is_vfio(const char *driver) {
    return driver && (g_str_equal(driver, "vfio-pci") || g_str_has_suffix(driver, "-vfio-pci") ||
                      g_str_has_suffix(driver, "_vfio_pci"));
}

static gboolean same_identity(const PcaFunction *a, const PcaFunction *b) {
    return a->vendor == b->vendor && a->device == b->device &&
           a->subsystem_vendor == b->subsystem_vendor &&
           a->subsystem_device == b->subsystem_device && a->class == b->class &&
           a->revision == b->revision && a->header_type == b->header_type;
}

gboolean pca_function_lets_group_go(const PcaFunction *function) {
    return !function->driver || pca_function_is_bridge(function) ||
           pca_driver_is_vfio(function->driver) || g_str_equal(function->driver, "pci-stub");
}

gboolean pca_function_same(const PcaFunction *a, const PcaFunction *b) {
    return pca_address_equal(&a->address, &b->address) && same_identity(a, b) &&
           a->iommu_group == b->iommu_group && a->numa_node == b->numa_node &&
           a->num_vfs == b->num_vfs && a->total_vfs == b->total_vfs &&
           a->reserved_direct == b->reserved_direct && g_strcmp0(a->driver, b->driver) == 0 &&
           g_strcmp0(a->driver_override, b->driver_override) == 0 &&
           g_strcmp0(a->slot_path, b->slot_path) == 0 &&
           g_strcmp0(a->description, b->description) == 0 &&
           g_strv_equal((const char *const *)a->reset_methods,
                        (const char *const *)b->reset_methods);
}
