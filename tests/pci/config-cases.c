/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of headers, BARs, the resource table, and of what is said of truncated spaces.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/cases.h"
#include "pci/facts.h"
#include "pci/space.h"

#include <string.h>

#include "base/error.h"

/* ---- Header ---- */

START_TEST(header_types) {
    static const struct {
        guint8 value;
        int type;
        PcaTri multifunction;
    } rows[] = {
        {0x00, PCA_HEADER_ENDPOINT, PCA_TRI_NO}, {0x80, PCA_HEADER_ENDPOINT, PCA_TRI_YES},
        {0x01, PCA_HEADER_BRIDGE, PCA_TRI_NO},   {0x81, PCA_HEADER_BRIDGE, PCA_TRI_YES},
        {0x02, PCA_HEADER_CARDBUS, PCA_TRI_NO},  {0x03, PCA_HEADER_UNKNOWN, PCA_TRI_NO},
        {0x7f, PCA_HEADER_UNKNOWN, PCA_TRI_NO},
    };
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Space space;
        space_init(&space, rows[i].value);
        g_autoptr(PcaConfig) config = space_config(&space, 64);
        ck_assert_int_eq(config->header_type, rows[i].type);
        ck_assert_int_eq(config->multifunction, rows[i].multifunction);
    }
}
END_TEST

START_TEST(header_command_and_interrupt) {
    Space space;
    space_init(&space, 0);
    space_set(&space, 0x04, 2, 0x0406);
    space_set(&space, 0x06, 2, 0x0008);
    space_set(&space, 0x3c, 2, 0x020b);
    g_autoptr(PcaConfig) config = space_config(&space, 64);
    ck_assert(config->command_known);
    ck_assert_uint_eq(config->command, 0x0406);
    ck_assert_uint_eq(config->status, 0x0008);
    ck_assert_int_eq(config->intx_disabled, PCA_TRI_YES);
    ck_assert_int_eq(config->intx_pending, PCA_TRI_YES);
    ck_assert_int_eq(config->interrupt_line, 11);
    ck_assert_int_eq(config->interrupt_pin, 2);
    ck_assert_int_eq(config->intx, PCA_TRI_YES);
}
END_TEST

START_TEST(header_without_pin) {
    Space space;
    space_init(&space, 0);
    g_autoptr(PcaConfig) none = space_config(&space, 64);
    ck_assert_int_eq(none->intx, PCA_TRI_NO);
    ck_assert_int_eq(none->intx_disabled, PCA_TRI_NO);
    ck_assert_int_eq(none->intx_pending, PCA_TRI_NO);
    space_set(&space, 0x3d, 1, 5);
    g_autoptr(PcaConfig) fifth = space_config(&space, 64);
    ck_assert_int_eq(fifth->interrupt_pin, 0);
    ck_assert_int_eq(fifth->intx, PCA_TRI_NO);
}
END_TEST

START_TEST(header_bridge_numbers) {
    Space space;
    space_init(&space, 1);
    space_set(&space, 0x18, 4, 0x00090402);
    g_autoptr(PcaConfig) bridge = space_config(&space, 64);
    ck_assert(bridge->buses_known);
    ck_assert_uint_eq(bridge->primary, 2);
    ck_assert_uint_eq(bridge->secondary, 4);
    ck_assert_uint_eq(bridge->subordinate, 9);
    space.bytes[0x0e] = 2;
    g_autoptr(PcaConfig) cardbus = space_config(&space, 64);
    ck_assert(cardbus->buses_known);
    space.bytes[0x0e] = 0;
    g_autoptr(PcaConfig) endpoint = space_config(&space, 64);
    ck_assert(!endpoint->buses_known);
    ck_assert_uint_eq(endpoint->secondary, 0);
}
END_TEST

