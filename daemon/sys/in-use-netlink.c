/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which interfaces something is said of: asks the running kernel by rtnetlink, or reads a
 * table of another tree.
 * Thread: any; the answer of the kernel is waited for at most SECONDS for each message.
 * Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#define SECONDS 5
#define TRIES 3         /* a dump is broken off when what it tells changes meanwhile */
#define DUMP_SIZE 32768 /* the largest message that the kernel fills in a dump */

/* ---- The running kernel ---- */

typedef struct {
    guint16 type;
    int family;
    PcaMessageFunc on_message;
    void *data;
} Dump;

/* Every request begins with the family; none that is made here is longer than a route's. */
static int send_dump(struct mnl_socket *socket, const Dump *dump, guint32 sequence) {
    char buffer[NLMSG_ALIGN(sizeof(struct nlmsghdr)) + NLMSG_ALIGN(sizeof(struct rtmsg))] = {0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = dump->type;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = sequence;
    struct rtmsg *body = mnl_nlmsg_put_extra_header(header, sizeof *body);
    body->rtm_family = dump->family;
    return mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? -errno : 0;
}

static int receive_dump(struct mnl_socket *socket, guint32 sequence, const Dump *dump) {
    g_autofree char *buffer = g_malloc(DUMP_SIZE);
    int more = MNL_CB_OK;
    while (more > MNL_CB_STOP) {
        ssize_t got = mnl_socket_recvfrom(socket, buffer, DUMP_SIZE);
        if (got < 0)
            return -errno;
        more = mnl_cb_run(buffer, got, sequence, mnl_socket_get_portid(socket), dump->on_message,
                          dump->data);
    }
    return more < 0 ? -errno : 0;
}

static void close_socket(struct mnl_socket **socket) {
    if (*socket)
        mnl_socket_close(*socket);
}

/* One socket a dump, so that what a broken one left unread is nobody's. */
static int dump_once(const Dump *dump) {
    __attribute__((cleanup(close_socket))) struct mnl_socket *socket =
        mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    struct timeval patience = {.tv_sec = SECONDS};
    if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof patience) != 0)
        return -errno;
    int result = send_dump(socket, dump, 1);
    return result < 0 ? result : receive_dump(socket, 1, dump);
}

int pca_netlink_dump(guint16 type, int family, PcaMessageFunc on_message, GArray *indexes,
                     void *data) {
    const Dump dump = {type, family, on_message, data};
    guint before = indexes->len;
    int result = -EINTR;
    for (int i = 0; i < TRIES && result == -EINTR; i++) {
        g_array_set_size(indexes, before);
        result = dump_once(&dump);
    }
    return result;
}

/* ---- Another tree ---- */

static char **split_columns(const char *line) {
    GPtrArray *columns = g_ptr_array_new();
    g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
    for (char **word = words; *word; word++)
        if (**word != '\0')
            g_ptr_array_add(columns, g_strdup(*word));
    g_ptr_array_add(columns, NULL);
    return (char **)g_ptr_array_free(columns, FALSE);
}

static void read_table(const PcaRoot *root, const PcaTable *table, GArray *indexes) {
    g_autofree char *text = pca_read_text(root->proc, table->name, NULL);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) columns = split_columns(*line);
        const char *found = table->interface(columns, g_strv_length(columns));
        guint64 index;
        g_autofree char *directory = found ? pca_class_directory(root, "net", found) : NULL;
        if (!directory || !pca_read_number(directory, "ifindex", &index))
            continue;
        int narrow = (int)index;
        g_array_append_val(indexes, narrow);
    }
}

GArray *pca_interfaces(const PcaRoot *root, gboolean (*ask)(GArray *indexes, GError **error),
                       const PcaTable tables[2], GError **error) {
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(int));
    if (pca_root_is_live(root))
        return ask(indexes, error) ? g_steal_pointer(&indexes) : NULL;
    for (guint i = 0; i < 2; i++)
        read_table(root, &tables[i], indexes);
    return g_steal_pointer(&indexes);
}
