/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: config spaces, regions and topology read from trees, whole, cut off and spoilt.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fds.h"
#include "support/tree.h"
#include "sys/hardware.h"
#include "sys/scan.h"

#define PORT "0000:00:01.0"
#define NIC "0000:01:00.0"

static const PcaAddress nic = {0, 1, 0, 0};
static const PcaAddress port = {0, 0, 1, 0};

static PcaTree *machine(void) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add_port(tree, PORT, 1);
    pca_tree_set_config16(tree, PORT, PCA_TREE_ACS_CONTROL, 0);
    pca_tree_add(tree,
                 &(PcaTreeFunction){.address = NIC, .below = PORT, .group = 1, .total_vfs = 8});
    return tree;
}

/* Replaces the config space; the file ends behind the bytes. */
static void set_config(PcaTree *tree, const char *address, const guint8 *bytes, gsize length) {
    g_autofree char *directory = pca_tree_directory(tree, address);
    g_autofree char *path = g_build_filename(directory, "config", NULL);
    ck_assert(g_file_set_contents(path, (const char *)bytes, (gssize)length, NULL));
}

/* A PCIe endpoint with an ACS capability at 0x100. */
static void fill_endpoint(guint8 *bytes) {
    memset(bytes, 0, PCA_CONFIG_EXTENDED_SIZE);
    bytes[0x06] = 0x10;
    bytes[0x34] = 0x40;
    bytes[0x40] = PCA_CAP_PCIE;
    bytes[0x42] = 0x02;
    bytes[0x100] = PCA_EXT_CAP_ACS;
    bytes[0x102] = 0x01;
}

START_TEST(config_cut_off_is_unknown) {
    static const struct {
        gsize length;
        PcaTri pcie, acs;
    } rows[] = {
        {64, PCA_TRI_UNKNOWN, PCA_TRI_UNKNOWN},
        {256, PCA_TRI_YES, PCA_TRI_UNKNOWN},
        {4096, PCA_TRI_YES, PCA_TRI_YES},
    };
    guint8 bytes[PCA_CONFIG_EXTENDED_SIZE];
    g_autoptr(PcaTree) tree = machine();
    fill_endpoint(bytes);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        set_config(tree, NIC, bytes, rows[i].length);
        g_autoptr(PcaConfig) config = pca_hardware_read_config(pca_tree_root(tree), &nic, NULL);
        ck_assert_uint_eq(config->length, rows[i].length);
        ck_assert_int_eq(config->pcie.present, rows[i].pcie);
        ck_assert_int_eq(config->acs.present, rows[i].acs);
    }
}
END_TEST

START_TEST(config_missing) {
    g_autoptr(PcaTree) tree = machine();
    set_config(tree, NIC, NULL, 0);
    ck_assert_ptr_null(pca_hardware_read_config(pca_tree_root(tree), &nic, NULL));
    pca_tree_unset(tree, NIC, "config");
    ck_assert_ptr_null(pca_hardware_read_config(pca_tree_root(tree), &nic, NULL));
    g_autofree char *directory = pca_tree_directory(tree, NIC);
    g_autofree char *path = g_build_filename(directory, "config", NULL);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(pca_hardware_read_config(pca_tree_root(tree), &nic, NULL));
    ck_assert_ptr_null(
        pca_hardware_read_config(pca_tree_root(tree), &(PcaAddress){9, 9, 9, 1}, NULL));
}
END_TEST

static int look_up(const PcaAddress *address, gpointer data) {
    return pca_address_equal(address, &nic) ? *(int *)data : -1;
}

START_TEST(config_of_a_descriptor) {
    guint8 bytes[PCA_CONFIG_EXTENDED_SIZE];
    g_autoptr(PcaTree) tree = machine();
    fill_endpoint(bytes);
    set_config(tree, NIC, bytes, sizeof bytes);
    g_autofree char *directory = pca_tree_directory(tree, NIC);
    g_autofree char *path = g_build_filename(directory, "config", NULL);
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    pca_tree_unset(tree, NIC, "config");
    PcaConfigSource source = {look_up, &fd};
    g_autoptr(PcaConfig) config = pca_hardware_read_config(pca_tree_root(tree), &nic, &source);
    ck_assert_int_eq(config->acs.present, PCA_TRI_YES);
    ck_assert_ptr_null(pca_hardware_read_config(pca_tree_root(tree), &port, &source));
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
}
END_TEST

