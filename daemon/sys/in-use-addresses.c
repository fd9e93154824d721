/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which interfaces have an address, asked of the kernel by rtnetlink or read from a tree.
 * Thread: any. Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <libmnl/libmnl.h>
#include <linux/route.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/error.h"

/* ---- The running kernel ---- */

static int on_address(const struct nlmsghdr *message, void *data) {
    const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);
    if (message->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(message) < sizeof *address)
        return MNL_CB_OK;
    int index = (int)address->ifa_index;
    if (address->ifa_family != AF_INET6 || address->ifa_scope != RT_SCOPE_LINK)
        g_array_append_val((GArray *)data, index);
    return MNL_CB_OK;
}

static gboolean ask_kernel(GArray *indexes, GError **error) {
    int result = pca_netlink_dump(RTM_GETADDR, AF_UNSPEC, on_address, indexes, indexes);
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result,
                            "cannot ask the kernel for its addresses");
    return result == 0;
}

/* ---- Another tree ---- */

/* Columns: interface, destination, gateway, flags, ... */
static const char *ipv4_interface(char **columns, guint n) {
    return n >= 8 && !(strtoul(columns[3], NULL, 16) & RTF_REJECT) ? columns[0] : NULL;
}

/* Columns: address, index, prefix length, scope, flags, interface; all numbers hexadecimal. */
static const char *ipv6_interface(char **columns, guint n) {
    return n >= 6 && !g_str_equal(columns[3], "20") ? columns[5] : NULL;
}

GArray *pca_addressed_interfaces(const PcaRoot *root, GError **error) {
    static const PcaTable tables[] = {{"1/net/route", ipv4_interface},
                                      {"1/net/if_inet6", ipv6_interface}};
    return pca_interfaces(root, ask_kernel, tables, error);
}
