/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "reset".
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/check-reset.h"

#include "judge/bus-reset.h"

typedef struct {
    const PcaCheckContext *context;
    const PcaTarget *target;
    const PcaFunction *function;
    const PcaSection *section; /* that means the function; NULL without one */
    const char *address;
    PcaFindings *findings;
} Judgement;

static const char *const without_reset =
    "Reset=none in its section of the policy, with one owner per boot";

/* None of the methods that its section names. */
static void refuse_methods(const Judgement *j) {
    g_autofree char *wanted = g_strjoinv(" ", j->section->reset);
    g_autofree char *found = g_strjoinv(" ", j->function->reset_methods);
    pca_findings_fail(j->findings, "reset", PCA_ERROR_NO_RESET, j->address,
                      "correct Reset in the policy",
                      "%s has none of the reset methods of [Device %s]: %s (Reset, %s:%u); it has: "
                      "%s",
                      j->address, j->section->name, wanted, j->section->file,
                      pca_section_line(j->section, PCA_KEY_RESET), found);
}

static gboolean is_target(const Judgement *j, const PcaFunction *function) {
    for (guint i = 0; i < j->context->targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(j->context->targets, i);
        if (pca_address_equal(&target->function->address, &function->address))
            return TRUE;
    }
    return FALSE;
}

static char *bus_fix(const Judgement *j, const PcaFunction *obstacle, const char *other) {
    const PcaSection *terms = j->target->terms;
    if (is_target(j, obstacle) || pca_function_is_bridge(obstacle))
        return g_strdup(without_reset);
    if (!terms)
        return g_strdup_printf("claim both together: %s %s", j->address, other);
    return g_strdup_printf("claim both together: %s %s; or an administrator can have the other "
                           "kept from the host meanwhile: Siblings=stub in [Device %s] (%s:%u)",
                           j->address, other, terms->name, terms->file, terms->line);
}

/* The kernel makes out the methods of a function when it finds it, and of several in a slot it
 * finds the first alone on its bus. When it is to reset the bus it looks again
 * (pci_init_reset_methods() and pci_parent_bus_reset() in drivers/pci). */
static void refuse_bus_reset(const Judgement *j) {
    const PcaFunction *obstacle =
        pca_bus_obstacle(j->context->snapshot, j->context->targets, j->function);
    g_autofree char *other = obstacle ? pca_address_format(&obstacle->address) : NULL;
    g_autofree char *fix = obstacle ? bus_fix(j, obstacle, other) : g_strdup(without_reset);
    if (obstacle)
        pca_findings_fail(j->findings, "reset", PCA_ERROR_NO_RESET, other, fix,
                          "the only reset of %s is that of its bus, which would reach %s too%s",
                          j->address, other,
                          is_target(j, obstacle) ? ", and that may not be reset so" : "");
    else
        pca_findings_fail(j->findings, "reset", PCA_ERROR_NO_RESET, j->address, fix,
                          "the only reset of %s is that of its bus with others, which takes VFIO's "
                          "containers, and this kernel has none loaded",
                          j->address);
}

/* Alone it could not be given back later. */
static void refuse_to_keep(const Judgement *j) {
    pca_findings_fail(
        j->findings, "reset", PCA_ERROR_NO_RESET, j->address, "OnRelease=host in its section",
        "%s is reset only with all of its bus, so it cannot stay reserved "
        "(OnRelease, %s:%u)",
        j->address, j->section->file, pca_section_line(j->section, PCA_KEY_ON_RELEASE));
}

static gboolean is_never_reset(const Judgement *j) {
    return j->section && j->section->reset && !j->section->reset[0];
}

static void judge(const Judgement *j) {
    if (is_never_reset(j))
        pca_findings_pass(j->findings, "reset",
                          "%s is never reset (Reset, %s:%u): its first owner is its only one until "
                          "the next boot",
                          j->address, j->section->file,
                          pca_section_line(j->section, PCA_KEY_RESET));
    else if (j->target->with_bus && j->section && j->section->reserve_on_release)
        refuse_to_keep(j);
    else if (j->target->with_bus)
        pca_findings_pass(j->findings, "reset", "%s is reset by that of its bus, with all on it",
                          j->address);
    else if (pca_bus_reset_needed(j->context->snapshot, j->function, j->section))
        refuse_bus_reset(j);
    else if (!j->function->reset_methods[0])
        pca_findings_fail(j->findings, "reset", PCA_ERROR_NO_RESET, j->address, without_reset,
                          "%s has no reset method, so what one owner leaves in it would reach the "
                          "next",
                          j->address);
    else if (j->section && j->section->reset && !j->target->methods)
        refuse_methods(j);
}

void pca_check_reset(const PcaCheckContext *context, const PcaTarget *target,
                     PcaFindings *findings) {
    g_autofree char *address = pca_address_format(&target->function->address);
    const Judgement j = {.context = context,
                         .target = target,
                         .function = target->function,
                         .section = target->match.ambiguous ? NULL : target->match.device,
                         .address = address,
                         .findings = findings};
    if (!target->stub)
        judge(&j);
}
