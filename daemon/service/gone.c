/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions that were removed while a claim had them. The kernel has let go of them
 * before, so there is nothing to put back; and what is plugged in at the same address is another
 * device, also where it looks the same.
 * Thread: the main one. Ownership: none.
 */
#include <errno.h>
#include <unistd.h>

#include "service/private.h"

gboolean pca_service_is_absent(const PcaService *service, const PcaAddress *address) {
    g_autofree char *name = pca_address_format(address);
    g_autofree char *path = g_build_filename(service->root->sysfs, "bus/pci/devices", name, NULL);
    return access(path, F_OK) < 0 && errno == ENOENT;
}

static gboolean has_gone(const PcaService *service, const PcaFunction *found) {
    const PcaFunction *now = pca_snapshot_find(service->snapshot, &found->address);
    g_autofree char *address = pca_address_format(&found->address);
    if (g_hash_table_contains(service->unplugged, address))
        return TRUE;
    if (!now)
        return pca_service_is_absent(service, &found->address);
    g_autofree char *before = pca_function_identity(found);
    g_autofree char *identity = pca_function_identity(now);
    return !g_str_equal(before, identity);
}

/* NULL when none has. */
static GArray *find_gone(const PcaService *service, const PcaClaim *claim) {
    g_autoptr(GArray) gone = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    for (guint i = 0; claim->state == PCA_CLAIM_READY && i < claim->devices->len; i++) {
        const PcaFunction *function = pca_claim_device(claim, i)->function;
        if (has_gone(service, function))
            g_array_append_val(gone, function->address);
    }
    return gone->len > 0 ? g_steal_pointer(&gone) : NULL;
}

static char *describe(const GArray *gone) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < gone->len; i++) {
        g_autofree char *address = pca_address_format(&g_array_index(gone, PcaAddress, i));
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", address);
    }
    g_string_append_printf(text, " %s removed from the machine", gone->len > 1 ? "were" : "was");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean on_idle(gpointer data) {
    PcaService *service = data;
    g_autoptr(GPtrArray) claims = pca_claims_list(service->claims);
    service->gone = 0;
    for (guint i = 0; i < claims->len; i++) {
        PcaClaim *claim = g_ptr_array_index(claims, i);
        g_autoptr(GArray) gone = find_gone(service, claim);
        g_autofree char *reason = gone ? describe(gone) : NULL;
        if (gone)
            pca_claims_drop_devices(service->claims, claim, gone, reason);
    }
    g_hash_table_remove_all(service->unplugged);
    return G_SOURCE_REMOVE;
}

void pca_service_look_for_gone(PcaService *service) {
    g_autoptr(GPtrArray) claims = pca_claims_list(service->claims);
    for (guint i = 0; i < claims->len && service->gone == 0; i++) {
        g_autoptr(GArray) gone = find_gone(service, g_ptr_array_index(claims, i));
        /* Not from here: somebody may be at work with the claim. */
        if (gone)
            service->gone = g_idle_add(on_idle, service);
    }
    if (service->gone == 0)
        g_hash_table_remove_all(service->unplugged);
}
