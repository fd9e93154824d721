/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: holds computed isolation sets against the IOMMU groups of recorded hosts.
 *
 * A host is a directory with one directory for each function, named by its address, with copies of
 * sysfs' files vendor, device, subsystem_vendor, subsystem_device, config and resource, and with
 * the names that its links lead to: upstream (of the directory above, when that is a function),
 * physfn (when it is a VF) and iommu_group. What is missing is not known. A host with VMD has a
 * file dma_devices with lines "DOMAIN ADDRESS".
 *
 * Hosts are read from tests/pci/recorded, and from the directories of PCASSIGN_RECORDED, separated
 * by colons. For each function the set must be the kernel's group.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/cases.h"
#include "pci/isolation.h"
#include "pci/space.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 4096

/* ---- Reading ---- */

static char *read_text(const char *directory, const char *name) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    char *text = NULL;
    if (g_file_get_contents(path, &text, NULL, NULL))
        g_strstrip(text);
    return text;
}

static guint read_number(const char *directory, const char *name) {
    g_autofree char *text = read_text(directory, name);
    return text ? strtoul(text, NULL, 0) : 0;
}

static gboolean read_address(const char *directory, const char *name, PcaAddress *address) {
    g_autofree char *text = read_text(directory, name);
    return text && pca_address_parse(text, address);
}

static PcaConfig *read_config(const char *directory) {
    g_autofree char *path = g_build_filename(directory, "config", NULL);
    g_autofree char *bytes = NULL;
    g_autofree char *table = read_text(directory, "resource");
    g_autoptr(GArray) resources = table ? pca_resources_parse(table, NULL) : NULL;
    gsize length;
    if (!g_file_get_contents(path, &bytes, &length, NULL))
        return NULL;
    /* A space of 256 bytes that was read as root is whole. */
    gsize space = length > 64 ? length : 0;
    return pca_config_new((const guint8 *)bytes, length, space, resources, PAGE_SIZE);
}

static void read_function(PcaTopology *topology, const char *host, const char *name) {
    PcaAddress address;
    g_autofree char *directory = g_build_filename(host, name, NULL);
    if (!pca_address_parse(name, &address))
        return;
    g_autoptr(PcaFunction) function = pca_function_new(&address);
    g_autoptr(PcaConfig) config = read_config(directory);
    g_autofree char *group = read_text(directory, "iommu_group");
    function->vendor = read_number(directory, "vendor");
    function->device = read_number(directory, "device");
    function->subsystem_vendor = read_number(directory, "subsystem_vendor");
    function->subsystem_device = read_number(directory, "subsystem_device");
    function->has_upstream = read_address(directory, "upstream", &function->upstream);
    function->is_vf = read_address(directory, "physfn", &function->pf);
    if (group)
        function->iommu_group = atoi(group);
    pca_topology_add(topology, function, config);
}

static void read_dma_devices(PcaTopology *topology, const char *host) {
    g_autofree char *text = read_text(host, "dma_devices");
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    for (char **line = lines; *line; line++) {
        char *rest;
        PcaAddress address;
        guint32 domain = strtoul(*line, &rest, 16);
        if (*rest == ' ' && pca_address_parse(rest + 1, &address))
            pca_topology_set_dma_device(topology, domain, &address);
    }
}

/* The names in a directory; their order does not matter. */
static GPtrArray *names_in(const char *directory) {
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_strdup(name));
    return names;
}

static PcaTopology *read_host(const char *host) {
    PcaTopology *topology = pca_topology_new();
    g_autoptr(GPtrArray) names = names_in(host);
    for (guint i = 0; i < names->len; i++)
        read_function(topology, host, g_ptr_array_index(names, i));
    read_dma_devices(topology, host);
    pca_topology_seal(topology);
    return topology;
}

/* ---- Judging ---- */

static void add_addresses(GString *text, const char *what, const GArray *addresses) {
    g_string_append_printf(text, "  %s:", what);
    for (guint i = 0; addresses && i < addresses->len; i++) {
        g_autofree char *address = pca_address_format(&g_array_index(addresses, PcaAddress, i));
        g_string_append_printf(text, " %s", address);
    }
    g_string_append_c(text, '\n');
}

/* What differs from the kernel's groups, as lines; "" when nothing does. */
static char *differences(const char *host, guint *functions) {
    GString *text = g_string_new(NULL);
    g_autoptr(GPtrArray) names = names_in(host);
    g_autoptr(PcaTopology) topology = read_host(host);
    *functions = 0;
    for (guint i = 0; i < names->len; i++) {
        PcaAddress address;
        if (!pca_address_parse(g_ptr_array_index(names, i), &address))
            continue;
        g_autoptr(PcaIsolation) isolation = pca_topology_explain(topology, &address);
        (*functions)++;
        if (isolation->agrees == PCA_TRI_YES)
            continue;
        g_string_append_printf(text, "%s of %s\n", (char *)g_ptr_array_index(names, i), host);
        add_addresses(text, "computed", isolation->set);
        add_addresses(text, "kernel", isolation->kernel_group);
    }
    return g_string_free(text, FALSE);
}

