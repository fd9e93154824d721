/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of the tables of quirks, by themselves and in topologies.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/board.h"
#include "pci/cases.h"
#include "pci/quirks.h"

#include <string.h>

/* ---- The tables ---- */

static const struct {
    guint16 vendor, device;
    int type; /* -1: not PCIe; -2: not known */
    gboolean multifunction, on_root_bus;
    PcaTri isolated; /* UNKNOWN: no quirk decides */
} acs[] = {
    {0x1002, 0x4385, -1, TRUE, TRUE, PCA_TRI_YES},
    {0x1002, 0x4385, -1, FALSE, TRUE, PCA_TRI_UNKNOWN},
    {0x1002, 0x4385, -1, TRUE, FALSE, PCA_TRI_UNKNOWN},
    {0x1002, 0x4386, -1, TRUE, TRUE, PCA_TRI_UNKNOWN},
    {0x1022, 0x7809, -1, TRUE, TRUE, PCA_TRI_YES},
    {0x1022, 0x780a, -1, TRUE, TRUE, PCA_TRI_UNKNOWN},
    {0x1022, 0x780f, -1, TRUE, TRUE, PCA_TRI_YES},
    {0x1924, 0x0903, 0, TRUE, FALSE, PCA_TRI_YES},
    {0x1924, 0x0913, 0, TRUE, FALSE, PCA_TRI_UNKNOWN},
    {0x1924, 0x0923, 0, TRUE, FALSE, PCA_TRI_YES},
    {0x8086, 0x10fb, 0, TRUE, FALSE, PCA_TRI_YES},
    {0x8086, 0x10fb, -2, TRUE, FALSE, PCA_TRI_YES}, /* the type does not matter */
    {0x8086, 0x10fd, 0, TRUE, FALSE, PCA_TRI_UNKNOWN},
    {0x8086, 0x10d3, 0, TRUE, FALSE, PCA_TRI_UNKNOWN},
    {0x8086, 0x1522, 0, TRUE, FALSE, PCA_TRI_YES},
    {0x8086, 0x0001, PCA_PCIE_RC_ENDPOINT, TRUE, TRUE, PCA_TRI_YES},
    {0x8086, 0x0001, PCA_PCIE_ENDPOINT, TRUE, TRUE, PCA_TRI_UNKNOWN},
    {0x8086, 0x0001, -2, TRUE, TRUE, PCA_TRI_UNKNOWN},
    {0x1022, 0x0001, PCA_PCIE_RC_ENDPOINT, TRUE, TRUE, PCA_TRI_UNKNOWN},
    {0x8086, 0x1c10, PCA_PCIE_ROOT_PORT, TRUE, TRUE, PCA_TRI_YES},
    {0x8086, 0x1c10, PCA_PCIE_DOWNSTREAM, TRUE, TRUE, PCA_TRI_UNKNOWN},
    {0x8086, 0x1c20, PCA_PCIE_ROOT_PORT, TRUE, TRUE, PCA_TRI_UNKNOWN},
    {0x8086, 0x1d12, PCA_PCIE_ROOT_PORT, TRUE, TRUE, PCA_TRI_YES},
    {0x8086, 0x1d13, PCA_PCIE_ROOT_PORT, TRUE, TRUE, PCA_TRI_UNKNOWN},
    {0x177d, 0xa026, PCA_PCIE_ROOT_PORT, FALSE, TRUE, PCA_TRI_YES},
    {0x177d, 0xa026, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_YES},
    {0x177d, 0xa027, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_UNKNOWN},
    {0x177d, 0xa060, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_YES},
    {0x0014, 0x7a39, PCA_PCIE_ROOT_PORT, FALSE, TRUE, PCA_TRI_YES},
    {0x0014, 0x7a3a, PCA_PCIE_ROOT_PORT, FALSE, TRUE, PCA_TRI_UNKNOWN},
    {0x1957, 0x8d8b, PCA_PCIE_ROOT_PORT, FALSE, TRUE, PCA_TRI_YES},
    {0x1957, 0x8d84, PCA_PCIE_ROOT_PORT, FALSE, TRUE, PCA_TRI_UNKNOWN},
    {0x1d17, 0x0721, PCA_PCIE_ROOT_PORT, FALSE, TRUE, PCA_TRI_YES},
    {0x1d17, 0x0722, PCA_PCIE_ROOT_PORT, FALSE, TRUE, PCA_TRI_NO},
    {0x1d17, 0x0722, PCA_PCIE_UPSTREAM, FALSE, TRUE, PCA_TRI_UNKNOWN},
    {0x1d17, 0x9083, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_YES},
    {0x8088, 0x0105, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_YES},
    {0x8088, 0x2001, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_YES},
    {0x8088, 0x5140, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_YES},
    {0x8088, 0x0110, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_NO},
    {0x1af4, 0x1041, PCA_PCIE_ENDPOINT, TRUE, FALSE, PCA_TRI_UNKNOWN},
};

