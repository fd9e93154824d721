/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which functions a request means, and the names of callers.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "cases.h"

#include "judge/request.h"
#include "support/policy.h"
#include "sys/scan.h"

static const char policy_text[] = "[Device gpu]\nPath=01.0/00.0\nId=10de:2230 10de:1aef\n"
                                  "Functions=all\nAllowUser=1000\n"
                                  "[Device nic]\nPath=02.0/00.0\nId=8086:10d3\nAllowUser=1000\n"
                                  "[Device absent]\nPath=1e.0/00.0\nAllowUser=1000\n"
                                  "[Device 02.0]\nPath=02.0/01.0\nAllowUser=1000\n";

static const struct {
    const char *words;   /* of the request; "alias=" before a word */
    const char *targets; /* "name@address", in order */
    PcaError error;      /* of "exists"; PCA_N_ERRORS: none */
} rows[] = {
    {"0000:02:00.0", "0000:02:00.0@0000:02:00.0", PCA_N_ERRORS},
    {"02:00.0", "02:00.0@0000:02:00.0", PCA_N_ERRORS},
    {"nic", "nic@0000:02:00.0", PCA_N_ERRORS},
    {"x=nic", "x@0000:02:00.0", PCA_N_ERRORS},
    {"gpu", "gpu@0000:01:00.0 gpu@0000:01:00.1", PCA_N_ERRORS},
    {"nic gpu", "nic@0000:02:00.0 gpu@0000:01:00.0 gpu@0000:01:00.1", PCA_N_ERRORS},
    {"01:00.1 01:00.0", "01:00.1@0000:01:00.1 01:00.0@0000:01:00.0", PCA_N_ERRORS},
    {"nic nic", "nic@0000:02:00.0", PCA_ERROR_INVALID_ARGUMENT},
    {"gpu 01:00.1", "gpu@0000:01:00.0 gpu@0000:01:00.1", PCA_ERROR_INVALID_ARGUMENT},
    {"02:00.0 0000:02:00.0", "02:00.0@0000:02:00.0", PCA_ERROR_INVALID_ARGUMENT},
    {"absent", "", PCA_ERROR_NOT_FOUND},
    {"02.0", "", PCA_ERROR_NOT_FOUND},
    {"nothing", "", PCA_ERROR_NOT_FOUND},
    {"NIC", "", PCA_ERROR_NOT_FOUND},
    {"03:00.0", "", PCA_ERROR_NOT_FOUND},
    {"02:00.9", "", PCA_ERROR_INVALID_ARGUMENT},
    {"02:00.0\n", "", PCA_ERROR_INVALID_ARGUMENT},
    {"%s%n", "", PCA_ERROR_NOT_FOUND},
    {"nothing nic", "nic@0000:02:00.0", PCA_ERROR_NOT_FOUND},
};

static PcaRequest *make_request(const char *words) {
    PcaRequest *request = pca_request_new();
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    for (char **word = list; *word; word++) {
        g_auto(GStrv) parts = g_strsplit(*word, "=", 2);
        pca_request_add(request, parts[1] ? parts[1] : parts[0], parts[1] ? parts[0] : NULL);
    }
    return request;
}

static char *describe(PcaTargets *targets) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(targets, i);
        g_autofree char *address = pca_address_format(&target->function->address);
        g_string_append_printf(text, "%s%s@%s", i ? " " : "", target->name, address);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

START_TEST(resolve) {
    g_autoptr(PcaTree) tree = pca_small_host();
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(PcaPolicy) policy = pca_policy_of(policy_text);
    g_autoptr(PcaRequest) request = make_request(rows[_i].words);
    g_autoptr(GPtrArray) findings = pca_findings_new();
    g_autoptr(GPtrArray) targets =
        pca_request_resolve(request, snapshot, policy, NULL, NULL, findings);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = describe(targets);
    ck_assert_str_eq(text, rows[_i].targets);
    ck_assert_int_eq(pca_findings_to_error(findings, &error), rows[_i].error == PCA_N_ERRORS);
    if (error)
        ck_assert_msg(g_error_matches(error, PCA_ERROR, rows[_i].error), "%s", error->message);
}
END_TEST

/* With no policy in force a name means nothing, an address what it always does. */
START_TEST(without_policy) {
    g_autoptr(PcaTree) tree = pca_small_host();
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(PcaRequest) request = make_request("02:00.0 nic");
    g_autoptr(GPtrArray) findings = pca_findings_new();
    g_autoptr(GPtrArray) targets =
        pca_request_resolve(request, snapshot, NULL, NULL, NULL, findings);
    ck_assert_uint_eq(targets->len, 1);
    ck_assert_ptr_null(((PcaTarget *)g_ptr_array_index(targets, 0))->match.device);
    ck_assert(pca_findings_failed(findings, "exists"));
}
END_TEST

START_TEST(defaults) {
    g_autoptr(PcaRequest) request = pca_request_new();
    ck_assert_ptr_null(request->handoff);
    ck_assert_int_eq(request->wait, PCA_WAIT_DEFAULT);
    ck_assert_uint_eq(request->memory, 0);
    ck_assert_ptr_null(request->title);
}
END_TEST

TCase *pca_request_cases(void) {
    TCase *tcase = tcase_create("requests");
    tcase_add_loop_test(tcase, resolve, 0, G_N_ELEMENTS(rows));
    tcase_add_test(tcase, without_policy);
    tcase_add_test(tcase, defaults);
    return tcase;
}
