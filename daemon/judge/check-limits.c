/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: limits of sections.
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/check-limits.h"

static void check_memory(const PcaCheckContext *context, const PcaTarget *target,
                         PcaFindings *findings) {
    const PcaSection *section = target->match.device;
    if (section->max_memory == 0 || context->memory <= section->max_memory)
        return;
    g_autofree char *fix =
        g_strdup_printf("ask for %" G_GUINT64_FORMAT " bytes or fewer", section->max_memory);
    pca_findings_fail(findings, "policy", PCA_ERROR_LIMIT_EXCEEDED, section->name, fix,
                      "the claim is for %" G_GUINT64_FORMAT " bytes of memory, and [Device %s] "
                      "allows %" G_GUINT64_FORMAT " (MaxMemory, %s:%u)",
                      context->memory, section->name, section->max_memory, section->file,
                      pca_section_line(section, PCA_KEY_MAX_MEMORY));
}

static gboolean is_asked_for(const PcaCheckContext *context, const PcaFunction *function) {
    for (guint i = 0; i < context->targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(context->targets, i);
        if (!target->stub && pca_address_equal(&target->function->address, &function->address))
            return TRUE;
    }
    return FALSE;
}

/* What the caller has of the section, and what is asked for, each function once. */
static guint count(const PcaCheckContext *context, const PcaSection *section, GString *held) {
    g_autoptr(GPtrArray) functions = pca_section_functions(section, context->snapshot);
    guint n = 0;
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *f = g_ptr_array_index(functions, i);
        const PcaClaim *claim = pca_sources_device(context->sources, &f->address);
        if (is_asked_for(context, f)) {
            n++;
        } else if (claim && claim->kind == PCA_KIND_CLAIM && claim->uid == context->names->uid &&
                   !pca_claim_has_stub(claim, &f->address)) {
            g_autofree char *address = pca_address_format(&f->address);
            g_string_append_printf(held, "%s%s by claim %s", held->len ? ", " : "", address,
                                   claim->id);
            n++;
        }
    }
    return n;
}

/* Told once for all functions of the section. */
static gboolean is_first(const PcaCheckContext *context, const PcaTarget *target) {
    for (guint i = 0; i < context->targets->len; i++) {
        const PcaTarget *other = g_ptr_array_index(context->targets, i);
        if (other->match.device == target->match.device)
            return other == target;
    }
    return FALSE;
}

static void check_number(const PcaCheckContext *context, const PcaTarget *target,
                         PcaFindings *findings) {
    const PcaSection *section = target->match.device;
    g_autoptr(GString) held = g_string_new(NULL);
    if (section->per_user == 0 || !is_first(context, target))
        return;
    guint n = count(context, section, held);
    const char *user = context->names->user;
    g_autofree char *number = g_strdup_printf("uid %u", context->names->uid);
    if (n <= section->per_user && context->unseen.claims)
        pca_findings_doubt(findings, "policy", PCA_ERROR_LIMIT_EXCEEDED, section->name,
                           context->unseen.fix,
                           "cannot tell how many functions of [Device %s] %s holds already; it "
                           "allows %u (PerUser, %s:%u): %s",
                           section->name, user ? user : number, section->per_user, section->file,
                           pca_section_line(section, PCA_KEY_PER_USER), context->unseen.claims);
    if (n <= section->per_user)
        return;
    pca_findings_fail(findings, "policy", PCA_ERROR_LIMIT_EXCEEDED, section->name,
                      held->len ? "release one first" : "ask for fewer functions",
                      "%s would hold %u functions of [Device %s], which allows %u (PerUser, "
                      "%s:%u)%s%s",
                      user ? user : number, n, section->name, section->per_user, section->file,
                      pca_section_line(section, PCA_KEY_PER_USER),
                      held->len ? "; held already: " : "", held->str);
}

void pca_check_limits(const PcaCheckContext *context, const PcaTarget *target,
                      PcaFindings *findings) {
    check_memory(context, target, findings);
    check_number(context, target, findings);
}
