/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of isolation sets and their reasons.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/board.h"
#include "pci/cases.h"
#include "pci/space.h"

#include <string.h>

typedef struct {
    const char *name, *board, *sets;
} Row;

static const Row rows[] = {
    {"root ports with ACS",
     "0000:00:1c.0 - root mf acs\n"
     "0000:00:1c.1 - root mf acs\n"
     "0000:01:00.0 00:1c.0 ep\n"
     "0000:02:00.0 00:1c.1 ep\n",
     "0000:00:1c.0 | 0000:00:1c.1 | 0000:01:00.0 | 0000:02:00.0"},
    {"root ports without",
     "0000:00:1c.0 - root mf\n"
     "0000:00:1c.1 - root mf\n"
     "0000:01:00.0 00:1c.0 ep\n"
     "0000:02:00.0 00:1c.1 ep\n",
     "0000:00:1c.0 0000:00:1c.1 0000:01:00.0 0000:02:00.0"},
    {"root ports in slots of their own, without",
     "0000:00:01.0 - root\n"
     "0000:00:02.0 - root\n"
     "0000:01:00.0 00:01.0 ep\n"
     "0000:02:00.0 00:02.0 ep\n",
     "0000:00:01.0 0000:01:00.0 | 0000:00:02.0 0000:02:00.0"},
    {"one root port with, one without, in one slot",
     "0000:00:1c.0 - root mf acs\n"
     "0000:00:1c.1 - root mf\n"
     "0000:00:1c.2 - root mf\n"
     "0000:01:00.0 00:1c.0 ep\n"
     "0000:02:00.0 00:1c.1 ep\n",
     "0000:00:1c.0 | 0000:00:1c.1 0000:00:1c.2 0000:02:00.0 | 0000:01:00.0"},
    {"what the capability has not counts as on",
     "0000:00:01.0 - root acs=11/11\n"
     "0000:00:02.0 - root acs=0/0\n"
     "0000:00:03.0 - root acs=62/0\n"
     "0000:01:00.0 00:01.0 ep\n"
     "0000:02:00.0 00:02.0 ep\n"
     "0000:03:00.0 00:03.0 ep\n",
     "0000:00:01.0 | 0000:00:02.0 | 0000:00:03.0 | 0000:01:00.0 | 0000:02:00.0 | 0000:03:00.0"},
    {"each required bit counts",
     "0000:00:01.0 - root acs=1f/1c\n"
     "0000:00:02.0 - root acs=1f/19\n"
     "0000:00:03.0 - root acs=1f/15\n"
     "0000:00:04.0 - root acs=1f/0d\n"
     "0000:01:00.0 00:01.0 ep\n"
     "0000:02:00.0 00:02.0 ep\n"
     "0000:03:00.0 00:03.0 ep\n"
     "0000:04:00.0 00:04.0 ep\n",
     "0000:00:01.0 0000:01:00.0 | 0000:00:02.0 0000:02:00.0 | 0000:00:03.0 0000:03:00.0 | "
     "0000:00:04.0 0000:04:00.0"},
    {"egress control must not be the reason",
     "0000:00:01.0 - root acs=3f/1d\n"
     "0000:01:00.0 00:01.0 ep\n",
     "0000:00:01.0 | 0000:01:00.0"},
    {"a switch with ACS",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 up\n"
     "0000:02:00.0 01:00.0 down acs\n"
     "0000:02:01.0 01:00.0 down acs\n"
     "0000:03:00.0 02:00.0 ep\n"
     "0000:04:00.0 02:01.0 ep\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:02:00.0 | 0000:02:01.0 | 0000:03:00.0 | 0000:04:00.0"},
    {"a switch without, below a port with",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 up\n"
     "0000:02:00.0 01:00.0 down\n"
     "0000:02:01.0 01:00.0 down\n"
     "0000:03:00.0 02:00.0 ep\n"
     "0000:04:00.0 02:01.0 ep\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:02:00.0 0000:03:00.0 | 0000:02:01.0 0000:04:00.0"},
    {"a switch with, below a port without",
     "0000:00:01.0 - root\n"
     "0000:01:00.0 00:01.0 up\n"
     "0000:02:00.0 01:00.0 down acs\n"
     "0000:02:01.0 01:00.0 down acs\n"
     "0000:03:00.0 02:00.0 ep\n"
     "0000:04:00.0 02:01.0 ep\n",
     "0000:00:01.0 0000:01:00.0 0000:02:00.0 0000:02:01.0 0000:03:00.0 0000:04:00.0"},
    {"a multifunction switch port without, beside a DMA engine",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 up mf\n"
     "0000:01:00.1 00:01.0 ep mf\n"
     "0000:02:00.0 01:00.0 down acs\n"
     "0000:03:00.0 02:00.0 ep\n",
     "0000:00:01.0 | 0000:01:00.0 0000:01:00.1 0000:02:00.0 0000:03:00.0"},
    {"downstream ports in one slot",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 up\n"
     "0000:02:00.0 01:00.0 down mf\n"
     "0000:02:00.1 01:00.0 down mf\n"
     "0000:03:00.0 02:00.0 ep\n"
     "0000:04:00.0 02:00.1 ep\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:02:00.0 0000:02:00.1 0000:03:00.0 0000:04:00.0"},
    {"ports that bear the other's name",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 down\n"
     "0000:02:00.0 01:00.0 up\n"
     "0000:03:00.0 02:00.0 ep\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:02:00.0 0000:03:00.0"},
    {"a multifunction endpoint without ACS",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf\n"
     "0000:01:00.1 00:01.0 ep mf\n",
     "0000:00:01.0 | 0000:01:00.0 0000:01:00.1"},
    {"a multifunction endpoint with ACS, and legacy ones",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf acs\n"
     "0000:01:00.1 00:01.0 ep mf acs=4/4\n"
     "0000:01:00.2 00:01.0 legacy mf\n"
     "0000:01:00.3 00:01.0 legacy mf\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:01:00.1 | 0000:01:00.2 0000:01:00.3"},
    {"functions with ACS below a port without",
     "0000:00:01.0 - root\n"
     "0000:01:00.0 00:01.0 ep mf acs\n"
     "0000:01:00.1 00:01.0 ep mf acs\n",
     "0000:00:01.0 0000:01:00.0 0000:01:00.1"},
    {"a header that hides its further functions",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep\n"
     "0000:01:00.1 00:01.0 ep\n"
     "0000:01:00.2 00:01.0 ep\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:01:00.1 0000:01:00.2"},
    {"functions by ARI, in other slots by number",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.7 00:01.0 ep mf\n"
     "0000:01:01.0 00:01.0 ep\n"
     "0000:01:01.1 00:01.0 ep\n",
     "0000:00:01.0 | 0000:01:00.7 | 0000:01:01.0 0000:01:01.1"},
    {"VFs",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf acs\n"
     "0000:01:00.1 00:01.0 ep mf\n"
     "0000:01:00.2 00:01.0 ep vf=01:00.0\n"
     "0000:01:00.3 00:01.0 ep vf=01:00.0\n"
     "0000:02:00.0 00:01.0 ep vf=01:00.0\n"
     "0000:02:00.1 00:01.0 ep vf=01:00.1\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:01:00.1 | 0000:01:00.2 | 0000:01:00.3 | 0000:02:00.0 | "
     "0000:02:00.1"},
    {"VFs of which nothing could be read",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf acs\n"
     "0000:01:00.1 00:01.0 ep vf=01:00.0 read=64\n"
     "0000:01:00.2 00:01.0 ep vf=01:00.0 read=0\n"
     "0000:01:00.3 00:01.0 ep mf\n",
     "0000:00:01.0 | 0000:01:00.0 | 0000:01:00.1 | 0000:01:00.2 | 0000:01:00.3"},
    {"VFs below a port without ACS",
     "0000:00:01.0 - root\n"
     "0000:01:00.0 00:01.0 ep\n"
     "0000:01:10.0 00:01.0 ep vf=01:00.0\n"
     "0000:02:00.0 00:01.0 ep vf=01:00.0\n",
     "0000:00:01.0 0000:01:00.0 0000:01:10.0 0000:02:00.0"},
    {"endpoints of the root complex",
     "0000:00:02.0 - rciep\n"
     "0000:00:14.0 - rciep mf\n"
     "0000:00:14.2 - rciep mf\n"
     "0000:00:1f.0 - rciep mf acs\n"
     "0000:00:1f.3 - rciep mf\n",
     "0000:00:02.0 | 0000:00:14.0 0000:00:14.2 | 0000:00:1f.0 | 0000:00:1f.3"},
    {"event collectors never have ACS",
     "0000:00:00.0 - rciep mf\n"
     "0000:00:00.4 - rcec mf acs\n",
     "0000:00:00.0 0000:00:00.4"},
    {"a type of its own",
     "0000:00:01.0 - odd mf\n"
     "0000:00:01.1 - odd mf\n",
     "0000:00:01.0 | 0000:00:01.1"},
    {"conventional functions on the root bus",
     "0000:00:1f.0 - pci mf\n"
     "0000:00:1f.2 - pci mf\n"
     "0000:00:1e.0 - pci\n",
     "0000:00:1e.0 | 0000:00:1f.0 0000:00:1f.2"},
    {"a PCIe-to-PCI bridge",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 topci\n"
     "0000:02:01.0 01:00.0 pci\n"
     "0000:02:02.0 01:00.0 pci\n",
     "0000:00:01.0 | 0000:01:00.0 0000:02:01.0 0000:02:02.0"},
    {"the same below a port without ACS",
     "0000:00:01.0 - root\n"
     "0000:01:00.0 00:01.0 topci\n"
     "0000:02:01.0 01:00.0 pci\n",
     "0000:00:01.0 0000:01:00.0 0000:02:01.0"},
    {"bridges behind a bridge, and PCIe again behind those",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 topci\n"
     "0000:02:01.0 01:00.0 pcibridge\n"
     "0000:02:02.0 01:00.0 pci\n"
     "0000:03:00.0 02:01.0 pci\n"
     "0000:03:01.0 02:01.0 topcie\n"
     "0000:04:00.0 03:01.0 ep\n",
     "0000:00:01.0 | 0000:01:00.0 0000:02:01.0 0000:02:02.0 0000:03:00.0 0000:03:01.0 "
     "0000:04:00.0"},
    {"conventional bridges on the root bus",
     "0000:00:1e.0 - pcibridge\n"
     "0000:00:1f.0 - pcibridge\n"
     "0000:01:00.0 00:1e.0 pci\n"
     "0000:01:01.0 00:1e.0 pci\n"
     "0000:02:00.0 00:1f.0 pci\n",
     "0000:00:1e.0 0000:01:00.0 0000:01:01.0 | 0000:00:1f.0 0000:02:00.0"},
    {"several domains and root buses with the same numbers",
     "0000:00:01.0 - root\n"
     "0000:01:00.0 00:01.0 ep\n"
     "0000:80:01.0 - root acs\n"
     "0000:81:00.0 80:01.0 ep\n"
     "0001:00:01.0 - root\n"
     "0001:01:00.0 0001:00:01.0 ep\n"
     "10000:00:01.0 - root acs\n"
     "10000:01:00.0 10000:00:01.0 ep\n",
     "0000:00:01.0 0000:01:00.0 | 0000:80:01.0 | 0000:81:00.0 | 0001:00:01.0 0001:01:00.0 | "
     "10000:00:01.0 | 10000:01:00.0"},
    {"a domain behind another's requester ID",
     "dma=10000 00:0e.0\n"
     "0000:00:0e.0 - rciep\n"
     "0000:00:0f.0 - rciep\n"
     "10000:00:01.0 - root acs\n"
     "10000:01:00.0 10000:00:01.0 ep\n",
     "0000:00:0e.0 10000:00:01.0 10000:01:00.0 | 0000:00:0f.0"},
    {"a config space of 64 bytes, as an ordinary user sees it",
     "0000:00:01.0 - root acs read=64\n"
     "0000:00:02.0 - rciep read=64\n"
     "0000:01:00.0 00:01.0 ep mf acs read=64\n"
     "0000:01:00.1 00:01.0 ep mf acs read=64\n",
     "0000:00:01.0 0000:01:00.0 0000:01:00.1 | 0000:00:02.0"},
    {"one of 256 bytes",
     "0000:00:01.0 - root acs read=256\n"
     "0000:00:02.0 - ep read=256\n"
     "0000:01:00.0 00:01.0 ep read=256\n"
     "0000:02:00.0 00:03.0 ep read=256\n"
     "0000:00:03.0 - root acs\n",
     "0000:00:01.0 0000:01:00.0 | 0000:00:02.0 | 0000:00:03.0 | 0000:02:00.0"},
    {"functions of which nothing could be read",
     "0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep read=0\n"
     "0000:01:00.1 00:01.0 ep read=0\n"
     "0000:02:00.0 - ep read=0\n"
     "0000:03:00.0 - ep silent\n"
     "0000:03:00.1 - ep silent\n",
     "0000:00:01.0 | 0000:01:00.0 0000:01:00.1 | 0000:02:00.0 | 0000:03:00.0 0000:03:00.1"},
    {"a bridge that is not there",
     "0000:01:00.0 00:01.0 ep\n"
     "0000:01:00.1 00:01.0 ep acs\n"
     "0000:02:00.0 00:02.0 ep\n",
     "0000:01:00.0 0000:01:00.1 | 0000:02:00.0"},
    {"a bridge below itself",
     "0000:00:01.0 00:01.0 root acs\n"
     "0000:01:00.0 00:01.0 ep\n"
     "0000:02:00.0 - ep\n",
     "0000:00:01.0 0000:01:00.0 | 0000:02:00.0"},
    {"bridges in a ring",
     "0000:01:00.0 03:00.0 down acs\n"
     "0000:02:00.0 01:00.0 down acs\n"
     "0000:03:00.0 02:00.0 down acs\n"
     "0000:04:00.0 03:00.0 ep\n",
     "0000:01:00.0 0000:02:00.0 0000:03:00.0 0000:04:00.0"},
    {"a function that leads to a ring",
     "0000:01:00.0 03:00.0 ep\n"
     "0000:02:00.0 03:00.0 down acs\n"
     "0000:03:00.0 02:00.0 down acs\n",
     "0000:01:00.0 0000:02:00.0 0000:03:00.0"},
    {"something below a VF, which cannot be",
     "0000:01:00.0 02:00.0 ep\n"
     "0000:02:00.0 - ep vf=03:00.0\n"
     "0000:03:00.0 - ep\n",
     "0000:01:00.0 | 0000:02:00.0 | 0000:03:00.0"},
    {"an address twice",
     "0000:01:00.0 - ep\n"
     "0000:01:00.0 - ep\n",
     "0000:01:00.0"},
};

