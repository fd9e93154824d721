/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of capability lists, of each decoded capability, and of device-dependent ranges.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/cases.h"
#include "pci/facts.h"
#include "pci/space.h"

/* ---- Lists ---- */

/* "PM@40 MSI@50 ...", offsets in hexadecimal. */
static void assert_list(const PcaCapabilityList *list, const char *expected) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < list->entries->len; i++) {
        const PcaCapability *capability = &g_array_index(list->entries, PcaCapability, i);
        g_string_append_printf(text, "%s%s@%x", i ? " " : "", capability->name, capability->offset);
    }
    ck_assert_str_eq(text->str, expected);
}

START_TEST(list_order) {
    Space space;
    space_init(&space, 0);
    space_add(&space, PCA_CAP_MSIX, 0xb0);
    space_add(&space, PCA_CAP_PM, 0x50);
    space_add(&space, 0x7e, 0xfc);
    space_add(&space, PCA_CAP_PCIE, 0x60);
    space_set(&space, 0x62, 2, 0x0002);
    space_add_extended(&space, PCA_EXT_CAP_DSN, 0x100);
    space_add_extended(&space, 0xbeef, 0xffc);
    space_add_extended(&space, PCA_EXT_CAP_ACS, 0x140);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    assert_list(&config->standard, "MSI-X@b0 PM@50 unknown (0x7e)@fc PCIe@60");
    assert_list(&config->extended, "DSN@100 unknown (0xbeef)@ffc ACS@140");
    ck_assert(config->standard.complete && config->extended.complete);
    ck_assert(!config->standard.malformed && !config->extended.malformed);
    ck_assert_uint_eq(g_array_index(config->extended.entries, PcaCapability, 0).version, 1);
}
END_TEST

START_TEST(list_without_status) {
    Space space;
    space_init(&space, 0);
    space_add(&space, PCA_CAP_PM, 0x40);
    space.bytes[0x06] = 0;
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    assert_list(&config->standard, "");
    ck_assert(config->standard.complete);
}
END_TEST

START_TEST(list_of_cardbus) {
    Space space;
    space_init(&space, 2);
    space.standard_link = 0x14;
    space_add(&space, PCA_CAP_PM, 0x80);
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    assert_list(&config->standard, "PM@80");
    space.bytes[0x0e] = 5;
    g_autoptr(PcaConfig) unknown = space_config(&space, 256);
    ck_assert_int_eq(unknown->pm.present, PCA_TRI_UNKNOWN);
}
END_TEST

/* PM at 0x40, then a next pointer. */
static const struct {
    guint8 next;
    gboolean malformed;
    const char *list;
} pointers[] = {
    {0x00, FALSE, "PM@40"},         {0x40, TRUE, "PM@40"}, /* itself */
    {0x42, TRUE, "PM@40"},                                 /* itself, with odd bits */
    {0x3c, TRUE, "PM@40"},                                 /* the header */
    {0x03, TRUE, "PM@40"},          /* the header, and odd bits that do not count */
    {0x04, TRUE, "PM@40"},          /* the command register */
    {0x53, FALSE, "PM@40 MSI@50"},  /* odd bits do not count */
    {0x60, TRUE, "PM@40 MSI@60"},   /* a cycle: it points back to PM */
    {0x70, TRUE, "PM@40"},          /* ones */
    {0xff, FALSE, "PM@40 Null@fc"}, /* the last dword */
    {0x80, FALSE, "PM@40 Null@80"}, /* nothing there */
};

START_TEST(list_pointers) {
    Space space;
    space_init(&space, 0);
    space_add(&space, PCA_CAP_PM, 0x40);
    space_set(&space, 0x50, 2, 0x0005);
    space_set(&space, 0x60, 2, 0x4005);
    space_set(&space, 0x70, 2, 0xffff);
    space.bytes[0x41] = pointers[_i].next;
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    assert_list(&config->standard, pointers[_i].list);
    ck_assert(config->standard.complete);
    ck_assert_int_eq(config->standard.malformed, pointers[_i].malformed);
    ck_assert_int_eq(config->msix.present, PCA_TRI_NO);
    ck_assert_ptr_null(pca_facts_broken(config));
}
END_TEST

