/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a scan makes of a tree.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include <sys/stat.h>

#include "support/tree.h"
#include "sys/scan.h"

static PcaFunction *find(PcaSnapshot *snapshot, const char *text) {
    PcaAddress address;
    ck_assert(pca_address_parse(text, &address));
    PcaFunction *function = pca_snapshot_find(snapshot, &address);
    ck_assert_msg(function != NULL, "%s is not in the snapshot", text);
    return function;
}

static void expect_address(const PcaAddress *address, const char *expected) {
    g_autofree char *text = pca_address_format(address);
    ck_assert_str_eq(text, expected);
}

/* A root port with an NVMe disk behind it. */
static PcaTree *small_machine(void) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add_port(tree, "0000:00:01.1", 1);
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:01:00.0",
                                          .below = "0000:00:01.1",
                                          .vendor = 0x144d,
                                          .device = 0xa808,
                                          .subsystem_vendor = 0x144d,
                                          .subsystem_device = 0xa801,
                                          .class = 0x010802,
                                          .revision = 0x1a,
                                          .header_type = 0x80,
                                          .group = 12,
                                          .numa_node = 2,
                                          .driver = "nvme",
                                          .power = "auto,1",
                                          .reset_method = "flr bus"});
    return tree;
}

/* The same with a physical function beside the disk, and one of its virtual functions. */
static PcaTree *machine_with_vf(void) {
    PcaTree *tree = small_machine();
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:01:00.1",
                                          .below = "0000:00:01.1",
                                          .group = 13,
                                          .total_vfs = 63});
    pca_tree_add(tree,
                 &(PcaTreeFunction){
                     .address = "0000:01:10.0", .pf = "0000:01:00.1", .vf_number = 5, .group = 14});
    return tree;
}

START_TEST(everything_of_a_function) {
    g_autoptr(PcaTree) tree = small_machine();
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    ck_assert_uint_eq(snapshot->functions->len, 2);
    PcaFunction *f = find(snapshot, "0000:01:00.0");
    ck_assert_uint_eq(f->vendor, 0x144d);
    ck_assert_uint_eq(f->device, 0xa808);
    ck_assert_uint_eq(f->subsystem_vendor, 0x144d);
    ck_assert_uint_eq(f->subsystem_device, 0xa801);
    ck_assert_uint_eq(f->class, 0x010802);
    ck_assert_uint_eq(f->revision, 0x1a);
    ck_assert_int_eq(f->header_type, PCA_HEADER_ENDPOINT);
    ck_assert_int_eq(f->iommu_group, 12);
    ck_assert_int_eq(f->numa_node, 1);
    ck_assert_str_eq(f->driver, "nvme");
    ck_assert_ptr_null(f->driver_override);
    ck_assert_str_eq(f->slot_path, "0000:00:01.1/00.0");
    ck_assert(f->has_upstream && !f->is_vf && !f->reserved_direct);
    expect_address(&f->upstream, "0000:00:01.1");
    g_autofree char *methods = g_strjoinv(",", f->reset_methods);
    ck_assert_str_eq(methods, "flr,bus");
    ck_assert_str_eq(f->power, "auto,1");
}
END_TEST

START_TEST(a_root_port) {
    g_autoptr(PcaTree) tree = small_machine();
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    PcaFunction *port = find(snapshot, "0000:00:01.1");
    ck_assert(pca_function_is_bridge(port) && !port->has_upstream);
    ck_assert_str_eq(port->slot_path, "0000:00:01.1");
    ck_assert_int_eq(port->numa_node, -1);
    ck_assert_ptr_null(port->reset_methods[0]);
    ck_assert_ptr_null(port->power);
}
END_TEST