START_TEST(sets) {
    const Row *row = &rows[_i];
    g_autoptr(PcaTopology) topology = board_new(row->board, NULL);
    g_autofree char *found = board_sets(topology, row->board);
    ck_assert_msg(g_str_equal(found, row->sets), "%s:\n  %s\n  instead of\n  %s", row->name, found,
                  row->sets);
}
END_TEST

static char *all_reasons(const PcaTopology *topology, const char *board) {
    g_auto(GStrv) addresses = board_addresses(board);
    GString *text = g_string_new(NULL);
    for (char **address = addresses; *address; address++) {
        g_autofree char *reasons = board_reasons(topology, *address);
        g_string_append(text, reasons);
    }
    return g_string_free(text, FALSE);
}

/* Sets and reasons do not depend on the order in which functions are added. */
START_TEST(order) {
    const char *board = rows[_i].board;
    g_autoptr(GRand) random = g_rand_new_with_seed(4711 + _i);
    g_autoptr(PcaTopology) first = board_new(board, NULL);
    g_autofree char *expected = all_reasons(first, board);
    for (int i = 0; i < 10; i++) {
        g_autoptr(PcaTopology) again = board_new(board, random);
        g_autofree char *found = all_reasons(again, board);
        ck_assert_str_eq(found, expected);
    }
}
END_TEST

