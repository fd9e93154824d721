/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: lists of check verdicts.
 * Thread: any. Ownership: see the header.
 */
#include "base/finding.h"

static const char *const order[] = {"exists", "iommu",  "policy",    "label", "identity",
                                    "busy",   "in-use", "isolation", "group", "interrupts",
                                    "driver", "sriov",  "reset"};

static void finding_free(gpointer data) {
    PcaFinding *finding = data;
    g_free(finding->culprit);
    g_free(finding->text);
    g_free(finding->fix);
    g_free(finding);
}

PcaFindings *pca_findings_new(void) {
    return g_ptr_array_new_with_free_func(finding_free);
}

static PcaFinding *add(PcaFindings *findings, const char *name, const char *format, va_list args) {
    PcaFinding *finding = g_new0(PcaFinding, 1);
    finding->name = name;
    finding->text = g_strdup_vprintf(format, args);
    g_ptr_array_add(findings, finding);
    return finding;
}

void pca_findings_pass(PcaFindings *findings, const char *name, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(findings, name, format, args)->ok = TRUE;
    va_end(args);
}

static void set_failed(PcaFinding *finding, PcaError error, const char *culprit, const char *fix) {
    finding->error = error;
    finding->culprit = g_strdup(culprit);
    finding->fix = g_strdup(fix);
}

void pca_findings_fail(PcaFindings *findings, const char *name, PcaError error, const char *culprit,
                       const char *fix, const char *format, ...) {
    va_list args;
    va_start(args, format);
    set_failed(add(findings, name, format, args), error, culprit, fix);
    va_end(args);
}

void pca_findings_doubt(PcaFindings *findings, const char *name, PcaError error,
                        const char *culprit, const char *fix, const char *format, ...) {
    va_list args;
    va_start(args, format);
    PcaFinding *finding = add(findings, name, format, args);
    va_end(args);
    finding->unknown = TRUE;
    set_failed(finding, error, culprit, fix);
}

gboolean pca_findings_failed(PcaFindings *findings, const char *name) {
    for (guint i = 0; i < findings->len; i++) {
        PcaFinding *finding = g_ptr_array_index(findings, i);
        if (!finding->ok && (!name || g_str_equal(finding->name, name)))
            return TRUE;
    }
    return FALSE;
}

static guint rank(const PcaFinding *finding) {
    guint i = 0;
    while (i < G_N_ELEMENTS(order) && !g_str_equal(order[i], finding->name))
        i++;
    return i;
}

gboolean pca_findings_to_error(PcaFindings *findings, GError **error) {
    const PcaFinding *first = NULL;
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        if (!finding->ok && (!first || rank(finding) < rank(first)))
            first = finding;
    }
    if (!first)
        return TRUE;
    g_set_error(error, PCA_ERROR, first->error, "%s%s%s", first->text, first->fix ? "; " : "",
                first->fix ? first->fix : "");
    return FALSE;
}

static gint compare(gconstpointer a, gconstpointer b) {
    return (gint)rank(*(PcaFinding *const *)a) - (gint)rank(*(PcaFinding *const *)b);
}

void pca_findings_sort(PcaFindings *findings) {
    /* GLib's array sort is a stable merge sort. */
    g_ptr_array_sort(findings, compare);
}
