/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the checks and those who resolve requests are told by the service: of its claims,
 * and of isolation as its config spaces have it. Thread: the main one. Ownership: see the header of
 * the table.
 */
#include "service/private.h"
#include "judge/terms.h"

static const PcaClaim *find_device(gpointer data, const PcaAddress *address) {
    return pca_claims_find_device(((PcaService *)data)->claims, address);
}

static const PcaClaim *find_group(gpointer data, int group) {
    return pca_claims_find_group(((PcaService *)data)->claims, group);
}

static const PcaClaim *find_reservation(gpointer data, const PcaAddress *address) {
    return pca_claims_reservation(((PcaService *)data)->claims, address);
}

static const PcaClaimResidue *find_residue(gpointer data, const PcaAddress *address) {
    return pca_claims_residue(((PcaService *)data)->claims, address);
}

static const PcaTaint *find_taint(gpointer data, const PcaFunction *function) {
    return pca_claims_taint(((PcaService *)data)->claims, function);
}

static GPtrArray *list_claims(gpointer data) {
    return pca_claims_list(((PcaService *)data)->claims);
}

static const PcaIsolation *find_isolation(gpointer data, const PcaAddress *address) {
    PcaService *service = data;
    return pca_isolations_find(service->isolations, service->snapshot, address);
}

static const PcaConfig *find_config(gpointer data, const PcaAddress *address) {
    return pca_isolations_config(((PcaService *)data)->isolations, address);
}

static PcaVariants *find_variants(gpointer data) {
    return pca_service_variants(data);
}

PcaTargets *pca_service_resolve(const PcaService *service, const PcaRequest *request,
                                PcaFindings *findings) {
    return pca_request_resolve(request, service->snapshot, service->policy, pca_configs_serial,
                               service->configs, findings);
}

void pca_service_set_terms(PcaService *service, PcaTargets *targets, const PcaNames *names) {
    pca_targets_set_terms(targets, names, service->root, service->snapshot, &service->sources);
}

const PcaSourcesOps pca_service_sources = {
    .device = find_device,
    .group = find_group,
    .reservation = find_reservation,
    .residue = find_residue,
    .taint = find_taint,
    .list = list_claims,
    .isolation = find_isolation,
    .config = find_config,
    .variants = find_variants,
};
