/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: framing of the worker's messages.
 * Thread: any. Ownership: see the header.
 */
#include "engine/wire.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fds.h"

GArray *pca_wire_fds_new(void) {
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(fds, (GDestroyNotify)pca_fd_close);
    return fds;
}

int pca_wire_steal_fd(GArray *fds, guint index) {
    return index < fds->len ? pca_fd_steal(&g_array_index(fds, int, index)) : -1;
}

gboolean pca_wire_send(int socket, GVariant *dictionary, const int *fds, guint n_fds,
                       GError **error) {
    g_autoptr(GVariant) message = g_variant_ref_sink(dictionary);
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * PCA_WIRE_MAX_FDS)];
    } control = {0};
    struct iovec vector = {(void *)g_variant_get_data(message), g_variant_get_size(message)};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};

    if (n_fds > PCA_WIRE_MAX_FDS || vector.iov_len > PCA_WIRE_MAX_SIZE) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                    "a message of %zu bytes and %u descriptors is too large", vector.iov_len,
                    n_fds);
        return FALSE;
    }
    if (n_fds > 0) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "sending to the worker's socket");
    return sent >= 0;
}

static void collect_fds(struct msghdr *header, GArray *fds) {
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg))
        if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
            g_array_append_vals(fds, CMSG_DATA(cmsg),
                                (guint)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int)));
}

GVariant *pca_wire_receive(int socket, GArray *fds, GError **error) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * PCA_WIRE_MAX_FDS)];
    } control = {0};
    g_autofree char *buffer = g_malloc(PCA_WIRE_MAX_SIZE);
    struct iovec vector = {buffer, PCA_WIRE_MAX_SIZE};
    struct msghdr header = {.msg_iov = &vector,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        collect_fds(&header, fds);
    if (n < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "receiving on the worker's socket");
        return NULL;
    }
    if (n == 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED,
                    n == 0 ? "the connection ended" : "a message was cut short");
        return NULL;
    }
    GVariant *message =
        g_variant_new_from_data(G_VARIANT_TYPE_VARDICT, buffer, (gsize)n, FALSE, g_free, buffer);
    buffer = NULL;
    g_variant_ref_sink(message);
    if (g_variant_is_normal_form(message))
        return message;
    g_variant_unref(message);
    g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "a message is not a dictionary");
    return NULL;
}
