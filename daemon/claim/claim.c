/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims as data.
 * Thread: the main one. Ownership: see the header.
 */
#include "claim/claim.h"

#include <string.h>

#include "base/error.h"
#include "base/fds.h"
#include "engine/handover.h"

#define ID_LENGTH 32

static void device_free(gpointer data) {
    PcaClaimDevice *device = data;
    pca_function_unref(device->function);
    g_free(device->name);
    g_free(device->driver);
    g_free(device->methods);
    g_free(device->files);
    g_free(device);
}

static char *random_id(void) {
    g_autofree char *uuid = g_uuid_string_random();
    g_auto(GStrv) parts = g_strsplit(uuid, "-", 0);
    return g_strjoinv("", parts);
}

PcaClaim *pca_claim_new(void) {
    PcaClaim *claim = g_new0(PcaClaim, 1);
    claim->id = random_id();
    claim->since = claim->state_since = g_get_real_time();
    claim->devices = g_ptr_array_new_with_free_func(device_free);
    claim->gids = g_array_new(FALSE, FALSE, sizeof(guint32));
    claim->lease = claim->lease_writer = -1;
    claim->refs = 1;
    return claim;
}

PcaClaim *pca_claim_ref(PcaClaim *claim) {
    claim->refs++;
    return claim;
}

void pca_claim_unref(PcaClaim *claim) {
    if (--claim->refs > 0)
        return;
    g_clear_handle_id(&claim->lease_watch, g_source_remove);
    pca_fd_close(&claim->lease);
    pca_fd_close(&claim->lease_writer);
    g_ptr_array_unref(claim->devices);
    g_free(claim->id);
    g_free(claim->reason);
    g_clear_pointer(&claim->holders, g_variant_unref);
    g_free(claim->user);
    g_free(claim->label);
    g_free(claim->node_label);
    g_free(claim->unit);
    g_free(claim->refusal);
    g_array_unref(claim->gids);
    g_free(claim->title);
    g_free(claim->policy);
    g_free(claim->handoff);
    g_free(claim->method);
    g_free(claim->joined);
    g_free(claim->release_reason);
    g_free(claim->split_from);
    g_clear_error(&claim->failure);
    g_free(claim);
}

PcaClaimDevice *pca_claim_add_device(PcaClaim *claim, PcaFunction *function, const char *name,
                                     const char *driver) {
    PcaClaimDevice *device = g_new0(PcaClaimDevice, 1);
    device->function = pca_function_ref(function);
    device->name = g_strdup(name);
    device->driver = g_strdup(driver);
    g_ptr_array_add(claim->devices, device);
    return device;
}

PcaClaimDevice *pca_claim_device(const PcaClaim *claim, guint index) {
    return g_ptr_array_index(claim->devices, index);
}

GPtrArray *pca_claim_functions(const PcaClaim *claim) {
    GPtrArray *functions = g_ptr_array_new_with_free_func((GDestroyNotify)pca_function_unref);
    for (guint i = 0; i < claim->devices->len; i++)
        g_ptr_array_add(functions, pca_function_ref(pca_claim_device(claim, i)->function));
    return functions;
}

PcaPlanDevice pca_claim_plan_device(const PcaClaimDevice *device) {
    return (PcaPlanDevice){.driver = device->driver,
                           .methods = device->stub ? "" : device->methods,
                           .files = device->files,
                           .keep = device->keep,
                           .with_bus = device->with_bus};
}

PcaPlanDevice *pca_claim_plan_devices(const PcaClaim *claim) {
    PcaPlanDevice *devices = g_new0(PcaPlanDevice, claim->devices->len);
    for (guint i = 0; i < claim->devices->len; i++)
        devices[i] = pca_claim_plan_device(pca_claim_device(claim, i));
    return devices;
}

gboolean pca_claim_has_device(const PcaClaim *claim, const PcaAddress *address) {
    for (guint i = 0; i < claim->devices->len; i++)
        if (pca_address_equal(&pca_claim_device(claim, i)->function->address, address))
            return TRUE;
    return FALSE;
}

gboolean pca_claim_has_stub(const PcaClaim *claim, const PcaAddress *address) {
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(claim, i);
        if (device->stub && pca_address_equal(&device->function->address, address))
            return TRUE;
    }
    return FALSE;
}

