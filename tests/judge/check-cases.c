/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the checks say of what nobody could look at; all else of them is in tests/bus.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "cases.h"

#include "judge/checks.h"
#include "judge/terms.h"
#include "support/policy.h"
#include "sys/scan.h"

static const char policy_text[] = "[Device nic]\nPath=02.0/00.0\nAllowUser=1000\nPerUser=1\n"
                                  "[Device unit]\nPath=01.0/00.0\nAllowUnit=vm.service\n";

/* ---- Somebody who knows of no claim ---- */

static const PcaClaim *no_device(gpointer data, const PcaAddress *address) {
    return NULL;
}

static const PcaClaim *no_group(gpointer data, int group) {
    return NULL;
}

static const PcaClaimResidue *no_residue(gpointer data, const PcaAddress *address) {
    return NULL;
}

static const PcaTaint *no_taint(gpointer data, const PcaFunction *function) {
    return NULL;
}

static GPtrArray *no_claims(gpointer data) {
    return g_ptr_array_new();
}

static const PcaIsolation *no_isolation(gpointer data, const PcaAddress *address) {
    return NULL;
}

static const PcaConfig *no_config(gpointer data, const PcaAddress *address) {
    return NULL;
}

static PcaVariants *no_variants(gpointer data) {
    return NULL;
}

static const PcaSourcesOps ops = {no_device, no_group,     no_device, no_residue, no_taint,
                                  no_claims, no_isolation, no_config, no_variants};
static const PcaSources sources = {&ops, NULL};

/* ---- The verdicts ---- */

static const struct {
    const char *device;
    PcaUnseen unseen;
    const char *unknown; /* names of checks */
} rows[] = {
    {"02:00.0", {NULL}, ""},
    {"02:00.0", {.claims = "why not"}, "policy busy "},
    {"02:00.0", {.programs = "why not"}, ""},
    {"02:00.0", {.host = "why not"}, "in-use "},
    {"02:00.0", {.policy = "why not"}, "policy identity "},
    {"02:00.0", {.caller = "why not"}, ""},
    {"01:00.0", {NULL}, ""},
    {"01:00.0", {.caller = "why not"}, "policy "},
    {"01:00.0", {.policy = "why not", .caller = "why not"}, "policy identity "},
};

/* Each with its reason, and no pass beside it. */
static char *unknown_of(PcaFindings *findings) {
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        if (!finding->unknown)
            continue;
        ck_assert(!finding->ok);
        ck_assert_msg(g_str_has_prefix(finding->text, "cannot tell ") &&
                          strstr(finding->text, ": why not"),
                      "%s", finding->text);
        g_string_append_printf(names, "%s ", finding->name);
        for (guint k = 0; k < findings->len; k++) {
            const PcaFinding *other = g_ptr_array_index(findings, k);
            ck_assert(!other->ok || !g_str_equal(other->name, finding->name));
        }
    }
    return g_string_free(g_steal_pointer(&names), FALSE);
}

START_TEST(what_is_not_seen_never_passes) {
    g_autoptr(PcaTree) tree = pca_small_host();
    const PcaRoot *root = pca_tree_root(tree);
    g_autoptr(PcaSnapshot) snapshot = pca_scan(root, NULL);
    g_autoptr(PcaPolicy) policy = pca_policy_of(policy_text);
    g_autoptr(PcaRequest) request = pca_request_new();
    g_autoptr(GPtrArray) findings = pca_findings_new();
    g_autoptr(PcaNames) names = pca_names_new(1000);
    g_autoptr(PcaUseLook) look = pca_use_look_new(root);
    g_autoptr(GHashTable) nobody = g_hash_table_new(NULL, NULL);
    pca_request_add(request, rows[_i].device, NULL);
    g_autoptr(GPtrArray) targets =
        pca_request_resolve(request, snapshot, policy, NULL, NULL, findings);
    pca_targets_set_terms(targets, names, root, snapshot, &sources);
    const PcaCheckContext context = {.root = root,
                                     .snapshot = snapshot,
                                     .sources = &sources,
                                     .names = names,
                                     .targets = targets,
                                     .handoff = pca_handoff_best(snapshot),
                                     .has_policy = TRUE,
                                     .busy_groups = nobody,
                                     .look = look,
                                     .unseen = rows[_i].unseen};
    pca_checks_run(&context, findings);
    g_autofree char *unknown = unknown_of(findings);
    ck_assert_str_eq(unknown, rows[_i].unknown);
}
END_TEST

TCase *pca_check_cases(void) {
    TCase *tcase = tcase_create("checks");
    tcase_add_loop_test(tcase, what_is_not_seen_never_passes, 0, G_N_ELEMENTS(rows));
    return tcase;
}
