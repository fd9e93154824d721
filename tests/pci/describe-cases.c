/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of descriptions: what is known is there, what is not known is left out.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/board.h"
#include "pci/cases.h"
#include "pci/describe.h"
#include "pci/space.h"

/* The entry as text, without types; NULL when it is left out. */
static char *entry(GVariant *description, const char *key) {
    g_autoptr(GVariant) value = g_variant_lookup_value(description, key, NULL);
    if (!value)
        return NULL;
    g_autofree char *text = g_variant_print(value, FALSE);
    g_auto(GStrv) words = g_strsplit(text, "uint32 ", -1);
    g_autofree char *narrow = g_strjoinv("", words);
    g_auto(GStrv) wide = g_strsplit(narrow, "uint64 ", -1);
    return g_strjoinv("", wide);
}

static void expect(GVariant *description, const char *key, const char *text) {
    g_autofree char *found = entry(description, key);
    ck_assert_msg(g_strcmp0(found, text) == 0, "%s is %s, not %s", key, found, text);
}

static PcaFunction *card(void) {
    PcaFunction *f = pca_function_new(&(PcaAddress){0x10000, 1, 2, 3});
    f->vendor = 0x8086;
    f->device = 0xd3;
    f->subsystem_vendor = 0x1af4;
    f->class = 0x20000;
    f->revision = 2;
    f->header_type = PCA_HEADER_ENDPOINT;
    f->iommu_group = 7;
    f->numa_node = -1;
    f->slot_path = g_strdup("10000:00:01.0/02.3");
    f->driver = g_strdup("e1000e");
    return f;
}

START_TEST(function_alone) {
    g_autoptr(PcaFunction) f = card();
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, NULL, NULL));
    ck_assert(g_variant_is_of_type(d, G_VARIANT_TYPE_VARDICT));
    expect(d, "Address", "'10000:01:02.3'");
    expect(d, "Vendor", "'8086'");
    expect(d, "Device", "'00d3'");
    expect(d, "SubsystemVendor", "'1af4'");
    expect(d, "SubsystemDevice", "'0000'");
    expect(d, "Class", "'020000'");
    expect(d, "Revision", "'02'");
    expect(d, "HeaderType", "0");
    expect(d, "IommuGroup", "7");
    expect(d, "Path", "'10000:00:01.0/02.3'");
    expect(d, "Driver", "'e1000e'");
    expect(d, "ResetMethods", "[]");
    static const char *const unknown[] = {
        "NumaNode", "DriverOverride", "Description", "Name",         "State",
        "Claim",    "Multifunction",  "PcieType",    "Capabilities", "CapabilitiesComplete",
        "Bars",     "Interrupts",     "Acs",         "Sriov",        "ReservedRegions",
        "Link",     "Bridge",         "VfioDriver"};
    for (guint i = 0; i < G_N_ELEMENTS(unknown); i++)
        expect(d, unknown[i], NULL);
}
END_TEST

/* Words that are no UTF-8 make no broken variant. */
START_TEST(odd_words) {
    g_autoptr(PcaFunction) f = card();
    g_free(f->driver);
    f->driver = g_strdup("a\377b");
    f->header_type = PCA_HEADER_UNKNOWN;
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, NULL, NULL));
    expect(d, "Driver",
           "'a\xef\xbf\xbd"
           "b'");
    expect(d, "HeaderType", NULL);
    ck_assert(g_variant_is_normal_form(d));
}
END_TEST

/* An endpoint of a multifunction slot with MSI, ACS and a link, 4096 bytes. */
static void fill_endpoint(Space *space) {
    space_init(space, 0x80);
    space_set(space, 0x10, 4, 0xfe000004);
    space_set(space, 0x14, 4, 0x1);
    space_set(space, 0x3d, 1, 1);
    space_add_pcie(space, PCA_PCIE_ENDPOINT);
    space_set(space, 0x40 + 0x0c, 4, 0x43);                            /* 8 GT/s, x4 */
    space_set(space, 0x40 + 0x12, 2, 0x12);                            /* 5 GT/s, x1 */
    space_set(space, space_add(space, PCA_CAP_MSI, 0x80) + 2, 2, 0x4); /* 4 vectors */
    space_add_acs(space, 0x100, 0x5f, 0x1d);
}

