/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which interfaces and bridges the in-use guard keeps from being taken.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "sys/guard.h"
#include "sys/in-use-internal.h"

#define NIC "0000:00:03.0"

/* A NIC with interface eth0, index 2. */
static PcaTree *machine(const char *via) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = NIC, .group = 3, .driver = "e1000e"});
    pca_tree_add_interface(tree, NIC, via, "eth0", 2);
    pca_tree_add_interface(tree, NULL, NULL, "lo", 1);
    return tree;
}

static void give_ipv4(PcaTree *tree) {
    pca_tree_append(tree, "proc/1/net/route",
                    "eth0\t000200C0\t0\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
}

START_TEST(an_idle_interface_is_free) {
    g_autoptr(PcaTree) tree = machine(NULL);
    pca_tree_add_default_route(tree, "lo", FALSE);
    pca_expect_uses(tree, NIC, "");
    pca_tree_set_up(tree, "eth0");
    pca_expect_uses(tree, NIC, "");
    pca_tree_add_address(tree, "eth0", 0x20);
    pca_expect_uses(tree, NIC, "");
}
END_TEST

START_TEST(up_with_an_address) {
    g_autoptr(PcaTree) tree = machine(NULL);
    if (_i)
        pca_tree_add_address(tree, "eth0", 0);
    else
        give_ipv4(tree);
    pca_expect_uses(tree, NIC, "");
    pca_tree_set_up(tree, "eth0");
    pca_expect_uses(tree, NIC,
                    "eth0 (network): interface eth0 of 0000:00:03.0 is up and has an address\n");
    pca_expect_words(tree, NIC, 1, "ip link set eth0 down", NULL);
}
END_TEST

START_TEST(unreadable_flags_are_in_use) {
    g_autoptr(PcaTree) tree = machine(NULL);
    pca_tree_delete(tree, "sys/class/net/eth0/flags");
    pca_expect_uses(tree, NIC, "eth0: cannot tell whether interface eth0 of 0000:00:03.0 is up\n");
}
END_TEST

START_TEST(a_vrf_can_do_without) {
    g_autoptr(PcaTree) tree = machine(NULL);
    pca_tree_add_interface(tree, NULL, NULL, "blue", 9);
    pca_tree_set_kind(tree, "blue", "vrf");
    pca_tree_stack(tree, "eth0", "blue", TRUE);
    pca_expect_uses(tree, NIC,
                    "blue (network): interface eth0 of 0000:00:03.0 is a member of VRF blue\n");
}
END_TEST

START_TEST(default_routes) {
    const char *vias[] = {NULL, "virtio2"};
    g_autoptr(PcaTree) tree = machine(vias[_i / 2]);
    pca_tree_add_default_route(tree, "eth0", _i % 2);
    pca_expect_uses(tree, NIC, "eth0: interface eth0 of 0000:00:03.0 holds a default route\n");
}
END_TEST

START_TEST(reject_routes_do_not_count) {
    g_autoptr(PcaTree) tree = machine(NULL);
    pca_tree_append(tree, "proc/1/net/route",
                    "eth0\t00000000\t0\t0201\t0\t0\t0\t00000000\t0\t0\t0\n");
    pca_expect_uses(tree, NIC, "");
}
END_TEST

START_TEST(bridge_members) {
    g_autoptr(PcaTree) tree = machine(NULL);
    pca_tree_add_interface(tree, NULL, NULL, "br0", 9);
    pca_tree_write(tree, "sys/class/net/br0/bridge/stp_state", "0\n");
    pca_tree_stack(tree, "eth0", "br0", TRUE);
    pca_tree_add_default_route(tree, "br0", FALSE);
    pca_expect_uses(tree, NIC, "br0: interface eth0 of 0000:00:03.0 is a member of bridge br0\n");
    pca_expect_words(tree, NIC, 1, "ip link set eth0 nomaster", NULL);
}
END_TEST

START_TEST(other_masters) {
    g_autoptr(PcaTree) tree = machine(NULL);
    pca_tree_add_interface(tree, NULL, NULL, "team0", 9);
    pca_tree_stack(tree, "eth0", "team0", TRUE);
    pca_expect_words(tree, NIC, 1, "is a member of team0", NULL);
}
END_TEST

START_TEST(stacked_interfaces) {
    g_autoptr(PcaTree) tree = machine(NULL);
    pca_tree_add_interface(tree, NULL, NULL, "eth0.7", 10);
    pca_tree_add_interface(tree, NULL, NULL, "eth0.8", 11);
    pca_tree_add_interface(tree, NULL, NULL, "br0", 12);
    pca_tree_set_kind(tree, "eth0.7", "vlan");
    pca_tree_stack(tree, "eth0", "eth0.7", FALSE);
    pca_tree_stack(tree, "eth0", "eth0.8", FALSE);
    pca_expect_uses(tree, NIC,
                    "eth0.7 (network): interface eth0 of 0000:00:03.0 is below vlan eth0.7\n"
                    "eth0.8 (network): interface eth0 of 0000:00:03.0 is below eth0.8\n");
    pca_tree_stack(tree, "eth0.8", "br0", TRUE);
    pca_tree_add_default_route(tree, "eth0.7", TRUE);
    pca_expect_words(tree, NIC, 2, "eth0.7, which runs over interface eth0 of 0000:00:03.0, holds",
                     "eth0.8, which runs over interface eth0 of 0000:00:03.0, is a member", NULL);
}
END_TEST

START_TEST(another_network_namespace) {
    g_autoptr(PcaTree) tree = machine("virtio2");
    pca_tree_delete(tree, "sys/class/net/eth0");
    pca_tree_delete(tree, "sys/devices/pci0000:00/0000:00:03.0/virtio2/net/eth0");
    pca_expect_words(tree, NIC, 1, "another network namespace", NULL);
}
END_TEST

START_TEST(an_unreadable_index_is_in_use) {
    g_autoptr(PcaTree) tree = machine(NULL);
    pca_tree_delete(tree, "sys/class/net/eth0/ifindex");
    pca_expect_words(tree, NIC, 1, "cannot tell whether interface eth0", NULL);
}
END_TEST

/* ---- Routes as the kernel tells them ---- */

typedef struct {
    guint8 length, type, table;
    guint32 wide_table; /* 0: no RTA_TABLE */
    int interfaces[2];  /* 0: none; two: a multipath route */
} Route;

static struct nlmsghdr *put_route(void *buffer, const Route *route) {
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = RTM_NEWROUTE;
    struct rtmsg *body = mnl_nlmsg_put_extra_header(header, sizeof *body);
    *body = (struct rtmsg){.rtm_family = AF_INET,
                           .rtm_dst_len = route->length,
                           .rtm_type = route->type,
                           .rtm_table = route->table};
    if (route->wide_table)
        mnl_attr_put_u32(header, RTA_TABLE, route->wide_table);
    if (route->interfaces[0] && !route->interfaces[1])
        mnl_attr_put_u32(header, RTA_OIF, route->interfaces[0]);
    if (route->interfaces[1]) {
        struct rtnexthop hops[2] = {
            {.rtnh_len = sizeof *hops, .rtnh_ifindex = route->interfaces[0]},
            {.rtnh_len = sizeof *hops, .rtnh_ifindex = route->interfaces[1]}};
        mnl_attr_put(header, RTA_MULTIPATH, sizeof hops, hops);
    }
    return header;
}

static const struct {
    Route route;
    gboolean ok;
    int found;
} routes[] = {
    {{0, RTN_UNICAST, RT_TABLE_MAIN, 0, {4}}, TRUE, 1},
    {{0, RTN_UNICAST, RT_TABLE_COMPAT, 1234, {4}}, TRUE, 1},
    {{0, RTN_UNICAST, RT_TABLE_MAIN, 0, {4, 5}}, TRUE, 2},
    {{24, RTN_UNICAST, RT_TABLE_MAIN, 0, {4}}, TRUE, 0},
    {{0, RTN_UNREACHABLE, RT_TABLE_MAIN, 0, {1}}, TRUE, 0},
    {{0, RTN_UNICAST, RT_TABLE_LOCAL, RT_TABLE_LOCAL, {4}}, TRUE, 0},
    {{0, RTN_UNICAST, RT_TABLE_MAIN, 0, {0}}, FALSE, 0},
};

START_TEST(route_messages) {
    char buffer[MNL_ALIGN(512)] __attribute__((aligned(8))) = {0};
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(int));
    struct nlmsghdr *message = put_route(buffer, &routes[_i].route);
    ck_assert_int_eq(pca_route_parse(message, indexes), routes[_i].ok);
    ck_assert_int_eq(indexes->len, routes[_i].found);
    for (int i = 0; i < routes[_i].found; i++)
        ck_assert_int_eq(g_array_index(indexes, int, i), routes[_i].route.interfaces[i]);
}
END_TEST

