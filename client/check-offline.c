/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: checks and plans without the daemon.
 * Thread: main. Ownership: see the header.
 */
#include "check-offline.h"
#include "connection.h"
#include "diagnostics.h"
#include "offline.h"
#include "policy.h"
#include "policy-view.h"
#include "specs.h"
#include "judge/checks.h"
#include "judge/terms.h"
#include "sys/accounts.h"

#include <unistd.h>

/* One request, for one caller. */
typedef struct {
    PcaPolicy *policy;
    char *unread; /* which of its files may not be read; NULL: none */
    PcaOffline *offline;
    PcaNames *names;
    PcaAccounts *accounts;
    PcaFindings *findings;
    PcaTargets *targets;
    gboolean is_self; /* asked for the process itself */
} Case;

static void case_free(Case *c) {
    g_clear_pointer(&c->targets, g_ptr_array_unref);
    g_clear_pointer(&c->findings, g_ptr_array_unref);
    g_clear_pointer(&c->accounts, pca_accounts_unref);
    g_clear_pointer(&c->names, pca_names_free);
    g_clear_pointer(&c->offline, pca_offline_free);
    g_clear_pointer(&c->policy, pca_policy_unref);
    g_free(c->unread);
    g_free(c);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, case_free)

static PcaNames *find_names(const PcaOptions *options, gboolean *is_self, GError **error) {
    const char *other = pca_other_user(options->as);
    g_autoptr(PcaAccount) account =
        other ? pca_account_find(other, error) : pca_account_of_process();
    *is_self = !other;
    if (!account)
        return NULL;
    PcaNames *names = pca_names_new(account->uid);
    names->user = g_strdup(account->name);
    names->is_other = other != NULL;
    g_array_append_vals(names->gids, account->gids->data, account->gids->len);
    return names;
}

static PcaRequest *make_request(GPtrArray *specs) {
    PcaRequest *request = pca_request_new();
    for (guint i = 0; i < specs->len; i++) {
        const PcaSpec *spec = g_ptr_array_index(specs, i);
        pca_request_add(request, spec->device, spec->alias);
    }
    return request;
}

static void resolve(Case *c, GPtrArray *specs) {
    g_autoptr(PcaRequest) request = make_request(specs);
    const PcaSource *source = pca_offline_source(c->offline);
    c->findings = pca_findings_new();
    c->targets = pca_request_resolve(request, pca_source_snapshot(source), c->policy,
                                     pca_offline_serial, c->offline, c->findings);
    pca_targets_set_terms(c->targets, c->names, pca_source_root(source),
                          pca_source_snapshot(source), pca_offline_sources(c->offline));
}

/* FALSE after complaining of what is wrong in the files. */
static gboolean read_policy(Case *c, const PcaOptions *options) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(GPtrArray) unread = g_ptr_array_new_with_free_func(g_free);
    c->policy = pca_policy_read_readable(options, diagnostics, unread);
    if (!c->policy)
        pca_diagnostics_complain(diagnostics);
    if (unread->len == 0)
        return c->policy != NULL;
    g_ptr_array_add(unread, NULL);
    g_autofree char *list = g_strjoinv(" and ", (char **)unread->pdata);
    c->unread = g_strdup_printf("%s may not be read", list);
    pca_complain("%s: names of the policy that stand there are not known", c->unread);
    return c->policy != NULL;
}

static Case *case_new(const PcaOptions *options, GPtrArray *specs, int *status) {
    g_autoptr(Case) c = g_new0(Case, 1);
    g_autoptr(GError) error = NULL;
    if (!read_policy(c, options)) {
        *status = PCA_EXIT_POLICY_INVALID;
        return NULL;
    }
    c->names = find_names(options, &c->is_self, &error);
    c->offline = c->names ? pca_offline_open(options, PCA_SOURCE_CONFIGS, &error) : NULL;
    if (!c->offline) {
        *status = pca_fail(NULL, error);
        return NULL;
    }
    c->accounts = pca_accounts_look_up(c->policy);
    resolve(c, specs);
    return g_steal_pointer(&c);
}

