/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: run: claim devices, fetch their descriptors, become the command.
 * Thread: main. Ownership: a Run owns all it fetched until exec; the lease ends the claim when it
 * is closed, so that every failure gives the devices back.
 */
#include "verbs.h"
#include "connection.h"
#include "output.h"
#include "policy-state.h"
#include "run-fds.h"
#include "run-vmm.h"
#include "specs.h"
#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_WAIT_S 20
#define MAX_WAIT_S 600 /* the daemon's */

/* What the daemon may need beyond the time that it was allowed to wait, to undo what it did. */
#define TIMEOUT_MARGIN_S 60

/* What the devices of a command that opens them itself are called among ourselves. */
#define DEVICE_BY_PATH "device"

#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NO_COMMAND 127

typedef struct {
    const PcaOptions *options;
    GPtrArray *specs;
    GPtrArray *names; /* of the specs, borrowed; ends with NULL */
    guint placeholders;
    PcaVmm vmm;
    double wait_s;   /* negative: the daemon's default */
    guint64 memory;  /* bytes; 0: not known */
    gboolean viommu; /* the guest has an IOMMU of its own */
    GDBusConnection *bus;
    char *claim;
    int lease; /* -1: none */
    PcaFds *fds;
    PcaFds *by_path; /* the devices, without descriptors, for a command that opens them itself */
    struct sigaction pipe_action; /* what the caller had for SIGPIPE */
} Run;

static void run_clear(Run *run) {
    g_clear_pointer(&run->specs, g_ptr_array_unref);
    g_clear_pointer(&run->names, g_ptr_array_unref);
    g_clear_pointer(&run->fds, g_ptr_array_unref);
    g_clear_pointer(&run->by_path, g_ptr_array_unref);
    g_clear_pointer(&run->claim, g_free);
    pca_fd_close(&run->lease);
    g_clear_object(&run->bus);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

static const char *const *command(const Run *run) {
    return (const char *const *)run->options->command->pdata;
}

static const char *const *names(const Run *run) {
    return (const char *const *)run->names->pdata;
}

static gboolean read_wait(Run *run, GError **error) {
    const char *text = run->options->wait;
    char *end = NULL;
    run->wait_s = text && g_ascii_isdigit(*text) ? g_ascii_strtod(text, &end) : -1;
    if (!text || (run->wait_s >= 0 && run->wait_s <= MAX_WAIT_S && end && !*end))
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                "--wait: '%s' is not a number of seconds up to %d", text, MAX_WAIT_S);
    return FALSE;
}

static gboolean read_memory(Run *run, GError **error) {
    const char *text = run->options->memory;
    run->viommu = run->options->viommu || pca_vmm_has_viommu(run->vmm, command(run));
    if (!text) {
        run->memory = pca_vmm_memory(run->vmm, command(run));
        return TRUE;
    }
    if (pca_parse_size(text, 1, &run->memory))
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                "--memory: '%s' is not a size such as 4G or 512M", text);
    return FALSE;
}

/* A VMM whose arguments are made here takes nothing but an iommufd. */
static const char *handoff(const Run *run) {
    if (run->options->handoff)
        return run->options->handoff;
    return run->placeholders == 0 ? "cdev" : NULL;
}

/* The command opens the devices' nodes itself. */
static gboolean by_path(const Run *run) {
    return g_strcmp0(run->options->handoff, "node") == 0;
}

static gboolean read_vmm(Run *run, GError **error) {
    if (!run->options->vmm)
        run->vmm = pca_vmm_guess(command(run)[0]);
    else if (!pca_vmm_parse(run->options->vmm, &run->vmm, error))
        return FALSE;
    if (run->placeholders > 0 || by_path(run))
        return TRUE;
    if (g_strcmp0(handoff(run), "group") == 0) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "--handoff=group: put {container} and {%s} into the command's arguments",
                    names(run)[0]);
        return FALSE;
    }
    if (run->vmm != PCA_VMM_UNKNOWN)
        return pca_vmm_check(run->vmm, command(run), error);
    g_autofree char *list = g_strjoinv("}, {", (char **)run->names->pdata);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                "how does '%s' take the devices? Put placeholders into its arguments ({iommufd}, "
                "{%s}), or say --vmm=qemu or --vmm=cloud-hypervisor",
                command(run)[0], list);
    return FALSE;
}

