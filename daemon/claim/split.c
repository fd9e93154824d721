/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: giving back some of a claim's devices. They become a claim of their own, which is
 * released as any other: with its journal, and stuck or quarantined where it comes to that.
 * Thread: the main one. Ownership: see the headers.
 *
 * The new claim is written first, then the old one without those devices, by one rename: that is
 * the moment at which they have left. Recovery throws a new claim away whose devices the old one
 * still has.
 */
#include "base/error.h"
#include "claim/internal.h"
#include "claim/store.h"

static gboolean invalid(GError **error, const PcaAddress *address, const char *what) {
    g_autofree char *text = pca_address_format(address);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s %s", text, what);
    return FALSE;
}

static gboolean are_its_own(const PcaClaim *claim, const GArray *addresses, GError **error) {
    for (guint i = 0; i < addresses->len; i++) {
        const PcaAddress *address = &g_array_index(addresses, PcaAddress, i);
        if (!pca_claim_has_device(claim, address))
            return invalid(error, address, "is not a device of the claim");
        if (pca_claim_has_stub(claim, address))
            return invalid(error, address, "goes back with the last device of its IOMMU group");
    }
    if (addresses->len > 0)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "no device is named");
    return FALSE;
}

static gboolean is_among(const GArray *addresses, const PcaAddress *address) {
    for (guint i = 0; i < addresses->len; i++)
        if (pca_address_equal(&g_array_index(addresses, PcaAddress, i), address))
            return TRUE;
    return FALSE;
}

static gboolean share_bus(const PcaClaimDevice *a, const PcaClaimDevice *b) {
    const PcaAddress *x = &a->function->address, *y = &b->function->address;
    return a->with_bus && b->with_bus && x->domain == y->domain && x->bus == y->bus;
}

/* Whether a device that is somebody's, and for whose sake the stub is kept, stays. */
static gboolean stub_stays(const PcaClaim *claim, const GArray *addresses,
                           const PcaClaimDevice *stub) {
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(claim, i);
        gboolean concerns =
            device->function->iommu_group == stub->function->iommu_group || share_bus(device, stub);
        if (!device->stub && concerns && !is_among(addresses, &device->function->address))
            return TRUE;
    }
    return FALSE;
}

/* The addresses, and those of siblings that only they had kept from the host. */
static GArray *with_stubs(const PcaClaim *claim, const GArray *addresses) {
    GArray *all = g_array_copy((GArray *)addresses);
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(claim, i);
        if (device->stub && !stub_stays(claim, addresses, device))
            g_array_append_val(all, device->function->address);
    }
    return all;
}

/* A group has one owner, so its members go together. */
static gboolean groups_are_whole(const PcaClaim *leaving, const PcaClaim *staying, GError **error) {
    for (guint i = 0; i < staying->devices->len; i++) {
        const PcaFunction *f = pca_claim_device(staying, i)->function;
        if (f->iommu_group != PCA_NO_GROUP && pca_claim_has_group(leaving, f->iommu_group))
            return invalid(error, &f->address,
                           "is in the same IOMMU group and has to be given back as well");
    }
    return TRUE;
}

static const PcaClaimDevice *find_bus_mate(const PcaClaim *claim, const PcaClaimDevice *device) {
    for (guint i = 0; i < claim->devices->len; i++)
        if (share_bus(pca_claim_device(claim, i), device))
            return pca_claim_device(claim, i);
    return NULL;
}

/* What is reset with its bus goes with all that is on it. */
static gboolean buses_are_whole(const PcaClaim *leaving, const PcaClaim *staying, GError **error) {
    for (guint i = 0; i < staying->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(staying, i);
        if (find_bus_mate(leaving, device))
            return invalid(error, &device->function->address,
                           "is reset with the same bus and has to be given back as well");
    }
    return TRUE;
}

static gboolean write_down(PcaClaims *claims, const PcaClaim *leaving, const PcaClaim *staying,
                           GError **error) {
    if (!pca_store_create(claims->directory, leaving, claims->boot_id, error))
        return FALSE;
    if (pca_store_update(claims->directory, staying, claims->boot_id, error))
        return TRUE;
    pca_store_remove(claims->directory, leaving->id);
    return FALSE;
}

static gboolean may_split(const PcaClaim *claim, const GArray *addresses, GError **error) {
    if (claim->state == PCA_CLAIM_READY)
        return are_its_own(claim, addresses, error);
    g_propagate_error(error, pca_claim_error_not_ready(claim));
    return FALSE;
}

static void take_away(PcaClaims *claims, PcaClaim *claim, const PcaClaim *staying) {
    g_ptr_array_unref(claim->devices);
    claim->devices = g_ptr_array_ref(staying->devices);
    claims->changed(claim, claims->changed_data);
}

void pca_claims_release_devices(PcaClaims *claims, PcaClaim *claim, const GArray *addresses,
                                const char *reason, PcaClaimFunc func, gpointer data) {
    g_autoptr(GError) error = NULL;
    if (!may_split(claim, addresses, &error)) {
        func(claim, error, data);
        return;
    }
    g_autoptr(GArray) all = with_stubs(claim, addresses);
    g_autoptr(PcaClaim) leaving = pca_claim_part(claim, all, TRUE);
    g_autoptr(PcaClaim) staying = pca_claim_part(claim, all, FALSE);
    if (staying->devices->len == 0) {
        pca_claims_release(claims, claim, reason, func, data);
        return;
    }
    if (!groups_are_whole(leaving, staying, &error) || !buses_are_whole(leaving, staying, &error) ||
        !write_down(claims, leaving, staying, &error)) {
        func(claim, error, data);
        return;
    }
    leaving->reason = g_strdup(reason);
    PcaEntry *entry = pca_entry_new(claims, leaving);
    pca_entry_add_waiter(entry, FALSE, func, data);
    take_away(claims, claim, staying);
    pca_entry_release(entry);
}

static gboolean has_owned(const PcaClaim *claim) {
    for (guint i = 0; i < claim->devices->len; i++)
        if (!pca_claim_device(claim, i)->stub)
            return TRUE;
    return FALSE;
}

void pca_claims_drop_devices(PcaClaims *claims, PcaClaim *claim, const GArray *addresses,
                             const char *reason) {
    g_autoptr(GError) error = NULL;
    PcaEntry *entry = g_hash_table_lookup(claims->entries, claim->id);
    if (!entry || claim->state != PCA_CLAIM_READY)
        return;
    g_autoptr(PcaClaim) staying = pca_claim_part(claim, addresses, FALSE);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "PCASSIGN_CLAIM", claim->id, "MESSAGE",
                     "claim %s: %s", claim->id, reason);
    if (staying->devices->len == 0) {
        pca_entry_end(entry, FALSE, NULL);
        return;
    }
    if (!pca_store_update(claims->directory, staying, claims->boot_id, &error)) {
        g_warning("claim %s: %s", claim->id, error->message);
        return;
    }
    gboolean owned = has_owned(staying);
    take_away(claims, claim, staying);
    /* Nobody has a use for what is kept from the host for the sake of what has gone. */
    if (!owned)
        pca_claims_release(claims, claim, reason, NULL, NULL);
}