START_TEST(header_of_nothing) {
    g_autoptr(PcaConfig) config = pca_config_new(NULL, 0, 0, NULL, 4096);
    ck_assert_int_eq(config->responds, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->header_type, PCA_HEADER_UNKNOWN);
    ck_assert_int_eq(config->multifunction, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->interrupt_pin, -1);
    ck_assert_int_eq(config->interrupt_line, -1);
    ck_assert_int_eq(config->intx, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->pcie.present, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->pcie.flr, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->acs.present, PCA_TRI_UNKNOWN);
    ck_assert(!config->command_known && !config->bars_complete && !config->ranges_complete);
    ck_assert_uint_eq(config->bars->len, 0);
    /* A length without bytes counts as none. */
    g_autoptr(PcaConfig) lie = pca_config_new(NULL, 64, 0, NULL, 4096);
    ck_assert_uint_eq(lie->length, 0);
}
END_TEST

/* A function that is gone or asleep reads as ones: that says nothing about it. */
START_TEST(header_of_a_silent_function) {
    Space space;
    memset(space.bytes, 0xff, sizeof space.bytes);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    ck_assert_int_eq(config->responds, PCA_TRI_NO);
    ck_assert_int_eq(config->multifunction, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->acs.present, PCA_TRI_UNKNOWN);
    ck_assert_ptr_null(pca_facts_broken(config));
}
END_TEST

/* The ids of a VF read as ones, and it is there. */
START_TEST(header_of_a_vf) {
    Space space;
    space_init(&space, 0);
    space_set(&space, 0, 4, 0xffffffff);
    space_add_pcie(&space, PCA_PCIE_ENDPOINT);
    g_autoptr(PcaConfig) config = space_config(&space, 256);
    ck_assert_int_eq(config->responds, PCA_TRI_YES);
    ck_assert_int_eq(config->pcie.present, PCA_TRI_YES);
}
END_TEST

/* ---- BARs ---- */

#define RESOURCES                                                                                  \
    "0x00000000fe000000 0x00000000fe003fff 0x0000000000040200\n"                                   \
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"                                   \
    "0x0000000800000000 0x000000080fffffff 0x000000000014220c\n"                                   \
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"                                   \
    "0x000000000000e000 0x000000000000e01f 0x0000000000040101\n"                                   \
    "0x00000000fe004800 0x00000000fe0048ff 0x0000000000040200\n"                                   \
    "0x0000000000000000 0x000000000001ffff 0x0000000020046200\n"

static void set_bars(Space *space) {
    space_init(space, 0);
    space_set(space, 0x10, 4, 0xfe000000);
    space_set(space, 0x18, 4, 0x0000000c);
    space_set(space, 0x1c, 4, 0x00000008);
    space_set(space, 0x20, 4, 0x0000e001);
    space_set(space, 0x24, 4, 0xfe004800);
    space_set(space, 0x30, 4, 0xfe010001);
}

static void assert_bar(const PcaConfig *config, guint position, PcaBar expected) {
    ck_assert_uint_lt(position, config->bars->len);
    const PcaBar *bar = &g_array_index(config->bars, PcaBar, position);
    ck_assert_uint_eq(bar->index, expected.index);
    ck_assert_int_eq(bar->type, expected.type);
    ck_assert_int_eq(bar->prefetchable, expected.prefetchable);
    ck_assert_uint_eq(bar->address, expected.address);
    ck_assert_int_eq(bar->size_known, expected.size_known);
    ck_assert_uint_eq(bar->size, expected.size);
    ck_assert_int_eq(bar->page_aligned, expected.page_aligned);
}

START_TEST(bars_with_sizes) {
    Space space;
    set_bars(&space);
    g_autoptr(GArray) resources = pca_resources_parse(RESOURCES, NULL);
    ck_assert_ptr_nonnull(resources);
    g_autoptr(PcaConfig) config = pca_config_new(space.bytes, 64, 0, resources, 4096);
    ck_assert(config->bars_complete);
    ck_assert_uint_eq(config->bars->len, 5);
    assert_bar(config, 0, (PcaBar){0, PCA_BAR_MEM32, FALSE, 0xfe000000, 0x4000, TRUE, PCA_TRI_YES});
    assert_bar(config, 1,
               (PcaBar){2, PCA_BAR_MEM64, TRUE, 0x800000000, 0x10000000, TRUE, PCA_TRI_YES});
    assert_bar(config, 2, (PcaBar){4, PCA_BAR_IO, FALSE, 0xe000, 0x20, TRUE, PCA_TRI_NO});
    assert_bar(config, 3, (PcaBar){5, PCA_BAR_MEM32, FALSE, 0xfe004800, 0x100, TRUE, PCA_TRI_NO});
    assert_bar(config, 4, (PcaBar){6, PCA_BAR_ROM, FALSE, 0xfe010000, 0x20000, TRUE, PCA_TRI_YES});
}
END_TEST