START_TEST(whole_config) {
    Space space;
    g_autoptr(PcaFunction) f = card();
    fill_endpoint(&space);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, config, NULL));
    expect(d, "Multifunction", "true");
    expect(d, "PcieType", "0");
    expect(d, "CapabilitiesComplete", "true");
    expect(d, "Capabilities",
           "[{'id': <16>, 'offset': <64>, 'name': <'PCIe'>, 'extended': <false>}, "
           "{'id': <5>, 'offset': <128>, 'name': <'MSI'>, 'extended': <false>}, "
           "{'id': <13>, 'offset': <256>, 'name': <'ACS'>, 'extended': <true>}]");
    expect(d, "Bars",
           "[{'index': <0>, 'type': <'mem64'>, 'prefetchable': <false>, 'address': <8556380160>}]");
    expect(d, "Interrupts", "{'pin': <1>, 'msi_vectors': <4>, 'msix_vectors': <0>}");
    expect(d, "Acs",
           "{'capabilities': <['SV', 'TB', 'RR', 'CR', 'UF', 'DT']>, "
           "'control': <['SV', 'RR', 'CR', 'UF']>}");
    expect(d, "Link",
           "{'speed': <'5 GT/s'>, 'max_speed': <'8 GT/s'>, 'width': <1>, 'max_width': <4>}");
    expect(d, "Bridge", NULL);
}
END_TEST

START_TEST(sixty_four_bytes) {
    Space space;
    g_autoptr(PcaFunction) f = card();
    fill_endpoint(&space);
    g_autoptr(PcaConfig) config = space_config(&space, 64);
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, config, NULL));
    expect(d, "Multifunction", "true");
    expect(d, "CapabilitiesComplete", "false");
    expect(d, "Interrupts", "{'pin': <1>}");
    static const char *const unknown[] = {"Capabilities", "PcieType", "Acs", "Link"};
    for (guint i = 0; i < G_N_ELEMENTS(unknown); i++)
        expect(d, unknown[i], NULL);
    g_autoptr(GVariant) bars = g_variant_lookup_value(d, "Bars", NULL);
    ck_assert(bars != NULL);
}
END_TEST

START_TEST(two_hundred_fifty_six_bytes) {
    Space space;
    g_autoptr(PcaFunction) f = card();
    fill_endpoint(&space);
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, config, NULL));
    expect(d, "CapabilitiesComplete", "false");
    expect(d, "Capabilities",
           "[{'id': <16>, 'offset': <64>, 'name': <'PCIe'>, 'extended': <false>}, "
           "{'id': <5>, 'offset': <128>, 'name': <'MSI'>, 'extended': <false>}]");
    expect(d, "Interrupts", "{'pin': <1>, 'msi_vectors': <4>, 'msix_vectors': <0>}");
    expect(d, "Acs", NULL);
}
END_TEST

START_TEST(silent_config) {
    Space space;
    g_autoptr(PcaFunction) f = card();
    memset(space.bytes, 0xff, sizeof space.bytes);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, config, NULL));
    expect(d, "CapabilitiesComplete", "false");
    expect(d, "Interrupts", "{}");
    static const char *const unknown[] = {"Multifunction", "Capabilities", "PcieType",
                                          "Acs",           "Bars",         "Link"};
    for (guint i = 0; i < G_N_ELEMENTS(unknown); i++)
        expect(d, unknown[i], NULL);
}
END_TEST

START_TEST(bridge_buses) {
    Space space;
    g_autoptr(PcaFunction) f = card();
    space_init(&space, 1);
    space_set(&space, 0x18, 4, 0x00090402);
    g_autoptr(PcaConfig) config = space_config(&space, 64);
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, config, NULL));
    expect(d, "Bridge", "{'primary': <2>, 'secondary': <4>, 'subordinate': <9>}");
}
END_TEST