START_TEST(what_is_missing_or_odd) {
    g_autoptr(PcaTree) tree = small_machine();
    pca_tree_unbind(tree, "0000:01:00.0");
    pca_tree_set(tree, "0000:01:00.0", "driver_override", "vfio-pci");
    pca_tree_set(tree, "0000:01:00.0", "reset_method", "%s", "");
    pca_tree_unset(tree, "0000:01:00.0", "config");
    pca_tree_unset(tree, "0000:01:00.0", "subsystem_vendor");
    pca_tree_unset(tree, "0000:01:00.0", "iommu_group");
    pca_tree_unset(tree, "0000:01:00.0", "numa_node");
    pca_tree_set(tree, "0000:01:00.0", "d3cold_allowed", "maybe");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    PcaFunction *f = find(snapshot, "0000:01:00.0");
    ck_assert_ptr_null(f->driver);
    ck_assert_str_eq(f->driver_override, "vfio-pci");
    ck_assert_ptr_null(f->reset_methods[0]);
    ck_assert_int_eq(f->header_type, PCA_HEADER_UNKNOWN);
    ck_assert_uint_eq(f->subsystem_vendor, 0);
    ck_assert_int_eq(f->iommu_group, PCA_NO_GROUP);
    ck_assert_int_eq(f->numa_node, -1);
    ck_assert_str_eq(f->power, "auto,");
}
END_TEST

START_TEST(a_function_that_vanishes_is_left_out) {
    g_autoptr(PcaTree) tree = small_machine();
    pca_tree_unset(tree, "0000:01:00.0", "vendor");
    pca_tree_link(tree, "sys/bus/pci/devices/0000:02:00.0", "sys/devices/nowhere");
    pca_tree_link(tree, "sys/bus/pci/devices/rubbish", "sys/devices");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    ck_assert_uint_eq(snapshot->functions->len, 1);
}
END_TEST

/* Three functions change, one of them by coming and one by going; a look at two of them sees these.
 */
START_TEST(a_look_at_some) {
    g_autoptr(PcaTree) tree = small_machine();
    g_autoptr(PcaSnapshot) before = pca_scan(pca_tree_root(tree), NULL);
    g_autoptr(GHashTable) addresses = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(addresses, (gpointer) "0000:01:00.0");
    g_hash_table_add(addresses, (gpointer) "0000:01:00.1");
    g_hash_table_add(addresses, (gpointer) "0000:01:00.2");
    pca_tree_unbind(tree, "0000:01:00.0");
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:01:00.1", .below = "0000:00:01.1"});
    pca_tree_set(tree, "0000:00:01.1", "driver_override", "unseen");
    g_autoptr(PcaSnapshot) after = pca_scan_some(pca_tree_root(tree), before, addresses, NULL);
    ck_assert_uint_eq(after->functions->len, 3);
    ck_assert_ptr_null(find(after, "0000:01:00.0")->driver);
    ck_assert_str_eq(find(before, "0000:01:00.0")->driver, "nvme");
    find(after, "0000:01:00.1");
    ck_assert_ptr_eq(find(after, "0000:00:01.1"), find(before, "0000:00:01.1"));
    ck_assert(after->has_iommu);
    pca_tree_remove(tree, "0000:01:00.1");
    g_autoptr(PcaSnapshot) later = pca_scan_some(pca_tree_root(tree), after, addresses, NULL);
    ck_assert_uint_eq(later->functions->len, 2);
}
END_TEST

START_TEST(locked_files_of_an_evicting_function) {
    g_autoptr(PcaTree) tree = small_machine();
    g_autoptr(GHashTable) evicting = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(evicting, (gpointer) "0000:01:00.0");
    pca_tree_set(tree, "0000:01:00.0", "driver_override", "vfio-pci");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), evicting);
    PcaFunction *f = find(snapshot, "0000:01:00.0");
    ck_assert_ptr_null(f->driver_override);
    ck_assert_str_eq(f->driver, "nvme");
}
END_TEST

