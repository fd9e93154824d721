/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policy new: a section for a device that is there, printed, or saved and put in force.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "policy.h"
#include "diagnostics.h"
#include "output.h"
#include "section.h"
#include "source.h"
#include "base/error.h"

#include <stdio.h>

typedef enum {
    NOT_RELOADED,
    NOT_RUNNING, /* it reads the files when it starts */
    IN_FORCE,
} Reload;

typedef struct {
    const PcaOptions *options;
    const char *name;
    PcaSectionUsers users;
    char *text;
    GPtrArray *warnings;
    char *file; /* that it was saved in; NULL: it was not */
    Reload reload;
} New;

static void new_clear(New *new) {
    g_free(new->text);
    g_free(new->file);
    g_clear_pointer(&new->warnings, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(New, new_clear)

static gboolean check_options(const PcaOptions *options, GError **error) {
    if (pca_options_n_words(options) < 2)
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "policy new needs a device: an address, such as 01:00.0");
    else if (!options->name)
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "policy new needs --name=NAME, what the device is to be called, such as gpu-a");
    else if (!options->users && !options->groups && !options->units)
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "policy new needs somebody who may have it: --user=, --group= or --unit=");
    else if (options->write && options->sysfs && !options->policy_directories)
        g_set_error(
            error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
            "--sysfs is of another machine, whose policy is not here: leave out --write, or "
            "say where with --policy-directory");
    else
        return TRUE;
    return FALSE;
}

/* It is about hardware, which the daemon knows no better: sysfs is read in any case. */
static gboolean compose(New *new, GError **error) {
    PcaOptions offline = *new->options;
    offline.offline = TRUE;
    g_autoptr(PcaSource) source = pca_source_open(&offline, PCA_SOURCE_ONE, error);
    const char *const *words = (const char *const *)new->options->words->pdata + 1;
    g_autoptr(GPtrArray) functions = source ? pca_section_functions_of(source, words, error) : NULL;
    if (!functions)
        return FALSE;
    new->text = pca_section_compose(source, functions, new->name, &new->users, error);
    new->warnings =
        new->text ? pca_section_warnings(source, functions, &new->users, new->text) : NULL;
    return new->text != NULL;
}

/* FALSE with an exit status. */
static gboolean save(New *new, int *status) {
    g_autofree char *file = g_strdup_printf("50-%s.conf", new->name);
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    if (pca_policy_write(new->options, file, new->text, &path, diagnostics, &error)) {
        new->file = g_steal_pointer(&path);
        return TRUE;
    }
    if (error) {
        *status = pca_fail(NULL, error);
        return FALSE;
    }
    pca_diagnostics_complain(diagnostics);
    pca_complain("nothing was written: the policy would be refused");
    *status = PCA_EXIT_POLICY_INVALID;
    return FALSE;
}

/* A daemon that does not run reads the files when it starts: that is as good. */
static int reload(New *new) {
    g_autoptr(GError) error = NULL;
    if (new->options->offline)
        return 0;
    g_autoptr(GDBusConnection) bus = pca_connect(&error);
    g_autoptr(GPtrArray) diagnostics = bus ? pca_policy_reload(bus, TRUE, &error) : NULL;
    if (!diagnostics && pca_exit_status(error) == PCA_EXIT_NO_DAEMON) {
        new->reload = NOT_RUNNING;
        return 0;
    }
    if (!diagnostics) {
        pca_complain("%s is written, but is not in force", new->file);
        return pca_fail(NULL, error);
    }
    if (!pca_diagnostics_have_errors(diagnostics)) {
        new->reload = IN_FORCE;
        return 0;
    }
    pca_complain("%s is written, but pcassignd has refused the policy: 'pcassignctl policy check' "
                 "tells why",
                 new->file);
    return PCA_EXIT_POLICY_INVALID;
}

/* ---- What is printed ---- */

static void print_json(const New *new) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_ptr_array_add(new->warnings, NULL);
    json_builder_begin_object(builder);
    pca_json_string(builder, "name", new->name);
    pca_json_string(builder, "text", new->text);
    pca_json_string(builder, "file", new->file);
    json_builder_set_member_name(builder, "in_force");
    json_builder_add_boolean_value(builder, new->reload == IN_FORCE);
    pca_json_strings(builder, "warnings", (const char *const *)new->warnings->pdata);
    json_builder_end_object(builder);
    pca_json_print(new->options, builder);
}

static void append_names(GString *text, const char *one, const char *several,
                         const GPtrArray *names) {
    if (!names)
        return;
    g_string_append_printf(text, "%s%s", text->len ? " or " : "", names->len == 1 ? one : several);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(text, "%s%s",
                               i == 0               ? ""
                               : i + 1 < names->len ? ", "
                                                    : " and ",
                               (const char *)g_ptr_array_index(names, i));
}

static void print_next(const New *new) {
    static const char *const states[] = {
        [NOT_RELOADED] = "written; in force after: pcassignctl policy reload",
        [NOT_RUNNING] = "written; pcassignd is not running, and reads it when it starts",
        [IN_FORCE] = "written, and in force",
    };
    g_autoptr(GString) who = g_string_new(NULL);
    append_names(who, "", "", new->users.users);
    append_names(who, "members of ", "members of ", new->users.groups);
    append_names(who, "the unit ", "the units ", new->users.units);
    printf("\n%s: %s\n", new->file, states[new->reload]);
    printf("Next, as %s:\n  pcassignctl check %s\n  pcassignctl run %s -- qemu-system-x86_64 -m 4G "
           "disk.img\n",
           who->str, new->name, new->name);
}

static void print(const New *new) {
    for (guint i = 0; i < new->warnings->len; i++)
        pca_complain("warning: %s", (const char *)g_ptr_array_index(new->warnings, i));
    if (new->options->json != PCA_JSON_OFF) {
        print_json(new);
        return;
    }
    fputs(new->text, stdout);
    if (new->file && !new->options->no_legend)
        print_next(new);
}

int pca_verb_policy_new(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    int status = 0;
    if (!check_options(options, &error))
        return pca_fail(NULL, error);
    g_auto(New) new = {.options = options,
                       .name = options->name,
                       .users = {options->users, options->groups, options->units}};
    if (!compose(&new, &error))
        return pca_fail(NULL, error);
    if (options->write && !save(&new, &status))
        return status;
    if (options->write)
        status = reload(&new);
    if (status == 0)
        print(&new);
    return status;
}
