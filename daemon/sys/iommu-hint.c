/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the likely switch that is off where there are no IOMMU groups.
 * Thread: any. Ownership: see the header.
 */
#include "sys/iommu-hint.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fds.h"

#define CPUINFO_HEAD 4096 /* the first processor; the file has a part for each */

typedef enum {
    VENDOR_UNKNOWN,
    VENDOR_INTEL,
    VENDOR_AMD,
    VENDOR_ARM,
} Vendor;

/* ---- The processor ---- */

static char *read_head(const PcaRoot *root) {
    g_autofree char *path = g_build_filename(root->proc, "cpuinfo", NULL);
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char head[CPUINFO_HEAD + 1];
    ssize_t n = fd < 0 ? -1 : read(fd, head, CPUINFO_HEAD);
    return n < 0 ? g_strdup("") : g_strndup(head, (gsize)n);
}

/* Zhaoxin's and VIA's have VT-d. */
static Vendor find_vendor(const char *cpuinfo) {
    static const struct {
        const char *text;
        Vendor vendor;
    } rows[] = {
        {"GenuineIntel", VENDOR_INTEL}, {"CentaurHauls", VENDOR_INTEL},
        {"  Shanghai  ", VENDOR_INTEL}, {"AuthenticAMD", VENDOR_AMD},
        {"HygonGenuine", VENDOR_AMD},   {"CPU implementer", VENDOR_ARM},
    };
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strstr(cpuinfo, rows[i].text))
            return rows[i].vendor;
    return VENDOR_UNKNOWN;
}

/* The flag that a processor in a virtual machine has. */
static gboolean is_guest(const char *cpuinfo) {
    return strstr(cpuinfo, " hypervisor") != NULL;
}

/* ---- The command line ---- */

static gboolean has_word(char *const *words, const char *word) {
    return g_strv_contains((const char *const *)words, word);
}

/* What switches the IOMMU off; NULL when nothing does. */
static const char *find_off(char *const *words) {
    static const char *const off[] = {"iommu=off", "intel_iommu=off", "amd_iommu=off"};
    for (guint i = 0; i < G_N_ELEMENTS(off); i++)
        if (has_word(words, off[i]))
            return off[i];
    return NULL;
}

static gboolean asks_for_vtd(char *const *words) {
    for (; *words; words++)
        if (g_str_has_prefix(*words, "intel_iommu=on"))
            return TRUE;
    return FALSE;
}

static char **read_command_line(const PcaRoot *root) {
    g_autofree char *line = pca_read_text(root->proc, "cmdline", NULL);
    return g_strsplit_set(line ? line : "", " \t\n", -1);
}

/* ---- The firmware ---- */

/* Whether the firmware has this ACPI table; TRUE as well where no tables can be seen, as in a tree
 * that was copied. */
static gboolean may_have_table(const PcaRoot *root, const char *name) {
    g_autofree char *tables = g_build_filename(root->sysfs, "firmware/acpi/tables", NULL);
    g_autofree char *table = g_build_filename(tables, name, NULL);
    return g_file_test(table, G_FILE_TEST_EXISTS) || !g_file_test(tables, G_FILE_TEST_IS_DIR);
}

/* ---- The hint ---- */

static const char *intel_hint(const PcaRoot *root, char *const *words) {
    if (!may_have_table(root, "DMAR"))
        return "switch VT-d on in the firmware setup (it offers none now), and boot with "
               "intel_iommu=on";
    if (asks_for_vtd(words))
        return "intel_iommu=on is there, so switch VT-d on in the firmware setup, or the machine "
               "has none";
    return "boot with intel_iommu=on, and have VT-d on in the firmware setup";
}

static const char *amd_hint(const PcaRoot *root) {
    if (!may_have_table(root, "IVRS"))
        return "switch the IOMMU (AMD-Vi) on in the firmware setup: it offers none now; the "
               "kernel needs no option";
    return "switch the IOMMU (AMD-Vi) on, rather than Auto, in the firmware setup; the kernel "
           "needs no option";
}

static const char *hint_of(const PcaRoot *root, Vendor vendor, char *const *words) {
    switch (vendor) {
    case VENDOR_INTEL:
        return intel_hint(root, words);
    case VENDOR_AMD:
        return amd_hint(root);
    case VENDOR_ARM:
        return "have an SMMU that firmware or device tree tells of, and a kernel with its driver";
    default:
        return "switch the IOMMU on in the firmware setup; on Intel, boot with intel_iommu=on";
    }
}

char *pca_iommu_hint(const PcaRoot *root) {
    g_autofree char *cpuinfo = read_head(root);
    g_auto(GStrv) words = read_command_line(root);
    const char *off = find_off(words);
    if (off)
        return g_strdup_printf("boot without %s, which is on the kernel's command line", off);
    Vendor vendor = find_vendor(cpuinfo);
    if (is_guest(cpuinfo))
        return g_strdup(vendor == VENDOR_AMD
                            ? "have this virtual machine's hypervisor give it an IOMMU"
                            : "have this virtual machine's hypervisor give it an IOMMU; where "
                              "that is VT-d, boot with intel_iommu=on");
    return g_strdup(hint_of(root, vendor, words));
}
