/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: invariants of configs.
 * Thread: any. Ownership: see the header.
 */
#include "pci/facts.h"

#include "pci/function.h"

static gboolean tri_ok(PcaTri part, PcaTri full) {
    return part == PCA_TRI_UNKNOWN || part == full;
}

static gboolean list_ok(const PcaCapabilityList *part, const PcaCapabilityList *full) {
    if (part->entries->len > full->entries->len)
        return FALSE;
    for (guint i = 0; i < part->entries->len; i++) {
        const PcaCapability *a = &g_array_index(part->entries, PcaCapability, i);
        const PcaCapability *b = &g_array_index(full->entries, PcaCapability, i);
        if (a->id != b->id || a->offset != b->offset || a->version != b->version ||
            !g_str_equal(a->name, b->name))
            return FALSE;
    }
    return !part->complete || (full->complete && part->malformed == full->malformed &&
                               part->entries->len == full->entries->len);
}

static gboolean bars_ok(const PcaConfig *part, const PcaConfig *full) {
    if (part->bars->len > full->bars->len ||
        (part->bars_complete && part->bars->len != full->bars->len))
        return FALSE;
    for (guint i = 0; i < part->bars->len; i++) {
        const PcaBar *a = &g_array_index(part->bars, PcaBar, i);
        const PcaBar *b = &g_array_index(full->bars, PcaBar, i);
        if (a->index != b->index || a->type != b->type || a->address != b->address ||
            a->prefetchable != b->prefetchable || a->size != b->size ||
            a->page_aligned != b->page_aligned)
            return FALSE;
    }
    return TRUE;
}

static gboolean ranges_ok(const PcaConfig *part, const PcaConfig *full) {
    if (part->ranges->len > full->ranges->len ||
        (part->ranges_complete && part->ranges->len != full->ranges->len))
        return FALSE;
    for (guint i = 0; i < part->ranges->len; i++) {
        const PcaRange *a = &g_array_index(part->ranges, PcaRange, i);
        const PcaRange *b = &g_array_index(full->ranges, PcaRange, i);
        if (a->start != b->start || a->end != b->end)
            return FALSE;
    }
    return TRUE;
}

static gboolean header_ok(const PcaConfig *a, const PcaConfig *b) {
    return tri_ok(a->responds, b->responds) && tri_ok(a->multifunction, b->multifunction) &&
           tri_ok(a->intx_disabled, b->intx_disabled) && tri_ok(a->intx_pending, b->intx_pending) &&
           tri_ok(a->intx, b->intx) &&
           (a->header_type == PCA_HEADER_UNKNOWN || a->header_type == b->header_type) &&
           (a->interrupt_pin == -1 || a->interrupt_pin == b->interrupt_pin) &&
           (a->interrupt_line == -1 || a->interrupt_line == b->interrupt_line) &&
           (!a->command_known || (a->command == b->command && a->status == b->status)) &&
           (!a->buses_known || (a->primary == b->primary && a->secondary == b->secondary &&
                                a->subordinate == b->subordinate));
}

static gboolean pcie_ok(const PcaPcie *a, const PcaPcie *b) {
    return tri_ok(a->present, b->present) && tri_ok(a->flr, b->flr) &&
           (!a->known ||
            (b->known && a->type == b->type && a->version == b->version && a->slot == b->slot)) &&
           (a->max_width == 0 || a->max_width == b->max_width) &&
           (a->width == 0 || a->width == b->width);
}

static gboolean acs_ok(const PcaAcs *a, const PcaAcs *b) {
    return tri_ok(a->present, b->present) &&
           (!a->known ||
            (b->known && a->capabilities == b->capabilities && a->control == b->control)) &&
           (!a->dword_control_known || a->dword_control == b->dword_control);
}

static gboolean sriov_ok(const PcaSriov *a, const PcaSriov *b) {
    return tri_ok(a->present, b->present) &&
           (!a->known || (b->known && a->total_vfs == b->total_vfs && a->num_vfs == b->num_vfs &&
                          a->offset == b->offset && a->stride == b->stride &&
                          a->vf_device == b->vf_device && a->enabled == b->enabled));
}

