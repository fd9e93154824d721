/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policy: its words; reload, which has the daemon read its policy files again; where the
 * files are.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "diagnostics.h"
#include "output.h"
#include "policy.h"
#include "base/error.h"

#include <stdio.h>
#include <unistd.h>

/* ---- The files ---- */

char **pca_policy_directories(const PcaOptions *options) {
    const GPtrArray *given = options->policy_directories;
    if (!given)
        return g_strdupv((char **)pca_policy_system_directories);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (guint i = 0; i < given->len; i++)
        g_ptr_array_add(list, g_strdup(g_ptr_array_index(given, i)));
    /* The last one is the vendor's, which may only deny; a lone one is not meant to be that. */
    if (given->len == 1)
        g_ptr_array_add(list, g_strdup("/proc/none"));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

guint32 pca_policy_owner(const PcaOptions *options) {
    return options->policy_directories ? geteuid() : 0;
}

PcaPolicy *pca_policy_read(const PcaOptions *options, PcaDiagnostics *diagnostics) {
    g_auto(GStrv) directories = pca_policy_directories(options);
    return pca_policy_load((const char *const *)directories, pca_policy_owner(options),
                           diagnostics);
}

PcaPolicy *pca_policy_read_readable(const PcaOptions *options, PcaDiagnostics *diagnostics,
                                    GPtrArray *unread) {
    g_auto(GStrv) directories = pca_policy_directories(options);
    return pca_policy_load_readable((const char *const *)directories, pca_policy_owner(options),
                                    diagnostics, unread);
}

/* ---- reload ---- */

PcaDiagnostics *pca_policy_reload(GDBusConnection *bus, gboolean no_start, GError **error) {
    const PcaCall call = {.path = PCA_BUS_PATH,
                          .interface = PCA_BUS_MANAGER,
                          .method = "ReloadPolicy",
                          .reply_type = "(a(suuss))",
                          .no_start = no_start,
                          .waiting = "reading the policy",
                          .asks = TRUE};
    g_autoptr(GVariant) reply = pca_call(bus, &call, NULL, error);
    if (!reply)
        return NULL;
    g_autoptr(GVariant) list = g_variant_get_child_value(reply, 0);
    return pca_diagnostics_read(list);
}

static int reload(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    pca_offline_suggest(FALSE);
    g_autoptr(GDBusConnection) bus = pca_connect(&error);
    g_autoptr(GPtrArray) diagnostics = bus ? pca_policy_reload(bus, FALSE, &error) : NULL;
    if (!diagnostics)
        return pca_fail(NULL, error);
    pca_diagnostics_sort(diagnostics);
    pca_diagnostics_print(options, diagnostics);
    guint errors = pca_diagnostics_count(diagnostics, PCA_SEVERITY_ERROR);
    if (errors == 0)
        return 0;
    /* The last line of those that systemctl shows of a reload: there may be many before it. */
    fflush(stdout);
    g_autofree char *first = pca_diagnostics_first_error(diagnostics);
    pca_complain("the policy was refused for %u error%s, what was in force stays; %s%s", errors,
                 errors == 1 ? "" : "s", errors == 1 ? "" : "the first: ", first);
    return PCA_EXIT_POLICY_INVALID;
}

/* ---- The words ---- */

static const struct {
    const char *name;
    int (*run)(const PcaOptions *options);
    guint max_words; /* behind it */
    gboolean needs_daemon;
} words[] = {
    {"check", pca_verb_policy_check, G_MAXUINT, FALSE},
    {"show", pca_verb_policy_show, G_MAXUINT, FALSE},
    {"explain", pca_verb_policy_explain, 1, FALSE},
    {"new", pca_verb_policy_new, G_MAXUINT, FALSE},
    {"reload", reload, 0, TRUE},
};

int pca_verb_policy(const PcaOptions *options) {
    static const char *const known[] = {"check", "show", "explain", "new", "reload", NULL};
    G_STATIC_ASSERT(G_N_ELEMENTS(known) == G_N_ELEMENTS(words) + 1);
    const char *what = pca_options_word(options, 0);
    guint i = 0;
    if (!what) {
        pca_complain("policy needs a word behind it: check, show, explain, new or reload");
        return PCA_EXIT_USAGE;
    }
    while (i < G_N_ELEMENTS(words) && !g_str_equal(words[i].name, what))
        i++;
    if (i == G_N_ELEMENTS(words)) {
        g_autofree char *hint = pca_suggestion(what, known);
        pca_complain("unknown 'policy %s'%s", what, hint);
        return PCA_EXIT_USAGE;
    }
    if (pca_options_n_words(options) - 1 > words[i].max_words) {
        pca_complain("policy %s takes %s, but '%s' was given", what,
                     words[i].max_words == 0 ? "no argument" : "one device",
                     pca_options_word(options, words[i].max_words + 1));
        return PCA_EXIT_USAGE;
    }
    if (options->offline && words[i].needs_daemon) {
        pca_complain("--offline: 'policy %s' needs pcassignd", what);
        return PCA_EXIT_USAGE;
    }
    return words[i].run(options);
}
