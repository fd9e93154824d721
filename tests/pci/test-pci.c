/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of addresses, functions and snapshots; the suite of this folder.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/cases.h"
#include "pci/snapshot.h"

static const struct {
    const char *text;
    PcaAddress address;
    const char *format, *path;
} good[] = {
    {"0000:01:00.0", {0, 1, 0, 0}, "0000:01:00.0", "0000_01_00_0"},
    {"01:00.0", {0, 1, 0, 0}, "0000:01:00.0", "0000_01_00_0"},
    {"fF:1F.7", {0, 0xff, 31, 7}, "0000:ff:1f.7", "0000_ff_1f_7"},
    {"ABCD:eF:0a.3", {0xabcd, 0xef, 10, 3}, "abcd:ef:0a.3", "abcd_ef_0a_3"},
    {"10000:01:00.0", {0x10000, 1, 0, 0}, "10000:01:00.0", "10000_01_00_0"},
    {"00010000:01:00.0", {0x10000, 1, 0, 0}, "10000:01:00.0", "10000_01_00_0"},
    {"ffffffff:ff:1f.7", {0xffffffff, 0xff, 31, 7}, "ffffffff:ff:1f.7", "ffffffff_ff_1f_7"},
};

START_TEST(address_good) {
    PcaAddress address;
    ck_assert(pca_address_parse(good[_i].text, &address));
    ck_assert(pca_address_equal(&address, &good[_i].address));
    g_autofree char *format = pca_address_format(&address);
    g_autofree char *path = pca_address_format_path(&address);
    ck_assert_str_eq(format, good[_i].format);
    ck_assert_str_eq(path, good[_i].path);
}
END_TEST

static const char *const bad[] = {"",
                                  ":",
                                  "::",
                                  ":.",
                                  "01",
                                  "01:",
                                  "01:00",
                                  "01:00.",
                                  "01:00.8",
                                  "01:00.f",
                                  "01:20.0",
                                  "01:00.00",
                                  "1:00.0",
                                  "001:00.0",
                                  "01:0.0",
                                  "01:000.0",
                                  "01-00.0",
                                  "01:00:0",
                                  "01:00.0 ",
                                  " 01:00.0",
                                  "01:00.0\n",
                                  "01:00.-1",
                                  "+1:00.0",
                                  "0x:00.0",
                                  "0x01:00.0",
                                  "g1:00.0",
                                  "01:0g.0",
                                  "000:01:00.0",
                                  "0:01:00.0",
                                  ":01:00.0",
                                  "000000000:01:00.0",
                                  "123456789:01:00.0",
                                  "0000:1:00.0",
                                  "0000:001:00.0",
                                  "0000:01:20.0",
                                  "0000:01:00.8",
                                  "0000:01:00.0.0",
                                  "0000:01:00.0:",
                                  "0000::00.0",
                                  "0000:00:01:00.0",
                                  "0000_01_00_0",
                                  "-000:01:00.0",
                                  "0000:01:00.0/00.0",
                                  "gpu-a",
                                  "0000:01:00",
                                  "0000:01:00,0",
                                  "00\xc3\xa9:01:00.0"};

START_TEST(address_bad) {
    PcaAddress address = {1, 2, 3, 4}, before = address;
    ck_assert_msg(!pca_address_parse(bad[_i], &address), "taken: '%s'", bad[_i]);
    ck_assert(pca_address_equal(&address, &before));
}
END_TEST

START_TEST(address_order) {
    static const char *const sorted[] = {"0000:00:00.0",  "0000:00:00.7",    "0000:00:1f.0",
                                         "0000:01:00.0",  "0000:ff:1f.7",    "0001:00:00.0",
                                         "10000:00:00.0", "ffffffff:00:00.0"};
    for (guint i = 0; i < G_N_ELEMENTS(sorted); i++)
        for (guint j = 0; j < G_N_ELEMENTS(sorted); j++) {
            PcaAddress a, b;
            ck_assert(pca_address_parse(sorted[i], &a) && pca_address_parse(sorted[j], &b));
            ck_assert_int_eq(pca_address_compare(&a, &b), (i > j) - (i < j));
            ck_assert_int_eq(pca_address_equal(&a, &b), i == j);
        }
}
END_TEST

START_TEST(address_slot) {
    PcaAddress a = {1, 2, 3, 0};
    ck_assert(pca_address_same_slot(&a, &(PcaAddress){1, 2, 3, 7}));
    ck_assert(!pca_address_same_slot(&a, &(PcaAddress){1, 2, 4, 0}));
    ck_assert(!pca_address_same_slot(&a, &(PcaAddress){1, 3, 3, 0}));
    ck_assert(!pca_address_same_slot(&a, &(PcaAddress){0x10001, 2, 3, 0}));
}
END_TEST

static PcaFunction *function_at(const char *text, int group) {
    PcaAddress address;
    ck_assert(pca_address_parse(text, &address));
    PcaFunction *function = pca_function_new(&address);
    function->iommu_group = group;
    return function;
}

