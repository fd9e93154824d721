/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what sysfs tells about interrupts. Of the interrupts only those files are read that are
 * needed: /proc/interrupts has a column for each processor, which makes it megabytes long.
 * Thread: any. Ownership: see the header.
 */
#include "sys/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fds.h"

#define CONFIG_COMMAND 0x04
#define COMMAND_DISINTX_HIGH 0x04 /* bit 10, in the register's second byte */
#define CONFIG_INTERRUPT_PIN 0x3d
#define IRQ_MAX (1u << 30) /* IRQ_NOTCONNECTED of include/linux/interrupt.h is above */

/* ---- Remapping ---- */

static char *irq_directory(const PcaRoot *root, const char *number) {
    return g_build_filename(root->sysfs, "kernel/irq", number, NULL);
}

PcaRemapping pca_interrupt_remapping(const PcaRoot *root) {
    g_autofree char *directory = irq_directory(root, NULL);
    g_auto(GStrv) numbers = pca_read_directory(directory);
    PcaRemapping result = PCA_REMAPPING_UNKNOWN;
    for (char **number = numbers; *number; number++) {
        g_autofree char *irq = irq_directory(root, *number);
        g_autofree char *chip = pca_read_text(irq, "chip_name", NULL);
        if (chip && g_str_has_prefix(chip, "IR-"))
            return PCA_REMAPPING_ON;
        /* Other architectures and hypervisors have PCI-MSI too, some of them isolated by other
         * means; an IO-APIC is x86's alone. */
        if (chip && g_str_equal(chip, "IO-APIC"))
            result = PCA_REMAPPING_OFF;
    }
    return result;
}

/* ---- Whether the line can be shared ---- */

typedef struct {
    guint16 vendor, first, last;
} Ids;

static gboolean is_among(const PcaFunction *f, const Ids *ids, gsize n) {
    for (gsize i = 0; i < n; i++)
        if (f->vendor == ids[i].vendor && f->device >= ids[i].first && f->device <= ids[i].last)
            return TRUE;
    return FALSE;
}

/* Intel's 700 series and X550. */
static gboolean is_hidden(const PcaFunction *f) {
    static const Ids ids[] = {
        {0x8086, 0x1563, 0x1563}, {0x8086, 0x1572, 0x1572}, {0x8086, 0x1574, 0x1574},
        {0x8086, 0x1580, 0x1581}, {0x8086, 0x1583, 0x158b}, {0x8086, 0x37d0, 0x37d2},
    };
    return is_among(f, ids, G_N_ELEMENTS(ids));
}

/* Creative 20K2, RTL8169, Chelsio T310, RT2800, ConnectX to ConnectX-3, InfiniTV4. Of ConnectX-4
 * and Connect-IB some firmwares are broken, which cannot be read here. */
static gboolean is_broken(const PcaFunction *f) {
    static const Ids ids[] = {
        {0x1102, 0x000b, 0x000b}, {0x10ec, 0x8169, 0x8169}, {0x1425, 0x0030, 0x0030},
        {0x1814, 0x0601, 0x0601}, {0x15b3, 0x1003, 0x1003}, {0x15b3, 0x1007, 0x1007},
        {0x15b3, 0x6340, 0x6340}, {0x15b3, 0x634a, 0x634a}, {0x15b3, 0x6354, 0x6354},
        {0x15b3, 0x6368, 0x6368}, {0x15b3, 0x6372, 0x6372}, {0x15b3, 0x6732, 0x6732},
        {0x15b3, 0x673c, 0x673c}, {0x15b3, 0x6746, 0x6746}, {0x15b3, 0x6750, 0x6750},
        {0x15b3, 0x675a, 0x675a}, {0x15b3, 0x6764, 0x6764}, {0x15b3, 0x676e, 0x676e},
        {0x1b7c, 0x0004, 0x0004},
    };
    return is_among(f, ids, G_N_ELEMENTS(ids));
}

static gboolean has_file(const char *directory, const char *name) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static gboolean may_not_mask(const PcaRoot *root) {
    g_autofree char *directory = g_build_filename(root->sysfs, "module/vfio_pci/parameters", NULL);
    g_autofree char *value = pca_read_text(directory, "nointxmask", NULL);
    return value && value[0] == 'Y';
}

