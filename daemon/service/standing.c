/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: judging claims in force by a policy that came later.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/standing.h"

#include "service/private.h"

static PcaCaller caller_of(const PcaClaim *claim) {
    return (PcaCaller){.uid = claim->uid,
                       .gids = (const guint32 *)(gpointer)claim->gids->data,
                       .n_gids = claim->gids->len,
                       .unit = claim->unit,
                       .label = claim->label};
}

/* Why its owner would not get the function now; NULL when they would. *place becomes the section
 * that says so, or NULL. */
static char *refusal_of(const PcaService *service, const PcaClaim *claim, const PcaMatch *match,
                        const PcaSection **place) {
    PcaCaller caller = caller_of(claim);
    char *reason = NULL;
    *place = match->deny ? match->deny : match->device;
    if (match->deny)
        return g_strdup_printf("[Deny %s] denies it", match->deny->name);
    if (match->mismatch)
        return g_strdup(match->mismatch);
    if (claim->uid == 0)
        return NULL;
    if (!match->device)
        return g_strdup("no [Device] section names it");
    pca_section_allows(match->device, &caller, pca_directory_accounts(service->directory), &reason);
    return reason;
}

static char *judge_device(const PcaService *service, const PcaClaim *claim,
                          const PcaFunction *function, const PcaSection **place) {
    PcaMatch match = {0};
    if (!service->policy)
        return g_strdup("no policy is in force");
    pca_policy_match(service->policy, service->snapshot, function, pca_configs_serial,
                     service->configs, &match);
    char *refusal = refusal_of(service, claim, &match, place);
    pca_match_clear(&match);
    return refusal;
}

/* Where the section is that says so, or else the file that has granted it, without a line: what
 * stands there now is another thing. */
static void append_warning(PcaDiagnostics *diagnostics, const PcaClaim *claim, const char *address,
                           const char *refusal, const PcaSection *place) {
    const char *colon = claim->policy ? strrchr(claim->policy, ':') : NULL;
    g_autofree char *file =
        colon ? g_strndup(claim->policy, (gsize)(colon - claim->policy)) : g_strdup("");
    g_autofree char *uid = g_strdup_printf("uid %u", claim->uid);
    pca_diagnostics_add(diagnostics, place ? place->file : file, place ? place->line : 0,
                        place ? 1 : 0, PCA_SEVERITY_WARNING,
                        "the claim %s of %s would not be granted any more: %s: %s; it stays until "
                        "it ends: pcassignctl release %s",
                        claim->id, claim->user ? claim->user : uid, address, refusal, claim->id);
}

/* The first of its functions decides. */
static void judge_claim(PcaService *service, PcaClaim *claim, PcaDiagnostics *diagnostics) {
    g_clear_pointer(&claim->refusal, g_free);
    for (guint i = 0; i < claim->devices->len && !claim->refusal; i++) {
        const PcaFunction *found = pca_claim_device(claim, i)->function;
        const PcaFunction *now = pca_snapshot_find(service->snapshot, &found->address);
        g_autofree char *address = pca_address_format(&found->address);
        const PcaSection *place = NULL;
        g_autofree char *why = now ? judge_device(service, claim, now, &place) : NULL;
        if (!why)
            continue;
        claim->refusal = g_strdup_printf("%s: %s", address, why);
        append_warning(diagnostics, claim, address, why, place);
    }
}

void pca_service_judge_claims(PcaService *service, PcaDiagnostics *diagnostics) {
    g_autoptr(GPtrArray) claims = pca_claims_list(service->claims);
    for (guint i = 0; service->snapshot && i < claims->len; i++) {
        PcaClaim *claim = g_ptr_array_index(claims, i);
        if (claim->state == PCA_CLAIM_PREPARING || claim->state == PCA_CLAIM_READY)
            judge_claim(service, claim, diagnostics);
    }
}