START_TEST(function_defaults) {
    g_autoptr(PcaFunction) function = function_at("01:00.0", PCA_NO_GROUP);
    ck_assert_int_eq(function->numa_node, -1);
    ck_assert_int_eq(function->header_type, PCA_HEADER_UNKNOWN);
    ck_assert_ptr_null(function->reset_methods[0]);
    ck_assert(!pca_function_is_bridge(function));
    function->header_type = PCA_HEADER_BRIDGE;
    ck_assert(pca_function_is_bridge(function));
    function->header_type = PCA_HEADER_CARDBUS;
    ck_assert(pca_function_is_bridge(function));
}
END_TEST

START_TEST(function_vfio_driver) {
    ck_assert(pca_driver_is_vfio("vfio-pci"));
    ck_assert(pca_driver_is_vfio("mlx5_vfio_pci"));
    ck_assert(pca_driver_is_vfio("nvgrace-gpu-vfio-pci"));
    ck_assert(!pca_driver_is_vfio(NULL));
    ck_assert(!pca_driver_is_vfio(""));
    ck_assert(!pca_driver_is_vfio("vfio"));
    ck_assert(!pca_driver_is_vfio("nvme"));
    ck_assert(!pca_driver_is_vfio("vfio-pci-core"));
}
END_TEST

/* Out of order, as a scan may find them. */
static PcaSnapshot *sample(void) {
    PcaSnapshot *snapshot = pca_snapshot_new();
    pca_snapshot_add(snapshot, function_at("10000:01:00.0", 9));
    pca_snapshot_add(snapshot, function_at("0000:01:00.1", 2));
    pca_snapshot_add(snapshot, function_at("0000:00:01.0", 2));
    pca_snapshot_add(snapshot, function_at("0000:01:00.0", 2));
    pca_snapshot_add(snapshot, function_at("0000:02:00.0", PCA_NO_GROUP));
    pca_snapshot_seal(snapshot);
    return snapshot;
}

/* The addresses of an array of functions, separated by spaces. */
static void assert_addresses(const GPtrArray *functions, const char *expected) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(functions, i);
        g_autofree char *address = pca_address_format(&function->address);
        g_string_append_printf(text, "%s%s", i ? " " : "", address);
    }
    ck_assert_str_eq(text->str, expected);
}

START_TEST(snapshot_find) {
    static const char *const there[] = {"0000:00:01.0", "0000:01:00.0", "0000:01:00.1",
                                        "0000:02:00.0", "10000:01:00.0"};
    static const char *const absent[] = {"0000:00:00.0", "0000:01:00.2", "0001:01:00.0",
                                         "ffffffff:ff:1f.7"};
    g_autoptr(PcaSnapshot) snapshot = sample();
    g_autoptr(PcaSnapshot) empty = pca_snapshot_new();
    PcaAddress address;
    for (guint i = 0; i < G_N_ELEMENTS(there); i++) {
        ck_assert(pca_address_parse(there[i], &address));
        ck_assert_ptr_eq(pca_snapshot_find(snapshot, &address),
                         g_ptr_array_index(snapshot->functions, i));
        ck_assert_ptr_null(pca_snapshot_find(empty, &address));
    }
    for (guint i = 0; i < G_N_ELEMENTS(absent); i++) {
        ck_assert(pca_address_parse(absent[i], &address));
        ck_assert_ptr_null(pca_snapshot_find(snapshot, &address));
    }
}
END_TEST

START_TEST(snapshot_group) {
    g_autoptr(PcaSnapshot) snapshot = sample();
    g_autoptr(GPtrArray) two = pca_snapshot_group(snapshot, 2);
    g_autoptr(GPtrArray) none = pca_snapshot_group(snapshot, PCA_NO_GROUP);
    g_autoptr(GPtrArray) absent = pca_snapshot_group(snapshot, 3);
    assert_addresses(two, "0000:00:01.0 0000:01:00.0 0000:01:00.1");
    assert_addresses(none, "");
    assert_addresses(absent, "");
}
END_TEST

START_TEST(snapshot_slot) {
    g_autoptr(PcaSnapshot) snapshot = sample();
    g_autoptr(GPtrArray) slot = pca_snapshot_slot(snapshot, &(PcaAddress){0, 1, 0, 5});
    g_autoptr(GPtrArray) wide = pca_snapshot_slot(snapshot, &(PcaAddress){0x10000, 1, 0, 0});
    g_autoptr(GPtrArray) absent = pca_snapshot_slot(snapshot, &(PcaAddress){0, 3, 0, 0});
    assert_addresses(slot, "0000:01:00.0 0000:01:00.1");
    assert_addresses(wide, "10000:01:00.0");
    assert_addresses(absent, "");
}
END_TEST

/* What a snapshot gave out outlives it. */
START_TEST(snapshot_references) {
    PcaSnapshot *snapshot = sample();
    PcaSnapshot *again = pca_snapshot_ref(snapshot);
    g_autoptr(GPtrArray) group = pca_snapshot_group(snapshot, 9);
    pca_snapshot_unref(snapshot);
    ck_assert_uint_eq(again->functions->len, 5);
    pca_snapshot_unref(again);
    assert_addresses(group, "10000:01:00.0");
}
END_TEST