START_TEST(config_knows_its_resources) {
    guint8 bytes[PCA_CONFIG_EXTENDED_SIZE];
    g_autoptr(PcaTree) tree = machine();
    fill_endpoint(bytes);
    bytes[0x13] = 0xfe;
    set_config(tree, NIC, bytes, 64);
    pca_tree_set(tree, NIC, "resource", "0x00000000fe000000 0x00000000fe003fff 0x0000000000040200");
    g_autoptr(PcaConfig) config = pca_hardware_read_config(pca_tree_root(tree), &nic, NULL);
    const PcaBar *bar = &g_array_index(config->bars, PcaBar, 0);
    ck_assert_uint_eq(config->bars->len, 1);
    ck_assert(bar->size_known);
    ck_assert_uint_eq(bar->size, 0x4000);
    pca_tree_set(tree, NIC, "resource", "what?");
    g_autoptr(PcaConfig) spoilt = pca_hardware_read_config(pca_tree_root(tree), &nic, NULL);
    ck_assert(!g_array_index(spoilt->bars, PcaBar, 0).size_known);
}
END_TEST

/* ---- Regions ---- */

START_TEST(regions) {
    g_autoptr(PcaTree) tree = machine();
    ck_assert_ptr_null(pca_hardware_read_regions(pca_tree_root(tree), 17));
    ck_assert_ptr_null(pca_hardware_read_regions(pca_tree_root(tree), PCA_NO_GROUP));
    pca_tree_write(tree, "sys/kernel/iommu_groups/1/reserved_regions",
                   "0x00000000000a0000 0x00000000000bffff direct\n"
                   "garbage\n"
                   "0x2 0x1 msi\n"
                   "0x1 0x2 a-type-that-is-longer-than-any-that-there-is\n"
                   "0x00000000fee00000 0x00000000feefffff msi\n");
    g_autoptr(GArray) read = pca_hardware_read_regions(pca_tree_root(tree), 1);
    ck_assert_uint_eq(read->len, 2);
    const PcaReservedRegion *first = &g_array_index(read, PcaReservedRegion, 0);
    const PcaReservedRegion *second = &g_array_index(read, PcaReservedRegion, 1);
    ck_assert_uint_eq(first->start, 0xa0000);
    ck_assert_uint_eq(first->end, 0xbffff);
    ck_assert_str_eq(first->type, "direct");
    ck_assert_str_eq(second->type, "msi");
}
END_TEST

/* ---- Topology ---- */

START_TEST(topology_of_a_tree) {
    g_autoptr(PcaTree) tree = machine();
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    pca_tree_unset(tree, PORT, "config");
    g_autoptr(PcaHardware) hardware = pca_hardware_read(pca_tree_root(tree), snapshot, NULL);
    ck_assert_ptr_nonnull(pca_hardware_config(hardware, &nic));
    ck_assert_ptr_null(pca_hardware_config(hardware, &port));
    ck_assert_ptr_null(pca_hardware_config(hardware, &(PcaAddress){9, 9, 9, 1}));
    g_autoptr(PcaIsolation) isolation = pca_topology_explain(hardware->topology, &nic);
    ck_assert_uint_eq(isolation->set->len, 2);
    ck_assert_int_eq(isolation->agrees, PCA_TRI_YES);
}
END_TEST

START_TEST(topology_of_nothing) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(PcaHardware) hardware = pca_hardware_read(pca_tree_root(tree), snapshot, NULL);
    ck_assert_ptr_null(pca_topology_explain(hardware->topology, &nic));
}
END_TEST

/* Moves a function below a root bus that another function has, as VMD's are. */
static void move_below_vmd(PcaTree *tree, const char *address) {
    g_autofree char *link = g_strdup_printf("sys/bus/pci/devices/%s", address);
    g_autofree char *place =
        g_strdup_printf("sys/devices/pci0000:00/0000:00:0e.0/pci10000:00/%s", address);
    g_autofree char *from = pca_tree_directory(tree, address);
    g_autofree char *to = g_build_filename(pca_tree_path(tree), place, NULL);
    g_autofree char *parent = g_path_get_dirname(place);
    pca_tree_mkdir(tree, parent);
    ck_assert_int_eq(rename(from, to), 0);
    pca_tree_link(tree, link, place);
}