gboolean pca_claim_has_group(const PcaClaim *claim, int group) {
    for (guint i = 0; i < claim->devices->len; i++)
        if (pca_claim_device(claim, i)->function->iommu_group == group)
            return TRUE;
    return FALSE;
}

void pca_claim_keep_devices(PcaClaim *claim, GHashTable *addresses) {
    for (guint i = claim->devices->len; i-- > 0;) {
        g_autofree char *address =
            pca_address_format(&pca_claim_device(claim, i)->function->address);
        if (!g_hash_table_contains(addresses, address))
            g_ptr_array_remove_index(claim->devices, i);
    }
}

gboolean pca_claim_is_dormant(const PcaClaim *claim) {
    return claim->kind == PCA_KIND_RESERVATION && claim->state == PCA_CLAIM_READY;
}

gboolean pca_claim_holds_device(const PcaClaim *claim, const PcaAddress *address) {
    return !pca_claim_is_dormant(claim) && pca_claim_has_device(claim, address);
}

gboolean pca_claim_holds_group(const PcaClaim *claim, int group) {
    return !pca_claim_is_dormant(claim) && pca_claim_has_group(claim, group);
}

gint pca_claim_compare_ages(gconstpointer a, gconstpointer b) {
    const PcaClaim *x = *(PcaClaim *const *)a, *y = *(PcaClaim *const *)b;
    return x->since != y->since ? (x->since > y->since) - (x->since < y->since)
                                : strcmp(x->id, y->id);
}

const char *pca_claim_kind_name(PcaClaimKind kind) {
    static const char *const names[PCA_N_KINDS] = {"claim", "reservation", "reset", "recovery"};
    return names[kind];
}

gboolean pca_claim_gives_nodes(const PcaClaim *claim) {
    return g_strcmp0(claim->handoff, PCA_HANDOFF_NODE) == 0;
}

static gboolean is_among(const GArray *addresses, const PcaAddress *address) {
    for (guint i = 0; i < addresses->len; i++)
        if (pca_address_equal(&g_array_index(addresses, PcaAddress, i), address))
            return TRUE;
    return FALSE;
}

static void add_copy(PcaClaim *claim, const PcaClaimDevice *device) {
    PcaClaimDevice *copy =
        pca_claim_add_device(claim, device->function, device->name, device->driver);
    copy->stub = device->stub;
    copy->methods = g_strdup(device->methods);
    copy->files = g_strdup(device->files);
    copy->keep = device->keep;
    copy->with_bus = device->with_bus;
}

PcaClaim *pca_claim_part(const PcaClaim *claim, const GArray *addresses, gboolean leaving) {
    PcaClaim *part = pca_claim_new();
    if (!leaving) {
        g_free(part->id);
        part->id = g_strdup(claim->id);
    }
    part->split_from = g_strdup(leaving ? claim->id : claim->split_from);
    part->kind = claim->kind;
    part->since = claim->since;
    part->uid = claim->uid;
    part->user = g_strdup(claim->user);
    part->pid = claim->pid;
    part->label = g_strdup(claim->label);
    part->node_label = g_strdup(claim->node_label);
    part->unit = g_strdup(claim->unit);
    part->refusal = g_strdup(claim->refusal);
    g_array_append_vals(part->gids, claim->gids->data, claim->gids->len);
    part->title = g_strdup(claim->title);
    part->policy = g_strdup(claim->policy);
    part->handoff = g_strdup(claim->handoff);
    part->memory = claim->memory;
    part->viommu = claim->viommu;
    part->joined = g_strdup(claim->joined);
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(claim, i);
        if (is_among(addresses, &device->function->address) == leaving)
            add_copy(part, device);
    }
    return part;
}

GError *pca_claim_error_not_ready(const PcaClaim *claim) {
    return g_error_new(PCA_ERROR, PCA_ERROR_REVOKED, "the claim is %s, not ready%s%s%s",
                       pca_claim_state_name(claim->state),
                       claim->state == PCA_CLAIM_PREPARING ? " yet" : "", claim->reason ? ": " : "",
                       claim->reason ? claim->reason : "");
}

const char *pca_claim_state_name(PcaClaimState state) {
    static const char *const names[] = {"preparing", "ready", "releasing", "stuck", "ended"};
    return names[state];
}

gboolean pca_claim_id_valid(const char *id) {
    return strlen(id) == ID_LENGTH && strspn(id, "0123456789abcdef") == ID_LENGTH;
}
