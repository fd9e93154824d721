/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: isolation sets of the host as it is now.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/isolations.h"

struct PcaIsolations {
    const PcaRoot *root;
    PcaClaims *claims;
    PcaConfigs *configs;
    PcaHardware *hardware; /* NULL: to be made */
    GHashTable *sets;      /* address -> PcaIsolation, those that were asked for */
};

PcaIsolations *pca_isolations_new(const PcaRoot *root, PcaClaims *claims, PcaConfigs *configs) {
    PcaIsolations *isolations = g_new0(PcaIsolations, 1);
    isolations->root = root;
    isolations->claims = claims;
    isolations->configs = configs;
    isolations->sets =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)pca_isolation_free);
    return isolations;
}

void pca_isolations_clear(PcaIsolations *isolations) {
    g_hash_table_remove_all(isolations->sets);
    g_clear_pointer(&isolations->hardware, pca_hardware_free);
}

void pca_isolations_free(PcaIsolations *isolations) {
    if (!isolations)
        return;
    pca_isolations_clear(isolations);
    g_hash_table_unref(isolations->sets);
    g_free(isolations);
}

/* ---- What changes a set ---- */

static gboolean same_place(const PcaFunction *a, const PcaFunction *b) {
    return a->vendor == b->vendor && a->device == b->device &&
           a->subsystem_vendor == b->subsystem_vendor &&
           a->subsystem_device == b->subsystem_device && a->iommu_group == b->iommu_group &&
           a->is_vf == b->is_vf && a->has_upstream == b->has_upstream &&
           (!a->has_upstream || pca_address_equal(&a->upstream, &b->upstream));
}

gboolean pca_isolations_concern(const PcaDiff *diff, const PcaSnapshot *old) {
    if (!old || diff->added->len > 0 || diff->removed->len > 0)
        return TRUE;
    for (guint i = 0; i < diff->changed->len; i++) {
        const PcaFunction *now = g_ptr_array_index(diff->changed, i);
        const PcaFunction *before = pca_snapshot_find(old, &now->address);
        if (!before || !same_place(before, now))
            return TRUE;
    }
    return FALSE;
}

/* ---- Registers ---- */

static void refresh(PcaIsolations *isolations, GHashTable *locked, const PcaAddress *address) {
    if (g_hash_table_size(locked) > 0) {
        g_autofree char *text = pca_address_format(address);
        if (g_hash_table_contains(locked, text))
            return;
    }
    pca_configs_refresh(isolations->configs, address);
}

/* The slot, and the ports up to the root bus: while they keep apart what is below them, no other
 * register can make the function's set larger. */
static void refresh_path(PcaIsolations *isolations, const PcaSnapshot *snapshot,
                         const PcaAddress *address) {
    g_autoptr(GHashTable) locked = pca_configs_locked(isolations->configs);
    g_autoptr(GPtrArray) slot = pca_snapshot_slot(snapshot, address);
    for (guint i = 0; i < slot->len; i++)
        refresh(isolations, locked, &((const PcaFunction *)g_ptr_array_index(slot, i))->address);
    const PcaFunction *function = pca_snapshot_find(snapshot, address);
    for (guint depth = 0; function && function->has_upstream && depth < G_MAXUINT8; depth++) {
        refresh(isolations, locked, &function->upstream);
        function = pca_snapshot_find(snapshot, &function->upstream);
    }
}

/* ---- Sets ---- */

static void free_config(gpointer config) {
    if (config)
        pca_config_unref(config);
}

static void make_hardware(PcaIsolations *isolations, PcaSnapshot *snapshot) {
    if (isolations->hardware)
        return;
    GPtrArray *configs = g_ptr_array_new_full(snapshot->functions->len, free_config);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        PcaConfig *config = pca_configs_find(isolations->configs, &function->address);
        g_ptr_array_add(configs, config ? pca_config_ref(config) : NULL);
    }
    isolations->hardware = pca_hardware_new(isolations->root, snapshot, configs);
}

const PcaIsolation *pca_isolations_find(PcaIsolations *isolations, PcaSnapshot *snapshot,
                                        const PcaAddress *address) {
    g_autofree char *text = pca_address_format(address);
    refresh_path(isolations, snapshot, address);
    const PcaIsolation *known = g_hash_table_lookup(isolations->sets, text);
    if (known)
        return known;
    make_hardware(isolations, snapshot);
    PcaIsolation *isolation = pca_topology_explain(isolations->hardware->topology, address);
    if (isolation)
        g_hash_table_insert(isolations->sets, g_steal_pointer(&text), isolation);
    return isolation;
}

const PcaConfig *pca_isolations_config(const PcaIsolations *isolations, const PcaAddress *address) {
    return pca_configs_find(isolations->configs, address);
}

GVariant *pca_isolations_explain(PcaIsolations *isolations, PcaSnapshot *snapshot,
                                 const PcaAddress *address) {
    g_autoptr(GHashTable) locked = pca_configs_locked(isolations->configs);
    for (guint i = 0; i < snapshot->functions->len; i++)
        refresh(isolations, locked,
                &((const PcaFunction *)g_ptr_array_index(snapshot->functions, i))->address);
    make_hardware(isolations, snapshot);
    return pca_hardware_explain(isolations->root, isolations->hardware, address);
}