/* ---- Reasons ---- */

static const struct {
    const char *board, *address, *reasons;
} reasons[] = {
    /* A port above both, the port itself, and that seen from it. */
    {"0000:00:1c.0 - root\n"
     "0000:01:00.0 00:1c.0 up\n"
     "0000:02:00.0 01:00.0 down acs\n"
     "0000:02:01.0 01:00.0 down acs\n"
     "0000:03:00.0 02:00.0 ep\n"
     "0000:04:00.0 02:01.0 ep\n",
     "0000:04:00.0",
     "0000:00:1c.0 upstream-no-acs 0000:00:1c.0 [SV RR CR UF] 0000:00:1c.0 shares with "
     "0000:04:00.0 because this port cannot keep apart what is below it: it lacks SV RR CR UF (no "
     "ACS capability)\n"
     "0000:01:00.0 upstream-no-acs 0000:00:1c.0 [SV RR CR UF] 0000:01:00.0 shares with "
     "0000:04:00.0 because the port 0000:00:1c.0 above both cannot keep their traffic apart: it "
     "lacks SV RR CR UF (no ACS capability)\n"
     "0000:02:00.0 upstream-no-acs 0000:00:1c.0 [SV RR CR UF] 0000:02:00.0 shares with "
     "0000:04:00.0 because the port 0000:00:1c.0 above both cannot keep their traffic apart: it "
     "lacks SV RR CR UF (no ACS capability)\n"
     "0000:02:01.0 upstream-no-acs 0000:00:1c.0 [SV RR CR UF] 0000:02:01.0 shares with "
     "0000:04:00.0 because the port 0000:00:1c.0 above both cannot keep their traffic apart: it "
     "lacks SV RR CR UF (no ACS capability)\n"
     "0000:03:00.0 upstream-no-acs 0000:00:1c.0 [SV RR CR UF] 0000:03:00.0 shares with "
     "0000:04:00.0 because the port 0000:00:1c.0 above both cannot keep their traffic apart: it "
     "lacks SV RR CR UF (no ACS capability)\n"
     "0000:04:00.0 self 0000:04:00.0 [] 0000:04:00.0 is the function itself\n"},
    {"0000:00:1c.0 - root acs=1f/11\n"
     "0000:01:00.0 00:1c.0 ep\n",
     "0000:00:1c.0",
     "0000:00:1c.0 self 0000:00:1c.0 [] 0000:00:1c.0 is the function itself\n"
     "0000:01:00.0 upstream-no-acs 0000:00:1c.0 [RR CR] 0000:01:00.0 shares with 0000:00:1c.0 "
     "because that port cannot keep apart what is below it: it lacks RR CR (switched off)\n"},
    /* Two steps away. */
    {"0000:00:1c.0 - root mf\n"
     "0000:00:1c.4 - root mf\n"
     "0000:01:00.0 00:1c.0 ep\n"
     "0000:02:00.0 00:1c.4 ep\n",
     "0000:01:00.0",
     "0000:00:1c.0 upstream-no-acs 0000:00:1c.0 [SV RR CR UF] 0000:00:1c.0 shares with "
     "0000:01:00.0 because this port cannot keep apart what is below it: it lacks SV RR CR UF (no "
     "ACS capability)\n"
     "0000:00:1c.4 multifunction-no-acs 0000:00:1c.4 [SV RR CR UF] 0000:00:1c.4 shares with "
     "0000:01:00.0 because the functions of a slot cannot keep their traffic apart: 0000:00:1c.4 "
     "lacks SV RR CR UF (no ACS capability)\n"
     "0000:01:00.0 self 0000:01:00.0 [] 0000:01:00.0 is the function itself\n"
     "0000:02:00.0 upstream-no-acs 0000:00:1c.4 [SV RR CR UF] 0000:02:00.0 shares with "
     "0000:01:00.0 because the port 0000:00:1c.4 above it cannot keep its traffic apart: it lacks "
     "SV RR CR UF (no ACS capability)\n"},
    {"0000:00:1f.0 - pci mf\n"
     "0000:00:1f.2 - pci mf\n",
     "0000:00:1f.2",
     "0000:00:1f.0 multifunction-no-acs 0000:00:1f.0 [SV RR CR UF] 0000:00:1f.0 shares with "
     "0000:00:1f.2 because the functions of a slot cannot keep their traffic apart: 0000:00:1f.0 "
     "lacks SV RR CR UF (not PCIe)\n"
     "0000:00:1f.2 self 0000:00:1f.2 [] 0000:00:1f.2 is the function itself\n"},
    {"0000:00:00.0 - rciep mf\n"
     "0000:00:00.4 - rcec mf\n",
     "0000:00:00.0",
     "0000:00:00.0 self 0000:00:00.0 [] 0000:00:00.0 is the function itself\n"
     "0000:00:00.4 multifunction-no-acs 0000:00:00.4 [SV RR CR UF] 0000:00:00.4 shares with "
     "0000:00:00.0 because the functions of a slot cannot keep their traffic apart: 0000:00:00.4 "
     "lacks SV RR CR UF (a root complex event collector)\n"},
    {"0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 topci\n"
     "0000:02:01.0 01:00.0 pci\n"
     "0000:02:02.0 01:00.0 pci\n",
     "0000:02:01.0",
     "0000:01:00.0 bridge-alias 0000:01:00.0 [] 0000:01:00.0 shares with 0000:02:01.0 because this "
     "bridge puts its own requester ID on DMA from below it\n"
     "0000:02:01.0 self 0000:02:01.0 [] 0000:02:01.0 is the function itself\n"
     "0000:02:02.0 bridge-alias 0000:01:00.0 [] 0000:02:02.0 shares with 0000:02:01.0 because the "
     "bridge 0000:01:00.0 above it puts its own requester ID on its DMA\n"},
    {"dma=10000 00:0e.0\n"
     "0000:00:0e.0 - rciep\n"
     "10000:00:01.0 - root acs\n",
     "0000:00:0e.0",
     "0000:00:0e.0 self 0000:00:0e.0 [] 0000:00:0e.0 is the function itself\n"
     "10000:00:01.0 dma-alias 0000:00:0e.0 [] 10000:00:01.0 shares with 0000:00:0e.0 because DMA "
     "from its domain bears the requester ID of 0000:00:0e.0\n"},
    /* A port that surely is open is named, not the one of which nothing is known. */
    {"0000:00:01.0 - root\n"
     "0000:01:00.0 00:01.0 up read=64\n"
     "0000:02:00.0 01:00.0 down acs\n",
     "0000:02:00.0",
     "0000:00:01.0 upstream-no-acs 0000:00:01.0 [SV RR CR UF] 0000:00:01.0 shares with "
     "0000:02:00.0 because this port cannot keep apart what is below it: it lacks SV RR CR UF (no "
     "ACS capability)\n"
     "0000:01:00.0 upstream-no-acs 0000:00:01.0 [SV RR CR UF] 0000:01:00.0 shares with "
     "0000:02:00.0 because the port 0000:00:01.0 above both cannot keep their traffic apart: it "
     "lacks SV RR CR UF (no ACS capability)\n"
     "0000:02:00.0 self 0000:02:00.0 [] 0000:02:00.0 is the function itself\n"},
    {"0000:00:01.0 - root acs read=64\n"
     "0000:01:00.0 00:01.0 ep read=64\n"
     "0000:01:00.1 00:01.0 ep read=64\n",
     "0000:01:00.0",
     "0000:00:01.0 unknown 0000:00:01.0 [] 0000:00:01.0 shares with 0000:01:00.0 because this "
     "bridge is not known to keep apart what is below it: its config space could not be read "
     "beyond 64 bytes\n"
     "0000:01:00.0 self 0000:01:00.0 [] 0000:01:00.0 is the function itself\n"
     "0000:01:00.1 unknown 0000:00:01.0 [] 0000:01:00.1 shares with 0000:01:00.0 because the "
     "bridge 0000:00:01.0 above both is not known to keep their traffic apart: its config space "
     "could not be read beyond 64 bytes\n"},
    {"0000:00:01.0 - root acs\n"
     "0000:01:00.0 00:01.0 ep mf\n"
     "0000:01:00.1 00:01.0 ep mf read=0\n",
     "0000:01:00.1",
     "0000:01:00.0 unknown 0000:01:00.1 [] 0000:01:00.0 shares with 0000:01:00.1 because the "
     "functions of a slot are not known to keep their traffic apart: the config space of "
     "0000:01:00.1 could not be read\n"
     "0000:01:00.1 self 0000:01:00.1 [] 0000:01:00.1 is the function itself\n"},
    {"0000:00:01.0 - root silent\n"
     "0000:01:00.0 00:01.0 ep\n",
     "0000:00:01.0",
     "0000:00:01.0 self 0000:00:01.0 [] 0000:00:01.0 is the function itself\n"
     "0000:01:00.0 unknown 0000:00:01.0 [] 0000:01:00.0 shares with 0000:00:01.0 because that "
     "bridge is not known to keep apart what is below it: it does not answer\n"},
    {"0000:01:00.0 00:01.0 ep\n"
     "0000:01:00.1 00:01.0 ep\n",
     "0000:01:00.0",
     "0000:01:00.0 self 0000:01:00.0 [] 0000:01:00.0 is the function itself\n"
     "0000:01:00.1 unknown 0000:00:01.0 [] 0000:01:00.1 shares with 0000:01:00.0 because the "
     "bridge 0000:00:01.0 above both is not known to keep their traffic apart: it is not among the "
     "functions that were found\n"},
};

