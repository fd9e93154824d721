/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a release leaves behind beside what went back to the host: functions that stay
 * reserved, and functions that no reset has cleaned of their owner.
 * Thread: the main one. Ownership: see the headers.
 *
 * What stays reserved gets a record of its own, with SplitFrom, and leaves the claim's: by the
 * removal of that record or, where the claim leaves a residue, by one rename. Until then recovery
 * throws the new record away (see split.c), and makes it again of the old one.
 */
#include "base/error.h"
#include "claim/internal.h"
#include "claim/store.h"

static gboolean is_kept(const PcaEntry *entry, const PcaClaimDevice *device) {
    return device->keep && !pca_claims_residue(entry->claims, &device->function->address);
}

static GArray *kept_addresses(const PcaEntry *entry) {
    GArray *addresses = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    for (guint i = 0; i < entry->claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(entry->claim, i);
        if (is_kept(entry, device))
            g_array_append_val(addresses, device->function->address);
    }
    return addresses;
}

/* One for each function: each is given back by itself. */
static PcaClaim *reservation_of(const PcaClaim *claim, const PcaClaimDevice *device) {
    PcaClaim *reservation = pca_claim_new();
    reservation->kind = PCA_KIND_RESERVATION;
    reservation->uid = claim->uid;
    reservation->user = g_strdup(claim->user);
    reservation->pid = claim->pid;
    reservation->policy = g_strdup(claim->policy);
    reservation->split_from = g_strdup(claim->id);
    PcaClaimDevice *reserved =
        pca_claim_add_device(reservation, device->function, device->name, device->driver);
    reserved->methods = g_strdup(device->methods);
    return reservation;
}

static gboolean reserve(PcaEntry *entry, const PcaClaimDevice *device, GPtrArray *made,
                        GError **error) {
    PcaClaims *claims = entry->claims;
    PcaClaim *reservation = reservation_of(entry->claim, device);
    g_ptr_array_add(made, reservation);
    return pca_store_create(claims->directory, reservation, claims->boot_id, error);
}

static gboolean reserve_all(PcaEntry *entry, GPtrArray *made, GError **error) {
    for (guint i = 0; i < entry->claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(entry->claim, i);
        if (is_kept(entry, device) && !reserve(entry, device, made, error))
            return FALSE;
    }
    return TRUE;
}

/* The record that stays for the residue says no more that these are the claim's. */
static gboolean leave(PcaEntry *entry, const GArray *kept, GError **error) {
    PcaClaims *claims = entry->claims;
    g_autoptr(PcaClaim) staying = pca_claim_part(entry->claim, kept, FALSE);
    return staying->devices->len == 0 ||
           pca_store_update(claims->directory, staying, claims->boot_id, error);
}

static void throw_away(PcaClaims *claims, GPtrArray *made) {
    for (guint i = 0; i < made->len; i++) {
        const PcaClaim *reservation = g_ptr_array_index(made, i);
        g_autofree char *path = g_build_filename(claims->directory, reservation->id, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            pca_store_remove(claims->directory, reservation->id);
    }
}

static gboolean keep(PcaEntry *entry, GError **error) {
    g_autoptr(GArray) kept = kept_addresses(entry);
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func((GDestroyNotify)pca_claim_unref);
    if (kept->len == 0)
        return TRUE;
    if (!reserve_all(entry, made, error) || !leave(entry, kept, error)) {
        throw_away(entry->claims, made);
        return FALSE;
    }
    for (guint i = 0; i < made->len; i++)
        pca_entry_set_state(pca_entry_new(entry->claims, g_ptr_array_index(made, i)),
                            PCA_CLAIM_READY, NULL);
    return TRUE;
}

static gboolean proves(const PcaClaimDevice *device) {
    const PcaPlanDevice plan = pca_claim_plan_device(device);
    return pca_plan_device_proves(&plan);
}

static void clear_taints(PcaEntry *entry) {
    for (guint i = 0; i < entry->claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(entry->claim, i);
        if (proves(device) && !pca_claims_residue(entry->claims, &device->function->address))
            pca_claims_clear_reset(entry->claims, device->function);
    }
}

void pca_entry_end_release(PcaEntry *entry, gboolean residue, const GError *error) {
    g_autoptr(GError) failure = NULL;
    if (keep(entry, &failure)) {
        clear_taints(entry);
        pca_entry_end(entry, residue, error);
        return;
    }
    pca_entry_leave_queue(entry);
    pca_entry_set_state(entry, PCA_CLAIM_STUCK, failure->message);
    pca_entry_tell(entry, failure);
}

/* ---- Taints ---- */

const PcaTaint *pca_claims_taint(PcaClaims *claims, const PcaFunction *function) {
    g_autofree char *identity = pca_function_identity(function);
    return pca_taint_find(claims->taints, &function->address, identity);
}

void pca_claims_clear_reset(PcaClaims *claims, const PcaFunction *function) {
    const PcaTaint *taint = pca_claims_taint(claims, function);
    if (taint && taint->known && !taint->lent)
        pca_claims_clear_taint(claims, &function->address);
}

void pca_claims_clear_taint(PcaClaims *claims, const PcaAddress *address) {
    pca_taint_remove(claims->taints, claims->directory, address);
}

static gboolean take_over(PcaClaims *claims, const PcaClaim *claim, const PcaClaimDevice *device,
                          GError **error) {
    const PcaTaint *taint = pca_claims_taint(claims, device->function);
    g_autofree char *address = pca_address_format(&device->function->address);
    if (device->stub)
        return TRUE;
    if (!proves(device))
        return pca_taint_add(claims->taints, claims->directory, claims->boot_id, claim, device,
                             error);
    return !taint || pca_taint_admits(taint, claim->uid, address, error);
}

gboolean pca_claim_taint(PcaClaims *claims, const PcaClaim *claim, GError **error) {
    for (guint i = 0; i < claim->devices->len && claim->kind == PCA_KIND_CLAIM; i++)
        if (!take_over(claims, claim, pca_claim_device(claim, i), error)) {
            pca_claim_untaint(claims, claim);
            return FALSE;
        }
    return TRUE;
}

void pca_claim_untaint(PcaClaims *claims, const PcaClaim *claim) {
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaFunction *function = pca_claim_device(claim, i)->function;
        const PcaTaint *taint = pca_claims_taint(claims, function);
        if (taint && taint->known && g_strcmp0(taint->claim, claim->id) == 0)
            pca_claims_clear_taint(claims, &function->address);
    }
}
