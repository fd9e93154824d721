/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: calls to the worker.
 * Thread: the main one. Ownership: see the header.
 */
#include "engine/client.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/fds.h"
#include "engine/wire.h"

typedef struct {
    int socket;
    GError *early; /* why the request could not be sent */
    PcaWorkerFunc func;
    gpointer data;
} Call;

static void call_free(Call *call) {
    pca_fd_close(&call->socket);
    g_clear_error(&call->early);
    g_free(call);
}

static GError *error_of_reply(GVariant *reply) {
    gboolean ok = FALSE;
    const char *name = "Failed", *message = "the worker gave no reason";
    g_variant_lookup(reply, "ok", "b", &ok);
    if (ok)
        return NULL;
    g_variant_lookup(reply, "error", "&s", &name);
    g_variant_lookup(reply, "message", "&s", &message);
    int code = pca_error_from_name(name);
    return g_error_new_literal(PCA_ERROR, code < 0 ? PCA_ERROR_FAILED : code, message);
}

static gboolean finish(Call *call) {
    g_autoptr(GArray) fds = pca_wire_fds_new();
    g_autoptr(GError) error = g_steal_pointer(&call->early);
    g_autoptr(GVariant) reply = error ? NULL : pca_wire_receive(call->socket, fds, &error);
    if (reply)
        error = error_of_reply(reply);
    else
        g_prefix_error(&error, "the worker did not answer: ");
    call->func(reply, fds, error, call->data);
    call_free(call);
    return G_SOURCE_REMOVE;
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data) {
    return finish(data);
}

static gboolean on_idle(gpointer data) {
    return finish(data);
}

static int connect_to(const char *path, GError **error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "the path %s is too long", path);
        return -1;
    }
    PCA_AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "connecting to %s", path);
        return -1;
    }
    return pca_fd_steal(&fd);
}

void pca_worker_call(const char *socket_path, GVariant *request, const int *fds, guint n_fds,
                     PcaWorkerFunc func, gpointer data) {
    Call *call = g_new0(Call, 1);
    g_autoptr(GVariant) message = g_variant_ref_sink(request);
    call->func = func;
    call->data = data;
    call->socket = connect_to(socket_path, &call->early);
    if (call->socket >= 0 && pca_wire_send(call->socket, message, fds, n_fds, &call->early))
        g_unix_fd_add(call->socket, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, call);
    else
        g_idle_add(on_idle, call);
}