static PcaQuirkSubject subject_of(guint16 vendor, guint16 device, int type) {
    return (PcaQuirkSubject){.vendor = vendor,
                             .device = device,
                             .pcie = type == -2   ? PCA_TRI_UNKNOWN
                                     : type == -1 ? PCA_TRI_NO
                                                  : PCA_TRI_YES,
                             .type = type >= 0 ? type : 0};
}

START_TEST(acs_table) {
    PcaQuirkSubject subject = subject_of(acs[_i].vendor, acs[_i].device, acs[_i].type);
    subject.multifunction = acs[_i].multifunction;
    subject.on_root_bus = acs[_i].on_root_bus;
    PcaAcsQuirk quirk = pca_quirk_acs(&subject);
    ck_assert_int_eq(quirk.isolated, acs[_i].isolated);
    ck_assert_int_eq(quirk.what != NULL, acs[_i].isolated != PCA_TRI_UNKNOWN);
    ck_assert_int_eq(quirk.source != NULL, acs[_i].isolated != PCA_TRI_UNKNOWN);
    ck_assert_uint_eq(quirk.missing, acs[_i].isolated == PCA_TRI_NO ? 0x1d : 0);
}
END_TEST

/* Intel's ports with registers in another place. */
START_TEST(dword_registers) {
    PcaAcs registers = {.present = PCA_TRI_YES, .known = TRUE, .dword_control_known = TRUE};
    PcaQuirkSubject subject = subject_of(0x8086, 0xa110, PCA_PCIE_ROOT_PORT);
    subject.acs = &registers;
    registers.capabilities = 0x0f;
    registers.control = 0;
    registers.dword_control = 0x0d;
    PcaAcsQuirk on = pca_quirk_acs(&subject);
    ck_assert_int_eq(on.isolated, PCA_TRI_YES);
    registers.control = 0x1d;
    registers.dword_control = 0x05;
    PcaAcsQuirk off = pca_quirk_acs(&subject);
    ck_assert_int_eq(off.isolated, PCA_TRI_NO);
    ck_assert_uint_eq(off.missing, PCA_ACS_CR);
    registers.dword_control_known = FALSE;
    PcaAcsQuirk cut = pca_quirk_acs(&subject);
    ck_assert_ptr_nonnull(cut.what);
    ck_assert_int_eq(cut.isolated, PCA_TRI_UNKNOWN);
    subject.acs = NULL;
    PcaAcsQuirk unread = pca_quirk_acs(&subject);
    ck_assert_ptr_nonnull(unread.what);
    ck_assert_int_eq(unread.isolated, PCA_TRI_UNKNOWN);
    /* Without the capability the ordinary rule speaks. */
    PcaAcs none = {.present = PCA_TRI_NO};
    subject.acs = &none;
    ck_assert_ptr_null(pca_quirk_acs(&subject).what);
}
END_TEST

#define DEVFN(device, function) ((device) << 3 | (function))

