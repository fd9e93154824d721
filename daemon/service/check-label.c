/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "label".
 * Thread: the main one. Ownership: see the header.
 */
#include "service/check-label.h"

#include "auth/selinux.h"

/* Another client's claim with just these categories: to SELinux the two would be one. */
static PcaClaim *find_other(const PcaCheckContext *context, const char *categories) {
    const PcaNames *names = context->names;
    g_autoptr(GPtrArray) claims = pca_sources_list(context->sources);
    for (guint i = 0; i < claims->len; i++) {
        PcaClaim *claim = g_ptr_array_index(claims, i);
        g_autofree char *theirs = claim->label ? pca_selinux_categories(claim->label) : NULL;
        gboolean own = claim->uid == names->uid && g_strcmp0(claim->label, names->label) == 0;
        if (!own && g_strcmp0(theirs, categories) == 0)
            return pca_claim_ref(claim);
    }
    return NULL;
}

static void refuse_categories(const PcaCheckContext *context, const PcaClaim *claim,
                              const char *categories, PcaFindings *findings) {
    const PcaNames *names = context->names;
    gboolean may_know = names->uid == 0 || names->uid == claim->uid;
    g_autofree char *uid = g_strdup_printf("uid %u", claim->uid);
    const char *holder = may_know ? (claim->user ? claim->user : uid) : "another user";
    pca_findings_fail(findings, "label", PCA_ERROR_NOT_PERMITTED, categories,
                      "start it with categories that no other virtual machine has",
                      "the SELinux categories %s of the caller are those of a claim of %s already, "
                      "who could use its devices",
                      categories, holder);
}

void pca_check_label(const PcaCheckContext *context, PcaFindings *findings) {
    const PcaNames *names = context->names;
    if (!pca_selinux_is_on() || names->is_other)
        return;
    if (names->label_error) {
        pca_findings_fail(findings, "label", names->label_error->code, NULL, NULL, "%s",
                          names->label_error->message);
        return;
    }
    g_autoptr(GError) refusal = NULL;
    g_autofree char *categories = pca_selinux_categories(names->label);
    g_autoptr(PcaClaim) other = *categories ? find_other(context, categories) : NULL;
    if (!pca_selinux_would_allow(names->label, PCA_PERMISSION_CLAIM, names->node_label, &refusal))
        pca_findings_fail(findings, "label", refusal->code, names->label,
                          "start it in a domain that may, or give that of the caller "
                          "pcassign_client() of the policy's module pcassign",
                          "%s", refusal->message);
    else if (other)
        refuse_categories(context, other, categories, findings);
    else
        pca_findings_pass(findings, "label", "its nodes get the SELinux label %s",
                          names->node_label);
}
