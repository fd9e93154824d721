/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: calls over GDBus; a call that a person waits for shows the seconds.
 * Thread: main; replies arrive through its default context. Ownership: see the header.
 */
#include "connection.h"
#include "agent.h"
#include "output.h"
#include "base/error.h"
#include "pci/address.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USUAL_TIMEOUT_MS 30000
#define PASSWORD_MS (2 * 60 * 1000) /* as long as the daemon lets polkit ask */
#define TICK_MS 100
#define TICKS_BEFORE_SHOWN 10

typedef struct {
    const char *what;
    guint ticks;
    GVariant *reply;
    GUnixFDList *fds;
    GError *error;
    gboolean done;
} Waiting;

static gboolean progress_wanted = TRUE;
static gboolean offline_possible;

void pca_progress_show(gboolean show) {
    progress_wanted = show;
}

void pca_offline_suggest(gboolean possible) {
    offline_possible = possible;
}

GDBusConnection *pca_connect(GError **error) {
    g_autoptr(GError) problem = NULL;
    GDBusConnection *bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &problem);
    if (bus)
        g_dbus_connection_set_exit_on_close(bus, FALSE);
    else
        g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_SERVER, "no system bus: %s",
                    problem->message);
    return bus;
}

static gboolean tick(gpointer data) {
    static const char spinner[] = "|/-\\";
    Waiting *waiting = data;
    waiting->ticks++;
    if (waiting->ticks >= TICKS_BEFORE_SHOWN) {
        fprintf(stderr, "\r%c %s: %u s", spinner[waiting->ticks % 4], waiting->what,
                waiting->ticks * TICK_MS / 1000);
        fflush(stderr);
    }
    return G_SOURCE_CONTINUE;
}

static void finished(GObject *source, GAsyncResult *result, gpointer data) {
    Waiting *waiting = data;
    waiting->reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &waiting->fds, result, &waiting->error);
    waiting->done = TRUE;
}

static gboolean shows_progress(void) {
    return progress_wanted && isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
}

/* `quiet` while somebody types a password: no progress is shown. */
static GVariant *call_once(GDBusConnection *bus, const PcaCall *call, gboolean quiet,
                           GUnixFDList **fds, GError **error) {
    gboolean shown = call->waiting && !quiet && shows_progress();
    gboolean asks = call->asks && pca_agent_useful();
    int timeout = call->timeout_ms ? call->timeout_ms : USUAL_TIMEOUT_MS;
    g_autofree char *what = pca_printable(call->waiting ? call->waiting : "");
    Waiting waiting = {.what = what};
    g_autoptr(GVariantType) type = g_variant_type_new(call->reply_type);
    guint timer = shown ? g_timeout_add(TICK_MS, tick, &waiting) : 0;
    g_dbus_connection_call_with_unix_fd_list(
        bus, PCA_BUS_NAME, call->path, call->interface, call->method, call->arguments, type,
        (asks ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION : 0) |
            (call->no_start ? G_DBUS_CALL_FLAGS_NO_AUTO_START : 0),
        asks ? timeout + PASSWORD_MS : timeout, call->fds, NULL, finished, &waiting);
    while (!waiting.done)
        g_main_context_iteration(NULL, TRUE);
    if (timer)
        g_source_remove(timer);
    if (waiting.ticks >= TICKS_BEFORE_SHOWN)
        fputs("\r\033[K", stderr);
    if (fds)
        *fds = g_steal_pointer(&waiting.fds);
    g_clear_object(&waiting.fds);
    if (waiting.error)
        g_propagate_error(error, waiting.error);
    return waiting.reply;
}

/* A desktop has an agent already; one of our own is started only where the daemon says, by its
 * name, that it is missing. */
static gboolean lacks_agent(const PcaCall *call, const GError *error) {
    return call->asks && pca_agent_useful() &&
           pca_exit_status(error) == pca_error_exit_status(PCA_ERROR_NOT_PERMITTED) &&
           strstr(error->message, "pkttyagent") != NULL;
}