/* ---- Check ---- */

/* Root on this machine sees what the worker sees, but for what it would have to open. */
static PcaUnseen find_unseen(const Case *c, const GError *problem) {
    const PcaRoot *root = pca_source_root(pca_offline_source(c->offline));
    gboolean here = pca_offline_is_here(c->offline);
    return (PcaUnseen){
        .claims = problem ? problem->message : NULL,
        .policy = c->unread,
        .programs = "only pcassignd finds that out",
        .host = g_file_test(root->proc, G_FILE_TEST_IS_DIR)
                    ? NULL
                    : "what that machine has in /proc is not beside the tree",
        .registers = here && geteuid() == 0 ? NULL : "not all of config space could be read",
        .caller = c->is_self && c->names->uid != 0
                      ? "the bus alone says of which unit and label a caller is"
                      : NULL,
        .fix = here ? "leave --offline away: pcassignd can tell" : NULL,
    };
}

static PcaProgramUses *find_nodes(PcaUseLook *look, const Case *c, const PcaUnseen *unseen) {
    PcaProgramUses *uses = pca_program_uses_new(look, c->targets);
    uses->problem = g_strdup(unseen->programs);
    return uses;
}

/* Only the service asks SELinux, and of others' labels nothing is known there either. */
static void doubt_label(const Case *c, const PcaUnseen *unseen) {
    const PcaRoot *root = pca_source_root(pca_offline_source(c->offline));
    g_autofree char *selinux = g_build_filename(root->sysfs, "fs/selinux/enforce", NULL);
    if (c->is_self && g_file_test(selinux, G_FILE_TEST_EXISTS))
        pca_findings_doubt(c->findings, "label", PCA_ERROR_NOT_PERMITTED, NULL, unseen->fix,
                           "cannot tell what SELinux lets the caller do: only pcassignd asks it");
}

static void run_checks(const Case *c) {
    g_autoptr(GError) problem = NULL;
    g_autoptr(GHashTable) nobody = g_hash_table_new(NULL, NULL);
    pca_offline_records(c->offline, &problem);
    const PcaSource *source = pca_offline_source(c->offline);
    const PcaUnseen unseen = find_unseen(c, problem);
    g_autoptr(PcaUseLook) look = pca_use_look_new(pca_source_root(source));
    g_autoptr(PcaProgramUses) uses = find_nodes(look, c, &unseen);
    const PcaCheckContext context = {
        .root = pca_source_root(source),
        .snapshot = pca_source_snapshot(source),
        .sources = pca_offline_sources(c->offline),
        .names = c->names,
        .accounts = c->accounts,
        .targets = c->targets,
        .handoff = pca_handoff_best(pca_source_snapshot(source)),
        .has_policy = TRUE,
        .busy_groups = nobody,
        .uses = uses,
        .look = look,
        .unseen = unseen,
    };
    pca_checks_run(&context, c->findings);
    doubt_label(c, &unseen);
    pca_findings_sort(c->findings);
}

PcaFindings *pca_check_offline(const PcaOptions *options, GPtrArray *specs, int *status) {
    g_autoptr(Case) c = case_new(options, specs, status);
    if (!c)
        return NULL;
    run_checks(c);
    return g_ptr_array_ref(c->findings);
}

/* ---- Plan ---- */

GVariant *pca_plan_offline(const PcaOptions *options, GPtrArray *specs, int *status) {
    g_autoptr(Case) c = case_new(options, specs, status);
    g_autoptr(GError) error = NULL;
    if (!c)
        return NULL;
    if (!pca_findings_to_error(c->findings, &error)) {
        *status = pca_fail(pca_specs_subject(specs), error);
        return NULL;
    }
    g_autoptr(PcaPlan) plan = pca_targets_plan(c->targets, c->names, options->handoff);
    return g_variant_ref_sink(g_variant_new("(@aa{sv})", pca_plan_describe(plan)));
}
