/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the state of a function by who holds it.
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/sources.h"

const PcaClaim *pca_sources_reservation(const PcaSources *s, const PcaFunction *function) {
    const PcaClaim *reservation = s->ops->reservation(s->data, &function->address);
    if (!reservation)
        return NULL;
    const char *driver = pca_claim_device(reservation, 0)->driver;
    return !function->driver || g_str_equal(function->driver, driver) ? reservation : NULL;
}

/* The claim, or the administrator's doing, that decides about the function's state; or NULL. */
static const PcaClaim *claim_shown(const PcaSources *s, const PcaFunction *function) {
    const PcaClaim *claim = pca_sources_device(s, &function->address);
    gboolean shown = claim && (claim->kind == PCA_KIND_CLAIM || claim->state == PCA_CLAIM_STUCK ||
                               claim->state == PCA_CLAIM_RELEASING);
    return shown ? claim : NULL;
}

const char *pca_sources_state(const PcaSources *s, const PcaFunction *function) {
    const PcaClaimResidue *residue = s->ops->residue(s->data, &function->address);
    const PcaClaim *claim = claim_shown(s, function);
    if (claim && claim->state == PCA_CLAIM_STUCK)
        return "stuck";
    if (claim && claim->state == PCA_CLAIM_RELEASING)
        return "releasing";
    if (claim)
        return "claimed";
    if (residue)
        return residue->quarantined ? "quarantined" : "degraded";
    if (s->ops->taint(s->data, function))
        return "quarantined";
    if (pca_sources_reservation(s, function))
        return "reserved";
    return function->driver && !pca_driver_is_vfio(function->driver) ? "host" : "free";
}

gint64 pca_sources_state_since(const PcaSources *s, const PcaFunction *function) {
    const PcaClaimResidue *residue = s->ops->residue(s->data, &function->address);
    const PcaClaim *claim = claim_shown(s, function);
    const PcaClaim *reservation = pca_sources_reservation(s, function);
    if (claim)
        return claim->state_since;
    if (residue)
        return residue->since;
    return reservation ? reservation->state_since : 0;
}

const char *pca_sources_state_reason(const PcaSources *s, const PcaFunction *function) {
    const PcaClaimResidue *residue = s->ops->residue(s->data, &function->address);
    const PcaClaim *claim = claim_shown(s, function);
    if (claim && pca_claim_has_stub(claim, &function->address))
        return "only kept from the host, because a claim has others of its IOMMU group";
    if (claim)
        return NULL;
    if (residue)
        return residue->text;
    const PcaTaint *taint = s->ops->taint(s->data, function);
    return taint ? pca_taint_text(taint) : NULL;
}
