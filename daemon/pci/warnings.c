/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: warnings about isolation sets: where kernel and registers differ, and what the host was
 * told that weakens them.
 * Thread: any. Ownership: see the header.
 */
#include "pci/warnings.h"

#include <string.h>

static void warn(GPtrArray *warnings, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void warn(GPtrArray *warnings, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(warnings, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* ---- The set and the group ---- */

static gboolean contains(const GArray *addresses, const PcaAddress *address) {
    for (guint i = 0; i < addresses->len; i++)
        if (pca_address_equal(&g_array_index(addresses, PcaAddress, i), address))
            return TRUE;
    return FALSE;
}

/* Those of `all` that `without` lacks, with spaces between; NULL when there are none. */
static char *difference(const GArray *all, const GArray *without) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < all->len; i++) {
        const PcaAddress *address = &g_array_index(all, PcaAddress, i);
        if (contains(without, address))
            continue;
        g_autofree char *word = pca_address_format(address);
        g_string_append_printf(text, "%s%s", text->len ? " " : "", word);
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* What could not be read made the set too large: that is no contradiction. */
static void compare_with_group(GPtrArray *warnings, const PcaIsolation *isolation) {
    if (isolation->agrees != PCA_TRI_NO)
        return;
    g_autofree char *apart = difference(isolation->set, isolation->kernel_group);
    g_autofree char *together = difference(isolation->kernel_group, isolation->set);
    if (apart)
        warn(warnings,
             "the kernel has %s in another group, but as the ACS registers are now nothing keeps "
             "them apart: this group claims more isolation than there is",
             apart);
    if (together)
        warn(warnings,
             "the kernel's group has %s as well, which topology and ACS registers as they are now "
             "do not explain: the group counts, it was made when the kernel found the function",
             together);
}

/* ---- The kernel's command line ---- */

static const struct {
    const char *option;
    const char *effect;
} options[] = {
    {"pcie_acs_override=",
     "a kernel that has this patch makes groups of devices that can reach each other's memory"},
    {"disable_acs_redir=", "it switches the redirection of requests off on these devices"},
    {"config_acs=", "it sets the ACS registers of these devices by hand"},
};

static const char *effect_of(const char *option) {
    for (guint i = 0; i < G_N_ELEMENTS(options); i++)
        if (g_str_has_prefix(option, options[i].option))
            return options[i].effect;
    return NULL;
}

/* "pci=" takes a list of options. */
static void collect_options(GPtrArray *found, const char *word) {
    const char *list = g_str_has_prefix(word, "pci=") ? word + strlen("pci=") : word;
    g_auto(GStrv) parts = g_strsplit(list, list == word ? "\n" : ",", -1);
    for (char **part = parts; *part; part++)
        if (effect_of(*part))
            g_ptr_array_add(found, g_strdup(*part));
}

char **pca_acs_options(const char *command_line) {
    GPtrArray *found = g_ptr_array_new();
    g_auto(GStrv) words = g_strsplit_set(command_line ? command_line : "", " \t\n", -1);
    for (char **word = words; *word; word++)
        collect_options(found, *word);
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

static void judge_command_line(GPtrArray *warnings, const char *line) {
    g_auto(GStrv) found = pca_acs_options(line);
    for (char **option = found; *option; option++)
        warn(warnings, "the kernel's command line has %s: %s", *option, effect_of(*option));
}

/* ---- The host ---- */

static void judge_host(GPtrArray *warnings, const PcaIsolationHost *host) {
    if (host->noiommu)
        warn(warnings, "vfio's enable_unsafe_noiommu_mode is on: its groups isolate nothing");
    if (host->unsafe_interrupts)
        warn(warnings, "allow_unsafe_interrupts is on: with a device, a guest can raise any "
                       "interrupt of the host");
    if (host->interrupts_remapped == PCA_TRI_NO)
        warn(warnings, "interrupts are not remapped: VFIO refuses devices, and where "
                       "allow_unsafe_interrupts makes it take them, a guest can raise any "
                       "interrupt of the host");
}

static void judge_regions(GPtrArray *warnings, const GArray *regions) {
    for (guint i = 0; regions && i < regions->len; i++) {
        const PcaReservedRegion *region = &g_array_index(regions, PcaReservedRegion, i);
        if (g_str_equal(region->type, "direct"))
            warn(warnings,
                 "the firmware reserves memory for a device of the group (RMRR, "
                 "0x%" G_GINT64_MODIFIER "x to 0x%" G_GINT64_MODIFIER
                 "x): the kernel does not let VFIO have it",
                 region->start, region->end);
    }
}

char **pca_isolation_warnings(const PcaIsolation *isolation, const PcaIsolationHost *host) {
    GPtrArray *warnings = g_ptr_array_new();
    compare_with_group(warnings, isolation);
    judge_command_line(warnings, host->command_line);
    judge_host(warnings, host);
    judge_regions(warnings, host->regions);
    g_ptr_array_add(warnings, NULL);
    return (char **)g_ptr_array_free(warnings, FALSE);
}
