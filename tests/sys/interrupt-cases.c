/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what is told of interrupts from trees like those of real machines.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include "support/tree.h"
#include "sys/interrupts.h"
#include "sys/scan.h"

#define NIC "0000:00:03.0"

/* ---- Remapping ---- */

static const struct {
    const char *chips; /* of interrupts 0, 1 ... */
    PcaRemapping remapping;
} machines[] = {
    {"IR-IO-APIC,XT-PIC,DMAR-MSI,IR-PCI-MSIX-0000:00:02.0", PCA_REMAPPING_ON},
    {"IO-APIC,XT-PIC,DMAR-MSI,PCI-MSIX-0000:00:02.0", PCA_REMAPPING_OFF},
    /* Linux 6.1 has one name for all. */
    {"IR-IO-APIC,IR-PCI-MSI", PCA_REMAPPING_ON},
    {"IO-APIC,PCI-MSI", PCA_REMAPPING_OFF},
    /* Some behind a unit that remaps: nothing is certain, so nothing is refused. */
    {"IO-APIC,PCI-MSI,IR-PCI-MSI", PCA_REMAPPING_ON},
    {"GICv3,ITS-PCI-MSIX-0000:01:00.0,ITS-PCI-MSI", PCA_REMAPPING_UNKNOWN},
    {"RISC-V INTC,PCI-MSIX-0000:01:00.0", PCA_REMAPPING_UNKNOWN},
    {"xen-pirq,xen-dyn", PCA_REMAPPING_UNKNOWN},
    {"", PCA_REMAPPING_UNKNOWN},
};

START_TEST(remapping) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    g_auto(GStrv) chips = g_strsplit(machines[_i].chips, ",", -1);
    for (int i = 0; chips[i]; i++) {
        g_autofree char *path = g_strdup_printf("sys/kernel/irq/%d/chip_name", i);
        pca_tree_write(tree, path, "%s\n", chips[i]);
    }
    ck_assert_int_eq(pca_interrupt_remapping(pca_tree_root(tree)), machines[_i].remapping);
}
END_TEST

/* ---- INTx ---- */

/* A card on INTA, its line 21 alone. */
static PcaTree *machine_of(guint16 vendor, guint16 device, const char *driver) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add(
        tree,
        &(PcaTreeFunction){
            .address = NIC, .vendor = vendor, .device = device, .group = 3, .driver = driver});
    pca_tree_set_config8(tree, NIC, 0x3d, 1);
    pca_tree_set(tree, NIC, "enable", "1");
    pca_tree_set(tree, NIC, "irq", "21");
    pca_tree_write(tree, "sys/kernel/irq/21/actions", "\n");
    return tree;
}

static PcaTree *machine(void) {
    return machine_of(0x8086, 0x100e, "e1000");
}

static PcaIntx *read_intx(const PcaTree *tree) {
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    PcaAddress address;
    ck_assert(pca_address_parse(NIC, &address));
    return pca_intx_read(pca_tree_root(tree), pca_snapshot_find(snapshot, &address));
}

static void expect_kind(const PcaTree *tree, PcaIntxKind kind) {
    g_autoptr(PcaIntx) intx = read_intx(tree);
    ck_assert_int_eq(intx->kind, kind);
}

static void expect_line(const PcaTree *tree, int line, const char *others) {
    g_autoptr(PcaIntx) intx = read_intx(tree);
    g_autofree char *joined = g_strjoinv(" ", intx->shared_with);
    ck_assert_int_eq(intx->line, line);
    ck_assert_str_eq(joined, others);
}

START_TEST(no_pin_no_intx) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_set_config8(tree, NIC, 0x3d, 0);
    expect_kind(tree, PCA_INTX_NONE);
    pca_tree_unset(tree, NIC, "config");
    expect_kind(tree, PCA_INTX_UNKNOWN);
}
END_TEST

START_TEST(a_pin_that_leads_nowhere) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_set(tree, NIC, "irq", "0");
    expect_kind(tree, PCA_INTX_NONE);
}
END_TEST

START_TEST(conventional_pci_is_untested) {
    g_autoptr(PcaTree) tree = machine();
    expect_kind(tree, PCA_INTX_UNTESTED);
    pca_tree_set_config16(tree, NIC, 0x04, 0x0407);
    expect_kind(tree, PCA_INTX_MASKABLE);
}
END_TEST