GVariant *pca_call(GDBusConnection *bus, const PcaCall *call, GUnixFDList **fds, GError **error) {
    g_autoptr(GVariant) held = call->arguments ? g_variant_ref_sink(call->arguments) : NULL;
    g_autoptr(GError) problem = NULL;
    GVariant *reply = call_once(bus, call, FALSE, fds, &problem);
    if (!reply && lacks_agent(call, problem) && pca_agent_start()) {
        g_clear_error(&problem);
        reply = call_once(bus, call, TRUE, fds, &problem);
        pca_agent_end();
    }
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    return reply;
}

/* Whether nobody answered because the daemon, or the bus, is not there. */
static gboolean is_absence(const GError *error, const char *remote) {
    static const int codes[] = {
        G_DBUS_ERROR_SERVICE_UNKNOWN, G_DBUS_ERROR_NAME_HAS_NO_OWNER, G_DBUS_ERROR_NO_SERVER,
        G_DBUS_ERROR_DISCONNECTED,    G_DBUS_ERROR_FILE_NOT_FOUND,    G_DBUS_ERROR_NO_REPLY,
    };
    if (remote && (g_str_has_prefix(remote, "org.freedesktop.DBus.Error.Spawn.") ||
                   g_str_has_prefix(remote, "org.freedesktop.systemd1.")))
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_error_matches(error, G_DBUS_ERROR, codes[i]))
            return TRUE;
    /* The connection to the bus broke. */
    return error->domain == G_IO_ERROR && error->code != G_IO_ERROR_TIMED_OUT &&
           error->code != G_IO_ERROR_INVALID_ARGUMENT && error->code != G_IO_ERROR_DBUS_ERROR;
}

static int bus_status(const GError *error) {
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
        return pca_error_exit_status(PCA_ERROR_NOT_PERMITTED);
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS))
        return pca_error_exit_status(PCA_ERROR_INVALID_ARGUMENT);
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
        return pca_error_exit_status(PCA_ERROR_NOT_FOUND);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
        g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) ||
        g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT))
        return pca_error_exit_status(PCA_ERROR_TIMED_OUT);
    return pca_error_exit_status(PCA_ERROR_FAILED);
}

int pca_exit_status(const GError *error) {
    if (error->domain == PCA_ERROR)
        return pca_error_exit_status(error->code);
    g_autofree char *remote = g_dbus_error_get_remote_error(error);
    int code = remote ? pca_error_from_name(remote) : -1;
    if (code >= 0)
        return pca_error_exit_status(code);
    return is_absence(error, remote) ? PCA_EXIT_NO_DAEMON : bus_status(error);
}

/* Whether the message already begins with the subject, a bare or a full address counting alike. */
static gboolean names_subject(const char *message, const char *subject) {
    PcaAddress address;
    if (g_str_has_prefix(message, subject))
        return TRUE;
    if (!pca_address_parse(subject, &address))
        return FALSE;
    g_autofree char *full = pca_address_format(&address);
    return g_str_has_prefix(message, full);
}

int pca_fail(const char *subject, const GError *error) {
    int status = pca_exit_status(error);
    if (status == PCA_EXIT_NO_DAEMON) {
        pca_complain("pcassignd is not running: systemctl start pcassignd%s",
                     offline_possible ? "; or use --offline" : "");
        return status;
    }
    g_autoptr(GError) copy = g_error_copy(error);
    g_dbus_error_strip_remote_error(copy);
    if (!subject || names_subject(copy->message, subject))
        pca_complain("%s", copy->message);
    else
        pca_complain("%s: %s", subject, copy->message);
    return status;
}

const char *pca_lookup_string(GVariant *dictionary, const char *key) {
    const char *value = NULL;
    g_variant_lookup(dictionary, key, "&s", &value);
    return value && *value ? value : NULL;
}
