/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of the warnings beside an isolation set.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/board.h"
#include "pci/cases.h"
#include "pci/warnings.h"

#include <string.h>

static PcaIsolation *explain(const char *board, const char *word) {
    PcaAddress address;
    ck_assert(pca_address_parse(word, &address));
    g_autoptr(PcaTopology) topology = board_new(board, NULL);
    return pca_topology_explain(topology, &address);
}

/* The one warning that contains the text, and no other; `text` NULL: none at all. */
static void expect(const PcaIsolation *isolation, const PcaIsolationHost *host, const char *text) {
    g_auto(GStrv) warnings = pca_isolation_warnings(isolation, host);
    if (!text) {
        ck_assert_msg(!warnings[0], "%s", warnings[0]);
        return;
    }
    ck_assert_uint_eq(g_strv_length(warnings), 1);
    ck_assert_msg(strstr(warnings[0], text) != NULL, "%s", warnings[0]);
}

START_TEST(nothing_to_warn_of) {
    PcaIsolationHost host = {0};
    g_autoptr(PcaIsolation) isolation = explain("0000:00:01.0 - ep group=3\n", "00:01.0");
    expect(isolation, &host, NULL);
    host.interrupts_remapped = PCA_TRI_YES;
    host.command_line = "quiet iommu=pt pci=noaer,nomsi intel_iommu=on acs=config_acs";
    expect(isolation, &host, NULL);
}
END_TEST

static const struct {
    const char *board, *function, *text; /* text NULL: no warning */
} groups[] = {
    {"0000:00:01.0 - root acs=1d/10 group=1\n0000:01:00.0 00:01.0 ep group=2\n", "01:00.0",
     "0000:00:01.0 in another group"},
    {"0000:00:01.0 - root acs group=1\n0000:01:00.0 00:01.0 ep group=1\n", "01:00.0",
     "group has 0000:00:01.0 as well"},
    /* What was not read contradicts nothing. */
    {"0000:00:01.0 - root acs read=64 group=1\n0000:01:00.0 00:01.0 ep group=2\n", "01:00.0", NULL},
};

START_TEST(group_of_the_kernel) {
    g_autoptr(PcaIsolation) isolation = explain(groups[_i].board, groups[_i].function);
    expect(isolation, &(PcaIsolationHost){0}, groups[_i].text);
}
END_TEST

static const struct {
    const char *line, *text;
} lines[] = {
    {"quiet pcie_acs_override=downstream,multifunction",
     "has pcie_acs_override=downstream,multifunction"},
    {"pci=noaer,disable_acs_redir=0000:00:1c.0;0000:00:1d.0 quiet\n",
     "has disable_acs_redir=0000:00:1c.0;0000:00:1d.0"},
    {"pci=config_acs=10x@pci:0:0", "has config_acs=10x@pci:0:0"},
};

START_TEST(command_lines) {
    PcaIsolationHost host = {.command_line = lines[_i].line};
    g_autoptr(PcaIsolation) isolation = explain("0000:00:01.0 - ep group=3\n", "00:01.0");
    expect(isolation, &host, lines[_i].text);
}
END_TEST

START_TEST(switches_of_the_host) {
    g_autoptr(PcaIsolation) isolation = explain("0000:00:01.0 - ep group=3\n", "00:01.0");
    expect(isolation, &(PcaIsolationHost){.interrupts_remapped = PCA_TRI_NO}, "not remapped");
    expect(isolation, &(PcaIsolationHost){.unsafe_interrupts = TRUE}, "allow_unsafe_interrupts");
    expect(isolation, &(PcaIsolationHost){.noiommu = TRUE}, "enable_unsafe_noiommu_mode");
}
END_TEST

START_TEST(reserved_regions) {
    static const PcaReservedRegion rows[] = {{0xfee00000, 0xfeefffff, "msi"},
                                             {0xa0000, 0xbffff, "direct-relaxable"},
                                             {0xad000000, 0xad0fffff, "direct"}};
    g_autoptr(PcaIsolation) isolation = explain("0000:00:01.0 - ep group=3\n", "00:01.0");
    g_autoptr(GArray) regions = g_array_new(FALSE, FALSE, sizeof rows[0]);
    g_array_append_vals(regions, rows, 2);
    expect(isolation, &(PcaIsolationHost){.regions = regions}, NULL);
    g_array_append_val(regions, rows[2]);
    expect(isolation, &(PcaIsolationHost){.regions = regions}, "(RMRR, 0xad000000 to 0xad0fffff)");
}
END_TEST

void add_warning_cases(Suite *suite) {
    TCase *warnings = tcase_create("warnings");
    tcase_add_test(warnings, nothing_to_warn_of);
    tcase_add_test(warnings, switches_of_the_host);
    tcase_add_test(warnings, reserved_regions);
    suite_add_tcase(suite, warnings);
    PCA_TABLE(suite, "groups of the kernel", group_of_the_kernel, groups);
    PCA_TABLE(suite, "command lines", command_lines, lines);
}
