/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policy check: reads policy files as the daemon would, and says what is wrong in them and
 * what will not work here.
 * Thread: main; looking up users and groups may block. Ownership: everything belongs to the one
 * call.
 */
#include "policy.h"
#include "diagnostics.h"
#include "output.h"
#include "policy-state.h"
#include "source.h"
#include "base/error.h"
#include "sys/accounts.h"

#include <stdio.h>

/* Whether the bus says which process a connection belongs to, by the example of our own. TRUE where
 * there is no bus that could be asked. */
static gboolean bus_gives_pidfds(GDBusConnection *bus) {
    if (!bus)
        return TRUE;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_sync(
        bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "GetConnectionCredentials", g_variant_new("(s)", g_dbus_connection_get_unique_name(bus)),
        G_VARIANT_TYPE("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL, NULL);
    if (!reply)
        return TRUE;
    g_autoptr(GVariant) credentials = g_variant_get_child_value(reply, 0);
    g_autoptr(GVariant) pidfd =
        g_variant_lookup_value(credentials, "ProcessFD", G_VARIANT_TYPE_HANDLE);
    return pidfd != NULL;
}

static gboolean note_absent(const PcaOptions *options, const PcaPolicy *policy,
                            PcaDiagnostics *diagnostics, GError **error) {
    PcaOptions offline = *options;
    offline.offline = TRUE;
    g_autoptr(PcaSource) source = pca_source_open(&offline, PCA_SOURCE_BRIEF, error);
    if (!source)
        return FALSE;
    pca_policy_note_absent(policy, pca_source_snapshot(source), diagnostics);
    return TRUE;
}

/* What is well-formed and all the same means less here than it says. */
static gboolean add_findings(const PcaOptions *options, GDBusConnection *bus,
                             const PcaPolicy *policy, PcaDiagnostics *diagnostics, GError **error) {
    g_autoptr(PcaAccounts) accounts = pca_accounts_look_up(policy);
    pca_policy_warn_unknown(policy, accounts, diagnostics);
    if (!bus_gives_pidfds(bus))
        pca_policy_warn_units(policy, diagnostics);
    return note_absent(options, policy, diagnostics, error);
}

static void print_summary(const PcaPolicy *policy, PcaDiagnostics *diagnostics) {
    g_autofree char *found = pca_diagnostics_summary(diagnostics);
    guint n = policy ? pca_policy_sections(policy)->len : 0;
    if (!policy)
        printf("%s: this policy would be refused\n", found);
    else
        printf("%u section%s: no errors%s%s\n", n, n == 1 ? "" : "s", found ? ", " : "",
               found ? found : "");
}

int pca_verb_policy_check(const PcaOptions *options) {
    const char *const *files = (const char *const *)options->words->pdata + 1;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(GDBusConnection) bus = options->offline ? NULL : pca_connect(NULL);
    g_autoptr(PcaPolicy) policy =
        *files ? pca_policy_load_files(files, diagnostics) : pca_policy_read(options, diagnostics);
    const PcaPolicyState state =
        pca_policy_state(*files || options->policy_directories ? NULL : bus);
    if (policy && !add_findings(options, bus, policy, diagnostics, &error))
        return pca_fail(NULL, error);
    pca_policy_complain_state(&state);
    pca_diagnostics_sort(diagnostics);
    pca_diagnostics_print(options, diagnostics);
    if (options->json == PCA_JSON_OFF && !options->no_legend)
        print_summary(policy, diagnostics);
    return policy ? 0 : PCA_EXIT_POLICY_INVALID;
}