/* DSN at 0x100, then a next pointer. */
static const struct {
    guint next;
    gboolean malformed;
    const char *list;
} extended_pointers[] = {
    {0x000, FALSE, "DSN@100"},         {0x100, TRUE, "DSN@100"}, /* itself */
    {0x0fc, TRUE, "DSN@100"},                                    /* the standard part */
    {0x040, TRUE, "DSN@100"},                                    /* a standard capability */
    {0x203, FALSE, "DSN@100 ACS@200"},                           /* odd bits do not count */
    {0x300, TRUE, "DSN@100 AER@300"},                            /* a cycle */
    {0x400, TRUE, "DSN@100"},                                    /* ones */
    {0x500, FALSE, "DSN@100"},                                   /* zeros */
    {0xfff, FALSE, "DSN@100 LTR@ffc"},                           /* the last dword */
};

START_TEST(list_extended_pointers) {
    Space space;
    space_init(&space, 0);
    space_add_pcie(&space, PCA_PCIE_ENDPOINT);
    space_set(&space, 0x100, 4, 0x00010003 | extended_pointers[_i].next << 20);
    space_set(&space, 0x200, 4, 0x0001000d);
    space_set(&space, 0x300, 4, 0x10010001);
    space_set(&space, 0x400, 4, 0xffffffff);
    space_set(&space, 0xffc, 4, 0x00010018);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    assert_list(&config->extended, extended_pointers[_i].list);
    ck_assert(config->extended.complete);
    ck_assert_int_eq(config->extended.malformed, extended_pointers[_i].malformed);
    ck_assert_ptr_null(pca_facts_broken(config));
}
END_TEST

/* The longest lists that there can be. */
START_TEST(list_full) {
    Space space;
    space_init(&space, 0);
    space_add_pcie(&space, PCA_PCIE_ENDPOINT);
    for (guint offset = 0x44; offset < 0x100; offset += 4)
        space_add(&space, 0x15, offset);
    for (guint offset = 0x100; offset < 0x1000; offset += 4)
        space_add_extended(&space, 0x18, offset);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    ck_assert_uint_eq(config->standard.entries->len, 48);
    ck_assert_uint_eq(config->extended.entries->len, 960);
    ck_assert(config->extended.complete && !config->extended.malformed);
}
END_TEST

/* Bytes beyond 256 mean something only with PCIe or PCI-X mode 2. */
START_TEST(list_extended_exists) {
    Space space;
    space_init(&space, 0);
    space_add(&space, PCA_CAP_PCIX, 0x40);
    space_add_acs(&space, 0x100, 0x1f, 0x1d);
    g_autoptr(PcaConfig) mode_1 = space_config(&space, 4096);
    ck_assert_int_eq(mode_1->extended_space, PCA_TRI_NO);
    ck_assert_int_eq(mode_1->acs.present, PCA_TRI_NO);
    ck_assert(mode_1->ranges_complete);
    space_set(&space, 0x44, 4, 0x40000000);
    g_autoptr(PcaConfig) mode_2 = space_config(&space, 4096);
    ck_assert_int_eq(mode_2->extended_space, PCA_TRI_YES);
    ck_assert_int_eq(mode_2->acs.present, PCA_TRI_YES);
    g_autoptr(PcaConfig) cut = space_config(&space, 0x46);
    ck_assert_int_eq(cut->extended_space, PCA_TRI_UNKNOWN);
}
END_TEST

