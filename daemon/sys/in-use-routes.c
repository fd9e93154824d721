/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which interfaces hold a default route, asked of the kernel by rtnetlink or read from a
 * tree.
 * Thread: any. Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <libmnl/libmnl.h>
#include <linux/route.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "base/error.h"

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

static gboolean ask_kernel(GArray *indexes, GError **error) {
    Dump dump = {indexes, FALSE};
    int result = pca_netlink_dump(RTM_GETROUTE, AF_INET, on_route, indexes, &dump);
    if (result == 0)
        result = pca_netlink_dump(RTM_GETROUTE, AF_INET6, on_route, indexes, &dump);
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

GArray *pca_default_routes(const PcaRoot *root, GError **error) {
    static const PcaTable tables[] = {{"1/net/route", ipv4_interface},
                                      {"1/net/ipv6_route", ipv6_interface}};
    return pca_interfaces(root, ask_kernel, tables, error);
}
