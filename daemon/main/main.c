/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassignd: options, the main loop, the bus name.
 * Thread: the main one. Ownership: everything lives until the process ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>

#include "base/error.h"
#include "base/fds.h"
#include "bus/bus.h"
#include "sys/policy-files.h"

#define STATE_DIRECTORY "/run/pcassign"
#define WORKER_SOCKET "/run/pcassign/worker.socket"
#define UNBIND_GRACE (10 * G_TIME_SPAN_SECOND)
#define RELEASE_GRACE (10 * G_TIME_SPAN_SECOND)
#define MAX_CLAIMS 64   /* of one uid */
#define MAX_DEVICES 256 /* in them */

typedef struct {
    GMainLoop *loop;
    int status;
} Daemon;

/* Where things are; changed by tests, which have no root and a bus of their own, and where the
 * modules are by the unit. */
typedef struct {
    char *state, *socket, *sysfs, *proc, *dev, *modules;
    char **policy;
    gint64 grace_ms, release_grace_ms;
    gboolean version;
} Options;

static void options_clear(Options *options) {
    g_free(options->state);
    g_free(options->socket);
    g_free(options->sysfs);
    g_free(options->proc);
    g_free(options->dev);
    g_free(options->modules);
    g_strfreev(options->policy);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean on_signal(gpointer data) {
    Daemon *daemon = data;
    g_main_loop_quit(daemon->loop);
    return G_SOURCE_CONTINUE;
}

static void on_name_acquired(GDBusConnection *connection, const char *name, gpointer data) {
    sd_notify(FALSE, "READY=1");
    g_message("ready");
}

static void on_name_lost(GDBusConnection *connection, const char *name, gpointer data) {
    Daemon *daemon = data;
    g_printerr("pcassignd: %s\n", connection ? "the name " PCA_BUS_NAME " is taken or not allowed"
                                             : "the system bus is gone");
    daemon->status = EXIT_FAILURE;
    g_main_loop_quit(daemon->loop);
}

static gboolean parse(int *argc, char ***argv, Options *options, GError **error) {
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
        {"state-directory", 0, 0, G_OPTION_ARG_FILENAME, &options->state,
         "Keep claims below DIR (" STATE_DIRECTORY ")", "DIR"},
        {"worker-socket", 0, 0, G_OPTION_ARG_FILENAME, &options->socket,
         "Reach the worker at PATH (" WORKER_SOCKET ")", "PATH"},
        {"policy-directory", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->policy,
         "Read policy files from DIR; repeat it in order of precedence, the vendor's last", "DIR"},
        {"sysfs", 0, 0, G_OPTION_ARG_FILENAME, &options->sysfs, "Read DIR instead of sysfs", "DIR"},
        {"proc", 0, 0, G_OPTION_ARG_FILENAME, &options->proc, "Read DIR instead of procfs", "DIR"},
        {"dev", 0, 0, G_OPTION_ARG_FILENAME, &options->dev, "Use DIR instead of /dev", "DIR"},
        {"modules", 0, 0, G_OPTION_ARG_FILENAME, &options->modules,
         "Look for the index of modules in DIR (/lib/modules)", "DIR"},
        {"unbind-grace", 0, 0, G_OPTION_ARG_INT64, &options->grace_ms,
         "Count a release as stuck after MS milliseconds", "MS"},
        {"release-grace", 0, 0, G_OPTION_ARG_INT64, &options->release_grace_ms,
         "Give an owner MS milliseconds to give a claim back by itself", "MS"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- the PCI assignment service");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (*argc > 1)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "unexpected argument %s",
                    (*argv)[1]);
    return *argc == 1;
}

static PcaRoot *make_root(const Options *options) {
    g_autoptr(PcaRoot) host = pca_root_new_host();
    PcaRoot *root = pca_root_new(options->sysfs ? options->sysfs : host->sysfs,
                                 options->proc ? options->proc : host->proc,
                                 options->dev ? options->dev : host->dev);
    if (options->modules)
        pca_root_set_modules(root, options->modules);
    return root;
}

/* Held for the life of the process. One that is started by hand beside the service would otherwise
 * take up, and end, what the other one is at, before it finds the name taken. -1 with *error. */
static int lock_state(const char *path, GError **error) {
    PCA_AUTO_FD fd = -1;
    if (g_mkdir_with_parents(path, 0700) < 0 ||
        (fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "%s", path);
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return pca_fd_steal(&fd);
    else if (errno == EWOULDBLOCK)
        g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY, "another pcassignd works on %s", path);
    else
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "locking %s", path);
    return -1;
}

static int serve(const Options *options) {
    g_autoptr(GError) error = NULL;
    const char *state = options->state ? options->state : STATE_DIRECTORY;
    g_autoptr(GDBusConnection) connection = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    if (!connection) {
        g_printerr("pcassignd: no system bus: %s\n", error->message);
        return EXIT_FAILURE;
    }
    PCA_AUTO_FD lock = lock_state(state, &error);
    if (lock < 0) {
        g_printerr("pcassignd: %s\n", error->message);
        return EXIT_FAILURE;
    }
    g_autoptr(PcaRoot) root = make_root(options);
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Daemon daemon = {loop, EXIT_SUCCESS};
    PcaBus *bus = pca_bus_new(connection);
    PcaServiceConfig config = {
        .root = root,
        .state_directory = state,
        .worker_socket = options->socket ? options->socket : WORKER_SOCKET,
        .policy_directories =
            options->policy ? (const char *const *)options->policy : pca_policy_system_directories,
        .policy_owner = geteuid(),
        .unbind_grace = options->grace_ms ? options->grace_ms * 1000 : UNBIND_GRACE,
        .max_claims = MAX_CLAIMS,
        .max_devices = MAX_DEVICES,
        .polkit = pca_bus_polkit(bus),
        .units = pca_bus_units(bus),
        .release_grace =
            options->release_grace_ms ? options->release_grace_ms * 1000 : RELEASE_GRACE,
    };
    PcaService *service = pca_service_new(&config, &pca_bus_events, bus, &error);
    if (!service || !pca_bus_export(bus, service, &error)) {
        g_printerr("pcassignd: %s\n", error->message);
        return EXIT_FAILURE;
    }
    g_unix_signal_add(SIGTERM, on_signal, &daemon);
    g_unix_signal_add(SIGINT, on_signal, &daemon);
    g_bus_own_name_on_connection(connection, PCA_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                 on_name_acquired, on_name_lost, &daemon, NULL);
    g_main_loop_run(loop);
    sd_notify(FALSE, "STOPPING=1");
    return daemon.status;
}

int main(int argc, char **argv) {
    g_auto(Options) options = {0};
    g_autoptr(GError) error = NULL;
    setlocale(LC_ALL, "");
    /* A thread that waits for more work would wake up once more only to end. */
    g_thread_pool_set_max_unused_threads(0);
    if (!parse(&argc, &argv, &options, &error)) {
        g_printerr("pcassignd: %s\n", error->message);
        return 2;
    }
    if (options.version) {
        g_print("pcassignd %s\n", VERSION);
        return EXIT_SUCCESS;
    }
    return serve(&options);
}
