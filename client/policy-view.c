/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: asking the daemon or the files about the policy.
 * Thread: main. Ownership: see the header.
 */
#include "policy-view.h"
#include "diagnostics.h"
#include "policy.h"
#include "source.h"
#include "base/error.h"
#include "policy/explanation.h"
#include "sys/accounts.h"
#include "sys/hardware.h"

struct PcaAsked {
    GDBusConnection *bus; /* NULL: of files */
    PcaPolicyState state;
    PcaSource *source; /* this and what follows: of files */
    PcaPolicy *policy;
    PcaPolicyView view;
};

void pca_asked_free(PcaAsked *asked) {
    g_clear_object(&asked->bus);
    g_clear_pointer(&asked->source, pca_source_free);
    g_clear_pointer(&asked->policy, pca_policy_unref);
    g_free(asked);
}

const PcaPolicyState *pca_asked_state(const PcaAsked *asked) {
    return &asked->state;
}

/* ---- The daemon ---- */

static int connect_to_daemon(PcaAsked *asked) {
    g_autoptr(GError) error = NULL;
    asked->bus = pca_connect(&error);
    return asked->bus ? 0 : pca_fail(NULL, error);
}

/* Takes the floating arguments over. */
static GVariant *call(const PcaAsked *asked, const char *method, GVariant *arguments,
                      const char *reply_type, GError **error) {
    g_autoptr(GError) problem = NULL;
    const PcaCall call = {.path = PCA_BUS_PATH,
                          .interface = PCA_BUS_MANAGER,
                          .method = method,
                          .arguments = arguments,
                          .reply_type = reply_type,
                          .waiting = "asking about the policy",
                          .asks = TRUE};
    g_autoptr(GVariant) reply = pca_call(asked->bus, &call, NULL, &problem);
    if (reply)
        return g_variant_get_child_value(reply, 0);
    if (g_error_matches(problem, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD))
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                    "the pcassignd that runs cannot tell about its policy; restart it when it was "
                    "updated, or use --offline");
    else
        g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

/* ---- The files ---- */

static gboolean read_serial(const PcaFunction *function, guint64 *serial, gpointer data) {
    const PcaAsked *asked = data;
    g_autoptr(PcaConfig) config =
        pca_hardware_read_config(pca_source_root(asked->source), &function->address, NULL);
    return config && pca_config_serial(config, serial);
}

static int read_files(PcaAsked *asked, const PcaOptions *options) {
    PcaOptions offline = *options;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    offline.offline = TRUE;
    asked->policy = pca_policy_read(options, diagnostics);
    if (!asked->policy) {
        pca_diagnostics_complain(diagnostics);
        return PCA_EXIT_POLICY_INVALID;
    }
    asked->source = pca_source_open(&offline, PCA_SOURCE_BRIEF, &error);
    if (!asked->source)
        return pca_fail(NULL, error);
    asked->view = (PcaPolicyView){.policy = asked->policy,
                                  .snapshot = pca_source_snapshot(asked->source),
                                  .serial = read_serial,
                                  .data = asked};
    return 0;
}

static GVariant *explain_files(PcaAsked *asked, const char *device, const char *user,
                               GError **error) {
    const PcaFunction *function = pca_policy_view_find(&asked->view, device, error);
    g_autoptr(PcaAccount) account = !function ? NULL
                                    : user    ? pca_account_find(user, error)
                                              : pca_account_of_process();
    if (!account)
        return NULL;
    const PcaCaller caller = {.uid = account->uid,
                              .gids = (const guint32 *)account->gids->data,
                              .n_gids = account->gids->len};
    g_autoptr(PcaAccounts) accounts = pca_accounts_look_up(asked->policy);
    PcaPolicyView view = asked->view;
    view.accounts = accounts;
    return g_variant_ref_sink(pca_policy_view_explain(&view, function, &caller, account->name));
}

/* ---- Either ---- */

PcaAsked *pca_asked_new(const PcaOptions *options, int *status) {
    g_autoptr(PcaAsked) asked = g_new0(PcaAsked, 1);
    gboolean files = options->offline || options->policy_directories;
    *status = files ? read_files(asked, options) : connect_to_daemon(asked);
    return *status == 0 ? g_steal_pointer(&asked) : NULL;
}

GVariant *pca_asked_sections(PcaAsked *asked, GError **error) {
    if (!asked->bus)
        return g_variant_ref_sink(pca_policy_view_sections(&asked->view));
    GVariant *sections = call(asked, "DescribePolicy", NULL, "(aa{sv})", error);
    asked->state = pca_policy_state(asked->bus);
    return sections;
}

const char *pca_other_user(const char *user) {
    g_autoptr(PcaAccount) self = user ? pca_account_of_process() : NULL;
    g_autofree char *number = self ? g_strdup_printf("%u", self->uid) : NULL;
    gboolean same = user && (g_str_equal(user, number) || g_strcmp0(user, self->name) == 0);
    return same ? NULL : user;
}

GVariant *pca_asked_explain(PcaAsked *asked, const char *device, const char *user, GError **error) {
    const char *other = pca_other_user(user);
    if (!asked->bus)
        return explain_files(asked, device, other, error);
    GVariant *arguments = g_variant_new("(ss)", device, other ? other : "");
    GVariant *explanation = call(asked, "ExplainPolicy", arguments, "(a{sv})", error);
    asked->state = pca_policy_state(asked->bus);
    return explanation;
}

char *pca_section_title(GVariant *section, const char *kind, const char *name, const char *file,
                        const char *line) {
    guint32 number = 0;
    g_variant_lookup(section, line, "u", &number);
    g_autofree char *title =
        g_strdup_printf("[%s %s] %s:%u", pca_lookup_string(section, kind),
                        pca_lookup_string(section, name), pca_lookup_string(section, file), number);
    return pca_printable(title);
}