START_TEST(diff_of_nothing) {
    g_autoptr(PcaSnapshot) a = sample();
    g_autoptr(PcaSnapshot) b = sample();
    g_autoptr(PcaDiff) same = pca_snapshot_diff(a, b);
    ck_assert_uint_eq(same->added->len + same->removed->len + same->changed->len, 0);
    g_autoptr(PcaDiff) first = pca_snapshot_diff(NULL, b);
    ck_assert_uint_eq(first->added->len, 5);
    ck_assert_uint_eq(first->removed->len + first->changed->len, 0);
}
END_TEST

START_TEST(diff_of_sets) {
    g_autoptr(PcaSnapshot) old = sample();
    g_autoptr(PcaSnapshot) new = pca_snapshot_new();
    pca_snapshot_add(new, function_at("0000:00:01.0", 2));
    pca_snapshot_add(new, function_at("0000:01:00.0", 7));
    pca_snapshot_add(new, function_at("0000:03:00.0", 8));
    pca_snapshot_add(new, function_at("10000:01:00.0", 9));
    pca_snapshot_seal(new);
    g_autoptr(PcaDiff) diff = pca_snapshot_diff(old, new);
    assert_addresses(diff->added, "0000:03:00.0");
    assert_addresses(diff->removed, "0000:01:00.1 0000:02:00.0");
    assert_addresses(diff->changed, "0000:01:00.0");
    const PcaFunction *changed = g_ptr_array_index(diff->changed, 0);
    ck_assert_int_eq(changed->iommu_group, 7);
}
END_TEST

static void replace(char **field, const char *text) {
    g_free(*field);
    *field = g_strdup(text);
}

/* Changes one thing that readers see; FALSE when there is no change of that number. */
static gboolean change(PcaFunction *f, int which) {
    switch (which) {
    case 0:
        f->vendor++;
        return TRUE;
    case 1:
        f->device++;
        return TRUE;
    case 2:
        f->subsystem_vendor++;
        return TRUE;
    case 3:
        f->subsystem_device++;
        return TRUE;
    case 4:
        f->class ++;
        return TRUE;
    case 5:
        f->revision++;
        return TRUE;
    case 6:
        f->header_type = PCA_HEADER_BRIDGE;
        return TRUE;
    case 7:
        f->numa_node = 1;
        return TRUE;
    case 8:
        f->num_vfs++;
        return TRUE;
    case 9:
        f->total_vfs++;
        return TRUE;
    case 10:
        f->reserved_direct = TRUE;
        return TRUE;
    case 11:
        replace(&f->driver, "nvme");
        return TRUE;
    case 12:
        replace(&f->driver_override, "vfio-pci");
        return TRUE;
    case 13:
        replace(&f->slot_path, "0000:00:01.0/00.0");
        return TRUE;
    case 14:
        replace(&f->description, "a card");
        return TRUE;
    case 15:
        g_strfreev(f->reset_methods);
        f->reset_methods = g_strsplit("flr bus", " ", -1);
        return TRUE;
    case 16:
        f->iommu_group = 4;
        return TRUE;
    default:
        return FALSE;
    }
}
#define N_CHANGES 17

START_TEST(diff_of_one_field) {
    g_autoptr(PcaSnapshot) old = pca_snapshot_new();
    g_autoptr(PcaSnapshot) new = pca_snapshot_new();
    PcaFunction *function = function_at("0000:01:00.0", 2);
    ck_assert(change(function, _i));
    pca_snapshot_add(old, function_at("0000:01:00.0", 2));
    pca_snapshot_add(new, function);
    g_autoptr(PcaDiff) diff = pca_snapshot_diff(old, new);
    assert_addresses(diff->changed, "0000:01:00.0");
    ck_assert_uint_eq(diff->added->len + diff->removed->len, 0);
}
END_TEST

Suite *pca_suite(void) {
    Suite *suite = suite_create("pci");
    PCA_TABLE(suite, "good addresses", address_good, good);
    PCA_TABLE(suite, "bad addresses", address_bad, bad);
    TCase *rest = tcase_create("rest");
    tcase_add_test(rest, address_order);
    tcase_add_test(rest, address_slot);
    tcase_add_test(rest, function_defaults);
    tcase_add_test(rest, function_vfio_driver);
    tcase_add_test(rest, snapshot_find);
    tcase_add_test(rest, snapshot_group);
    tcase_add_test(rest, snapshot_slot);
    tcase_add_test(rest, snapshot_references);
    tcase_add_test(rest, diff_of_nothing);
    tcase_add_test(rest, diff_of_sets);
    tcase_add_loop_test(rest, diff_of_one_field, 0, N_CHANGES);
    suite_add_tcase(suite, rest);
    add_config_cases(suite);
    add_capability_cases(suite);
    add_describe_cases(suite);
    add_isolation_cases(suite);
    add_quirk_cases(suite);
    add_recorded_cases(suite);
    add_warning_cases(suite);
    return suite;
}
