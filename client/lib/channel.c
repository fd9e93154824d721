/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: receives descriptors past the bus: one packet each, and a last one that says "end".
 * Thread: that of the handle. Ownership: what was received belongs to the list, or is closed.
 */
#include "private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_PACKET 4096 /* bytes; role, name and address have a few hundred */
#define MAX_FDS 4096
#define MAX_FDS_PACKET 16 /* only one is right, the others are there to be closed */

struct packet {
    char text[MAX_PACKET];
    size_t length;
    int fds[MAX_FDS_PACKET];
    size_t n_fds;
    int flags;
};

static void close_fds(struct packet *packet) {
    for (size_t i = 0; i < packet->n_fds; i++)
        close(packet->fds[i]);
    packet->n_fds = 0;
}

static void collect_fds(struct msghdr *header, struct packet *packet) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n && packet->n_fds < MAX_FDS_PACKET; i++)
            memcpy(&packet->fds[packet->n_fds++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
}

/* Bytes received, 0 when the other side has closed, or -1 with errno. */
static ssize_t receive(int channel, struct packet *packet) {
    union {
        char buffer[CMSG_SPACE(MAX_FDS_PACKET * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec text = {packet->text, sizeof packet->text};
    struct msghdr header = {.msg_iov = &text,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    packet->n_fds = 0;
    ssize_t n = recvmsg(channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0)
        return n;
    packet->length = (size_t)n;
    packet->flags = header.msg_flags;
    collect_fds(&header, packet);
    return n;
}

/* 0 once there is something to receive. */
static int wait_for_packet(struct pcassign *p, int channel, int64_t deadline) {
    for (;;) {
        struct pollfd poller = {.fd = channel, .events = POLLIN};
        int64_t left = deadline - pcassign__now();
        int n = left > 0 ? poll(&poller, 1, (int)left) : 0;
        if (n > 0)
            return 0;
        if (n == 0)
            return pcassign__fail(p, PCASSIGN_ERR_TIMED_OUT,
                                  "pcassignd has not sent the descriptors in time");
        if (errno != EINTR)
            return pcassign__fail(p, PCASSIGN_ERR_FAILED, "channel: %s", strerror(errno));
    }
}

/* The three strings of a packet; false unless it is exactly three with their NULs. */
static bool split(const struct packet *packet, const char *strings[3]) {
    const char *at = packet->text, *end = packet->text + packet->length;
    for (int i = 0; i < 3; i++) {
        const char *stop = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
        if (!stop)
            return false;
        strings[i] = at;
        at = stop + 1;
    }
    return at == end;
}

static bool is_end(const struct packet *packet) {
    return packet->n_fds == 0 && packet->length == sizeof "end" &&
           memcmp(packet->text, "end", sizeof "end") == 0;
}

/* Moves the packet's descriptor into the list. */
static int add(struct pcassign *p, struct packet *packet, struct pcassign_fds *fds) {
    const char *strings[3];
    if (packet->flags & MSG_CTRUNC)
        return pcassign__fail(p, PCASSIGN_ERR_LIMIT_EXCEEDED,
                              "this process may not have more descriptors (RLIMIT_NOFILE)");
    if (packet->flags & MSG_TRUNC || packet->n_fds != 1 || !split(packet, strings) ||
        pcassign_fds_count(fds) >= MAX_FDS)
        return pcassign__fail(p, PCASSIGN_ERR_PROTOCOL, "malformed packet on the channel");
    packet->n_fds = 0;
    if (pcassign__fds_add(fds, packet->fds[0], strings[0], strings[1], strings[2]))
        return pcassign__no_memory(p);
    return 0;
}

/* One packet; *end when it was the last. */
static int receive_one(struct pcassign *p, int channel, struct pcassign_fds *fds, bool *closed,
                       bool *end) {
    struct packet packet;
    ssize_t n = receive(channel, &packet);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    /* A packet without bytes looks the same, and is as malformed. */
    *closed = (n == 0 && packet.n_fds == 0) || (n < 0 && errno == ECONNRESET);
    if (*closed)
        return pcassign__fail(p, PCASSIGN_ERR_PROTOCOL, "pcassignd closed the channel too early");
    if (n < 0)
        return pcassign__fail(p, PCASSIGN_ERR_FAILED, "channel: %s", strerror(errno));
    *end = is_end(&packet);
    int code = *end ? 0 : add(p, &packet, fds);
    close_fds(&packet);
    return code;
}

int pcassign__channel_receive(struct pcassign *p, int channel, int64_t deadline,
                              struct pcassign_fds *fds, bool *closed) {
    bool end = false;
    int code = 0;
    while (!code && !end) {
        code = wait_for_packet(p, channel, deadline);
        if (!code)
            code = receive_one(p, channel, fds, closed, &end);
    }
    return code;
}
