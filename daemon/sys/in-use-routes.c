/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which interfaces hold a default route, asked of the kernel by rtnetlink or read from a
 * tree.
 * Thread: any; the answer of the kernel is waited for at most SECONDS for each message.
 * Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/route.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/error.h"

#define SECONDS 5
#define TRIES 3         /* a dump is broken off when routes change meanwhile */
#define DUMP_SIZE 32768 /* the largest message that the kernel fills in a dump */

/* ---- One route ---- */

static void add_index(GArray *indexes, int index) {
    g_array_append_val(indexes, index);
}

static void add_hops(GArray *indexes, const struct nlattr *multipath) {
    const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
    int left = mnl_attr_get_payload_len(multipath);
    while (left >= (int)sizeof *hop && RTNH_OK(hop, left)) {
        add_index(indexes, hop->rtnh_ifindex);
        left -= NLMSG_ALIGN(hop->rtnh_len);
        hop = RTNH_NEXT(hop);
    }
}

static gboolean is_default(const struct rtmsg *route, guint32 table) {
    return route->rtm_dst_len == 0 && route->rtm_type == RTN_UNICAST && table != RT_TABLE_LOCAL;
}

gboolean pca_route_parse(const struct nlmsghdr *message, GArray *indexes) {
    const struct rtmsg *route = mnl_nlmsg_get_payload(message);
    guint32 table = route->rtm_table;
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(int));
    const struct nlattr *attribute;
    mnl_attr_for_each(attribute, message, sizeof *route) {
        guint16 type = mnl_attr_get_type(attribute);
        if (type == RTA_TABLE && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
            table = mnl_attr_get_u32(attribute);
        else if (type == RTA_OIF && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
            add_index(found, (int)mnl_attr_get_u32(attribute));
        else if (type == RTA_MULTIPATH)
            add_hops(found, attribute);
    }
    if (!is_default(route, table))
        return TRUE;
    g_array_append_vals(indexes, found->data, found->len);
    return found->len > 0;
}

/* ---- The running kernel ---- */

typedef struct {
    GArray *indexes;
    gboolean unresolved; /* some default route does not say its interface */
} Dump;

static int on_route(const struct nlmsghdr *message, void *data) {
    Dump *dump = data;
    if (message->nlmsg_type == RTM_NEWROUTE &&
        mnl_nlmsg_get_payload_len(message) >= sizeof(struct rtmsg) &&
        !pca_route_parse(message, dump->indexes))
        dump->unresolved = TRUE;
    return MNL_CB_OK;
}

static int send_dump(struct mnl_socket *socket, int family, guint32 sequence) {
    char buffer[NLMSG_ALIGN(sizeof(struct nlmsghdr)) + NLMSG_ALIGN(sizeof(struct rtmsg))] = {0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = RTM_GETROUTE;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = sequence;
    struct rtmsg *route = mnl_nlmsg_put_extra_header(header, sizeof *route);
    route->rtm_family = family;
    return mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? -errno : 0;
}

static int receive_dump(struct mnl_socket *socket, guint32 sequence, Dump *dump) {
    g_autofree char *buffer = g_malloc(DUMP_SIZE);
    int more = MNL_CB_OK;
    while (more > MNL_CB_STOP) {
        ssize_t got = mnl_socket_recvfrom(socket, buffer, DUMP_SIZE);
        if (got < 0)
            return -errno;
        more = mnl_cb_run(buffer, got, sequence, mnl_socket_get_portid(socket), on_route, dump);
    }
    return more < 0 ? -errno : 0;
}

static void close_socket(struct mnl_socket **socket) {
    if (*socket)
        mnl_socket_close(*socket);
}

/* One socket a dump, so that what a broken one left unread is nobody's. */
static int dump_once(int family, Dump *dump) {
    __attribute__((cleanup(close_socket))) struct mnl_socket *socket =
        mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    struct timeval patience = {.tv_sec = SECONDS};
    if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof patience) != 0)
        return -errno;
    int result = send_dump(socket, family, family);
    return result < 0 ? result : receive_dump(socket, family, dump);
}

/* 0 or -errno. No errno means "none": a kernel without the family answers with what it has, while
 * EAFNOSUPPORT is how a sandbox forbids the socket. */
static int dump_patiently(int family, Dump *dump) {
    guint before = dump->indexes->len;
    int result = -EINTR;
    for (int i = 0; i < TRIES && result == -EINTR; i++) {
        g_array_set_size(dump->indexes, before);
        result = dump_once(family, dump);
    }
    return result;
}

static gboolean ask_kernel(GArray *indexes, GError **error) {
    Dump dump = {indexes, FALSE};
    int result = dump_patiently(AF_INET, &dump);
    if (result == 0)
        result = dump_patiently(AF_INET6, &dump);
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result,
                            "cannot ask the kernel for its routes");
    else if (dump.unresolved)
        g_set_error_literal(error, PCA_ERROR, PCA_ERROR_FAILED,
                            "a default route names a next-hop object and no interface");
    return result == 0 && !dump.unresolved;
}

/* ---- Another tree ---- */

/* Columns: interface, destination, gateway, flags, references, uses, metric, mask. */
static const char *ipv4_interface(char **columns, guint n) {
    if (n < 8 || strspn(columns[1], "0") != 8 || strspn(columns[7], "0") != 8 ||
        (strtoul(columns[3], NULL, 16) & RTF_REJECT))
        return NULL;
    return columns[0];
}

/* Columns: destination, its length, source, its length, next hop, metric, references, uses, flags,
 * interface. */
static const char *ipv6_interface(char **columns, guint n) {
    if (n < 10 || strspn(columns[0], "0") != 32 || !g_str_equal(columns[1], "00") ||
        (strtoul(columns[8], NULL, 16) & RTF_REJECT))
        return NULL;
    return columns[9];
}

static char **split_columns(const char *line) {
    GPtrArray *columns = g_ptr_array_new();
    g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
    for (char **word = words; *word; word++)
        if (**word != '\0')
            g_ptr_array_add(columns, g_strdup(*word));
    g_ptr_array_add(columns, NULL);
    return (char **)g_ptr_array_free(columns, FALSE);
}

/* A table that is missing has no routes. */
static void read_table(const PcaRoot *root, const char *name,
                       const char *(*interface)(char **columns, guint n), GArray *indexes) {
    g_autofree char *text = pca_read_text(root->proc, name, NULL);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) columns = split_columns(*line);
        const char *found = interface(columns, g_strv_length(columns));
        guint64 index;
        g_autofree char *directory = found ? pca_class_directory(root, "net", found) : NULL;
        if (directory && pca_read_number(directory, "ifindex", &index))
            add_index(indexes, (int)index);
    }
}

GArray *pca_default_routes(const PcaRoot *root, GError **error) {
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(int));
    if (pca_root_is_live(root)) {
        if (!ask_kernel(indexes, error))
            return NULL;
    } else {
        read_table(root, "1/net/route", ipv4_interface, indexes);
        read_table(root, "1/net/ipv6_route", ipv6_interface, indexes);
    }
    return g_steal_pointer(&indexes);
}
