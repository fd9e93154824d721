/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the service's answers for those who only look: descriptions and explanations.
 * Thread: the main one. Ownership: an explanation frees itself with its callback.
 */
#include "base/error.h"
#include "service/private.h"

const PcaConfig *pca_service_function_config(const PcaService *service,
                                             const PcaFunction *function) {
    return pca_configs_find(service->configs, &function->address);
}

PcaVariants *pca_service_variants(PcaService *service) {
    if (service->variants && !pca_variants_are_current(service->variants))
        g_clear_pointer(&service->variants, pca_variants_free);
    if (!service->variants)
        service->variants = pca_variants_new(service->root);
    return service->variants;
}

static GVariant *describe_unread(PcaService *service, const PcaFunction *function) {
    g_autoptr(PcaFunctionFacts) facts = pca_function_facts_new();
    facts->reserved_regions = pca_hardware_read_regions(service->root, function->iommu_group);
    facts->vfio_driver = pca_variants_find(pca_service_variants(service), function);
    return pca_describe_function(function, pca_service_function_config(service, function), facts);
}

/* A read of its config space may take long. */
static gboolean is_locked(PcaService *service, const PcaFunction *function) {
    g_autoptr(GHashTable) locked = pca_configs_locked(service->configs);
    g_autofree char *address = pca_address_format(&function->address);
    return g_hash_table_contains(locked, address);
}

GVariant *pca_service_describe(PcaService *service, const PcaFunction *function) {
    if (pca_claims_find_device(service->claims, &function->address) || is_locked(service, function))
        return describe_unread(service, function);
    const PcaConfig *config = pca_service_function_config(service, function);
    /* What this process may read by itself: 64 bytes. */
    g_autoptr(PcaConfig) header =
        config ? NULL : pca_hardware_read_config(service->root, &function->address, NULL);
    g_autoptr(PcaFunctionFacts) facts = pca_hardware_facts_by(
        service->root, service->snapshot, function, pca_service_variants(service));
    return pca_describe_function(function, config ? config : header, facts);
}

/* ---- Explain ---- */

typedef struct {
    PcaService *service;
    char *address;
    gint64 since;
    PcaServiceExplainFunc func;
    gpointer data;
} Explanation;

static void on_ready(gpointer data) {
    Explanation *e = data;
    PcaService *service = e->service;
    PcaAddress address;
    g_autoptr(GError) error = NULL;
    GVariant *description = NULL;
    pca_service_freshen(service, e->since);
    if (pca_address_parse(e->address, &address))
        description = pca_isolations_explain(service->isolations, service->snapshot, &address);
    if (!description)
        g_set_error(&error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "there is no function %s", e->address);
    e->func(description, error, e->data);
    g_free(e->address);
    g_free(e);
}

void pca_service_explain_async(PcaService *service, const char *address, gint64 since,
                               PcaServiceExplainFunc func, gpointer data) {
    Explanation *e = g_new0(Explanation, 1);
    *e = (Explanation){service, g_strdup(address), since, func, data};
    pca_configs_await(service->configs, on_ready, e);
}