START_TEST(list_extended_unreachable) {
    Space space;
    space_init(&space, 0);
    space_add_pcie(&space, PCA_PCIE_ENDPOINT);
    space_set(&space, 0x100, 4, 0xffffffff);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    ck_assert_int_eq(config->acs.present, PCA_TRI_NO);
    ck_assert(config->extended.malformed && config->ranges_complete);
    const PcaRange *last = &g_array_index(config->ranges, PcaRange, config->ranges->len - 1);
    ck_assert_uint_le(last->end, 256);
}
END_TEST

START_TEST(names) {
    static const struct {
        guint16 id;
        gboolean extended;
        const char *name;
    } rows[] = {
        {0x01, FALSE, "PM"},
        {0x0d, FALSE, "Bridge subsystem"},
        {0x15, FALSE, "FPB"},
        {0x16, FALSE, "unknown (0x16)"},
        {0x0d, TRUE, "ACS"},
        {0x10, TRUE, "SR-IOV"},
        {0x30, TRUE, "IDE"},
        {0x2a, TRUE, "Physical layer 32 GT/s"},
        {0x35, TRUE, "unknown (0x0035)"},
        {0xffff, TRUE, "unknown (0xffff)"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = pca_capability_name(rows[i].id, rows[i].extended);
        ck_assert_str_eq(name, rows[i].name);
    }
    /* No hole in the tables. */
    for (guint id = 0; id <= 0x34; id++) {
        g_autofree char *standard = pca_capability_name(id, FALSE);
        g_autofree char *extended = pca_capability_name(id, TRUE);
        ck_assert(standard && extended);
    }
}
END_TEST

/* ---- What is in them ---- */

START_TEST(decode_pm) {
    Space space;
    space_init(&space, 0);
    guint at = space_add(&space, PCA_CAP_PM, 0x40);
    space_set(&space, at + 2, 2, 0x0603);
    space_set(&space, at + 4, 2, 0x000b);
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    ck_assert_int_eq(config->pm.present, PCA_TRI_YES);
    ck_assert(config->pm.known && config->pm.no_soft_reset);
    ck_assert_uint_eq(config->pm.version, 3);
    ck_assert_uint_eq(config->pm.states, 0xf);
    ck_assert_uint_eq(config->pm.state, 3);
    space_set(&space, at + 2, 4, 0);
    g_autoptr(PcaConfig) plain = space_config(&space, 256);
    ck_assert_uint_eq(plain->pm.states, 0x9);
    ck_assert(!plain->pm.no_soft_reset);
    g_autoptr(PcaConfig) cut = space_config(&space, 0x45);
    ck_assert_int_eq(cut->pm.present, PCA_TRI_YES);
    ck_assert(!cut->pm.known);
}
END_TEST

START_TEST(decode_msi) {
    static const struct {
        guint16 control;
        guint vectors;
    } rows[] = {{0x0000, 1}, {0x0002, 2}, {0x018a, 32}, {0x000c, 32}, {0x000e, 32}, {0x0081, 1}};
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Space space;
        space_init(&space, 0);
        space_add(&space, PCA_CAP_MSI, 0x40);
        space_set(&space, 0x42, 2, rows[i].control);
        g_autoptr(PcaConfig) config = space_config(&space, 256);
        ck_assert(config->msi.known);
        ck_assert_uint_eq(config->msi.vectors, rows[i].vectors);
        ck_assert_int_eq(config->msi.enabled, rows[i].control & 1);
        ck_assert_int_eq(config->msix.present, PCA_TRI_NO);
    }
}
END_TEST

START_TEST(decode_msix) {
    Space space;
    space_init(&space, 0);
    space_add(&space, PCA_CAP_MSIX, 0x40);
    space_set(&space, 0x42, 2, 0x87ff);
    g_autoptr(PcaConfig) most = space_config(&space, 256);
    ck_assert(most->msix.known && most->msix.enabled);
    ck_assert_uint_eq(most->msix.vectors, 2048);
    space_set(&space, 0x42, 2, 0);
    g_autoptr(PcaConfig) least = space_config(&space, 256);
    ck_assert_uint_eq(least->msix.vectors, 1);
    ck_assert(!least->msix.enabled);
}
END_TEST

