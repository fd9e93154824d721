/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what is advised on hosts without IOMMU groups.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include <string.h>

#include "support/tree.h"
#include "sys/iommu-hint.h"

static const struct {
    const char *cpu, *line;
    const char *table; /* that the firmware has; "": none of its tables can be seen */
    const char *hint;
} hosts[] = {
    {"vendor_id\t: GenuineIntel", "quiet", "DMAR", "boot with intel_iommu=on, and"},
    {"vendor_id\t: GenuineIntel", "quiet", "APIC", "switch VT-d on in the firmware setup"},
    {"vendor_id\t: GenuineIntel", "quiet", "", "boot with intel_iommu=on, and"},
    {"vendor_id\t: GenuineIntel", "intel_iommu=on,sm_on", "DMAR", "intel_iommu=on is there"},
    {"vendor_id\t: GenuineIntel", "intel_iommu=off", "DMAR", "boot without intel_iommu=off"},
    {"vendor_id\t:   Shanghai  ", "quiet", "", "boot with intel_iommu=on, and"},
    {"vendor_id\t: AuthenticAMD", "quiet", "IVRS", "switch the IOMMU (AMD-Vi) on, rather"},
    {"vendor_id\t: AuthenticAMD", "quiet", "APIC", "it offers none now"},
    {"vendor_id\t: AuthenticAMD", "amd_iommu=off", "IVRS", "boot without amd_iommu=off"},
    {"vendor_id\t: HygonGenuine", "iommu=pt iommu=off", "", "boot without iommu=off"},
    {"CPU implementer\t: 0x41", "quiet", "", "SMMU"},
    {"vendor_id\t: AuthenticAMD\nflags\t: fpu hypervisor lahf_lm", "", "", "hypervisor give it"},
    {"vendor_id\t: GenuineIntel\nflags\t: fpu hypervisor lahf_lm", "", "", "boot with intel_iommu"},
    {"", "", "", "firmware setup; on Intel, boot with intel_iommu=on"},
};

START_TEST(hint) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_write(tree, "proc/cpuinfo", "processor\t: 0\n%s\n", hosts[_i].cpu);
    pca_tree_write(tree, "proc/cmdline", "root=/dev/sda1 %s\n", hosts[_i].line);
    if (*hosts[_i].table) {
        g_autofree char *path = g_strconcat("sys/firmware/acpi/tables/", hosts[_i].table, NULL);
        pca_tree_write(tree, path, "%s", "");
    }
    g_autofree char *text = pca_iommu_hint(pca_tree_root(tree));
    ck_assert_msg(strstr(text, hosts[_i].hint) != NULL, "%s", text);
}
END_TEST

START_TEST(hint_without_proc) {
    g_autoptr(PcaRoot) root = pca_root_new("/nonexistent", "/nonexistent", "/nonexistent");
    g_autofree char *text = pca_iommu_hint(root);
    ck_assert_msg(strstr(text, "on Intel") != NULL, "%s", text);
}
END_TEST

/* A machine of many processors has megabytes of it; the first one tells. */
START_TEST(hint_of_a_long_cpuinfo) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    g_autofree char *rest = g_strnfill(2 * PCA_READ_MAX, 'x');
    pca_tree_write(tree, "proc/cpuinfo", "vendor_id\t: AuthenticAMD\n%s", rest);
    g_autofree char *text = pca_iommu_hint(pca_tree_root(tree));
    ck_assert_msg(strstr(text, "AMD-Vi") != NULL, "%s", text);
}
END_TEST

void pca_add_hint_cases(Suite *suite) {
    TCase *hints = tcase_create("hints");
    tcase_add_test(hints, hint_without_proc);
    tcase_add_test(hints, hint_of_a_long_cpuinfo);
    suite_add_tcase(suite, hints);
    PCA_TABLE(suite, "hosts", hint, hosts);
}