START_TEST(why) {
    g_autoptr(PcaTopology) topology = board_new(reasons[_i].board, NULL);
    g_autofree char *found = board_reasons(topology, reasons[_i].address);
    ck_assert_str_eq(found, reasons[_i].reasons);
}
END_TEST

/* ---- The kernel's group ---- */

static const struct {
    const char *board;
    PcaTri agrees;
    guint members; /* of the kernel's group; 0: none */
} agreements[] = {
    {"0000:00:01.0 - root\n0000:01:00.0 00:01.0 ep\n", PCA_TRI_UNKNOWN, 0},
    {"0000:00:01.0 - root group=3\n0000:01:00.0 00:01.0 ep group=3\n", PCA_TRI_YES, 2},
    {"0000:00:01.0 - root group=3\n0000:01:00.0 00:01.0 ep group=4\n", PCA_TRI_NO, 1},
    {"0000:00:01.0 - root acs group=3\n0000:01:00.0 00:01.0 ep group=3\n", PCA_TRI_NO, 2},
    /* As large, and another. */
    {"0000:00:01.0 - root group=3\n0000:01:00.0 00:01.0 ep group=4\n0000:02:00.0 - ep group=4\n",
     PCA_TRI_NO, 2},
    /* An ordinary user sees too little to contradict, and enough to agree. */
    {"0000:00:01.0 - root read=64 group=3\n0000:01:00.0 00:01.0 ep group=4\n", PCA_TRI_UNKNOWN, 1},
    {"0000:00:01.0 - root read=64 group=3\n0000:01:00.0 00:01.0 ep group=3\n", PCA_TRI_YES, 2},
    {"0000:01:00.0 00:01.0 ep group=4\n0000:02:00.0 - ep group=4\n", PCA_TRI_UNKNOWN, 2},
};

