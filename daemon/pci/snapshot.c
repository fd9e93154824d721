/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: snapshots and their difference.
 * Thread: any. Ownership: see the header.
 */
#include "pci/snapshot.h"

static GPtrArray *functions_new(void) {
    return g_ptr_array_new_with_free_func((GDestroyNotify)pca_function_unref);
}

PcaSnapshot *pca_snapshot_new(void) {
    PcaSnapshot *snapshot = g_new0(PcaSnapshot, 1);
    snapshot->functions = functions_new();
    g_atomic_ref_count_init(&snapshot->refs);
    return snapshot;
}

PcaSnapshot *pca_snapshot_ref(PcaSnapshot *snapshot) {
    g_atomic_ref_count_inc(&snapshot->refs);
    return snapshot;
}

void pca_snapshot_unref(PcaSnapshot *snapshot) {
    if (!g_atomic_ref_count_dec(&snapshot->refs))
        return;
    g_ptr_array_unref(snapshot->functions);
    g_free(snapshot);
}

void pca_snapshot_add(PcaSnapshot *snapshot, PcaFunction *function) {
    g_ptr_array_add(snapshot->functions, function);
}

static gint by_address(gconstpointer a, gconstpointer b) {
    return pca_address_compare(&(*(PcaFunction *const *)a)->address,
                               &(*(PcaFunction *const *)b)->address);
}

void pca_snapshot_seal(PcaSnapshot *snapshot) {
    g_ptr_array_sort(snapshot->functions, by_address);
}

PcaFunction *pca_snapshot_find(const PcaSnapshot *snapshot, const PcaAddress *address) {
    guint low = 0, high = snapshot->functions->len;
    while (low < high) {
        guint middle = (low + high) / 2;
        PcaFunction *function = g_ptr_array_index(snapshot->functions, middle);
        gint order = pca_address_compare(&function->address, address);
        if (order == 0)
            return function;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

GPtrArray *pca_snapshot_group(const PcaSnapshot *snapshot, int group) {
    GPtrArray *members = functions_new();
    for (guint i = 0; i < snapshot->functions->len; i++) {
        PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        if (group != PCA_NO_GROUP && function->iommu_group == group)
            g_ptr_array_add(members, pca_function_ref(function));
    }
    return members;
}

GPtrArray *pca_snapshot_slot(const PcaSnapshot *snapshot, const PcaAddress *address) {
    GPtrArray *members = functions_new();
    for (guint i = 0; i < snapshot->functions->len; i++) {
        PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        if (pca_address_same_slot(&function->address, address))
            g_ptr_array_add(members, pca_function_ref(function));
    }
    return members;
}

PcaDiff *pca_snapshot_diff(const PcaSnapshot *old, const PcaSnapshot *new) {
    PcaDiff *diff = g_new0(PcaDiff, 1);
    diff->added = functions_new();
    diff->removed = functions_new();
    diff->changed = functions_new();
    for (guint i = 0; i < new->functions->len; i++) {
        PcaFunction *function = g_ptr_array_index(new->functions, i);
        PcaFunction *before = old ? pca_snapshot_find(old, &function->address) : NULL;
        if (!before)
            g_ptr_array_add(diff->added, pca_function_ref(function));
        else if (!pca_function_same(before, function))
            g_ptr_array_add(diff->changed, pca_function_ref(function));
    }
    for (guint i = 0; old && i < old->functions->len; i++) {
        PcaFunction *function = g_ptr_array_index(old->functions, i);
        if (!pca_snapshot_find(new, &function->address))
            g_ptr_array_add(diff->removed, pca_function_ref(function));
    }
    return diff;
}

void pca_diff_free(PcaDiff *diff) {
    g_ptr_array_unref(diff->added);
    g_ptr_array_unref(diff->removed);
    g_ptr_array_unref(diff->changed);
    g_free(diff);
}