START_TEST(pci_express_masks) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_set(tree, NIC, "max_link_speed", "2.5 GT/s PCIe");
    expect_kind(tree, PCA_INTX_MASKABLE);
    pca_tree_write(tree, "sys/module/vfio_pci/parameters/nointxmask", "N\n");
    expect_kind(tree, PCA_INTX_MASKABLE);
    pca_tree_write(tree, "sys/module/vfio_pci/parameters/nointxmask", "Y\n");
    expect_kind(tree, PCA_INTX_EXCLUSIVE);
}
END_TEST

static const struct {
    guint16 vendor, device;
    PcaIntxKind kind;
} known[] = {
    {0x10ec, 0x8169, PCA_INTX_EXCLUSIVE}, {0x10ec, 0x8168, PCA_INTX_MASKABLE},
    {0x15b3, 0x1003, PCA_INTX_EXCLUSIVE}, {0x15b3, 0x1013, PCA_INTX_MASKABLE},
    {0x8086, 0x8169, PCA_INTX_MASKABLE},  {0x8086, 0x1572, PCA_INTX_HIDDEN},
    {0x8086, 0x1573, PCA_INTX_MASKABLE},  {0x8086, 0x1582, PCA_INTX_MASKABLE},
    {0x8086, 0x1583, PCA_INTX_HIDDEN},    {0x8086, 0x158b, PCA_INTX_HIDDEN},
    {0x8086, 0x158c, PCA_INTX_MASKABLE},
};

START_TEST(known_devices) {
    g_autoptr(PcaTree) tree = machine_of(known[_i].vendor, known[_i].device, NULL);
    pca_tree_set(tree, NIC, "max_link_speed", "8.0 GT/s PCIe");
    expect_kind(tree, known[_i].kind);
}
END_TEST

START_TEST(line_of_an_enabled_function) {
    g_autoptr(PcaTree) tree = machine();
    expect_line(tree, 21, "");
    /* What the firmware left there means nothing. */
    pca_tree_set(tree, NIC, "enable", "0");
    expect_line(tree, -1, "");
    pca_tree_set(tree, NIC, "enable", "1");
    /* IRQ_NOTCONNECTED */
    pca_tree_set(tree, NIC, "irq", "2147483648");
    expect_line(tree, -1, "");
    pca_tree_unset(tree, NIC, "irq");
    expect_line(tree, -1, "");
}
END_TEST

START_TEST(a_vector_is_no_line) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_set(tree, NIC, "irq", "46");
    pca_tree_set(tree, NIC, "msi_irqs/46", "msi");
    pca_tree_write(tree, "sys/kernel/irq/46/actions", "other\n");
    expect_line(tree, -1, "");
}
END_TEST

static const struct {
    const char *handlers, *others;
} lines[] = {
    {"ahci", "ahci"},
    {"ahci,i801_smbus", "ahci i801_smbus"},
    {"eth0", ""},
    {"eth0,ahci", "ahci"},
    {"eth1,eth0", "eth1"},
    {"e1000", ""},
    {"e1000,e1000", "e1000"},
    {"vfio-intx(" NIC ")", ""},
    {"vfio-intx(0000:00:04.0)", "vfio-intx(0000:00:04.0)"},
};

START_TEST(others_on_the_line) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_add_interface(tree, NIC, NULL, "eth0", 2);
    pca_tree_write(tree, "sys/kernel/irq/21/actions", "%s\n", lines[_i].handlers);
    expect_line(tree, 21, lines[_i].others);
}
END_TEST

START_TEST(with_msi_every_handler_is_anothers) {
    g_autoptr(PcaTree) tree = machine();
    pca_tree_set(tree, NIC, "msi_irqs/40", "msix");
    pca_tree_write(tree, "sys/kernel/irq/21/actions", "e1000\n");
    expect_line(tree, 21, "e1000");
}
END_TEST

void pca_add_interrupt_cases(Suite *suite) {
    TCase *intx = tcase_create("intx");
    tcase_add_test(intx, no_pin_no_intx);
    tcase_add_test(intx, a_pin_that_leads_nowhere);
    tcase_add_test(intx, conventional_pci_is_untested);
    tcase_add_test(intx, pci_express_masks);
    tcase_add_test(intx, line_of_an_enabled_function);
    tcase_add_test(intx, a_vector_is_no_line);
    tcase_add_test(intx, with_msi_every_handler_is_anothers);
    suite_add_tcase(suite, intx);
    PCA_TABLE(suite, "remapping", remapping, machines);
    PCA_TABLE(suite, "known", known_devices, known);
    PCA_TABLE(suite, "lines", others_on_the_line, lines);
}
