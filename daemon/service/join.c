/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: joining claims.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/join.h"

#include "base/error.h"
#include "claim/lease.h"
#include "engine/handover.h"

static gboolean refuse(GError **error, PcaError code, const PcaRequest *request, const char *what) {
    g_set_error(error, PCA_ERROR, code, "the claim to join, %s, %s", request->join, what);
    return FALSE;
}

static gboolean proves(const PcaClaim *claim, const PcaSubject *subject, const PcaRequest *request,
                       GError **error) {
    if (claim->uid != subject->uid || g_strcmp0(claim->label, subject->label) != 0)
        return refuse(error, PCA_ERROR_NOT_PERMITTED, request, "is another user's");
    if (!pca_lease_proves(claim->lease, request->join_lease))
        return refuse(error, PCA_ERROR_NOT_PERMITTED, request,
                      "has another lease than the descriptor in join-lease");
    return TRUE;
}

gboolean pca_may_join(PcaClaims *claims, const PcaSubject *subject, const PcaRequest *request,
                      GError **error) {
    if (!request->join)
        return TRUE;
    const PcaClaim *claim = pca_claims_find(claims, request->join);
    if (!claim || claim->state == PCA_CLAIM_ENDED)
        return refuse(error, PCA_ERROR_NOT_FOUND, request, "has ended");
    if (!proves(claim, subject, request, error))
        return FALSE;
    if (claim->state != PCA_CLAIM_READY) {
        g_autofree char *what =
            g_strdup_printf("is %s, not ready", pca_claim_state_name(claim->state));
        return refuse(error, PCA_ERROR_REVOKED, request, what);
    }
    const char *handoff = claim->handoff ? claim->handoff : PCA_HANDOFF_CDEV;
    if (!request->handoff || g_str_equal(request->handoff, handoff))
        return TRUE;
    g_autofree char *what =
        g_strdup_printf("was made with handoff \"%s\", not \"%s\"", handoff, request->handoff);
    return refuse(error, PCA_ERROR_INVALID_ARGUMENT, request, what);
}
