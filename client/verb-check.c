/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: check and plan: what a claim would meet and what it would do; both change nothing.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "check-domain.h"
#include "check-offline.h"
#include "connection.h"
#include "host-note.h"
#include "output.h"
#include "policy-state.h"
#include "policy-view.h"
#include "source.h"
#include "specs.h"
#include "base/finding.h"
#include "pci/address.h"

#include <stdio.h>

/* Files of a policy that is not the daemon's are nothing that it could be asked about. */
static gboolean is_offline(const PcaOptions *options) {
    return options->offline || options->policy_directories;
}

/* One of Check's or Plan's calls; the reply, or NULL. */
static GVariant *ask(const PcaOptions *options, const char *method, GPtrArray *specs,
                     const char *reply_type, GError **error) {
    g_autoptr(GDBusConnection) bus = pca_connect(error);
    g_autofree char *waiting = pca_specs_describe(specs);
    if (!bus)
        return NULL;
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, NULL);
    if (options->handoff)
        g_variant_dict_insert(&dict, "handoff", "s", options->handoff);
    const char *as = pca_other_user(options->as);
    if (as)
        g_variant_dict_insert(&dict, "as", "s", as);
    const PcaCall call = {
        .path = PCA_BUS_PATH,
        .interface = PCA_BUS_MANAGER,
        .method = method,
        .arguments = g_variant_new("(@a(sa{sv})@a{sv})", pca_specs_to_variant(specs),
                                   g_variant_dict_end(&dict)),
        .reply_type = reply_type,
        .waiting = waiting,
        .asks = as != NULL,
    };
    return pca_call(bus, &call, NULL, error);
}

static void add_finding(PcaFindings *findings, GVariant *check) {
    /* A finding's name is never freed: the few names there are last as long as the process. */
    const char *name = pca_lookup_string(check, "name");
    const char *text = pca_lookup_string(check, "text");
    const char *error_name = pca_lookup_string(check, "error");
    gboolean ok = FALSE;
    name = g_intern_string(name ? name : "unknown");
    g_variant_lookup(check, "ok", "b", &ok);
    if (ok) {
        pca_findings_pass(findings, name, "%s", text ? text : "");
        return;
    }
    int code = error_name ? pca_error_from_name(error_name) : -1;
    pca_findings_fail(findings, name, code >= 0 ? (PcaError)code : PCA_ERROR_FAILED,
                      pca_lookup_string(check, "culprit"), pca_lookup_string(check, "fix"), "%s",
                      text ? text : "");
}

static PcaFindings *read_findings(GVariant *reply) {
    g_autoptr(GVariantIter) iter = NULL;
    PcaFindings *findings = pca_findings_new();
    GVariant *check = NULL;
    g_variant_get(reply, "(baa{sv})", NULL, &iter);
    while (g_variant_iter_next(iter, "@a{sv}", &check)) {
        add_finding(findings, check);
        g_variant_unref(check);
    }
    pca_findings_sort(findings);
    return findings;
}

static gboolean is_refused(const PcaFinding *finding) {
    return !finding->ok && !finding->unknown;
}

/* The first that refuses, in the order of the checks; NULL when none does. */
static const PcaFinding *first_refused(PcaFindings *findings) {
    for (guint i = 0; i < findings->len; i++)
        if (is_refused(g_ptr_array_index(findings, i)))
            return g_ptr_array_index(findings, i);
    return NULL;
}

/* What is not known is null, in JSON. */
static void json_ok(JsonBuilder *builder, gboolean ok, gboolean unknown) {
    json_builder_set_member_name(builder, "ok");
    if (unknown)
        json_builder_add_null_value(builder);
    else
        json_builder_add_boolean_value(builder, ok);
}

static void json_finding(JsonBuilder *builder, const PcaFinding *finding) {
    json_builder_begin_object(builder);
    pca_json_string(builder, "name", finding->name);
    json_ok(builder, finding->ok, finding->unknown);
    pca_json_string(builder, "error", is_refused(finding) ? pca_error_name(finding->error) : NULL);
    pca_json_string(builder, "culprit", finding->culprit);
    pca_json_string(builder, "text", finding->text);
    pca_json_string(builder, "fix", finding->fix);
    json_builder_end_object(builder);
}