START_TEST(facts_of_others) {
    Space space;
    PcaReservedRegion region = {0xfee00000, 0xfeefffff, "msi"};
    PcaAddress vf = {0, 2, 0, 1};
    g_autoptr(PcaFunction) f = card();
    g_autoptr(PcaFunctionFacts) facts = pca_function_facts_new();
    fill_endpoint(&space);
    f->total_vfs = 8;
    f->num_vfs = 1;
    facts->name = g_strdup("gpu-a");
    facts->state = g_strdup("claimed");
    facts->claim = g_strdup("0123");
    facts->vfio_driver = g_strdup("vfio-pci");
    facts->intx_maskable = PCA_TRI_NO;
    facts->intx_shared_with = g_strsplit("ahci,uhci", ",", -1);
    facts->reserved_regions = g_array_new(FALSE, FALSE, sizeof region);
    facts->vfs = g_array_new(FALSE, FALSE, sizeof vf);
    g_array_append_val(facts->reserved_regions, region);
    g_array_append_val(facts->vfs, vf);
    g_autoptr(PcaConfig) config = space_config(&space, 64);
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, config, facts));
    expect(d, "Name", "'gpu-a'");
    expect(d, "State", "'claimed'");
    expect(d, "Claim", "'0123'");
    expect(d, "VfioDriver", "'vfio-pci'");
    expect(d, "Interrupts",
           "{'pin': <1>, 'intx_maskable': <false>, 'intx_shared_with': <['ahci', 'uhci']>}");
    expect(d, "ReservedRegions", "[{'start': <4276092928>, 'end': <4277141503>, 'type': <'msi'>}]");
    expect(d, "Sriov", "{'total_vfs': <8>, 'num_vfs': <1>, 'vfs': <['0000:02:00.1']>}");
}
END_TEST

START_TEST(virtual_function) {
    g_autoptr(PcaFunction) f = card();
    f->is_vf = TRUE;
    f->pf = (PcaAddress){0, 1, 0, 0};
    g_autoptr(GVariant) d = g_variant_ref_sink(pca_describe_function(f, NULL, NULL));
    expect(d, "Sriov", "{'pf': <'0000:01:00.0'>}");
}
END_TEST

/* ---- Isolation ---- */

static GVariant *explain(const char *board, const char *word, const char *const *warnings) {
    PcaAddress address;
    ck_assert(pca_address_parse(word, &address));
    g_autoptr(PcaTopology) topology = board_new(board, NULL);
    g_autoptr(PcaIsolation) isolation = pca_topology_explain(topology, &address);
    g_autoptr(PcaFunction) f = pca_function_new(&address);
    f->iommu_group = isolation->kernel_group ? 3 : PCA_NO_GROUP;
    return g_variant_ref_sink(pca_describe_isolation(isolation, f, warnings));
}

START_TEST(isolation) {
    static const char *const warnings[] = {"one", "two", NULL};
    g_autoptr(GVariant) d = explain("0000:00:01.0 - root acs=1d/10 group=3\n"
                                    "0000:01:00.0 00:01.0 ep group=3\n",
                                    "01:00.0", warnings);
    expect(d, "Address", "'0000:01:00.0'");
    expect(d, "IommuGroup", "3");
    expect(d, "KernelGroup", "['0000:00:01.0', '0000:01:00.0']");
    expect(d, "IsolationSet", "['0000:00:01.0', '0000:01:00.0']");
    expect(d, "Agrees", "true");
    expect(d, "Warnings", "['one', 'two']");
    g_autoptr(GVariant) reasons = g_variant_lookup_value(d, "Reasons", G_VARIANT_TYPE("aa{sv}"));
    g_autoptr(GVariant) first = g_variant_get_child_value(reasons, 0);
    g_autoptr(GVariant) second = g_variant_get_child_value(reasons, 1);
    expect(first, "member", "'0000:00:01.0'");
    expect(first, "cause", "'upstream-no-acs'");
    expect(first, "at", "'0000:00:01.0'");
    expect(first, "missing", "['SV', 'RR', 'CR']");
    ck_assert(g_variant_lookup(first, "text", "s", NULL));
    expect(second, "cause", "'self'");
    expect(second, "missing", "[]");
}
END_TEST

START_TEST(isolation_without_groups) {
    g_autoptr(GVariant) d = explain("0000:00:01.0 - ep\n", "00:01.0", NULL);
    expect(d, "IommuGroup", NULL);
    expect(d, "KernelGroup", NULL);
    expect(d, "Agrees", NULL);
    expect(d, "IsolationSet", "['0000:00:01.0']");
    expect(d, "Warnings", "[]");
}
END_TEST

void add_describe_cases(Suite *suite) {
    TCase *functions = tcase_create("describe");
    tcase_add_test(functions, function_alone);
    tcase_add_test(functions, odd_words);
    tcase_add_test(functions, whole_config);
    tcase_add_test(functions, sixty_four_bytes);
    tcase_add_test(functions, two_hundred_fifty_six_bytes);
    tcase_add_test(functions, silent_config);
    tcase_add_test(functions, bridge_buses);
    tcase_add_test(functions, facts_of_others);
    tcase_add_test(functions, virtual_function);
    tcase_add_test(functions, isolation);
    tcase_add_test(functions, isolation_without_groups);
    suite_add_tcase(suite, functions);
}
