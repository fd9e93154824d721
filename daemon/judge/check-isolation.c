/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "isolation".
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/check-isolation.h"

#include "pci/quirks.h"
#include "pci/warnings.h"

typedef struct {
    const PcaCheckContext *context;
    const PcaFunction *function;
    const char *address;
    PcaFindings *findings;
    GString *remarks; /* for when nothing is refused */
} Judgement;

/* The first reasons, of each kind, why a function that the kernel has in another group is in the
 * set; NULL: there is none. */
typedef struct {
    const PcaReason *lacking; /* bits that the port has, and that are switched off now */
    guint16 bits;             /* which */
    const PcaReason *certain;
    const PcaReason *unknown;
} Beyond;

static gboolean contains(const GArray *addresses, const PcaAddress *address) {
    for (guint i = 0; i < addresses->len; i++)
        if (pca_address_equal(&g_array_index(addresses, PcaAddress, i), address))
            return TRUE;
    return FALSE;
}

/* A bit that the capability does not have counts as wired to be on, so its absence is nothing that
 * a register could have lost. */
static guint16 lacking_bits(const PcaCheckContext *context, const PcaReason *reason) {
    const PcaConfig *config = pca_sources_config(context->sources, &reason->at);
    if (!config || !config->acs.known)
        return 0;
    return reason->missing & config->acs.capabilities & ~config->acs.control;
}

static Beyond look_beyond(const PcaCheckContext *context, const PcaIsolation *isolation) {
    Beyond beyond = {0};
    for (guint i = 0; i < isolation->reasons->len; i++) {
        const PcaReason *reason = g_ptr_array_index(isolation->reasons, i);
        if (contains(isolation->kernel_group, &reason->member))
            continue;
        guint16 bits = lacking_bits(context, reason);
        if (!beyond.lacking && bits != 0) {
            beyond.lacking = reason;
            beyond.bits = bits;
        }
        if (!beyond.unknown && reason->cause == PCA_CAUSE_UNKNOWN)
            beyond.unknown = reason;
        if (!beyond.certain && reason->cause != PCA_CAUSE_UNKNOWN)
            beyond.certain = reason;
    }
    return beyond;
}

/* ---- Refusals ---- */

/* "disable_acs_redir" of "disable_acs_redir=0000:00:01.0"; NULL without such an option. */
static char *find_option(const PcaCheckContext *context, gboolean override) {
    static const char *const name = "pcie_acs_override=";
    g_autofree char *line = pca_read_text(context->root->proc, "cmdline", NULL);
    g_auto(GStrv) found = pca_acs_options(line);
    for (char **option = found; *option; option++)
        if (g_str_has_prefix(*option, name) == override)
            return g_strndup(*option, strcspn(*option, "="));
    return NULL;
}

static void refuse_option(const Judgement *j, const PcaReason *reason, const char *option) {
    g_autofree char *fix =
        g_strdup_printf("boot without %s; then the groups are true, and what shares is assigned "
                        "together or put into another slot",
                        option);
    pca_findings_fail(
        j->findings, "isolation", PCA_ERROR_NOT_ISOLATED, option, fix,
        "IOMMU group %d of %s claims more isolation than there is, because the kernel "
        "was booted with %s: %s",
        j->function->iommu_group, j->address, option, reason->text);
}

static void refuse_lacking(const Judgement *j, const Beyond *beyond, const char *option) {
    g_autofree char *port = pca_address_format(&beyond->lacking->at);
    g_autofree char *fix = g_strdup_printf(
        "switch them on again: setpci -s %s ECAP_ACS+6.w=%x:%x%s%s", port, beyond->bits,
        beyond->bits, option ? ", and boot without " : "; see what switched them off",
        option ? option : "");
    g_autofree char *bits = pca_acs_format(beyond->bits);
    pca_findings_fail(j->findings, "isolation", PCA_ERROR_NOT_ISOLATED, port, fix,
                      "ACS of %s was switched off (%s) since the kernel made IOMMU group %d of %s, "
                      "which is not isolated any more: %s",
                      port, bits, j->function->iommu_group, j->address, beyond->lacking->text);
}

/* ---- The verdict ---- */

static void remark(const Judgement *j, const char *what, const PcaReason *reason) {
    g_string_append_printf(j->remarks, "; %s: %s", what, reason->text);
}

/* Registers that were not read could tell of something switched off, the command line of options
 * that make groups up. Whether it was so. */
static gboolean doubt(const Judgement *j, const Beyond *beyond) {
    const PcaUnseen *unseen = &j->context->unseen;
    const PcaReason *reason = beyond->unknown ? beyond->unknown : beyond->certain;
    const char *why = beyond->unknown && unseen->registers ? unseen->registers
                      : reason && unseen->host             ? unseen->host
                                                           : NULL;
    if (!why)
        return FALSE;
    pca_findings_doubt(j->findings, "isolation", PCA_ERROR_NOT_ISOLATED, j->address, unseen->fix,
                       "cannot tell whether topology and registers bear IOMMU group %d of %s out: "
                       "%s: %s",
                       j->function->iommu_group, j->address, reason->text, why);
    return TRUE;
}

/* What could not be read is unknown, and what the kernel knows better (a newer quirk of its own)
 * its business: neither is refused. */
static void judge_set(const Judgement *j, const PcaIsolation *isolation) {
    Beyond beyond = look_beyond(j->context, isolation);
    g_autofree char *override = beyond.certain ? find_option(j->context, TRUE) : NULL;
    g_autofree char *option = beyond.certain ? find_option(j->context, FALSE) : NULL;
    if (override)
        refuse_option(j, beyond.certain, override);
    else if (beyond.lacking)
        refuse_lacking(j, &beyond, option);
    else if (option)
        refuse_option(j, beyond.certain, option);
    else if (doubt(j, &beyond))
        return;
    else if (beyond.certain)
        remark(j, "topology and registers do not bear that out", beyond.certain);
    else if (beyond.unknown)
        remark(j, "whether topology and registers do is unknown", beyond.unknown);
}

static void judge(const Judgement *j) {
    if (j->function->reserved_direct)
        pca_findings_fail(
            j->findings, "isolation", PCA_ERROR_NOT_ISOLATED, j->address, NULL,
            "the firmware keeps memory mapped for %s (RMRR), so it cannot be isolated", j->address);
    const PcaIsolation *isolation =
        pca_sources_isolation(j->context->sources, &j->function->address);
    if (isolation && isolation->kernel_group)
        judge_set(j, isolation);
}

void pca_check_isolation(const PcaCheckContext *context, PcaFindings *findings) {
    g_autoptr(GString) remarks = g_string_new(NULL);
    for (guint i = 0; i < context->targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(context->targets, i);
        if (target->stub)
            continue;
        g_autofree char *address = pca_address_format(&target->function->address);
        const Judgement j = {context, target->function, address, findings, remarks};
        judge(&j);
    }
    if (context->targets->len > 0 && !pca_findings_failed(findings, "isolation"))
        pca_findings_pass(findings, "isolation", "the kernel's IOMMU group isolates it%s",
                          remarks->str);
}

const char *pca_isolation_why(const PcaCheckContext *context, const PcaFunction *function,
                              const PcaAddress *other) {
    const PcaIsolation *isolation = pca_sources_isolation(context->sources, &function->address);
    for (guint i = 0; isolation && i < isolation->reasons->len; i++) {
        const PcaReason *reason = g_ptr_array_index(isolation->reasons, i);
        if (pca_address_equal(&reason->member, other))
            return reason->text;
    }
    return NULL;
}
