/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: prints what is read from the config spaces of a recorded host, a fact a line, for
 * tests/pci/test-lspci.py. Usage: facts-of FILE
 * Thread: main. Ownership: none.
 */
#include "pci/recorded.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const bar_types[] = {[PCA_BAR_IO] = "io",
                                        [PCA_BAR_MEM32] = "mem32",
                                        [PCA_BAR_MEM64] = "mem64",
                                        [PCA_BAR_ROM] = "rom"};

static void print_list(const PcaCapabilityList *list) {
    for (guint i = 0; i < list->entries->len; i++) {
        const PcaCapability *c = &g_array_index(list->entries, PcaCapability, i);
        if (c->extended)
            printf("extended %x %s v%u\n", c->offset, c->name, c->version);
        else
            printf("capability %x %s\n", c->offset, c->name);
    }
    if (!list->complete || list->malformed)
        printf("the list of capabilities is not whole\n");
}

static void print_bars(const PcaConfig *config) {
    for (guint i = 0; i < config->bars->len; i++) {
        const PcaBar *bar = &g_array_index(config->bars, PcaBar, i);
        g_autofree char *size = bar->size_known ? g_strdup_printf("%" G_GUINT64_FORMAT, bar->size)
                                                : g_strdup("unknown");
        printf("bar %u %s%s at %" G_GINT64_MODIFIER "x size %s\n", bar->index, bar_types[bar->type],
               bar->prefetchable ? " prefetchable" : "", bar->address, size);
    }
}

static void print_interrupts(const PcaConfig *config) {
    if (config->interrupt_pin > 0)
        printf("pin %c\n", '@' + config->interrupt_pin);
    if (config->msi.known)
        printf("msi %u %s\n", config->msi.vectors, config->msi.enabled ? "on" : "off");
    if (config->msix.known)
        printf("msix %u %s\n", config->msix.vectors, config->msix.enabled ? "on" : "off");
}

static void print_pcie(const PcaPcie *pcie) {
    const char *type = pca_pcie_type_name(pcie->type);
    const char *most = pca_pcie_speed_name(pcie->max_speed);
    const char *now = pca_pcie_speed_name(pcie->speed);
    if (!pcie->known)
        return;
    printf("pcie v%u %s%s\n", pcie->version, type ? type : "reserved", pcie->slot ? " slot" : "");
    if (most)
        printf("link at most %s x%u\n", most, pcie->max_width);
    if (now)
        printf("link now %s x%u\n", now, pcie->width);
    if (pcie->flr == PCA_TRI_YES)
        printf("flr\n");
}

static void print_others(const PcaConfig *config) {
    if (config->buses_known)
        printf("buses %02x %02x %02x\n", config->primary, config->secondary, config->subordinate);
    if (config->pm.known)
        printf("pm v%u D%u%s\n", config->pm.version, config->pm.state,
               config->pm.no_soft_reset ? " no soft reset" : "");
    if (config->af.known)
        printf("af%s%s\n", config->af.tp ? " tp" : "", config->af.flr ? " flr" : "");
    if (config->sriov.known)
        printf("sriov total %u now %u%s offset %u stride %u device %04x\n", config->sriov.total_vfs,
               config->sriov.num_vfs, config->sriov.enabled ? " on" : "", config->sriov.offset,
               config->sriov.stride, config->sriov.vf_device);
    if (config->dsn.known)
        printf("dsn %016" G_GINT64_MODIFIER "x\n", config->dsn.number);
    if (config->ari.known)
        printf("ari next %u\n", config->ari.next_function);
}

static void print_acs(const PcaAcs *acs) {
    if (!acs->known)
        return;
    g_autofree char *capabilities = pca_acs_format(acs->capabilities);
    g_autofree char *control = pca_acs_format(acs->control);
    printf("acs has %s\nacs does %s\n", capabilities, control);
}

static void print_function(const RecordedFunction *function) {
    g_autofree char *address = pca_address_format(&function->function->address);
    const PcaConfig *config = function->config;
    printf("function %s\n", address);
    if (!config)
        return;
    print_list(&config->standard);
    print_list(&config->extended);
    print_bars(config);
    print_interrupts(config);
    print_pcie(&config->pcie);
    print_others(config);
    print_acs(&config->acs);
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    g_autoptr(RecordedHost) host = argc == 2 ? recorded_host_read(argv[1], &error) : NULL;
    if (!host) {
        fprintf(stderr, "%s\n", error ? error->message : "facts-of FILE");
        return EXIT_FAILURE;
    }
    for (guint i = 0; i < host->functions->len; i++)
        print_function(g_ptr_array_index(host->functions, i));
    return EXIT_SUCCESS;
}