START_TEST(agreement) {
    g_autoptr(PcaTopology) topology = board_new(agreements[_i].board, NULL);
    g_autoptr(PcaIsolation) isolation = pca_topology_explain(topology, &(PcaAddress){0, 1, 0, 0});
    ck_assert_int_eq(isolation->agrees, agreements[_i].agrees);
    ck_assert_uint_eq(isolation->kernel_group ? isolation->kernel_group->len : 0,
                      agreements[_i].members);
}
END_TEST

START_TEST(nobody) {
    g_autoptr(PcaTopology) empty = board_new("", NULL);
    ck_assert_ptr_null(pca_topology_explain(empty, &(PcaAddress){0, 1, 0, 0}));
    g_autoptr(PcaTopology) topology = board_new("0000:01:00.0 00:01.0 ep\n", NULL);
    ck_assert_ptr_null(pca_topology_explain(topology, &(PcaAddress){0, 2, 0, 0}));
    /* A bridge that was only named. */
    ck_assert_ptr_null(pca_topology_explain(topology, &(PcaAddress){0, 0, 1, 0}));
    ck_assert_str_eq(pca_cause_name(PCA_CAUSE_BRIDGE_ALIAS), "bridge-alias");
    ck_assert_ptr_null(pca_cause_name(PCA_CAUSE_UNKNOWN + 1));
}
END_TEST

