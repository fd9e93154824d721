/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether the host uses an interface of a function: a default route, a master (bridge,
 * bond, team, VRF, Open vSwitch), both also of what is stacked on it (VLAN, macvlan), or another
 * network namespace that took it. An address alone, or a route to a single network, is no reason.
 * Thread: any. Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <unistd.h>

#define UPPER "upper_"

typedef struct {
    const PcaUse *use;
    GArray *routes;   /* interface indexes */
    GHashTable *seen; /* interfaces looked at */
} Network;

static gboolean has_index(GArray *indexes, guint64 index) {
    for (guint i = 0; i < indexes->len; i++)
        if ((guint64)g_array_index(indexes, int, i) == index)
            return TRUE;
    return FALSE;
}

/* "interface eth0 of 0000:03:00.0", or what runs over it. */
static char *subject(const Network *network, const char *name, const char *lowest) {
    if (g_str_equal(name, lowest))
        return g_strdup_printf("interface %s of %s", name, network->use->address);
    return g_strdup_printf("%s, which runs over interface %s of %s,", name, lowest,
                           network->use->address);
}

static void check_route(const Network *network, const char *name, const char *lowest,
                        const char *directory) {
    guint64 index;
    g_autofree char *what = subject(network, name, lowest);
    if (!pca_read_number(directory, "ifindex", &index)) {
        pca_use_fail(network->use, name, NULL, "cannot tell whether %s holds a default route",
                     what);
        return;
    }
    g_autofree char *fix = g_strdup_printf(
        "give the host another way out first, then: ip route del default dev %s", name);
    if (has_index(network->routes, index))
        pca_use_fail(network->use, name, fix, "%s holds a default route", what);
}

static const char *master_kind(const PcaRoot *root, const char *master) {
    static const struct {
        const char *entry, *kind;
    } kinds[] = {{"bridge", "bridge "}, {"bonding", "bond "}};
    g_autofree char *directory = pca_class_directory(root, "net", master);
    for (gsize i = 0; directory && i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_build_filename(directory, kinds[i].entry, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return kinds[i].kind;
    }
    return "";
}

/* TRUE: it has one. */
static gboolean check_master(const Network *network, const char *name, const char *lowest,
                             const char *directory) {
    g_autofree char *path = g_build_filename(directory, "master", NULL);
    g_autofree char *master = pca_read_link_name(directory, "master");
    g_autofree char *what = subject(network, name, lowest);
    if (!master && (access(path, F_OK) == 0 || errno != ENOENT))
        pca_use_fail(network->use, name, NULL, "cannot tell whether %s is a member of something",
                     what);
    if (!master)
        return FALSE;
    g_autofree char *fix = g_strdup_printf("ip link set %s nomaster", name);
    pca_use_fail(network->use, master, fix, "%s is a member of %s%s", what,
                 master_kind(network->use->root, master), master);
    return TRUE;
}

/* A master's own routes need no telling: leaving it is what mends things. */
static void check_stack(Network *network, const char *name, const char *lowest) {
    g_autofree char *directory = pca_class_directory(network->use->root, "net", name);
    if (!directory && errno != ENOENT)
        pca_use_fail(network->use, name, NULL,
                     "cannot tell what interface %s of %s is used for: %s", name,
                     network->use->address, g_strerror(errno));
    if (!directory || !g_hash_table_add(network->seen, g_strdup(name)))
        return;
    check_route(network, name, lowest, directory);
    if (check_master(network, name, lowest, directory))
        return;
    g_auto(GStrv) entries = pca_use_list(network->use, directory);
    for (char **entry = entries; entry && *entry; entry++)
        if (g_str_has_prefix(*entry, UPPER))
            check_stack(network, *entry + strlen(UPPER), lowest);
}

static void check_interfaces(const PcaUse *use, char **names) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) routes = pca_default_routes(use->root, &error);
    if (!routes) {
        pca_use_fail(use, names[0], NULL, "cannot tell whether %s of %s holds a default route: %s",
                     names[0], use->address, error->message);
        return;
    }
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Network network = {use, routes, seen};
    for (char **name = names; *name; name++)
        check_stack(&network, *name, *name);
}

/* sysfs shows the interfaces of one network namespace only, but the directory that holds them stays
 * while they are in another (tried on 6.18). */
static void check_moved(const PcaUse *use, const char *parent) {
    g_autofree char *path = g_build_filename(parent, "net", NULL);
    g_auto(GStrv) names = pca_use_list(use, path);
    if (!names || names[0] || !g_file_test(path, G_FILE_TEST_IS_DIR))
        return;
    pca_use_fail(use, use->address, "stop the container that uses it, or move it back",
                 "an interface of %s is in another network namespace", use->address);
}

void pca_use_network(const PcaUse *use) {
    g_auto(GStrv) names = pca_use_class_members(use, "net", use->directory);
    if (names && names[0])
        check_interfaces(use, names);
    check_moved(use, use->directory);
    g_auto(GStrv) children = pca_use_list(use, use->directory);
    for (char **child = children; child && *child; child++) {
        g_autofree char *directory = g_build_filename(use->directory, *child, NULL);
        if (g_str_has_prefix(*child, "virtio"))
            check_moved(use, directory);
    }
}
