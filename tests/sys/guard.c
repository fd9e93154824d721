/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: asks the in-use guard about a function of a tree and compares its answer.
 * Thread: one. Ownership: see the header.
 */
#include "sys/guard.h"

#include <errno.h>

#include "sys/in-use.h"
#include "sys/scan.h"

static void expect_again(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings) {
    g_autoptr(GPtrArray) again = pca_findings_new();
    pca_in_use(look, function, again);
    g_autofree char *first = pca_print_uses(findings), *second = pca_print_uses(again);
    ck_assert_str_eq(first, second);
}

/* What was read for one question answers the next as well, and what was found ahead is the same. */
static void ask_again(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings) {
    expect_again(look, function, findings);
    pca_in_use_ahead(look, function);
    expect_again(look, function, findings);
}

static PcaFunction *scan(const PcaTree *tree, const char *text) {
    PcaAddress address;
    ck_assert(pca_address_parse(text, &address));
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    PcaFunction *function = pca_snapshot_find(snapshot, &address);
    ck_assert_ptr_nonnull(function);
    return pca_function_ref(function);
}

static void expect_failures(const PcaFindings *findings) {
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        ck_assert_str_eq(finding->name, "in-use");
        ck_assert(!finding->ok && finding->error == PCA_ERROR_IN_USE);
    }
}

static PcaFindings *ask(const PcaTree *tree, const char *text) {
    g_autoptr(PcaFunction) function = scan(tree, text);
    PcaFindings *findings = pca_findings_new();
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    pca_in_use(look, function, findings);
    ask_again(look, function, findings);
    expect_failures(findings);
    return findings;
}

static PcaFindings *ask_of_held(const PcaTree *tree, const char *text) {
    g_autoptr(PcaFunction) function = scan(tree, text);
    PcaFindings *findings = pca_findings_new();
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_tree_root(tree));
    g_autoptr(GPtrArray) nodes = pca_in_use_nodes(look, function);
    for (guint i = 0; i < nodes->len; i++) {
        PcaUseNode *node = g_ptr_array_index(nodes, i);
        node->refused = node->whole ? EBUSY : 0;
    }
    pca_in_use(look, function, findings);
    pca_in_use_opened(look, function, nodes, findings);
    expect_failures(findings);
    return findings;
}

static const char *name_of(guint use) {
    switch (use) {
    case 0:
        return "";
    case PCA_USE_NETWORK:
        return " (network)";
    case PCA_USE_DISPLAY:
        return " (display)";
    case PCA_USE_INPUT:
        return " (input)";
    case PCA_USE_SOUND:
        return " (sound)";
    case PCA_USE_OTHER:
        return " (other)";
    default:
        g_error("several uses in one: %u", use);
    }
}

char *pca_print_uses(PcaFindings *findings) {
    GString *told = g_string_new(NULL);
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        g_string_append_printf(told, "%s%s: %s\n", finding->culprit, name_of(finding->use),
                               finding->text);
    }
    return g_string_free(told, FALSE);
}

void pca_expect_uses(const PcaTree *tree, const char *address, const char *expected) {
    g_autoptr(GPtrArray) findings = ask(tree, address);
    g_autofree char *told = pca_print_uses(findings);
    ck_assert_str_eq(told, expected);
}

void pca_expect_uses_of_held(const PcaTree *tree, const char *address, const char *expected) {
    g_autoptr(GPtrArray) findings = ask_of_held(tree, address);
    g_autofree char *told = pca_print_uses(findings);
    ck_assert_str_eq(told, expected);
}

void pca_expect_words(const PcaTree *tree, const char *address, guint uses, ...) {
    g_autoptr(GPtrArray) findings = ask(tree, address);
    GString *told = g_string_new(NULL);
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        g_string_append_printf(told, "%s; %s\n", finding->text, finding->fix);
    }
    ck_assert_msg(findings->len == uses, "%u uses: %s", findings->len, told->str);
    va_list words;
    va_start(words, uses);
    for (const char *word; (word = va_arg(words, const char *));)
        ck_assert_msg(strstr(told->str, word) != NULL, "no \"%s\" in: %s", word, told->str);
    va_end(words);
    g_string_free(told, TRUE);
}
