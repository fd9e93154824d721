/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "interrupts".
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/check-interrupts.h"

#include "sys/interrupts.h"

static void check_remapping(const PcaCheckContext *context, PcaRemapping remapping,
                            PcaFindings *findings) {
    if (context->snapshot->unsafe_interrupts)
        pca_findings_fail(findings, "interrupts", PCA_ERROR_NOT_ISOLATED, "allow_unsafe_interrupts",
                          "switch allow_unsafe_interrupts off, and interrupt remapping on in the "
                          "firmware",
                          "vfio is told to accept interrupts that are not remapped, with which a "
                          "guest can attack the host");
    else if (remapping == PCA_REMAPPING_OFF)
        pca_findings_fail(findings, "interrupts", PCA_ERROR_NOT_ISOLATED, "interrupt remapping",
                          "switch interrupt remapping on in the firmware (with VT-d or AMD-Vi) and "
                          "boot without intremap=off and nointremap; never allow_unsafe_interrupts",
                          "this host does not remap interrupts, so a guest could raise any "
                          "interrupt of the host, and the kernel refuses devices to VMMs");
}

/* ---- INTx ---- */

/* NULL while a claim has the function, because reading config space waits for a reset; and of a
 * bridge, where that may be one of what is below it. */
static PcaIntx *read_intx(const PcaCheckContext *context, const PcaFunction *function) {
    if (pca_function_is_bridge(function) ||
        pca_sources_device(context->sources, &function->address))
        return NULL;
    return pca_intx_read(context->root, function);
}

static void check_line(const PcaIntx *intx, const PcaFunction *function, PcaFindings *findings) {
    if (!intx || intx->kind != PCA_INTX_EXCLUSIVE || !intx->shared_with[0])
        return;
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *others = g_strjoinv(", ", intx->shared_with);
    g_autofree char *fix =
        g_strdup_printf("put the device into another slot, or unload the driver of %s", others);
    pca_findings_fail(
        findings, "interrupts", PCA_ERROR_IN_USE, others, fix,
        "INTx of %s cannot be masked by DisINTx, so vfio-pci must have interrupt line "
        "%d alone, but %s is on it: setting INTx up fails with EBUSY",
        address, intx->line, others);
}

/* ---- The facts ---- */

static char *describe_line(const PcaIntx *intx) {
    g_autofree char *others = g_strjoinv(", ", intx->shared_with);
    const char *masking = intx->kind == PCA_INTX_EXCLUSIVE  ? "not maskable by DisINTx"
                          : intx->kind == PCA_INTX_MASKABLE ? "masked by DisINTx"
                                                            : "DisINTx untested";
    if (intx->line < 0)
        return g_strdup_printf("INTx not routed yet, %s", masking);
    if (intx->shared_with[0])
        return g_strdup_printf("INTx shared with %s, %s", others, masking);
    return g_strdup_printf("INTx not shared, %s", masking);
}

static char *describe_intx(const PcaIntx *intx) {
    if (!intx || intx->kind == PCA_INTX_UNKNOWN)
        return g_strdup("INTx unknown");
    if (intx->kind == PCA_INTX_NONE)
        return g_strdup("no INTx");
    if (intx->kind == PCA_INTX_HIDDEN)
        return g_strdup("INTx broken and hidden by vfio-pci");
    return describe_line(intx);
}

static void append_facts(GString *text, const PcaIntx *intx, const PcaFunction *function,
                         gboolean alone) {
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *facts = describe_intx(intx);
    g_string_append_printf(text, "; %s%s%s", alone ? "" : address, alone ? "" : ": ", facts);
}

void pca_check_interrupts(const PcaCheckContext *context, PcaFindings *findings) {
    PcaRemapping remapping = pca_interrupt_remapping(context->root);
    g_autoptr(GString) text =
        g_string_new(remapping == PCA_REMAPPING_ON ? "remapped"
                                                   : "vfio does not accept interrupts that are not "
                                                     "remapped");
    guint n = context->targets->len;
    if (n > 0)
        check_remapping(context, remapping, findings);
    for (guint i = 0; i < n; i++) {
        const PcaTarget *target = g_ptr_array_index(context->targets, i);
        const PcaFunction *function = target->function;
        if (target->stub)
            continue;
        g_autoptr(PcaIntx) intx = read_intx(context, function);
        check_line(intx, function, findings);
        append_facts(text, intx, function, n == 1);
    }
    if (n > 0 && !pca_findings_failed(findings, "interrupts"))
        pca_findings_pass(findings, "interrupts", "%s", text->str);
}