static const struct {
    guint16 vendor, device, subsystem;
    guint8 own, other;
    gboolean alias;
} aliases[] = {
    {0x1180, 0xe832, 0, DEVFN(3, 2), DEVFN(3, 0), TRUE},
    {0x1180, 0xe832, 0, DEVFN(3, 2), DEVFN(4, 0), FALSE},
    {0x1180, 0xe832, 0, DEVFN(3, 0), DEVFN(3, 0), FALSE}, /* its own is no alias */
    {0x1b4b, 0x9123, 0, DEVFN(0, 0), DEVFN(0, 1), TRUE},
    {0x1b4b, 0x9123, 0, DEVFN(0, 0), DEVFN(0, 2), FALSE},
    {0x1b4b, 0x9124, 0, DEVFN(0, 0), DEVFN(0, 1), FALSE},
    {0x9005, 0x0285, 0x02bb, DEVFN(0xe, 0), DEVFN(1, 0), TRUE},
    {0x9005, 0x0285, 0x02ba, DEVFN(0xe, 0), DEVFN(1, 0), FALSE},
    {0x8086, 0x2260, 0, DEVFN(0, 0), DEVFN(0x10, 0), TRUE},
    {0x8086, 0x2260, 0, DEVFN(0, 0), DEVFN(0x11, 0), TRUE},
    {0x8086, 0x2264, 0, DEVFN(0, 0), DEVFN(0x12, 3), TRUE},
    {0x8086, 0x2264, 0, DEVFN(0, 0), DEVFN(0x12, 0), FALSE},
    {0x8086, 0x2954, 0, DEVFN(0, 0), DEVFN(31, 4), TRUE},
    {0x8086, 0x2954, 0, DEVFN(0, 0), DEVFN(31, 5), FALSE},
    {0x8086, 0x2957, 0, DEVFN(0, 0), DEVFN(31, 4), FALSE},
};

START_TEST(alias_table) {
    PcaQuirkSubject subject = subject_of(aliases[_i].vendor, aliases[_i].device, 0);
    subject.devfn = aliases[_i].own;
    if (aliases[_i].subsystem != 0) {
        subject.subsystem_vendor = aliases[_i].vendor;
        subject.subsystem_device = aliases[_i].subsystem;
    }
    ck_assert_int_eq(pca_quirk_dma_alias(&subject, aliases[_i].other) != NULL, aliases[_i].alias);
    ck_assert(!aliases[_i].alias || pca_quirk_has_dma_alias(&subject));
}
END_TEST

START_TEST(other_tables) {
    PcaQuirkSubject innocent = subject_of(0x1af4, 0x1041, 0);
    ck_assert(!pca_quirk_has_dma_alias(&innocent));
    ck_assert(pca_quirk_translation_root(0x14e4, 0x9000));
    ck_assert(pca_quirk_translation_root(0x14e4, 0x9084));
    ck_assert(!pca_quirk_translation_root(0x14e4, 0x9001));
    ck_assert(!pca_quirk_translation_root(0x177d, 0x9084));
}
END_TEST

/* ---- In topologies ---- */

