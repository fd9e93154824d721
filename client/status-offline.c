/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: states without the daemon.
 * Thread: main. Ownership: see the header.
 */
#include "status-offline.h"
#include "output.h"

#include <string.h>

/* ---- Reading ---- */

static void insert_text(GVariantDict *dict, const char *key, const char *text) {
    if (text)
        g_variant_dict_insert(dict, key, "s", text);
}

static PcaDeviceView *with_state(const PcaOffline *offline, const PcaDeviceView *device) {
    const PcaSources *sources = pca_offline_sources(offline);
    const PcaFunction *function =
        pca_snapshot_find(pca_source_snapshot(pca_offline_source(offline)), &device->address);
    gint64 since = pca_sources_state_since(sources, function);
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, device->properties);
    insert_text(&dict, "State", pca_sources_state(sources, function));
    insert_text(&dict, "StateReason", pca_sources_state_reason(sources, function));
    if (since)
        g_variant_dict_insert(&dict, "StateSince", "t", (guint64)since);
    return pca_device_view_new(g_variant_dict_end(&dict));
}

/* Who may read the state directory may know all. */
static GVariant *list_claims(const PcaRecords *records) {
    g_autoptr(GPtrArray) list = pca_records_list(records);
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(oa{sv})"));
    for (guint i = 0; i < list->len; i++) {
        const PcaClaim *claim = g_ptr_array_index(list, i);
        g_autofree char *path = g_strconcat(PCA_BUS_PATH "/claim/", claim->id, NULL);
        g_variant_builder_add(&builder, "(o@a{sv})", path, pca_claim_describe(claim, TRUE));
    }
    return g_variant_ref_sink(g_variant_new("(a(oa{sv}))", &builder));
}

gboolean pca_status_read_offline(const PcaOffline *offline, GPtrArray **devices, GPtrArray **claims,
                                 GError **error) {
    const PcaRecords *records = pca_offline_records(offline, error);
    if (!records)
        return FALSE;
    g_autoptr(GVariant) list = list_claims(records);
    GPtrArray *found = pca_source_devices(pca_offline_source(offline));
    *claims = pca_claims_read(list);
    *devices = g_ptr_array_new_with_free_func(pca_device_view_free);
    for (guint i = 0; i < found->len; i++)
        g_ptr_array_add(*devices, with_state(offline, g_ptr_array_index(found, i)));
    return TRUE;
}

void pca_status_complain_unread(const PcaOffline *offline) {
    const PcaRecords *records = pca_offline_records(offline, NULL);
    for (guint i = 0; records && i < records->unread->len; i++)
        pca_complain("%s", (const char *)g_ptr_array_index(records->unread, i));
}

/* ---- What is left ---- */

/* Those that are about the device; all where it is NULL. */
static char **steps_of(const PcaRecords *records, const char *id, const PcaAddress *device) {
    const char *const *steps = g_hash_table_lookup(records->steps, id);
    g_autofree char *address = device ? pca_address_format(device) : g_strdup("");
    g_autoptr(GStrvBuilder) chosen = g_strv_builder_new();
    for (; steps && *steps; steps++)
        if (g_str_has_prefix(*steps, address))
            g_strv_builder_add(chosen, *steps);
    return g_strv_builder_end(chosen);
}

/* A worker at work is waited for; otherwise it takes a daemon that has another one go on. */
static char *next_of(const PcaRecords *records, const PcaClaimView *claim) {
    gboolean works = g_hash_table_contains(records->at_work, claim->id);
    return works ? NULL : g_strdup("systemctl start pcassignd");
}

void pca_status_complete_offline(const PcaOffline *offline, PcaStatus *status) {
    const PcaRecords *records = pca_offline_records(offline, NULL);
    const PcaAddress *address = status->device ? &status->device->address : NULL;
    const PcaClaimResidue *residue = address ? pca_records_residue(records, address) : NULL;
    const char *id = status->claim ? status->claim->id : residue ? residue->id : "";
    status->steps = steps_of(records, id, address);
    if (!status->claim || g_strcmp0(status->state, "ready") == 0)
        return;
    g_free(status->fix);
    status->fix = next_of(records, status->claim);
}