START_TEST(decode_pcie) {
    Space space;
    space_init(&space, 0);
    space_add(&space, PCA_CAP_PCIE, 0x40);
    space_set(&space, 0x42, 2, 0x0142);
    space_set(&space, 0x44, 4, 0x10000000);
    space_set(&space, 0x4c, 4, 0x00000104);
    space_set(&space, 0x52, 2, 0x0083);
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    const PcaPcie *pcie = &config->pcie;
    ck_assert(pcie->known && pcie->slot);
    ck_assert_uint_eq(pcie->version, 2);
    ck_assert_uint_eq(pcie->type, PCA_PCIE_ROOT_PORT);
    ck_assert_int_eq(pcie->flr, PCA_TRI_YES);
    ck_assert_uint_eq(pcie->max_speed, 4);
    ck_assert_uint_eq(pcie->max_width, 16);
    ck_assert_uint_eq(pcie->speed, 3);
    ck_assert_uint_eq(pcie->width, 8);
    ck_assert_str_eq(pca_pcie_type_name(pcie->type), "root port");
    ck_assert_str_eq(pca_pcie_speed_name(pcie->max_speed), "16 GT/s");
    g_autoptr(PcaConfig) cut = space_config(&space, 0x44);
    ck_assert(cut->pcie.known);
    ck_assert_int_eq(cut->pcie.flr, PCA_TRI_UNKNOWN);
    ck_assert_uint_eq(cut->pcie.max_width, 0);
}
END_TEST

START_TEST(decode_pcie_without_link) {
    Space space;
    space_init(&space, 0);
    space_add_pcie(&space, PCA_PCIE_RC_ENDPOINT);
    space_set(&space, 0x4c, 4, 0x00000104);
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    ck_assert_int_eq(config->pcie.flr, PCA_TRI_NO);
    ck_assert_uint_eq(config->pcie.max_width, 0);
}
END_TEST

START_TEST(pcie_names) {
    ck_assert_str_eq(pca_pcie_type_name(0), "endpoint");
    ck_assert_str_eq(pca_pcie_type_name(0xa), "root complex event collector");
    ck_assert_ptr_null(pca_pcie_type_name(2));
    ck_assert_ptr_null(pca_pcie_type_name(3));
    ck_assert_ptr_null(pca_pcie_type_name(0xb));
    ck_assert_ptr_null(pca_pcie_speed_name(0));
    ck_assert_str_eq(pca_pcie_speed_name(1), "2.5 GT/s");
    ck_assert_ptr_null(pca_pcie_speed_name(15));
}
END_TEST

START_TEST(decode_af) {
    Space space;
    space_init(&space, 0);
    space_add(&space, PCA_CAP_AF, 0x40);
    space_set(&space, 0x42, 2, 0x0206);
    g_autoptr(PcaConfig) flr = space_config(&space, 256);
    ck_assert(flr->af.known && flr->af.flr && !flr->af.tp);
    space_set(&space, 0x43, 1, 1);
    g_autoptr(PcaConfig) tp = space_config(&space, 256);
    ck_assert(!tp->af.flr && tp->af.tp);
}
END_TEST

START_TEST(decode_acs) {
    Space space;
    space_init(&space, 1);
    space_add_pcie(&space, PCA_PCIE_ROOT_PORT);
    space_add_acs(&space, 0x100, 0x005f, 0x001d);
    space_set(&space, 0x108, 2, 0x0013);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    ck_assert(config->acs.known && config->acs.dword_control_known);
    ck_assert_uint_eq(config->acs.capabilities, 0x5f);
    ck_assert_uint_eq(config->acs.control, 0x1d);
    ck_assert_uint_eq(config->acs.dword_control, 0x13);
    g_autofree char *has = pca_acs_format(config->acs.capabilities);
    g_autofree char *does = pca_acs_format(config->acs.control);
    g_autofree char *none = pca_acs_format(0x8000);
    ck_assert_str_eq(has, "SV TB RR CR UF DT");
    ck_assert_str_eq(does, "SV RR CR UF");
    ck_assert_str_eq(none, "");
    ck_assert_str_eq(pca_acs_bit_name(PCA_ACS_EC), "EC");
    ck_assert_ptr_null(pca_acs_bit_name(0x03));
    ck_assert_ptr_null(pca_acs_bit_name(0x80));
    g_autoptr(PcaConfig) cut = space_config(&space, 0x106);
    ck_assert_int_eq(cut->acs.present, PCA_TRI_YES);
    ck_assert(!cut->acs.known);
}
END_TEST

