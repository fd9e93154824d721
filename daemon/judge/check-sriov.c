/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "sriov".
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/check-sriov.h"

typedef struct {
    const PcaCheckContext *context;
    const PcaFunction *function;
    const char *address;
    PcaFindings *findings;
} Judgement;

/* A claimed virtual function, by what was known when it was claimed: one that the host is about to
 * remove has lost the link to its physical function, and its owner has it still
 * (pci_iov_remove_virtfn() in drivers/pci/iov.c). */
static const PcaFunction *claimed_vf(const PcaClaim *claim, const PcaAddress *pf) {
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaFunction *found = pca_claim_device(claim, i)->function;
        if (found->is_vf && pca_address_equal(&found->pf, pf))
            return found;
    }
    return NULL;
}

static gboolean refuse_claimed_vf(const Judgement *j) {
    g_autoptr(GPtrArray) claims = pca_sources_list(j->context->sources);
    for (guint i = 0; i < claims->len; i++) {
        const PcaClaim *claim = g_ptr_array_index(claims, i);
        const PcaFunction *vf = claimed_vf(claim, &j->function->address);
        if (!vf)
            continue;
        g_autofree char *address = pca_address_format(&vf->address);
        g_autofree char *holder = pca_check_holder(j->context, claim);
        pca_findings_fail(j->findings, "sriov", PCA_ERROR_BUSY, address, NULL,
                          "%s, a virtual function of %s, is held by %s", address, j->address,
                          holder);
        return TRUE;
    }
    return FALSE;
}

static void refuse_vfs(const Judgement *j) {
    g_autofree char *fix =
        g_strdup_printf("echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs", j->address);
    pca_findings_fail(j->findings, "sriov", PCA_ERROR_IN_USE, j->address, fix,
                      "%s has %u virtual functions enabled", j->address, j->function->num_vfs);
}

static void judge_pf(const Judgement *j) {
    const PcaSources *sources = j->context->sources;
    const PcaAddress *address = &j->function->pf;
    const PcaFunction *pf = pca_snapshot_find(j->context->snapshot, address);
    const PcaClaim *claim = pca_sources_device(sources, address);
    g_autofree char *text = pca_address_format(address);
    g_autofree char *holder = claim ? pca_check_holder(j->context, claim) : NULL;
    g_autofree char *fix =
        sources->ops->reservation(sources->data, address)
            ? g_strdup_printf("pcassignctl unreserve %s", text)
            : g_strdup_printf("give %s back to its host driver, and make its virtual functions "
                              "anew with that",
                              text);
    if (claim)
        pca_findings_fail(j->findings, "sriov", PCA_ERROR_BUSY, text, NULL,
                          "%s, the physical function of %s, is held by %s", text, j->address,
                          holder);
    else if (!pf)
        pca_findings_fail(j->findings, "sriov", PCA_ERROR_IN_USE, text, NULL,
                          "%s, the physical function of %s, cannot be read, so nobody knows who "
                          "drives it",
                          text, j->address);
    else if (pca_driver_is_vfio(pf->driver))
        pca_findings_fail(j->findings, "sriov", PCA_ERROR_IN_USE, text, fix,
                          "%s, the physical function of %s, is on %s: whoever drives it there "
                          "reaches its virtual functions too",
                          text, j->address, pf->driver);
}

/* Who has the physical function is asked for a virtual one, and the other way round. */
static void doubt_claims(const Judgement *j) {
    const PcaUnseen *unseen = &j->context->unseen;
    g_autofree char *pf = j->function->is_vf ? pca_address_format(&j->function->pf) : NULL;
    if (!unseen->claims || (!pf && j->function->total_vfs == 0))
        return;
    pca_findings_doubt(j->findings, "sriov", PCA_ERROR_BUSY, pf ? pf : j->address, unseen->fix,
                       "cannot tell who holds %s of %s: %s",
                       pf ? "the physical function" : "virtual functions", j->address,
                       unseen->claims);
}

void pca_check_sriov(const PcaCheckContext *context, const PcaTarget *target,
                     PcaFindings *findings) {
    g_autofree char *address = pca_address_format(&target->function->address);
    Judgement j = {context, target->function, address, findings};
    if (!refuse_claimed_vf(&j) && target->function->num_vfs > 0)
        refuse_vfs(&j);
    if (target->function->is_vf)
        judge_pf(&j);
    doubt_claims(&j);
}