START_TEST(bars_without_sizes) {
    Space space;
    set_bars(&space);
    g_autoptr(PcaConfig) config = space_config(&space, 64);
    ck_assert_uint_eq(config->bars->len, 5);
    assert_bar(config, 0, (PcaBar){0, PCA_BAR_MEM32, FALSE, 0xfe000000, 0, FALSE, PCA_TRI_UNKNOWN});
    assert_bar(config, 1, (PcaBar){2, PCA_BAR_MEM64, TRUE, 0x800000000, 0, FALSE, PCA_TRI_UNKNOWN});
    assert_bar(config, 2, (PcaBar){4, PCA_BAR_IO, FALSE, 0xe000, 0, FALSE, PCA_TRI_NO});
}
END_TEST

/* The registers of a VF are zero; the kernel knows its regions. */
START_TEST(bars_of_a_vf) {
    Space space;
    space_init(&space, 0);
    g_autoptr(GArray) resources = pca_resources_parse(RESOURCES, NULL);
    g_autoptr(PcaConfig) config = pca_config_new(space.bytes, 64, 0, resources, 65536);
    ck_assert_uint_eq(config->bars->len, 5);
    assert_bar(config, 0, (PcaBar){0, PCA_BAR_MEM32, FALSE, 0xfe000000, 0x4000, TRUE, PCA_TRI_NO});
    assert_bar(config, 1,
               (PcaBar){2, PCA_BAR_MEM64, TRUE, 0x800000000, 0x10000000, TRUE, PCA_TRI_YES});
    assert_bar(config, 2, (PcaBar){4, PCA_BAR_IO, FALSE, 0xe000, 0x20, TRUE, PCA_TRI_NO});
    assert_bar(config, 4, (PcaBar){6, PCA_BAR_ROM, TRUE, 0, 0x20000, TRUE, PCA_TRI_YES});
    g_autoptr(PcaConfig) nothing = space_config(&space, 64);
    ck_assert_uint_eq(nothing->bars->len, 0);
    ck_assert(nothing->bars_complete);
}
END_TEST

START_TEST(bars_of_bridges) {
    Space space;
    space_init(&space, 1);
    for (guint offset = 0x10; offset < 0x28; offset += 4)
        space_set(&space, offset, 4, 0xf0000000);
    space_set(&space, 0x30, 4, 0xf0100000);
    space_set(&space, 0x38, 4, 0xf0200001);
    g_autoptr(PcaConfig) bridge = space_config(&space, 64);
    ck_assert_uint_eq(bridge->bars->len, 3);
    assert_bar(bridge, 2, (PcaBar){6, PCA_BAR_ROM, FALSE, 0xf0200000, 0, FALSE, PCA_TRI_UNKNOWN});
    space.bytes[0x0e] = 2;
    g_autoptr(PcaConfig) cardbus = space_config(&space, 64);
    ck_assert_uint_eq(cardbus->bars->len, 1);
    space.bytes[0x0e] = 3;
    g_autoptr(PcaConfig) unknown = space_config(&space, 64);
    ck_assert_uint_eq(unknown->bars->len, 0);
    ck_assert(!unknown->bars_complete);
}
END_TEST

