/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: fuzz target for policies: parser, matcher, whom sections allow, explanations and
 * dictionaries, for libFuzzer and for replay.c.
 *
 * An input is up to four files, separated by the byte 0x1e; the last of four is the vendor's.
 * Thread: one. Ownership: the input belongs to the caller.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "policy/describe.h"
#include "policy/host.h"
#include "policy/policy.h"

#define SEPARATOR 0x1e
#define FILES_MAX 4

static const char *const names[FILES_MAX] = {"a.conf", "b.conf", "c.conf", "vendor.conf"};

static gsize split(const guint8 *data, gsize size, PcaPolicyFile *files) {
    gsize n = 0;
    for (const guint8 *end = data + size; n < FILES_MAX && data <= end; n++) {
        const guint8 *separator = data < end ? memchr(data, SEPARATOR, (gsize)(end - data)) : NULL;
        gsize length = (gsize)((separator ? separator : end) - data);
        files[n] = (PcaPolicyFile){names[n], (const char *)data, length, n == FILES_MAX - 1};
        data += length + 1;
    }
    return n;
}

static void check_diagnostics(PcaDiagnostics *diagnostics) {
    for (guint i = 0; i < diagnostics->len; i++) {
        const PcaDiagnostic *diagnostic = g_ptr_array_index(diagnostics, i);
        g_autofree char *text = pca_diagnostic_format(diagnostic);
        require(diagnostic->line > 0 && g_utf8_validate(text, -1, NULL));
        /* In a terminal and a journal it stays one line. */
        require(!strpbrk(text, "\n\r\x1b"));
    }
}

static void check_sections(const PcaPolicy *policy) {
    const GPtrArray *sections = pca_policy_sections(policy);
    for (guint i = 0; i < sections->len; i++) {
        const PcaSection *section = g_ptr_array_index(sections, i);
        require(section->index == i && section->line > 0 && *section->name);
        require(section->kind == PCA_SECTION_DENY || section->path);
        require(section->kind == PCA_SECTION_DENY || !g_str_equal(section->file, names[3]));
        require(section->kind == PCA_SECTION_DENY ||
                pca_policy_find(policy, section->name) == section);
        g_autoptr(GVariant) described = g_variant_ref_sink(pca_describe_section(section));
        require(g_variant_is_normal_form(described));
    }
}

static void check_callers(const PcaSection *section, const PcaAccounts *accounts) {
    static const guint32 gids[] = {0, 36, 100};
    static const PcaCaller callers[] = {
        {0, NULL, 0, NULL, NULL},
        {1000, gids, 1, "vm-a.service", NULL},
        {1001, gids, 3, NULL, "system_u:system_r:svirt_t:s0:c1,c2"},
        {4294967294, gids, 2, "session-1.scope", "libvirt-1 (enforce)"},
    };
    gboolean grants = *section->allow_users || *section->allow_groups || *section->allow_units;
    for (guint i = 0; i < G_N_ELEMENTS(callers); i++) {
        g_autofree char *reason = NULL;
        gboolean allowed = pca_section_allows(section, &callers[i], accounts, &reason);
        require(allowed == (reason == NULL) && (grants || !allowed));
        /* Who is not known gains nothing by that. */
        PcaCaller unknown = {.uid = G_MAXUINT32};
        require(!pca_section_allows(section, &unknown, NULL, NULL));
    }
}

/* What does not depend on the order of sections. */
static char *verdict(const PcaMatch *match) {
    gboolean single = match->device && !match->ambiguous;
    return g_strdup_printf("%d %d %d %s", match->deny != NULL, match->ambiguous,
                           single && match->mismatch, single ? match->device->name : "");
}

static void check_explanation(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                              const PcaFunction *function, const PcaMatch *match) {
    PcaCaller root = {.uid = 0};
    g_autoptr(GPtrArray) verdicts =
        pca_policy_explain(policy, snapshot, function, read_serial, NULL, &root, NULL);
    g_autoptr(GVariant) described = g_variant_ref_sink(pca_describe_verdicts(verdicts));
    require(g_variant_is_normal_form(described));
    gboolean denied = FALSE, granted = FALSE;
    for (guint i = 0; i < verdicts->len; i++) {
        const PcaSectionVerdict *one = g_ptr_array_index(verdicts, i);
        denied |= one->applies && one->section->kind == PCA_SECTION_DENY;
        granted |= one->applies && one->section->kind == PCA_SECTION_DEVICE;
    }
    require(denied == (match->deny != NULL));
    require(granted == (match->device && !match->mismatch));
}

static void check_matches(const PcaPolicy *policy, const PcaPolicy *reversed,
                          const PcaSnapshot *snapshot) {
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        PcaMatch one, two;
        pca_policy_match(policy, snapshot, function, read_serial, NULL, &one);
        pca_policy_match(reversed, snapshot, function, read_serial, NULL, &two);
        g_autofree char *first = verdict(&one), *second = verdict(&two);
        require(g_str_equal(first, second));
        check_explanation(policy, snapshot, function, &one);
        pca_match_clear(&one);
        pca_match_clear(&two);
    }
}

static void check_policy(const PcaPolicy *policy, const PcaPolicy *reversed) {
    static PcaSnapshot *snapshot;
    snapshot = snapshot ? snapshot : make_host();
    g_autoptr(PcaAccounts) accounts = pca_accounts_new();
    g_autoptr(GPtrArray) users = g_ptr_array_new();
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    pca_policy_names(policy, users, groups);
    pca_policy_warn_unknown(policy, accounts, diagnostics);
    require(diagnostics->len >= users->len);
    for (guint i = 0; i < users->len; i++)
        pca_accounts_add_user(accounts, g_ptr_array_index(users, i), 1000 + i);
    pca_policy_warn_units(policy, diagnostics);
    pca_policy_note_absent(policy, snapshot, diagnostics);
    check_diagnostics(diagnostics);
    check_sections(policy);
    const GPtrArray *sections = pca_policy_sections(policy);
    for (guint i = 0; i < sections->len; i++)
        check_callers(g_ptr_array_index(sections, i), accounts);
    check_matches(policy, reversed, snapshot);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
    PcaPolicyFile files[FILES_MAX], backwards[FILES_MAX];
    gsize n = split(data, size, files);
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(GPtrArray) ignored = pca_diagnostics_new();
    for (gsize i = 0; i < n; i++)
        backwards[i] = files[n - 1 - i];
    g_autoptr(PcaPolicy) policy = pca_policy_parse(files, n, diagnostics);
    g_autoptr(PcaPolicy) reversed = pca_policy_parse(backwards, n, ignored);
    require((policy == NULL) == pca_diagnostics_have_errors(diagnostics));
    require((policy == NULL) == (reversed == NULL));
    check_diagnostics(diagnostics);
    if (policy)
        check_policy(policy, reversed);
    return 0;
}