/* ---- A host made here ---- */

static void write_text(const char *directory, const char *name, const char *text) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void write_function(const char *host, const char *name, const char *upstream, guint type,
                           gboolean acs, const char *group) {
    Space space;
    g_autofree char *directory = g_build_filename(host, name, NULL);
    g_autofree char *config = g_build_filename(directory, "config", NULL);
    ck_assert_int_eq(g_mkdir_with_parents(directory, 0700), 0);
    space_init(&space, type == PCA_PCIE_ENDPOINT ? 0 : 1);
    space_add_pcie(&space, type);
    if (acs)
        space_add_acs(&space, 0x100, 0x1f, 0x1d);
    ck_assert(g_file_set_contents(config, (const char *)space.bytes, sizeof space.bytes, NULL));
    write_text(directory, "vendor", "0x1af4\n");
    write_text(directory, "device", "0x1041\n");
    write_text(directory, "resource", "0x0 0x0 0x0\n");
    write_text(directory, "iommu_group", group);
    if (upstream)
        write_text(directory, "upstream", upstream);
}

static void remove_tree(const char *directory) {
    g_autoptr(GPtrArray) names = names_in(directory);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(directory, g_ptr_array_index(names, i), NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            remove_tree(path);
        else
            g_unlink(path);
    }
    g_rmdir(directory);
}

START_TEST(made_host) {
    guint functions;
    g_autofree char *host = g_dir_make_tmp("pcassign-recorded-XXXXXX", NULL);
    ck_assert_ptr_nonnull(host);
    write_function(host, "0000:00:01.0", NULL, PCA_PCIE_ROOT_PORT, TRUE, "1\n");
    write_function(host, "0000:00:02.0", NULL, PCA_PCIE_ROOT_PORT, FALSE, "2\n");
    write_function(host, "0000:01:00.0", "0000:00:01.0\n", PCA_PCIE_ENDPOINT, FALSE, "3\n");
    write_function(host, "0000:02:00.0", "0000:00:02.0\n", PCA_PCIE_ENDPOINT, FALSE, "2\n");
    g_autofree char *right = differences(host, &functions);
    ck_assert_str_eq(right, "");
    ck_assert_uint_eq(functions, 4);
    write_function(host, "0000:02:00.0", "0000:00:02.0\n", PCA_PCIE_ENDPOINT, FALSE, "4\n");
    g_autofree char *wrong = differences(host, &functions);
    remove_tree(host);
    ck_assert_ptr_nonnull(strstr(wrong, "0000:02:00.0 of "));
    ck_assert_ptr_nonnull(strstr(wrong, "  computed: 0000:00:02.0 0000:02:00.0\n"));
    ck_assert_ptr_nonnull(strstr(wrong, "  kernel: 0000:02:00.0\n"));
}
END_TEST

/* ---- Recorded hosts ---- */

static GPtrArray *hosts;

START_TEST(recorded_host) {
    guint functions;
    const char *host = g_ptr_array_index(hosts, _i);
    g_autofree char *found = differences(host, &functions);
    ck_assert_msg(functions > 0, "no functions in %s", host);
    ck_assert_msg(*found == '\0', "%s", found);
}
END_TEST

static void find_hosts(void) {
    const char *more = g_getenv("PCASSIGN_RECORDED");
    g_autofree char *own =
        g_build_filename(g_getenv("SRCDIR") ? g_getenv("SRCDIR") : ".", "tests/pci/recorded", NULL);
    g_autoptr(GPtrArray) names = names_in(own);
    g_auto(GStrv) paths = g_strsplit(more ? more : "", ":", -1);
    hosts = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < names->len; i++)
        g_ptr_array_add(hosts, g_build_filename(own, g_ptr_array_index(names, i), NULL));
    for (char **path = paths; *path; path++)
        if (**path != '\0')
            g_ptr_array_add(hosts, g_strdup(*path));
}

void add_recorded_cases(Suite *suite) {
    TCase *made = tcase_create("made host");
    tcase_add_test(made, made_host);
    suite_add_tcase(suite, made);
    find_hosts();
    if (hosts->len == 0)
        return;
    TCase *recorded = tcase_create("recorded hosts");
    tcase_add_loop_test(recorded, recorded_host, 0, hosts->len);
    suite_add_tcase(suite, recorded);
}