/* A sandbox may forbid netlink; then that is said. */
START_TEST(routes_of_the_kernel) {
    g_autoptr(PcaRoot) host = pca_root_new_host();
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) asked = pca_default_routes(host, &error);
    ck_assert_msg((asked != NULL) != (error != NULL), "routes or an error, one of them");
}
END_TEST

START_TEST(addresses_of_the_kernel) {
    g_autoptr(PcaRoot) host = pca_root_new_host();
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) asked = pca_addressed_interfaces(host, &error);
    ck_assert_msg((asked != NULL) != (error != NULL), "addresses or an error, one of them");
}
END_TEST

/* ---- Bridges ---- */

START_TEST(bridges) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:01.0",
                                          .class = 0x060400,
                                          .header_type = 1,
                                          .secondary_bus = 0x3a});
    pca_tree_set(tree, "0000:00:01.0", "secondary_bus_number", "58");
    pca_tree_add(tree, &(PcaTreeFunction){
                           .address = "0000:00:02.0", .class = 0x060700, .header_type = 0x82});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:00.0", .class = 0x060000});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:1f.0", .class = 0x060100});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:1e.0", .class = 0x068000});
    pca_expect_uses(tree, "0000:00:01.0",
                    "0000:00:01.0: 0000:00:01.0 is a bridge: the host reaches bus 0000:3a through "
                    "it\n");
    pca_expect_words(tree, "0000:00:02.0", 1, "is a bridge", NULL);
    pca_expect_words(tree, "0000:00:00.0", 1, "host bridge", NULL);
    pca_expect_words(tree, "0000:00:1f.0", 1, "ISA bridge", NULL);
    pca_expect_uses(tree, "0000:00:1e.0", "");
    pca_tree_unset(tree, "0000:00:1e.0", "config");
    pca_expect_words(tree, "0000:00:1e.0", 1, "cannot tell whether", NULL);
}
END_TEST

void pca_add_network_cases(Suite *suite) {
    TCase *network = tcase_create("network");
    tcase_add_test(network, an_idle_interface_is_free);
    tcase_add_loop_test(network, up_with_an_address, 0, 2);
    tcase_add_test(network, unreadable_flags_are_in_use);
    tcase_add_test(network, a_vrf_can_do_without);
    tcase_add_loop_test(network, default_routes, 0, 4);
    tcase_add_test(network, reject_routes_do_not_count);
    tcase_add_test(network, bridge_members);
    tcase_add_test(network, other_masters);
    tcase_add_test(network, stacked_interfaces);
    tcase_add_test(network, another_network_namespace);
    tcase_add_test(network, an_unreadable_index_is_in_use);
    tcase_add_test(network, routes_of_the_kernel);
    tcase_add_test(network, addresses_of_the_kernel);
    suite_add_tcase(suite, network);
    PCA_TABLE(suite, "routes", route_messages, routes);
    TCase *bridge = tcase_create("bridges");
    tcase_add_test(bridge, bridges);
    suite_add_tcase(suite, bridge);
}