START_TEST(decode_sriov_and_others) {
    Space space;
    space_init(&space, 0);
    space_add_pcie(&space, PCA_PCIE_ENDPOINT);
    space_add_extended(&space, PCA_EXT_CAP_SRIOV, 0x100);
    space_set(&space, 0x108, 2, 0x0009);
    space_set(&space, 0x10e, 2, 64);
    space_set(&space, 0x110, 2, 4);
    space_set(&space, 0x114, 2, 128);
    space_set(&space, 0x116, 2, 2);
    space_set(&space, 0x11a, 2, 0x10ed);
    space_add_extended(&space, PCA_EXT_CAP_DSN, 0x150);
    space_set(&space, 0x154, 4, 0x89abcdef);
    space_set(&space, 0x158, 4, 0x01234567);
    space_add_extended(&space, PCA_EXT_CAP_ARI, 0x160);
    space_set(&space, 0x164, 2, 0x0300);
    space_add_extended(&space, PCA_EXT_CAP_ATS, 0x170);
    space_add_extended(&space, PCA_EXT_CAP_PASID, 0x180);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    ck_assert(config->sriov.known && config->sriov.enabled);
    ck_assert_uint_eq(config->sriov.total_vfs, 64);
    ck_assert_uint_eq(config->sriov.num_vfs, 4);
    ck_assert_uint_eq(config->sriov.offset, 128);
    ck_assert_uint_eq(config->sriov.stride, 2);
    ck_assert_uint_eq(config->sriov.vf_device, 0x10ed);
    ck_assert_uint_eq(config->dsn.number, 0x0123456789abcdef);
    ck_assert(config->ari.known);
    ck_assert_uint_eq(config->ari.next_function, 3);
    ck_assert_int_eq(config->ats, PCA_TRI_YES);
    ck_assert_int_eq(config->pri, PCA_TRI_NO);
    ck_assert_int_eq(config->pasid, PCA_TRI_YES);
    g_autoptr(PcaConfig) cut = space_config(&space, 0x172);
    ck_assert_int_eq(cut->ats, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(cut->pasid, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(cut->sriov.present, PCA_TRI_YES);
}
END_TEST

/* ---- Device-dependent ranges ---- */

static void assert_ranges(const PcaConfig *config, const char *expected) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < config->ranges->len; i++) {
        const PcaRange *range = &g_array_index(config->ranges, PcaRange, i);
        g_string_append_printf(text, "%s%x-%x", i ? " " : "", range->start, range->end);
    }
    ck_assert_str_eq(text->str, expected);
}

START_TEST(ranges_standard) {
    Space space;
    space_init(&space, 0);
    space_add(&space, PCA_CAP_PM, 0x50);
    space_add(&space, PCA_CAP_MSI, 0x60);
    space_set(&space, 0x62, 2, 0x0180);
    space_add(&space, PCA_CAP_VENDOR, 0x80);
    space_set(&space, 0x82, 1, 0x10);
    space_add(&space, PCA_CAP_MSIX, 0xfc);
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    assert_ranges(config, "40-50 58-60 78-80 90-fc");
    ck_assert(config->ranges_complete);
    g_autoptr(PcaConfig) cut = space_config(&space, 255);
    assert_ranges(cut, "");
    ck_assert(!cut->ranges_complete);
}
END_TEST

