/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the client's own channel for descriptors.
 * Thread: the main one. Ownership: a Channel frees itself with its callback.
 */
#include "bus/channel.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>

#include "base/error.h"

#define DEADLINE_MS 5000
#define PACKET_MAX 1024 /* bytes: role, name and address are bounded */

typedef struct {
    int fd;
    PcaFds *list;
    guint next; /* list->len: the end packet */
    guint writable, timer;
    PcaChannelFunc func;
    gpointer data;
} Channel;

static int option(int fd, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

gboolean pca_channel_check(int fd, const PcaSubject *subject, GError **error) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (option(fd, SO_DOMAIN) != AF_UNIX || option(fd, SO_TYPE) != SOCK_SEQPACKET ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid == 0)
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "the channel is not a connected AF_UNIX socket of type SOCK_SEQPACKET");
    else if (peer.uid != subject->uid || (guint32)peer.pid != subject->pid)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED,
                    "the channel was made by another process (%d of uid %u) than the caller",
                    (int)peer.pid, peer.uid);
    else
        return TRUE;
    return FALSE;
}

static void finish(Channel *channel, const GError *error) {
    g_clear_handle_id(&channel->writable, g_source_remove);
    g_clear_handle_id(&channel->timer, g_source_remove);
    pca_fd_close(&channel->fd);
    g_clear_pointer(&channel->list, g_ptr_array_unref);
    channel->func(error, channel->data);
    g_free(channel);
}

/* The payload of one packet; its length. */
static gsize write_payload(const PcaNamedFd *named, char payload[PACKET_MAX]) {
    const char *const parts[] = {named->role, named->name, named->address};
    gsize length = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        length += MIN(g_strlcpy(payload + length, parts[i], PACKET_MAX - length),
                      PACKET_MAX - length - 1) +
                  1;
    return length;
}

static ssize_t send_packet(int fd, const char *payload, gsize length, const int *passed) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec vector = {(void *)payload, length};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (passed) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), passed, sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

static ssize_t send_next(Channel *channel) {
    char payload[PACKET_MAX];
    if (channel->next == channel->list->len)
        return send_packet(channel->fd, "end", sizeof "end", NULL);
    PcaNamedFd *named = pca_fds_get(channel->list, channel->next);
    gsize length = write_payload(named, payload);
    ssize_t sent = send_packet(channel->fd, payload, length, &named->fd);
    /* What lies in the client's queue is the client's: a copy here would hold up an unbind. */
    if (sent >= 0)
        pca_fd_close(&named->fd);
    return sent;
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data) {
    Channel *channel = data;
    while (channel->next <= channel->list->len && send_next(channel) >= 0)
        channel->next++;
    if (channel->next <= channel->list->len && errno == EAGAIN)
        return G_SOURCE_CONTINUE;
    g_autoptr(GError) error = NULL;
    if (channel->next <= channel->list->len)
        pca_error_set_errno(&error, PCA_ERROR_FAILED, errno, "sending on the channel");
    channel->writable = 0;
    finish(channel, error);
    return G_SOURCE_REMOVE;
}

static gboolean on_deadline(gpointer data) {
    Channel *channel = data;
    g_autoptr(GError) error =
        g_error_new(PCA_ERROR, PCA_ERROR_TIMED_OUT,
                    "the client did not read its channel within %d seconds", DEADLINE_MS / 1000);
    channel->timer = 0;
    finish(channel, error);
    return G_SOURCE_REMOVE;
}

void pca_channel_send(int fd, PcaFds *list, PcaChannelFunc func, gpointer data) {
    Channel *channel = g_new0(Channel, 1);
    channel->fd = fd;
    channel->list = list;
    channel->func = func;
    channel->data = data;
    channel->writable = g_unix_fd_add(fd, G_IO_OUT, on_writable, channel);
    channel->timer = g_timeout_add(DEADLINE_MS, on_deadline, channel);
}