static const struct {
    const char *name, *board, *sets;
} boards[] = {
    {"a network adapter whose functions are isolated",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf id=8086:1521\n"
     "0000:01:00.1 00:01.0 ep mf id=8086:1521\n"
     "0000:01:00.2 00:01.0 ep mf id=8086:10d3\n"
     "0000:01:00.3 00:01.0 ep mf id=8086:10d3\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:01:00.1 | 0000:01:00.2 0000:01:00.3"},
    {"Intel's endpoints in the root complex",
     "0000:00:14.0 - rciep mf id=8086:a0ed\n"
     "0000:00:14.2 - rciep mf id=8086:a0ef\n"
     "0000:00:1f.0 - pci mf id=8086:a082\n"
     "0000:00:1f.3 - pci mf id=8086:a0c8\n",
     "0000:00:14.0 | 0000:00:14.2 | 0000:00:1f.0 0000:00:1f.3"},
    {"chipset ports, older and newer",
     "0000:00:1c.0 - root mf id=8086:1e10\n"
     "0000:00:1c.4 - root mf id=8086:1e18\n"
     "0000:00:1d.0 - root mf id=8086:a110 acs=d/0\n"
     "0000:01:00.0 00:1c.0 ep\n"
     "0000:02:00.0 00:1c.4 ep\n"
     "0000:03:00.0 00:1d.0 ep\n",
     "0000:00:1c.0 | 0000:00:1c.4 | 0000:00:1d.0 0000:03:00.0 | 0000:01:00.0 | 0000:02:00.0"},
    {"an AMD southbridge",
     "0000:00:14.0 - pci mf id=1002:4385\n"
     "0000:00:14.3 - pci mf id=1002:439d\n"
     "0000:00:14.4 - pcibridge mf id=1002:4384\n"
     "0000:00:14.5 - pci mf id=1002:1234\n"
     "0000:01:05.0 00:14.4 pci\n",
     "0000:00:14.0 | 0000:00:14.3 | 0000:00:14.4 0000:01:05.0 | 0000:00:14.5"},
    {"a port that the kernel calls open whatever it says",
     "0000:00:01.0 - root acs id=1d17:0722\n"
     "0000:01:00.0 00:01.0 ep\n",
     "0000:00:01.0 0000:01:00.0"},
    {"a disk controller that sends DMA as its neighbour",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf acs id=1b4b:9123\n"
     "0000:01:00.1 00:01.0 ep mf acs id=1b4b:91a3\n"
     "0000:01:00.2 00:01.0 ep mf acs\n",
     "0000:00:01.0 | 0000:01:00.0 0000:01:00.1 | 0000:01:00.2"},
    {"aliases across slots, in a chain, and a slot at the end of it",
     "0000:00:00.0 - rciep mf\n"
     "0000:00:00.1 - rciep mf\n"
     "0000:00:02.1 - rciep mf acs\n"
     "0000:00:03.0 - rciep id=8086:2954\n"
     "0000:00:04.0 - rciep acs\n",
     "0000:00:00.0 0000:00:00.1 0000:00:02.1 0000:00:03.0 0000:00:04.0"},
    {"functions joined by an alias of a third, and a slot that is not",
     "0000:00:10.0 - rciep\n"
     "0000:00:10.1 - rciep\n"
     "0000:00:10.2 - rciep\n"
     "0000:00:11.0 - rciep\n"
     "0000:00:1f.0 - ep id=8086:2260\n",
     "0000:00:10.0 0000:00:11.0 0000:00:1f.0 | 0000:00:10.1 0000:00:10.2"},
    {"a slot that is reached by an alias within it",
     "0000:00:12.0 - rciep mf\n"
     "0000:00:12.1 - rciep mf acs id=8086:2260\n"
     "0000:00:12.3 - rciep mf\n",
     "0000:00:12.0 0000:00:12.1 0000:00:12.3"},
    {"a VF comes when all else is there",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf acs\n"
     "0000:01:00.2 00:01.0 ep vf=01:00.0 id=8088:ffff\n"
     "0000:01:00.3 00:01.0 ep mf\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:01:00.2 | 0000:01:00.3"},
    {"a controller that sends DMA as a hidden function, which here is none",
     "0000:00:01.0 - pci\n"
     "0000:00:0d.0 - pci id=9005:0285 sub=9005:0300\n"
     "0000:00:0e.0 - pci id=9005:0285 sub=9005:02bc\n",
     "0000:00:01.0 0000:00:0e.0 | 0000:00:0d.0"},
    {"aliases end at their bus",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep id=8086:2954\n"
     "0000:00:02.0 - root acs\n"
     "0000:02:00.0 00:02.0 ep\n",
     "0000:00:01.0 | 0000:00:02.0 | 0000:01:00.0 | 0000:02:00.0"},
    {"a translation that begins below the root",
     "0000:00:00.0 - topci id=14e4:9000\n"
     "0000:01:00.0 00:00.0 root acs id=14e4:9084\n"
     "0000:02:00.0 01:00.0 ep\n",
     "0000:00:00.0 0000:01:00.0 0000:02:00.0"},
};