/* The devices as they were asked for; addresses in full. */
static void json_devices(JsonBuilder *builder, GPtrArray *specs) {
    json_builder_set_member_name(builder, "devices");
    json_builder_begin_array(builder);
    for (guint i = 0; i < specs->len; i++) {
        const PcaSpec *spec = g_ptr_array_index(specs, i);
        PcaAddress address;
        g_autofree char *full =
            pca_address_parse(spec->device, &address) ? pca_address_format(&address) : NULL;
        json_builder_add_string_value(builder, full ? full : spec->device);
    }
    json_builder_end_array(builder);
}

static void check_json(const PcaOptions *options, const PcaDomain *domain, GPtrArray *specs,
                       PcaFindings *findings, gboolean ok) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_ok(builder, ok, !ok && findings->len > 0 && !first_refused(findings));
    json_devices(builder, specs);
    if (domain)
        pca_domain_json(builder, domain);
    json_builder_set_member_name(builder, "checks");
    json_builder_begin_array(builder);
    for (guint i = 0; i < findings->len; i++)
        json_finding(builder, g_ptr_array_index(findings, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    pca_json_print(options, builder);
}

static void check_row(PcaTable *table, const PcaFinding *finding) {
    const char *result_text = finding->ok ? "ok" : finding->unknown ? "unknown" : "refused";
    const char *colour = finding->ok        ? PCA_COLOUR_GOOD
                         : finding->unknown ? PCA_COLOUR_WARNING
                                            : PCA_COLOUR_BAD;
    const char *cells[] = {finding->name, result_text, finding->text};
    struct libscols_line *line = pca_table_row(table, cells);
    struct libscols_cell *result = line ? scols_line_get_cell(line, 1) : NULL;
    if (result)
        scols_cell_set_color(result, colour);
    if (finding->ok || !finding->fix)
        return;
    struct libscols_line *below = scols_table_new_line(table, NULL);
    g_autofree char *fix = g_strdup_printf("  fix: %s", finding->fix);
    if (below)
        scols_line_set_data(below, 2, fix);
}

static void check_summary(GPtrArray *specs, PcaFindings *findings, gboolean ok) {
    g_autofree char *devices = pca_specs_describe(specs);
    const PcaFinding *first = first_refused(findings);
    guint failed = 0, unknown = 0;
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        failed += is_refused(finding);
        unknown += finding->unknown;
    }
    if (ok)
        printf("%s: can be claimed\n", devices);
    else if (!first && unknown > 0)
        printf(
            "%s: not known whether it can be claimed: nothing that was looked at refuses it, but "
            "%u of %u verdicts are unknown\n",
            devices, unknown, findings->len);
    else
        printf("%s: cannot be claimed: %u of %u checks refused, first '%s'\n", devices, failed,
               findings->len, first ? first->name : "-");
}

static gboolean check_table(const PcaOptions *options, GPtrArray *specs, PcaFindings *findings,
                            gboolean ok, GError **error) {
    static const char *const columns[] = {"CHECK", "RESULT", "TEXT", NULL};
    g_autoptr(PcaTable) table = pca_table_new(options, columns, FALSE, error);
    if (!table)
        return FALSE;
    for (guint i = 0; i < findings->len; i++)
        check_row(table, g_ptr_array_index(findings, i));
    pca_table_print(table);
    if (!options->no_legend)
        check_summary(specs, findings, ok);
    return TRUE;
}

/* Where the whole host is without an IOMMU, that comes first: no other verdict matters. */
static void note_host(const PcaOptions *options, PcaFindings *findings) {
    gboolean refused = FALSE;
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        refused |= !finding->ok && g_str_equal(finding->name, "iommu");
    }
    g_autoptr(PcaSource) source = refused ? pca_source_open(options, PCA_SOURCE_BRIEF, NULL) : NULL;
    if (source)
        pca_host_note(source);
}

/* The devices that the words name, or the host devices of a domain. */
static GPtrArray *checked_specs(const PcaOptions *options, PcaDomain **domain, GError **error) {
    if (!options->domain)
        return pca_specs_parse((const char *const *)options->words->pdata, error);
    if (pca_options_n_words(options) > 0) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "--domain names the devices; '%s' is one too many",
                    pca_options_word(options, 0));
        return NULL;
    }
    *domain = pca_domain_read(options->domain, error);
    return *domain ? pca_domain_specs(*domain, error) : NULL;
}

/* What is told of a domain before the verdicts. */
static void introduce(const PcaOptions *options, const PcaDomain *domain, PcaFindings *findings) {
    pca_domain_warn(options->domain, domain);
    if (options->json != PCA_JSON_OFF)
        return;
    pca_domain_name_culprits(domain, findings);
    if (!options->no_legend)
        pca_domain_print(options->domain, domain);
}