/* The last register has no second half. */
START_TEST(bars_half_of_64) {
    Space space;
    space_init(&space, 0);
    space_set(&space, 0x24, 4, 0xfe000004);
    space_set(&space, 0x28, 4, 0xffffffff);
    g_autoptr(PcaConfig) config = space_config(&space, 64);
    ck_assert_uint_eq(config->bars->len, 1);
    assert_bar(config, 0, (PcaBar){5, PCA_BAR_MEM32, FALSE, 0xfe000000, 0, FALSE, PCA_TRI_UNKNOWN});
}
END_TEST

/* ---- The resource table ---- */

static const char *const bad_tables[] = {
    "\n\n",
    "0x0 0x0\n",
    "0x0 0x0 0x0 0x0\n",
    "0x0  0x0 0x0\n",
    " 0x0 0x0 0x0\n",
    "0x0 0x0 0x0 \n",
    "0x0 0x0 0x\n",
    "0 0 0\n",
    "0x0 0x0 0xg\n",
    "0x00000000000000000 0x0 0x0\n",
    "0x0 -0x1 0x0\n",
    "0x0 0x0 0x0\nnonsense",
    "0x0 0x0 0x0\n\n0x0 0x0 0x0\n",
};

START_TEST(resources_bad) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) resources = pca_resources_parse(bad_tables[_i], &error);
    ck_assert_msg(resources == NULL, "taken: '%s'", bad_tables[_i]);
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT));
    ck_assert_ptr_nonnull(strstr(error->message, "line "));
}
END_TEST

START_TEST(resources_good) {
    g_autoptr(GArray) empty = pca_resources_parse("", NULL);
    ck_assert_uint_eq(empty->len, 0);
    g_autoptr(GArray) table = pca_resources_parse("0x1 0xffffffffffffffff 0x200\n"
                                                  "0x10 0x0f 0x200\n0x0 0xf 0x0",
                                                  NULL);
    ck_assert_uint_eq(table->len, 3);
    ck_assert_uint_eq(pca_resource_size(&g_array_index(table, PcaResource, 0)), G_MAXUINT64);
    ck_assert_uint_eq(pca_resource_size(&g_array_index(table, PcaResource, 1)), 0);
    ck_assert_uint_eq(pca_resource_size(&g_array_index(table, PcaResource, 2)), 0);
}
END_TEST

START_TEST(resources_too_many) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < 64; i++)
        g_string_append(text, "0x0 0x0 0x0\n");
    g_autoptr(GArray) most = pca_resources_parse(text->str, NULL);
    ck_assert_uint_eq(most->len, 64);
    g_string_append(text, "0x0 0x0 0x0\n");
    g_autoptr(GArray) more = pca_resources_parse(text->str, NULL);
    ck_assert_ptr_null(more);
}
END_TEST

/* ---- Truncation ---- */

static void fill(Space *space) {
    set_bars(space);
    space_set(space, 0x04, 2, 0x0406);
    space_set(space, 0x3c, 2, 0x010a);
    space_add_pcie(space, PCA_PCIE_ENDPOINT);
    space_set(space, 0x44, 4, 0x10008000);
    space_set(space, 0x4c, 4, 0x00000103);
    space_set(space, 0x52, 2, 0x0082);
    space_add(space, PCA_CAP_PM, 0x80);
    space_add(space, PCA_CAP_MSI, 0x90);
    space_add(space, PCA_CAP_MSIX, 0xb0);
    space_add(space, PCA_CAP_AF, 0xf8);
    space_set(space, 0xfb, 1, 3);
    space_add_extended(space, 0x01, 0x100);
    space_add_acs(space, 0x148, 0x5f, 0x1d);
    space_add_extended(space, PCA_EXT_CAP_SRIOV, 0x160);
    space_set(space, 0x16e, 2, 7);
    space_add_extended(space, PCA_EXT_CAP_DSN, 0x1c0);
    space_add_extended(space, PCA_EXT_CAP_ARI, 0xff8);
}

