/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what there is to say of a claim, as a dictionary.
 * Thread: the main one. Ownership: see the header.
 */
#include "base/error.h"
#include "claim/claim.h"

static void insert_text(GVariantDict *dict, const char *key, const char *text) {
    if (text)
        g_variant_dict_insert(dict, key, "s", text);
}

/* The addresses of those that its owner has, or of those that are only kept from the host. */
static GVariant *describe_devices(const PcaClaim *claim, gboolean stubs) {
    GVariantBuilder devices;
    g_variant_builder_init(&devices, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(claim, i);
        g_autofree char *address = pca_address_format(&device->function->address);
        if (device->stub == stubs)
            g_variant_builder_add(&devices, "s", address);
    }
    return g_variant_builder_end(&devices);
}

GVariant *pca_claim_describe(const PcaClaim *claim, gboolean all) {
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "claim", "s", claim->id);
    g_variant_dict_insert(&dict, "state", "s", pca_claim_state_name(claim->state));
    g_variant_dict_insert_value(&dict, "devices", describe_devices(claim, FALSE));
    g_variant_dict_insert_value(&dict, "stubbed", describe_devices(claim, TRUE));
    g_variant_dict_insert(&dict, "since", "t", (guint64)claim->since);
    g_variant_dict_insert(&dict, "state_since", "t", (guint64)claim->state_since);
    if (all) {
        g_variant_dict_insert(&dict, "uid", "u", claim->uid);
        g_variant_dict_insert(&dict, "pid", "u", claim->pid);
        insert_text(&dict, "user", claim->user);
        insert_text(&dict, "title", claim->title);
        insert_text(&dict, "policy", claim->policy);
        g_variant_dict_insert(&dict, "still_allowed", "b", !claim->refusal);
        insert_text(&dict, "refusal", claim->refusal);
        insert_text(&dict, "unit", claim->unit);
        insert_text(&dict, "handoff", claim->handoff);
        if (claim->memory)
            g_variant_dict_insert(&dict, "memory", "t", claim->memory);
        if (claim->viommu)
            g_variant_dict_insert(&dict, "viommu", "b", TRUE);
        insert_text(&dict, "joined", claim->joined);
        insert_text(&dict, "split_from", claim->split_from);
        insert_text(&dict, "reason", claim->reason);
        insert_text(&dict, "release_reason", claim->release_reason);
        if (claim->release_deadline)
            g_variant_dict_insert(&dict, "release_deadline", "t", (guint64)claim->release_deadline);
        if (claim->holders)
            g_variant_dict_insert_value(&dict, "holders", claim->holders);
        insert_text(&dict, "error", claim->failure ? pca_error_name(claim->failure->code) : NULL);
    }
    return g_variant_dict_end(&dict);
}