/* Whoever reads one that is not there finds no header. */
START_TEST(config_spaces_that_a_reset_locks) {
    g_autoptr(PcaTree) tree = small_machine();
    g_autoptr(GHashTable) evicting = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(evicting, (gpointer) "0000:01:00.0");
    pca_tree_unset(tree, "0000:01:00.0", "config");
    pca_tree_unset(tree, "0000:00:01.1", "config");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), evicting);
    ck_assert_int_eq(find(snapshot, "0000:01:00.0")->header_type, PCA_HEADER_ENDPOINT);
    ck_assert_int_eq(find(snapshot, "0000:00:01.1")->header_type, PCA_HEADER_BRIDGE);
    g_autoptr(PcaSnapshot) later = pca_scan(pca_tree_root(tree), NULL);
    ck_assert_int_eq(find(later, "0000:01:00.0")->header_type, PCA_HEADER_UNKNOWN);
    ck_assert_int_eq(find(later, "0000:00:01.1")->header_type, PCA_HEADER_UNKNOWN);
}
END_TEST

START_TEST(virtual_functions) {
    g_autoptr(PcaTree) tree = machine_with_vf();
    /* VFs are not in the order of their addresses, and the second is on the next bus. */
    pca_tree_add(
        tree, &(PcaTreeFunction){
                  .address = "0000:02:00.1", .pf = "0000:01:00.1", .vf_number = 11, .group = 15});
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    PcaFunction *pf = find(snapshot, "0000:01:00.1");
    ck_assert(!pf->is_vf);
    ck_assert_uint_eq(pf->num_vfs, 2);
    ck_assert_uint_eq(pf->total_vfs, 63);
    PcaFunction *vf = find(snapshot, "0000:01:10.0");
    ck_assert(vf->is_vf);
    expect_address(&vf->pf, "0000:01:00.1");
    expect_address(&vf->upstream, "0000:00:01.1");
    ck_assert_str_eq(vf->slot_path, "0000:00:01.1/00.1/vf5");
    ck_assert_str_eq(find(snapshot, "0000:02:00.1")->slot_path, "0000:00:01.1/00.1/vf11");
    pca_tree_remove(tree, "0000:01:10.0");
    g_autoptr(PcaSnapshot) later = pca_scan(pca_tree_root(tree), NULL);
    ck_assert_uint_eq(find(later, "0000:01:00.1")->num_vfs, 1);
}
END_TEST

START_TEST(a_brief_look) {
    g_autoptr(PcaTree) tree = machine_with_vf();
    g_autoptr(PcaSnapshot) snapshot = pca_scan_brief(pca_tree_root(tree));
    PcaFunction *f = find(snapshot, "0000:01:00.0");
    ck_assert_str_eq(f->driver, "nvme");
    ck_assert_int_eq(f->iommu_group, 12);
    ck_assert_int_eq(f->numa_node, 1);
    ck_assert_str_eq(f->slot_path, "0000:00:01.1/00.0");
    ck_assert_ptr_null(f->reset_methods[0]);
    ck_assert_uint_eq(find(snapshot, "0000:01:00.1")->total_vfs, 0);
    ck_assert_str_eq(find(snapshot, "0000:01:10.0")->slot_path, "0000:00:01.1/00.1/vf5");
    ck_assert(snapshot->has_iommu);
}
END_TEST

START_TEST(deep_paths_and_odd_roots) {
    g_autoptr(PcaTree) tree = small_machine();
    pca_tree_add_port(tree, "0000:80:03.0", 20);
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:81:00.0",
                                          .below = "0000:80:03.0",
                                          .class = 0x060400,
                                          .header_type = 1});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:82:1f.7", .below = "0000:81:00.0"});
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    ck_assert_str_eq(find(snapshot, "0000:82:1f.7")->slot_path, "0000:80:03.0/00.0/1f.7");
    expect_address(&find(snapshot, "0000:82:1f.7")->upstream, "0000:81:00.0");
}
END_TEST