/* Less is known of fewer bytes, and never something else. ASan sees reads beyond. */
START_TEST(truncated_everywhere) {
    Space space;
    fill(&space);
    g_autoptr(PcaConfig) full = space_config(&space, 4096);
    for (gsize length = 0; length <= 4096; length++) {
        g_autoptr(PcaConfig) part = space_config(&space, length);
        const char *wrong = pca_facts_contradiction(part, full);
        ck_assert_msg(wrong == NULL, "%s contradicts at %zu bytes", wrong, length);
        wrong = pca_facts_broken(part);
        ck_assert_msg(wrong == NULL, "%s is broken at %zu bytes", wrong, length);
    }
}
END_TEST

START_TEST(truncated_at_64) {
    Space space;
    fill(&space);
    g_autoptr(PcaConfig) config = space_config(&space, 64);
    ck_assert_int_eq(config->pcie.present, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->msi.present, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->acs.present, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(config->extended_space, PCA_TRI_UNKNOWN);
    ck_assert(!config->standard.complete && !config->extended.complete);
    ck_assert(config->bars_complete);
    /* Without a list there is nothing in the bytes that are missing. */
    space.bytes[0x06] = 0;
    g_autoptr(PcaConfig) plain = space_config(&space, 64);
    ck_assert_int_eq(plain->pcie.present, PCA_TRI_NO);
    ck_assert_int_eq(plain->pcie.flr, PCA_TRI_NO);
    ck_assert_int_eq(plain->msi.present, PCA_TRI_NO);
    ck_assert_int_eq(plain->acs.present, PCA_TRI_NO);
    ck_assert_int_eq(plain->extended_space, PCA_TRI_NO);
    ck_assert(!plain->ranges_complete);
}
END_TEST

START_TEST(truncated_at_256) {
    Space space;
    fill(&space);
    g_autoptr(PcaConfig) read = pca_config_new(space.bytes, 256, 4096, NULL, 4096);
    ck_assert_int_eq(read->pcie.present, PCA_TRI_YES);
    ck_assert_int_eq(read->acs.present, PCA_TRI_UNKNOWN);
    ck_assert_int_eq(read->ats, PCA_TRI_UNKNOWN);
    ck_assert(!read->ranges_complete);
    ck_assert_uint_gt(read->ranges->len, 0);
    /* The kernel cannot reach more: then nobody uses what may be there. */
    g_autoptr(PcaConfig) whole = pca_config_new(space.bytes, 256, 256, NULL, 4096);
    ck_assert_int_eq(whole->acs.present, PCA_TRI_NO);
    ck_assert_int_eq(whole->ats, PCA_TRI_NO);
    ck_assert(whole->ranges_complete);
}
END_TEST

START_TEST(references) {
    Space space;
    space_init(&space, 0);
    PcaConfig *config = space_config(&space, 64);
    PcaConfig *again = pca_config_ref(config);
    pca_config_unref(config);
    ck_assert_int_eq(again->header_type, PCA_HEADER_ENDPOINT);
    pca_config_unref(again);
}
END_TEST

void add_config_cases(Suite *suite) {
    TCase *rest = tcase_create("config");
    tcase_set_timeout(rest, 60);
    tcase_add_test(rest, header_types);
    tcase_add_test(rest, header_command_and_interrupt);
    tcase_add_test(rest, header_without_pin);
    tcase_add_test(rest, header_bridge_numbers);
    tcase_add_test(rest, header_of_nothing);
    tcase_add_test(rest, header_of_a_silent_function);
    tcase_add_test(rest, header_of_a_vf);
    tcase_add_test(rest, bars_with_sizes);
    tcase_add_test(rest, bars_without_sizes);
    tcase_add_test(rest, bars_of_a_vf);
    tcase_add_test(rest, bars_of_bridges);
    tcase_add_test(rest, bars_half_of_64);
    tcase_add_test(rest, resources_good);
    tcase_add_test(rest, resources_too_many);
    tcase_add_test(rest, truncated_everywhere);
    tcase_add_test(rest, truncated_at_64);
    tcase_add_test(rest, truncated_at_256);
    tcase_add_test(rest, references);
    suite_add_tcase(suite, rest);
    PCA_TABLE(suite, "bad resource tables", resources_bad, bad_tables);
}
