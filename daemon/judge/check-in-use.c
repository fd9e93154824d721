/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the in-use check.
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/check-in-use.h"

#include "sys/in-use.h"

static void add_nodes(PcaProgramUses *uses, PcaUseLook *look, const PcaFunction *function) {
    g_autoptr(GPtrArray) nodes = pca_in_use_nodes(look, function);
    if (nodes->len > 0)
        g_hash_table_insert(uses->nodes, pca_address_format(&function->address),
                            g_steal_pointer(&nodes));
}

PcaProgramUses *pca_program_uses_new(PcaUseLook *look, const PcaTargets *targets) {
    PcaProgramUses *uses = g_new0(PcaProgramUses, 1);
    uses->nodes =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; i < targets->len; i++)
        add_nodes(uses, look, ((PcaTarget *)g_ptr_array_index(targets, i))->function);
    return uses;
}

void pca_program_uses_free(PcaProgramUses *uses) {
    g_hash_table_unref(uses->nodes);
    g_free(uses->problem);
    g_free(uses);
}

/* What the host and its programs do with the function. */
static PcaFindings *find_uses(const PcaCheckContext *context, const PcaFunction *function) {
    g_autofree char *address = pca_address_format(&function->address);
    PcaFindings *found = pca_findings_new();
    const PcaProgramUses *uses = context->uses;
    PcaUseNodes *nodes = uses ? g_hash_table_lookup(uses->nodes, address) : NULL;
    pca_in_use(context->look, function, found);
    if (nodes && uses->problem)
        pca_findings_doubt(found, "in-use", PCA_ERROR_IN_USE, address, context->unseen.fix,
                           "cannot tell whether a program uses %s: %s", address, uses->problem);
    else if (nodes)
        pca_in_use_opened(context->look, function, nodes, found);
    return found;
}

static const char *use_name(guint use) {
    static const char *const names[] = {"network", "display", "input", "sound", "other"};
    return names[g_bit_nth_lsf(use, -1)];
}

/* Takes over the findings that the policy does not let pass. */
static void judge_uses(guint allowed, PcaFindings *found, PcaFindings *findings) {
    while (found->len > 0) {
        PcaFinding *finding = g_ptr_array_steal_index(found, 0);
        g_ptr_array_add(findings, finding);
        if (!(finding->use & allowed))
            continue;
        g_autofree char *text = finding->text;
        finding->ok = TRUE;
        finding->text = g_strdup_printf("used as %s, which the policy lets be ended: %s",
                                        use_name(finding->use), text);
        g_clear_pointer(&finding->fix, g_free);
    }
}

/* Somebody drives its group through VFIO, and it is no claim of ours. */
static void check_vfio_user(const PcaCheckContext *context, const PcaFunction *function,
                            PcaFindings *findings) {
    g_autofree char *address = pca_address_format(&function->address);
    const char *user =
        g_hash_table_lookup(context->busy_groups, GINT_TO_POINTER(function->iommu_group));
    if (user && !pca_sources_device(context->sources, &function->address))
        pca_findings_fail(findings, "in-use", PCA_ERROR_IN_USE, user,
                          "end the program that uses it", "%s is driven through VFIO by %s already",
                          address, user);
}

/* What the host and others do where nobody could look. */
static void doubt_unseen(const PcaCheckContext *context, const PcaFunction *function,
                         PcaFindings *findings) {
    const PcaUnseen *unseen = &context->unseen;
    g_autofree char *address = pca_address_format(&function->address);
    if (unseen->host)
        pca_findings_doubt(findings, "in-use", PCA_ERROR_IN_USE, address, unseen->fix,
                           "cannot tell what the host does with %s: %s", address, unseen->host);
    if (unseen->programs && pca_driver_is_vfio(function->driver) &&
        !pca_sources_device(context->sources, &function->address))
        pca_findings_doubt(findings, "in-use", PCA_ERROR_IN_USE, address, unseen->fix,
                           "cannot tell whether %s is driven through VFIO already: %s", address,
                           unseen->programs);
}

void pca_check_in_use(const PcaCheckContext *context, const PcaTarget *target,
                      PcaFindings *findings) {
    g_autoptr(GPtrArray) found = find_uses(context, target->function);
    judge_uses(pca_target_allowed_uses(target), found, findings);
    check_vfio_user(context, target->function, findings);
    doubt_unseen(context, target->function, findings);
}
