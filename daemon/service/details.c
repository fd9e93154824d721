/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: devices as polkit is told of them.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/private.h"

static void append(GString *list, const char *word) {
    if (list->len > 0)
        g_string_append_c(list, ' ');
    g_string_append(list, word && *word ? word : "-");
}

static void add(GVariantBuilder *details, const char *key, const GString *list) {
    if (list->len > 0)
        g_variant_builder_add(details, "{ss}", key, list->str);
}

GVariant *pca_service_details(const PcaService *service, const char *method,
                              const GArray *addresses) {
    g_autoptr(GString) devices = g_string_new(NULL);
    g_autoptr(GString) paths = g_string_new(NULL);
    g_autoptr(GString) ids = g_string_new(NULL);
    g_autoptr(GString) names = g_string_new(NULL);
    GVariantBuilder details;
    for (guint i = 0; i < addresses->len; i++) {
        const PcaAddress *address = &g_array_index(addresses, PcaAddress, i);
        const PcaFunction *f = pca_snapshot_find(service->snapshot, address);
        g_autofree char *text = pca_address_format(address);
        g_autofree char *id = f ? g_strdup_printf("%04x:%04x", f->vendor, f->device) : NULL;
        g_autofree char *name = f ? pca_service_function_name(service, f) : NULL;
        append(devices, text);
        append(paths, f ? f->slot_path : NULL);
        append(ids, id);
        append(names, name);
    }
    g_variant_builder_init(&details, G_VARIANT_TYPE("a{ss}"));
    g_variant_builder_add(&details, "{ss}", "method", method);
    add(&details, "device", devices);
    add(&details, "path", paths);
    add(&details, "id", ids);
    add(&details, "name", names);
    return g_variant_builder_end(&details);
}