/* NULL with an exit status, after complaining. */
static PcaFindings *find(const PcaOptions *options, GPtrArray *specs, gboolean *ok, int *status) {
    g_autoptr(GError) error = NULL;
    if (is_offline(options)) {
        PcaFindings *findings = pca_check_offline(options, specs, status);
        *ok = findings && !pca_findings_failed(findings, NULL);
        return findings;
    }
    g_autoptr(GVariant) reply = ask(options, "Check", specs, "(baa{sv})", &error);
    if (!reply) {
        *status = pca_fail(pca_specs_subject(specs), error);
        return NULL;
    }
    g_variant_get(reply, "(baa{sv})", ok, NULL);
    return read_findings(reply);
}

static int exit_status(const PcaOptions *options, PcaFindings *findings, gboolean ok) {
    const PcaFinding *first = first_refused(findings);
    if (!first)
        return ok ? 0 : pca_error_exit_status(PCA_ERROR_FAILED);
    g_autoptr(GDBusConnection) bus = is_offline(options) ? NULL : pca_connect(NULL);
    return pca_policy_note_refusal(bus, pca_error_exit_status(first->error));
}

int pca_verb_check(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    g_autoptr(PcaDomain) domain = NULL;
    g_autoptr(GPtrArray) specs = checked_specs(options, &domain, &error);
    gboolean ok = FALSE;
    int status = 0;
    if (!specs)
        return pca_fail(NULL, error);
    g_autoptr(GPtrArray) findings = find(options, specs, &ok, &status);
    if (!findings)
        return status;
    note_host(options, findings);
    if (domain)
        introduce(options, domain, findings);
    if (options->json != PCA_JSON_OFF)
        check_json(options, domain, specs, findings, ok);
    else if (!check_table(options, specs, findings, ok, &error))
        return pca_fail(NULL, error);
    return exit_status(options, findings, ok);
}

static void plan_json(const PcaOptions *options, GVariant *reply) {
    static const char *const members[] = {"op", "device", "detail", "undo"};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GVariantIter) iter = NULL;
    GVariant *step = NULL;
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "steps");
    json_builder_begin_array(builder);
    g_variant_get(reply, "(aa{sv})", &iter);
    while (g_variant_iter_next(iter, "@a{sv}", &step)) {
        json_builder_begin_object(builder);
        for (guint i = 0; i < G_N_ELEMENTS(members); i++)
            pca_json_string(builder, members[i], pca_lookup_string(step, members[i]));
        json_builder_end_object(builder);
        g_variant_unref(step);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    pca_json_print(options, builder);
}

static gboolean plan_table(const PcaOptions *options, GVariant *reply, GError **error) {
    static const char *const columns[] = {"STEP", "OP", "DEVICE", "DETAIL", "UNDO", NULL};
    g_autoptr(PcaTable) table = pca_table_new(options, columns, FALSE, error);
    g_autoptr(GVariantIter) iter = NULL;
    GVariant *step = NULL;
    if (!table)
        return FALSE;
    g_variant_get(reply, "(aa{sv})", &iter);
    for (guint n = 1; g_variant_iter_next(iter, "@a{sv}", &step); n++) {
        g_autofree char *number = g_strdup_printf("%u", n);
        const char *cells[] = {number, pca_lookup_string(step, "op"),
                               pca_lookup_string(step, "device"), pca_lookup_string(step, "detail"),
                               pca_lookup_string(step, "undo")};
        pca_table_row(table, cells);
        g_variant_unref(step);
    }
    pca_table_print(table);
    return TRUE;
}

/* NULL with an exit status, after complaining. */
static GVariant *find_plan(const PcaOptions *options, GPtrArray *specs, int *status) {
    g_autoptr(GError) error = NULL;
    if (is_offline(options))
        return pca_plan_offline(options, specs, status);
    GVariant *reply = ask(options, "Plan", specs, "(aa{sv})", &error);
    if (!reply)
        *status = pca_fail(pca_specs_subject(specs), error);
    return reply;
}

int pca_verb_plan(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) specs =
        pca_specs_parse((const char *const *)options->words->pdata, &error);
    int status = 0;
    if (!specs)
        return pca_fail(NULL, error);
    g_autoptr(GVariant) reply = find_plan(options, specs, &status);
    if (!reply)
        return status;
    if (options->json != PCA_JSON_OFF)
        plan_json(options, reply);
    else if (!plan_table(options, reply, &error))
        return pca_fail(NULL, error);
    return 0;
}