/* A VMD controller is an endpoint with a domain of its own below it. */
START_TEST(functions_behind_vmd) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:0e.0", .class = 0x010400});
    const char *port = "sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0";
    g_autofree char *vendor = g_build_filename(port, "vendor", NULL);
    g_autofree char *device = g_build_filename(port, "device", NULL);
    g_autofree char *class = g_build_filename(port, "class", NULL);
    pca_tree_write(tree, vendor, "0x8086\n");
    pca_tree_write(tree, device, "0x9a09\n");
    pca_tree_write(tree, class, "0x060400\n");
    pca_tree_link(tree, "sys/bus/pci/devices/10000:e0:06.0", port);
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    PcaFunction *f = find(snapshot, "10000:e0:06.0");
    ck_assert_uint_eq(f->address.domain, 0x10000);
    ck_assert_str_eq(f->slot_path, "10000:e0:06.0");
    ck_assert(!f->has_upstream);
}
END_TEST

static const struct {
    const char *regions;
    gboolean direct;
} reserved[] = {
    {"0x00000000fee00000 0x00000000feefffff msi\n", FALSE},
    {"0x000000007a000000 0x000000007b7fffff direct\n0xfee00000 0xfeefffff msi\n", TRUE},
    {"0x000000007a000000 0x000000007b7fffff direct-relaxable\n", FALSE},
    {"", FALSE},
};

START_TEST(reserved_regions) {
    g_autoptr(PcaTree) tree = small_machine();
    pca_tree_write(tree, "sys/kernel/iommu_groups/12/reserved_regions", "%s", reserved[_i].regions);
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    ck_assert_int_eq(find(snapshot, "0000:01:00.0")->reserved_direct, reserved[_i].direct);
    ck_assert(!find(snapshot, "0000:00:01.1")->reserved_direct);
}
END_TEST

START_TEST(host_facts) {
    g_autoptr(PcaTree) tree = small_machine();
    g_autoptr(PcaSnapshot) plain = pca_scan(pca_tree_root(tree), NULL);
    ck_assert(plain->has_iommu && !plain->noiommu && !plain->unsafe_interrupts && !plain->has_cdev);
    pca_tree_write(tree, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
    pca_tree_write(tree, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
    pca_tree_write(tree, "sys/module/iommufd/parameters/allow_unsafe_interrupts", "Y\n");
    pca_tree_write(tree, "sys/class/misc/iommu/dev", "10:126\n");
    g_autoptr(PcaSnapshot) bold = pca_scan(pca_tree_root(tree), NULL);
    ck_assert(bold->noiommu && bold->unsafe_interrupts && bold->has_cdev);
}
END_TEST

START_TEST(an_empty_tree) {
    g_autoptr(PcaRoot) root = pca_root_new("/nonexistent", "/nonexistent", "/nonexistent");
    g_autoptr(PcaSnapshot) snapshot = pca_scan(root, NULL);
    ck_assert_uint_eq(snapshot->functions->len, 0);
    ck_assert(!snapshot->has_iommu);
}
END_TEST

void pca_add_scan_cases(Suite *suite) {
    TCase *scan = tcase_create("scan");
    tcase_add_test(scan, everything_of_a_function);
    tcase_add_test(scan, a_root_port);
    tcase_add_test(scan, what_is_missing_or_odd);
    tcase_add_test(scan, a_function_that_vanishes_is_left_out);
    tcase_add_test(scan, a_look_at_some);
    tcase_add_test(scan, locked_files_of_an_evicting_function);
    tcase_add_test(scan, config_spaces_that_a_reset_locks);
    tcase_add_test(scan, virtual_functions);
    tcase_add_test(scan, a_brief_look);
    tcase_add_test(scan, deep_paths_and_odd_roots);
    tcase_add_test(scan, functions_behind_vmd);
    tcase_add_test(scan, host_facts);
    tcase_add_test(scan, an_empty_tree);
    suite_add_tcase(suite, scan);
    PCA_TABLE(suite, "reserved", reserved_regions, reserved);
}
