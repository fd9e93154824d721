/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which claims, reservations and residues there are.
 * Thread: the main one. Ownership: see the header.
 */
#include "claim/internal.h"

typedef gboolean (*Is)(const PcaClaim *claim, gconstpointer key);

static PcaClaim *find(PcaClaims *claims, Is is, gconstpointer key) {
    GHashTableIter iter;
    gpointer entry;
    g_hash_table_iter_init(&iter, claims->entries);
    while (g_hash_table_iter_next(&iter, NULL, &entry))
        if (is(((PcaEntry *)entry)->claim, key))
            return ((PcaEntry *)entry)->claim;
    return NULL;
}

static GPtrArray *find_all(PcaClaims *claims, Is is, gconstpointer key) {
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)pca_claim_unref);
    GHashTableIter iter;
    gpointer entry;
    g_hash_table_iter_init(&iter, claims->entries);
    while (g_hash_table_iter_next(&iter, NULL, &entry))
        if (is(((PcaEntry *)entry)->claim, key))
            g_ptr_array_add(list, pca_claim_ref(((PcaEntry *)entry)->claim));
    return list;
}

static gboolean is_claim(const PcaClaim *claim, gconstpointer key) {
    return claim->kind == PCA_KIND_CLAIM;
}

static gboolean is_claim_of(const PcaClaim *claim, gconstpointer uid) {
    return claim->kind == PCA_KIND_CLAIM && claim->uid == *(const guint32 *)uid;
}

static gboolean holds_device(const PcaClaim *claim, gconstpointer address) {
    return pca_claim_holds_device(claim, address);
}

static gboolean holds_group(const PcaClaim *claim, gconstpointer group) {
    return pca_claim_holds_group(claim, *(const int *)group);
}

static gboolean reserves_device(const PcaClaim *claim, gconstpointer address) {
    return pca_claim_is_dormant(claim) && pca_claim_has_device(claim, address);
}

static gboolean is_dormant(const PcaClaim *claim, gconstpointer key) {
    return pca_claim_is_dormant(claim);
}

static gboolean is_unreadable(const PcaClaim *claim, gconstpointer key) {
    return !pca_claim_is_dormant(claim);
}

static gboolean is_evicting(const PcaClaim *claim, gconstpointer key) {
    return claim->state != PCA_CLAIM_READY;
}

PcaClaim *pca_claims_find(PcaClaims *claims, const char *id) {
    PcaEntry *entry = g_hash_table_lookup(claims->entries, id);
    return entry ? entry->claim : pca_failed_find(claims, id);
}

/* The id of the first claim of its virtual machine, also where that has ended. No chain is longer
 * than there are claims. */
static const char *machine_of(PcaClaims *claims, const PcaClaim *claim) {
    const char *id = claim->id;
    guint left = g_hash_table_size(claims->entries);
    for (; claim && claim->joined && left > 0; left--) {
        id = claim->joined;
        claim = pca_claims_find(claims, id);
    }
    return id;
}

GPtrArray *pca_claims_of_machine(PcaClaims *claims, const PcaClaim *claim) {
    GPtrArray *list = pca_claims_list(claims);
    const char *machine = machine_of(claims, claim);
    for (guint i = list->len; i-- > 0;) {
        const PcaClaim *other = g_ptr_array_index(list, i);
        if (other->state != PCA_CLAIM_READY || other->uid != claim->uid ||
            !g_str_equal(machine_of(claims, other), machine))
            g_ptr_array_remove_index(list, i);
    }
    return list;
}

guint64 pca_claims_machine_memory(PcaClaims *claims, const PcaClaim *claim) {
    g_autoptr(GPtrArray) machine = pca_claims_of_machine(claims, claim);
    guint64 memory = claim->memory;
    for (guint i = 0; i < machine->len; i++)
        memory = MAX(memory, ((const PcaClaim *)g_ptr_array_index(machine, i))->memory);
    return memory;
}

PcaClaim *pca_claims_find_device(PcaClaims *claims, const PcaAddress *address) {
    return find(claims, holds_device, address);
}

PcaClaim *pca_claims_find_group(PcaClaims *claims, int group) {
    return find(claims, holds_group, &group);
}

PcaClaim *pca_claims_reservation(PcaClaims *claims, const PcaAddress *address) {
    return find(claims, reserves_device, address);
}

GPtrArray *pca_claims_reservations(PcaClaims *claims) {
    return find_all(claims, is_dormant, NULL);
}

const PcaClaimResidue *pca_claims_residue(PcaClaims *claims, const PcaAddress *address) {
    g_autofree char *text = pca_address_format(address);
    return g_hash_table_lookup(claims->residues, text);
}

GPtrArray *pca_claims_list(PcaClaims *claims) {
    GPtrArray *list = find_all(claims, is_claim, NULL);
    g_ptr_array_sort(list, pca_claim_compare_ages);
    return list;
}

guint pca_claims_count(PcaClaims *claims, guint32 uid) {
    g_autoptr(GPtrArray) list = find_all(claims, is_claim_of, &uid);
    return list->len + pca_failed_count(claims, uid);
}

guint pca_claims_count_devices(PcaClaims *claims, guint32 uid) {
    g_autoptr(GPtrArray) list = find_all(claims, is_claim_of, &uid);
    guint n = 0;
    for (guint i = 0; i < list->len; i++)
        n += ((const PcaClaim *)g_ptr_array_index(list, i))->devices->len;
    return n;
}

static GHashTable *addresses_of(PcaClaims *claims, Is is) {
    GHashTable *addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) list = find_all(claims, is, NULL);
    for (guint i = 0; i < list->len; i++) {
        const PcaClaim *claim = g_ptr_array_index(list, i);
        for (guint k = 0; k < claim->devices->len; k++)
            g_hash_table_add(addresses,
                             pca_address_format(&pca_claim_device(claim, k)->function->address));
    }
    return addresses;
}

GHashTable *pca_claims_evicting(PcaClaims *claims) {
    return addresses_of(claims, is_evicting);
}

GHashTable *pca_claims_unreadable(PcaClaims *claims) {
    return addresses_of(claims, is_unreadable);
}