/* The kernel shows a link's speed for PCI Express functions alone (pcie_dev_attrs_are_visible()),
 * and only 64 bytes of config space, without the capabilities, to whoever has no CAP_SYS_ADMIN. */
static PcaIntxKind find_kind(const PcaRoot *root, const PcaFunction *function,
                             const char *directory) {
    g_autofree char *path = g_build_filename(directory, "config", NULL);
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    guint8 pin, command;
    if (fd < 0 || pread(fd, &pin, 1, CONFIG_INTERRUPT_PIN) != 1 ||
        pread(fd, &command, 1, CONFIG_COMMAND + 1) != 1)
        return PCA_INTX_UNKNOWN;
    if (pin == 0)
        return PCA_INTX_NONE;
    if (may_not_mask(root))
        return PCA_INTX_EXCLUSIVE;
    if (is_hidden(function))
        return PCA_INTX_HIDDEN;
    if (is_broken(function))
        return PCA_INTX_EXCLUSIVE;
    if (has_file(directory, "max_link_speed") || (command & COMMAND_DISINTX_HIGH))
        return PCA_INTX_MASKABLE;
    return PCA_INTX_UNTESTED;
}

/* ---- The line, and who is on it ---- */

/* Until a driver enables the function, `irq` is what the firmware has left in a register; while MSI
 * is in use, it is a vector of that (irq_show() in drivers/pci/pci-sysfs.c). */
static int find_line(const char *directory) {
    guint64 enabled, irq;
    if (!pca_read_number(directory, "enable", &enabled) || enabled == 0 ||
        !pca_read_number(directory, "irq", &irq) || irq > IRQ_MAX)
        return -1;
    g_autofree char *vector = g_strdup_printf("msi_irqs/%d", (int)irq);
    return has_file(directory, vector) ? -1 : (int)irq;
}

/* Drivers name their handlers after themselves, the function or its network interface. */
static gboolean is_own(const PcaFunction *function, const char *directory, const char *handler) {
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *interface = g_build_filename("net", handler, NULL);
    return strstr(handler, address) || has_file(directory, interface) ||
           (function->driver && g_str_has_prefix(handler, function->driver));
}

static gboolean uses_msi(const char *directory) {
    g_autofree char *path = g_build_filename(directory, "msi_irqs", NULL);
    g_auto(GStrv) vectors = pca_read_directory(path);
    return vectors[0] != NULL;
}

static char **find_others(const PcaRoot *root, const PcaFunction *function, const char *directory,
                          int line) {
    g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *number = g_strdup_printf("%d", line);
    g_autofree char *irq = irq_directory(root, number);
    g_autofree char *text = line < 0 ? NULL : pca_read_text(irq, "actions", NULL);
    g_auto(GStrv) handlers = g_strsplit(text ? text : "", ",", -1);
    /* At most one is its own: a neighbour's driver may be the same, with handlers named alike. */
    gboolean found = uses_msi(directory);
    for (char **handler = handlers; *handler; handler++) {
        gboolean own = !found && is_own(function, directory, *handler);
        found |= own;
        if (!own)
            g_ptr_array_add(others, g_strdup(*handler));
    }
    g_ptr_array_add(others, NULL);
    return (char **)g_ptr_array_steal(others, NULL);
}

PcaIntx *pca_intx_read(const PcaRoot *root, const PcaFunction *function) {
    PcaIntx *intx = g_new0(PcaIntx, 1);
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *directory = g_build_filename(root->sysfs, "bus/pci/devices", address, NULL);
    intx->kind = find_kind(root, function, directory);
    intx->line = find_line(directory);
    /* The kernel routed nothing to the pin. */
    if (intx->line == 0 && intx->kind != PCA_INTX_UNKNOWN)
        intx->kind = PCA_INTX_NONE;
    intx->shared_with = find_others(root, function, directory, intx->line);
    return intx;
}

void pca_intx_free(PcaIntx *intx) {
    if (!intx)
        return;
    g_strfreev(intx->shared_with);
    g_free(intx);
}