static gboolean interrupts_ok(const PcaConfig *a, const PcaConfig *b) {
    return tri_ok(a->msi.present, b->msi.present) && tri_ok(a->msix.present, b->msix.present) &&
           (!a->msi.known || (b->msi.known && a->msi.vectors == b->msi.vectors)) &&
           (!a->msix.known || (b->msix.known && a->msix.vectors == b->msix.vectors));
}

static gboolean reset_ok(const PcaConfig *a, const PcaConfig *b) {
    return tri_ok(a->pm.present, b->pm.present) && tri_ok(a->af.present, b->af.present) &&
           (!a->pm.known || (b->pm.known && a->pm.states == b->pm.states &&
                             a->pm.no_soft_reset == b->pm.no_soft_reset)) &&
           (!a->af.known || (b->af.known && a->af.flr == b->af.flr && a->af.tp == b->af.tp));
}

static gboolean presence_ok(const PcaConfig *a, const PcaConfig *b) {
    return tri_ok(a->extended_space, b->extended_space) && tri_ok(a->ats, b->ats) &&
           tri_ok(a->pri, b->pri) && tri_ok(a->pasid, b->pasid) &&
           tri_ok(a->dsn.present, b->dsn.present) &&
           (!a->dsn.known || a->dsn.number == b->dsn.number) &&
           tri_ok(a->ari.present, b->ari.present) &&
           (!a->ari.known || a->ari.next_function == b->ari.next_function);
}

const char *pca_facts_contradiction(const PcaConfig *part, const PcaConfig *full) {
    if (!header_ok(part, full))
        return "header";
    if (!bars_ok(part, full))
        return "bars";
    if (!list_ok(&part->standard, &full->standard) || !list_ok(&part->extended, &full->extended))
        return "capability lists";
    if (!interrupts_ok(part, full))
        return "interrupts";
    if (!reset_ok(part, full))
        return "reset";
    if (!pcie_ok(&part->pcie, &full->pcie))
        return "pcie";
    if (!acs_ok(&part->acs, &full->acs))
        return "acs";
    if (!sriov_ok(&part->sriov, &full->sriov))
        return "sriov";
    if (!presence_ok(part, full))
        return "presence";
    return ranges_ok(part, full) ? NULL : "ranges";
}

static gboolean entries_fit(const PcaCapabilityList *list, gboolean extended, gsize length) {
    guint start = extended ? PCA_CONFIG_STANDARD_SIZE : PCA_CONFIG_HEADER_SIZE;
    guint end = extended ? PCA_CONFIG_EXTENDED_SIZE : PCA_CONFIG_STANDARD_SIZE;
    for (guint i = 0; i < list->entries->len; i++) {
        const PcaCapability *capability = &g_array_index(list->entries, PcaCapability, i);
        if (capability->offset < start || capability->offset >= end || capability->offset % 4 ||
            capability->offset >= length || capability->extended != extended ||
            capability->name[0] == '\0')
            return FALSE;
    }
    return list->entries->len <= (end - start) / 4;
}

static gboolean bars_in_order(const PcaConfig *config) {
    int last = -1;
    for (guint i = 0; i < config->bars->len; i++) {
        const PcaBar *bar = &g_array_index(config->bars, PcaBar, i);
        if ((int)bar->index <= last || bar->index > PCA_RESOURCE_ROM ||
            (bar->index == PCA_RESOURCE_ROM) != (bar->type == PCA_BAR_ROM))
            return FALSE;
        last = bar->index + (bar->type == PCA_BAR_MEM64 ? 1 : 0);
    }
    return TRUE;
}

static gboolean ranges_in_order(const PcaConfig *config) {
    guint last = PCA_CONFIG_HEADER_SIZE;
    for (guint i = 0; i < config->ranges->len; i++) {
        const PcaRange *range = &g_array_index(config->ranges, PcaRange, i);
        if (range->start < last || range->end <= range->start || range->end > config->length)
            return FALSE;
        last = range->end;
    }
    return TRUE;
}

const char *pca_facts_broken(const PcaConfig *config) {
    if (!entries_fit(&config->standard, FALSE, config->length) ||
        !entries_fit(&config->extended, TRUE, config->length))
        return "capability lists";
    if (!bars_in_order(config))
        return "bars";
    if (!ranges_in_order(config))
        return "ranges";
    if (config->responds == PCA_TRI_NO && (config->command_known || config->standard.complete))
        return "silent";
    return NULL;
}