/* A capability that runs out of the space: all was read, and it says nothing. */
START_TEST(senseless) {
    PcaAddress port = {0, 0, 1, 0}, card = {0, 1, 0, 0};
    Space space;
    space_init(&space, 1);
    space_add_pcie(&space, PCA_PCIE_ROOT_PORT);
    space_add_extended(&space, PCA_EXT_CAP_DSN, 0x100);
    space_add_extended(&space, PCA_EXT_CAP_ACS, 0xffc);
    g_autoptr(PcaConfig) config = space_config(&space, 4096);
    g_autoptr(PcaFunction) above = pca_function_new(&port);
    g_autoptr(PcaFunction) below = pca_function_new(&card);
    g_autoptr(PcaTopology) topology = pca_topology_new();
    below->has_upstream = TRUE;
    below->upstream = port;
    pca_topology_add(topology, above, config);
    pca_topology_add(topology, below, NULL);
    pca_topology_seal(topology);
    g_autofree char *reasons_below = board_reasons(topology, "0000:01:00.0");
    ck_assert_ptr_nonnull(strstr(reasons_below, "apart what is below it: its config space makes no "
                                                "sense\n"));
}
END_TEST

/* As deep as buses allow, and a set as large as the host. */
START_TEST(deep) {
    g_autoptr(GString) board = g_string_new("0000:00:00.0 - root\n");
    for (guint bus = 1; bus < 256; bus++)
        g_string_append_printf(board, "0000:%02x:00.0 %02x:00.0 %s acs\n", bus, bus - 1,
                               bus % 2 ? "up" : "down");
    g_autoptr(PcaTopology) topology = board_new(board->str, NULL);
    g_autoptr(PcaIsolation) isolation = pca_topology_explain(topology, &(PcaAddress){0, 255, 0, 0});
    ck_assert_uint_eq(isolation->set->len, 256);
    const PcaReason *reason = g_ptr_array_index(isolation->reasons, 200);
    ck_assert_int_eq(reason->cause, PCA_CAUSE_UPSTREAM_NO_ACS);
    ck_assert_uint_eq(reason->at.bus, 0);
}
END_TEST

/* Deeper than there can be buses: nobody's stack, and one set still. */
START_TEST(too_deep) {
    g_autoptr(GString) board = g_string_new("00000:00:00.0 - root\n");
    for (guint i = 1; i < 2000; i++)
        g_string_append_printf(board, "%05x:00:00.0 %05x:00:00.0 down acs\n", i, i - 1);
    g_autoptr(PcaTopology) topology = board_new(board->str, NULL);
    g_autoptr(PcaIsolation) isolation =
        pca_topology_explain(topology, &(PcaAddress){1999, 0, 0, 0});
    ck_assert_uint_eq(isolation->set->len, 2000);
}
END_TEST

void add_isolation_cases(Suite *suite) {
    PCA_TABLE(suite, "isolation sets", sets, rows);
    PCA_TABLE(suite, "order of functions", order, rows);
    PCA_TABLE(suite, "reasons", why, reasons);
    PCA_TABLE(suite, "agreement", agreement, agreements);
    TCase *rest = tcase_create("isolation");
    tcase_add_test(rest, nobody);
    tcase_add_test(rest, senseless);
    tcase_add_test(rest, deep);
    tcase_add_test(rest, too_deep);
    suite_add_tcase(suite, rest);
}