START_TEST(ranges_extended) {
    Space space;
    space_init(&space, 0);
    space_add_pcie(&space, PCA_PCIE_ENDPOINT);
    space_add(&space, 0x14, 0x80);
    space_set(&space, 0x82, 1, 2);
    space_set(&space, 0x84, 1, 2);
    space_set(&space, 0x90, 1, 0);
    space_add_acs(&space, 0x100, 0x2820, 0);
    space_add_extended(&space, PCA_EXT_CAP_VENDOR, 0x120);
    space_set(&space, 0x124, 4, 0x02010000);
    space_add_extended(&space, PCA_EXT_CAP_REBAR, 0x200);
    space_set(&space, 0x208, 4, 2 << 5);
    space_add_extended(&space, 0x7777, 0xff0);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    assert_ranges(config, "7c-80 94-100 110-120 140-200 214-ff0 ff4-1000");
    ck_assert(config->ranges_complete);
    g_autoptr(PcaConfig) cut = space_config(&space, 4095);
    assert_ranges(cut, "7c-80 94-100");
    ck_assert(!cut->ranges_complete);
}
END_TEST

/* Capabilities that say that they are longer than their space. */
START_TEST(ranges_end) {
    Space space;
    space_init(&space, 0);
    space_add_pcie(&space, PCA_PCIE_ENDPOINT);
    space_add(&space, PCA_CAP_VENDOR, 0xf8);
    space_set(&space, 0xfa, 1, 0xff);
    space_add_extended(&space, PCA_EXT_CAP_DSN, 0x100);
    space_add_extended(&space, PCA_EXT_CAP_VENDOR, 0xff8);
    space_set(&space, 0xffc, 4, 0xfff00000);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    assert_ranges(config, "7c-f8 10c-ff8");
    ck_assert(config->ranges_complete);
}
END_TEST

/* The first version of the PCIe capability has only the registers that the type needs. */
START_TEST(ranges_pcie) {
    static const struct {
        guint16 flags;
        const char *ranges;
    } rows[] = {
        {0x0001, "54-100"}, {0x0041, "64-100"}, {0x00a1, "64-100"},
        {0x0091, "4c-100"}, {0x0092, "7c-100"}, {0x0062, "7c-100"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Space space;
        space_init(&space, 0);
        space_add(&space, PCA_CAP_PCIE, 0x40);
        space_set(&space, 0x42, 2, rows[i].flags);
        g_autoptr(PcaConfig) config = pca_config_new(space.bytes, 256, 256, NULL, 4096);
        assert_ranges(config, rows[i].ranges);
    }
}
END_TEST

void add_capability_cases(Suite *suite) {
    PCA_TABLE(suite, "next pointers", list_pointers, pointers);
    PCA_TABLE(suite, "extended next pointers", list_extended_pointers, extended_pointers);
    TCase *rest = tcase_create("capabilities");
    tcase_add_test(rest, list_order);
    tcase_add_test(rest, list_without_status);
    tcase_add_test(rest, list_of_cardbus);
    tcase_add_test(rest, list_full);
    tcase_add_test(rest, list_extended_exists);
    tcase_add_test(rest, list_extended_unreachable);
    tcase_add_test(rest, names);
    tcase_add_test(rest, decode_pm);
    tcase_add_test(rest, decode_msi);
    tcase_add_test(rest, decode_msix);
    tcase_add_test(rest, decode_pcie);
    tcase_add_test(rest, decode_pcie_without_link);
    tcase_add_test(rest, pcie_names);
    tcase_add_test(rest, decode_af);
    tcase_add_test(rest, decode_acs);
    tcase_add_test(rest, decode_sriov_and_others);
    tcase_add_test(rest, ranges_standard);
    tcase_add_test(rest, ranges_extended);
    tcase_add_test(rest, ranges_end);
    tcase_add_test(rest, ranges_pcie);
    suite_add_tcase(suite, rest);
}