START_TEST(board_sets_with_quirks) {
    g_autoptr(GRand) random = g_rand_new_with_seed(815 + _i);
    for (int i = 0; i < 10; i++) {
        g_autoptr(PcaTopology) topology = board_new(boards[_i].board, i ? random : NULL);
        g_autofree char *found = board_sets(topology, boards[_i].board);
        ck_assert_msg(g_str_equal(found, boards[_i].sets), "%s:\n  %s\n  instead of\n  %s",
                      boards[_i].name, found, boards[_i].sets);
    }
}
END_TEST

static const struct {
    const char *board, *address, *reasons;
} reasons[] = {
    {"0000:00:01.0 - root acs id=1d17:0722\n"
     "0000:01:00.0 00:01.0 ep\n",
     "0000:01:00.0",
     "0000:00:01.0 quirk 0000:00:01.0 [SV RR CR UF] 0000:00:01.0 shares with 0000:01:00.0 because "
     "this port cannot keep apart what is below it: it lacks SV RR CR UF (the kernel calls no such "
     "Zhaoxin port isolated)\n"
     "0000:01:00.0 self 0000:01:00.0 [] 0000:01:00.0 is the function itself\n"},
    {"0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf acs id=1b4b:9123\n"
     "0000:01:00.1 00:01.0 ep mf acs\n",
     "0000:01:00.1",
     "0000:01:00.0 dma-alias 0000:01:00.0 [] 0000:01:00.0 shares with 0000:01:00.1 because "
     "0000:01:00.0 uses other requester IDs of its bus: it sends DMA as function 1\n"
     "0000:01:00.1 self 0000:01:00.1 [] 0000:01:00.1 is the function itself\n"},
    /* No alias above where the translation begins. */
    {"0000:00:00.0 - topci id=14e4:9000\n"
     "0000:01:00.0 00:00.0 root acs id=14e4:9084\n"
     "0000:02:00.0 01:00.0 ep\n",
     "0000:01:00.0",
     "0000:00:00.0 upstream-no-acs 0000:00:00.0 [SV RR CR UF] 0000:00:00.0 shares with "
     "0000:01:00.0 because this bridge cannot keep apart what is below it: it lacks SV RR CR UF (a "
     "bridge between PCIe and PCI)\n"
     "0000:01:00.0 self 0000:01:00.0 [] 0000:01:00.0 is the function itself\n"
     "0000:02:00.0 upstream-no-acs 0000:00:00.0 [SV RR CR UF] 0000:02:00.0 shares with "
     "0000:01:00.0 because the bridge 0000:00:00.0 above both cannot keep their traffic apart: it "
     "lacks SV RR CR UF (a bridge between PCIe and PCI)\n"},
    {"0000:00:01.0 - root mf id=8086:a110 acs=d/d read=258\n"
     "0000:01:00.0 00:01.0 ep\n",
     "0000:01:00.0",
     "0000:00:01.0 unknown 0000:00:01.0 [] 0000:00:01.0 shares with 0000:01:00.0 because this port "
     "is not known to keep apart what is below it: its config space could not be read beyond 258 "
     "bytes\n"
     "0000:01:00.0 self 0000:01:00.0 [] 0000:01:00.0 is the function itself\n"},
};

START_TEST(why_with_quirks) {
    g_autoptr(PcaTopology) topology = board_new(reasons[_i].board, NULL);
    g_autofree char *found = board_reasons(topology, reasons[_i].address);
    ck_assert_str_eq(found, reasons[_i].reasons);
}
END_TEST

void add_quirk_cases(Suite *suite) {
    PCA_TABLE(suite, "ACS quirks", acs_table, acs);
    PCA_TABLE(suite, "alias quirks", alias_table, aliases);
    PCA_TABLE(suite, "sets with quirks", board_sets_with_quirks, boards);
    PCA_TABLE(suite, "reasons with quirks", why_with_quirks, reasons);
    TCase *rest = tcase_create("quirks");
    tcase_add_test(rest, dword_registers);
    tcase_add_test(rest, other_tables);
    suite_add_tcase(suite, rest);
}
