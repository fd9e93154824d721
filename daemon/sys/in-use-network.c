/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether the host uses an interface of a function: a default route or a master (bridge,
 * bond, team, Open vSwitch), both also of what is stacked on it; and, what a policy may allow, an
 * address while it is up, something that is stacked on it (VLAN, macvlan, ipvlan), a VRF that it is
 * in, or another network namespace that took it. A VLAN or macvlan in another namespace cannot be
 * seen from here.
 * Thread: any. Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <net/if.h>
#include <unistd.h>

#define UPPER "upper_"

typedef struct {
    const PcaUse *use;
    GArray *routes;    /* interface indexes */
    GArray *addressed; /* the same; NULL until one that is up was found */
    GHashTable *seen;  /* interfaces looked at */
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

/* Whether it holds one, which has then been said. */
static gboolean check_route(const Network *network, const char *name, const char *lowest,
                            guint64 index) {
    g_autofree char *what = subject(network, name, lowest);
    g_autofree char *fix = g_strdup_printf(
        "give the host another way out first, then: ip route del default dev %s", name);
    if (!has_index(network->routes, index))
        return FALSE;
    pca_use_fail(network->use, name, fix, "%s holds a default route", what);
    return TRUE;
}

static gboolean read_addresses(Network *network, const char *name) {
    g_autoptr(GError) error = NULL;
    if (!network->addressed)
        network->addressed = pca_addressed_interfaces(network->use->root, &error);
    if (!network->addressed)
        pca_use_fail(network->use, name, NULL, "cannot tell whether %s of %s has an address: %s",
                     name, network->use->address, error->message);
    return network->addressed != NULL;
}

static void check_address(Network *network, const char *name, const char *directory,
                          guint64 index) {
    guint64 flags;
    if (!pca_read_number(directory, "flags", &flags)) {
        pca_use_fail(network->use, name, NULL, "cannot tell whether interface %s of %s is up", name,
                     network->use->address);
        return;
    }
    if (!(flags & IFF_UP) || !read_addresses(network, name) ||
        !has_index(network->addressed, index))
        return;
    g_autofree char *fix = g_strdup_printf("ip link set %s down", name);
    pca_use_fail_as(network->use, PCA_USE_NETWORK, name, fix,
                    "interface %s of %s is up and has an address", name, network->use->address);
}

/* What the kernel calls its kind ("vlan", "bridge"), or NULL. */
static char *kind_of(const PcaRoot *root, const char *name) {
    static const char key[] = "DEVTYPE=";
    g_autofree char *directory = pca_class_directory(root, "net", name);
    g_autofree char *text = directory ? pca_read_text(directory, "uevent", NULL) : NULL;
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    for (char **line = lines; *line; line++)
        if (g_str_has_prefix(*line, key))
            return g_strdup(*line + strlen(key));
    return NULL;
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

/* A VRF is only a routing table; whatever else has members carries the traffic of others. */
static void fail_master(const Network *network, const char *name, const char *lowest,
                        const char *master) {
    const PcaRoot *root = network->use->root;
    g_autofree char *what = subject(network, name, lowest);
    g_autofree char *fix = g_strdup_printf("ip link set %s nomaster", name);
    g_autofree char *kind = kind_of(root, master);
    if (g_strcmp0(kind, "vrf") == 0)
        pca_use_fail_as(network->use, PCA_USE_NETWORK, master, fix, "%s is a member of VRF %s",
                        what, master);
    else
        pca_use_fail(network->use, master, fix, "%s is a member of %s%s", what,
                     master_kind(root, master), master);
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
    if (master)
        fail_master(network, name, lowest, master);
    return master != NULL;
}

static void check_stack(Network *network, const char *name, const char *lowest);

/* Whatever stands upon the upper one says more than that it is there. */
static void check_upper(Network *network, const char *upper, const char *name, const char *lowest) {
    const PcaUse *use = network->use;
    guint before = use->findings->len;
    check_stack(network, upper, lowest);
    if (use->findings->len > before)
        return;
    g_autofree char *fix = g_strdup_printf("ip link del %s", upper);
    g_autofree char *kind = kind_of(use->root, upper);
    g_autofree char *what = subject(network, name, lowest);
    pca_use_fail_as(use, PCA_USE_NETWORK, upper, fix, "%s is below %s%s%s", what, kind ? kind : "",
                    kind ? " " : "", upper);
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
    guint64 index;
    g_autofree char *what = subject(network, name, lowest);
    if (!pca_read_number(directory, "ifindex", &index)) {
        pca_use_fail(network->use, name, NULL, "cannot tell whether %s holds a default route",
                     what);
        return;
    }
    gboolean routes = check_route(network, name, lowest, index);
    if (check_master(network, name, lowest, directory))
        return;
    if (!routes && g_str_equal(name, lowest))
        check_address(network, name, directory, index);
    g_auto(GStrv) entries = pca_use_list(network->use, directory);
    for (char **entry = entries; entry && *entry; entry++)
        if (g_str_has_prefix(*entry, UPPER))
            check_upper(network, *entry + strlen(UPPER), name, lowest);
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
    Network network = {use, routes, NULL, seen};
    for (char **name = names; *name; name++)
        check_stack(&network, *name, *name);
    g_clear_pointer(&network.addressed, g_array_unref);
}

/* sysfs shows the interfaces of one network namespace only, but the directory that holds them stays
 * while they are in another (tried on 6.18). */
static void check_moved(const PcaUse *use, const char *parent) {
    g_autofree char *path = g_build_filename(parent, "net", NULL);
    g_auto(GStrv) names = pca_use_list(use, path);
    if (!names || names[0] || !g_file_test(path, G_FILE_TEST_IS_DIR))
        return;
    pca_use_fail_as(use, PCA_USE_NETWORK, use->address,
                    "stop the container that uses it, or move it back",
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