START_TEST(functions_behind_vmd_bear_its_id) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:0e.0", .group = 1});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "10000:00:00.0", .group = 1});
    move_below_vmd(tree, "10000:00:00.0");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(PcaHardware) hardware = pca_hardware_read(pca_tree_root(tree), snapshot, NULL);
    g_autoptr(PcaIsolation) isolation =
        pca_topology_explain(hardware->topology, &(PcaAddress){0x10000, 0, 0, 0});
    ck_assert_uint_eq(isolation->set->len, 2);
    const PcaReason *reason = g_ptr_array_index(isolation->reasons, 0);
    ck_assert_int_eq(reason->cause, PCA_CAUSE_DMA_ALIAS);
}
END_TEST

START_TEST(explanation_of_a_tree) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_write(tree, "proc/cmdline", "quiet pcie_acs_override=downstream\n");
    pca_tree_write(tree, "sys/kernel/irq/0/chip_name", "IO-APIC\n");
    pca_tree_write(tree, "sys/kernel/iommu_groups/1/reserved_regions", "0x1 0x2 direct\n");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(PcaHardware) hardware = pca_hardware_read(pca_tree_root(tree), snapshot, NULL);
    g_autoptr(GVariant) d =
        g_variant_ref_sink(pca_hardware_explain(pca_tree_root(tree), hardware, &nic));
    g_autoptr(GVariant) warnings = g_variant_lookup_value(d, "Warnings", NULL);
    g_autofree char *text = g_variant_print(warnings, FALSE);
    ck_assert_uint_eq(g_variant_n_children(warnings), 3);
    ck_assert_ptr_nonnull(strstr(text, "pcie_acs_override=downstream"));
    ck_assert_ptr_nonnull(strstr(text, "not remapped"));
    ck_assert_ptr_nonnull(strstr(text, "RMRR"));
    ck_assert(g_variant_lookup(d, "Address", "s", NULL));
    ck_assert_ptr_null(
        pca_hardware_explain(pca_tree_root(tree), hardware, &(PcaAddress){9, 9, 9, 1}));
}
END_TEST

/* ---- Facts ---- */

START_TEST(facts_of_a_tree) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_add(
        tree, &(PcaTreeFunction){
                  .address = "0000:01:10.1", .below = PORT, .group = 2, .pf = NIC, .vf_number = 0});
    pca_tree_set_config8(tree, NIC, 0x3d, 1);
    pca_tree_set(tree, NIC, "max_link_speed", "8.0 GT/s PCIe");
    pca_tree_write(tree, "sys/kernel/iommu_groups/1/reserved_regions", "0x1 0x2 msi\n");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(PcaFunctionFacts) facts =
        pca_hardware_facts(pca_tree_root(tree), snapshot, pca_snapshot_find(snapshot, &nic));
    ck_assert_int_eq(facts->intx_maskable, PCA_TRI_YES);
    ck_assert_ptr_null(facts->intx_shared_with);
    ck_assert_uint_eq(facts->reserved_regions->len, 1);
    ck_assert_uint_eq(facts->vfs->len, 1);
    ck_assert(
        pca_address_equal(&g_array_index(facts->vfs, PcaAddress, 0), &(PcaAddress){0, 1, 0x10, 1}));
}
END_TEST

START_TEST(facts_of_a_line) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_set_config8(tree, NIC, 0x3d, 1);
    pca_tree_set(tree, NIC, "enable", "1");
    pca_tree_set(tree, NIC, "irq", "21");
    pca_tree_write(tree, "sys/kernel/irq/21/actions", "ahci\n");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(PcaFunctionFacts) facts =
        pca_hardware_facts(pca_tree_root(tree), snapshot, pca_snapshot_find(snapshot, &nic));
    ck_assert_int_eq(facts->intx_maskable, PCA_TRI_UNKNOWN);
    ck_assert_str_eq(facts->intx_shared_with[0], "ahci");
    ck_assert_uint_eq(facts->vfs->len, 0);
}
END_TEST

void pca_add_hardware_cases(Suite *suite) {
    TCase *hardware = tcase_create("hardware");
    tcase_add_test(hardware, config_cut_off_is_unknown);
    tcase_add_test(hardware, config_missing);
    tcase_add_test(hardware, config_of_a_descriptor);
    tcase_add_test(hardware, config_knows_its_resources);
    tcase_add_test(hardware, regions);
    tcase_add_test(hardware, topology_of_a_tree);
    tcase_add_test(hardware, topology_of_nothing);
    tcase_add_test(hardware, functions_behind_vmd_bear_its_id);
    tcase_add_test(hardware, explanation_of_a_tree);
    tcase_add_test(hardware, facts_of_a_tree);
    tcase_add_test(hardware, facts_of_a_line);
    suite_add_tcase(suite, hardware);
}