/* Everything that can be refused without asking the daemon. */
static gboolean prepare(Run *run, GError **error) {
    run->specs = pca_specs_parse((const char *const *)run->options->words->pdata, error);
    if (!run->specs)
        return FALSE;
    if (!run->options->command || !command(run)[0]) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "run needs a command behind '--'");
        return FALSE;
    }
    run->names = g_ptr_array_new();
    for (guint i = 0; i < run->specs->len; i++)
        g_ptr_array_add(run->names, (gpointer)pca_spec_name(g_ptr_array_index(run->specs, i)));
    g_ptr_array_add(run->names, NULL);
    gboolean ok = by_path(run) ? pca_run_check_without_fds(command(run), error)
                               : pca_run_check(command(run), names(run), &run->placeholders, error);
    return ok && read_vmm(run, error) && read_wait(run, error) && read_memory(run, error);
}

/* 0, or the exit status for a command that is not there: found out before anything is claimed. */
static int find_command(const char *name) {
    g_autofree char *found = g_find_program_in_path(name);
    if (found)
        return 0;
    gboolean exists = strchr(name, '/') && access(name, F_OK) == 0;
    pca_complain("%s: %s", name, exists ? "cannot be executed" : "no such command");
    return exists ? EXIT_CANNOT_EXECUTE : EXIT_NO_COMMAND;
}

static GVariant *claim_options(const Run *run) {
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    if (handoff(run))
        g_variant_builder_add(&builder, "{sv}", "handoff", g_variant_new_string(handoff(run)));
    if (run->options->title)
        g_variant_builder_add(&builder, "{sv}", "title", g_variant_new_string(run->options->title));
    if (run->memory > 0)
        g_variant_builder_add(&builder, "{sv}", "memory", g_variant_new_uint64(run->memory));
    if (run->viommu)
        g_variant_builder_add(&builder, "{sv}", "viommu", g_variant_new_boolean(TRUE));
    if (run->wait_s >= 0)
        g_variant_builder_add(&builder, "{sv}", "wait",
                              g_variant_new_uint64((guint64)(run->wait_s * G_USEC_PER_SEC)));
    return g_variant_builder_end(&builder);
}

static int take_fd(GUnixFDList *fds, gint32 index, GError **error) {
    if (fds && index >= 0 && index < g_unix_fd_list_get_length(fds))
        return g_unix_fd_list_get(fds, index, error);
    g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "pcassignd's reply lacks a descriptor");
    return -1;
}

static gboolean claim(Run *run, GError **error) {
    g_autofree char *devices = pca_specs_describe(run->specs);
    g_autofree char *waiting = g_strdup_printf("claiming %s", devices);
    double wait_s = run->wait_s >= 0 ? run->wait_s : DEFAULT_WAIT_S;
    const PcaCall call = {
        .path = PCA_BUS_PATH,
        .interface = PCA_BUS_MANAGER,
        .method = "Claim",
        .arguments = g_variant_new("(@a(sa{sv})@a{sv})", pca_specs_to_variant(run->specs),
                                   claim_options(run)),
        .reply_type = "(oh)",
        .timeout_ms = (int)((wait_s + TIMEOUT_MARGIN_S) * 1000),
        .waiting = waiting,
        .asks = TRUE,
    };
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = pca_call(run->bus, &call, &fds, error);
    gint32 index = -1;
    if (!reply)
        return FALSE;
    g_variant_get(reply, "(oh)", &run->claim, &index);
    run->lease = take_fd(fds, index, error);
    return run->lease >= 0;
}

static gboolean read_fds(Run *run, GVariant *reply, GUnixFDList *received, GError **error) {
    g_autoptr(GVariantIter) iter = NULL;
    const char *role = NULL, *name = NULL;
    gint32 index = -1;
    g_variant_get(reply, "(a(ssha{sv}))", &iter);
    for (;;) {
        g_autoptr(GVariant) details = NULL;
        if (!g_variant_iter_next(iter, "(&s&sh@a{sv})", &role, &name, &index, &details))
            break;
        const char *address = pca_lookup_string(details, "address");
        int fd = take_fd(received, index, error);
        if (fd < 0)
            return FALSE;
        pca_fds_consume(run->fds, role, name, address ? address : "", fd);
    }
    pca_run_number(run->fds);
    pca_fds_consume(run->fds, PCA_RUN_LEASE, "", "", pca_fd_steal(&run->lease));
    if (run->fds->len <= PCA_RUN_MAX_FDS)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED, "%u descriptors are more than %d",
                run->fds->len, PCA_RUN_MAX_FDS);
    return FALSE;
}

static gboolean open_claim(Run *run, GError **error) {
    g_autoptr(GUnixFDList) sent = g_unix_fd_list_new();
    g_autoptr(GUnixFDList) received = NULL;
    int index = g_unix_fd_list_append(sent, run->lease, error);
    if (index < 0)
        return FALSE;
    const PcaCall call = {
        .path = run->claim,
        .interface = PCA_BUS_CLAIM,
        .method = "Open",
        .arguments = g_variant_new("(h@a{sv})", index, g_variant_new("a{sv}", NULL)),
        .reply_type = "(a(ssha{sv}))",
        .fds = sent,
        .waiting = "opening the devices",
    };
    g_autoptr(GVariant) reply = pca_call(run->bus, &call, &received, error);
    run->fds = pca_fds_new();
    return reply && read_fds(run, reply, received, error);
}

/* The claim's functions, by their addresses alone. */
static gboolean read_addresses(Run *run, GError **error) {
    const PcaCall call = {
        .path = run->claim,
        .interface = PCA_BUS_CLAIM,
        .method = "Describe",
        .arguments = g_variant_new("()"),
        .reply_type = "(a{sv})",
        .waiting = "asking for the addresses",
    };
    g_autoptr(GVariant) reply = pca_call(run->bus, &call, NULL, error);
    g_autoptr(GVariant) description = reply ? g_variant_get_child_value(reply, 0) : NULL;
    g_autofree const char **addresses = NULL;
    run->by_path = pca_fds_new();
    if (!description)
        return FALSE;
    g_variant_lookup(description, "devices", "^a&s", &addresses);
    for (guint i = 0; addresses && addresses[i]; i++)
        pca_fds_consume(run->by_path, PCA_RUN_NODE, DEVICE_BY_PATH, addresses[i], -1);
    return TRUE;
}

static char **environment(const Run *run) {
    g_autofree char *listen_names = pca_run_listen_names(run->fds);
    g_autofree char *count = g_strdup_printf("%u", run->fds->len);
    g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
    char **env = g_environ_setenv(g_get_environ(), "LISTEN_FDS", count, TRUE);
    env = g_environ_setenv(env, "LISTEN_FDNAMES", listen_names, TRUE);
    return g_environ_setenv(env, "LISTEN_PID", pid, TRUE);
}

static char **vmm_arguments(const Run *run) {
    static const char *const name[] = {DEVICE_BY_PATH, NULL};
    return by_path(run) ? pca_vmm_arguments(run->vmm, run->by_path, name)
                        : pca_vmm_arguments(run->vmm, run->fds, names(run));
}

/* The command with its placeholders filled in, or with the VMM's arguments behind it. */
static char **arguments(const Run *run, GError **error) {
    char **expanded = pca_run_expand(command(run), run->fds, error);
    if (!expanded || run->placeholders > 0 ||
        (by_path(run) && pca_vmm_names_devices(run->vmm, command(run))))
        return expanded;
    char **added = vmm_arguments(run);
    guint n = g_strv_length(expanded), m = g_strv_length(added);
    char **all = g_renew(char *, expanded, n + m + 1);
    memcpy(all + n, added, (m + 1) * sizeof *all);
    g_free(added);
    return all;
}

/* Returns only when it fails. */
static int become(Run *run) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) argv = arguments(run, &error);
    if (!argv)
        return pca_fail(NULL, error);
    if (!pca_run_place(run->fds, &error))
        return pca_fail(NULL, error);
    g_auto(GStrv) env = environment(run);
    /* GIO ignores it for its sockets, and the command would inherit that. */
    sigaction(SIGPIPE, &run->pipe_action, NULL);
    execvpe(argv[0], argv, env);
    int errnum = errno;
    pca_complain("%s: %s", argv[0], g_strerror(errnum));
    return errnum == ENOENT ? EXIT_NO_COMMAND : EXIT_CANNOT_EXECUTE;
}

int pca_verb_run(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    g_auto(Run) run = {.options = options, .lease = -1};
    if (options->dry_run)
        return pca_verb_plan(options);
    sigaction(SIGPIPE, NULL, &run.pipe_action);
    if (!prepare(&run, &error) || !pca_run_reserve(&error))
        return pca_fail(NULL, error);
    int status = find_command(command(&run)[0]);
    if (status)
        return status;
    run.bus = pca_connect(&error);
    if (!run.bus || !claim(&run, &error) || !open_claim(&run, &error) ||
        (by_path(&run) && !read_addresses(&run, &error)))
        return pca_policy_note_refusal(run.bus, pca_fail(pca_specs_subject(run.specs), error));
    return become(&run);
}
