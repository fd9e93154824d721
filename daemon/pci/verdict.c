/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether one function keeps itself, or what is below it, apart: pci_acs_enabled
 * (drivers/pci/pci.c) with unknowns.
 * Thread: any. Ownership: see the header.
 */
#include "pci/isolation-internal.h"

static gboolean is_vf(const PcaNode *node) {
    return node->function && node->function->is_vf;
}

static const PcaNode *bridge_of(const PcaTopology *topology, const PcaNode *node) {
    return node->upstream == PCA_NO_NODE ? NULL : pca_node(topology, node->upstream);
}

static gboolean is_type(const PcaNode *node, guint type) {
    return node && node->type_known && node->type == type;
}

/* Some ports say that they are of the other kind; a port below a port tells (set_pcie_port_type in
 * drivers/pci/probe.c). */
static void correct_type(const PcaTopology *topology, PcaNode *node) {
    const PcaNode *bridge = bridge_of(topology, node);
    if (is_type(node, PCA_PCIE_DOWNSTREAM) &&
        (is_type(bridge, PCA_PCIE_ROOT_PORT) || is_type(bridge, PCA_PCIE_DOWNSTREAM) ||
         is_type(bridge, PCA_PCI_TO_PCIE)))
        node->type = PCA_PCIE_UPSTREAM;
    else if (is_type(node, PCA_PCIE_UPSTREAM) && is_type(bridge, PCA_PCIE_UPSTREAM))
        node->type = PCA_PCIE_DOWNSTREAM;
}

static void find_type(const PcaTopology *topology, PcaNode *node) {
    node->pcie = node->config ? node->config->pcie.present : PCA_TRI_UNKNOWN;
    node->type_known = node->config && node->config->pcie.known;
    node->type = node->type_known ? node->config->pcie.type : 0;
    correct_type(topology, node);
}

/* The kernel calls every function that it finds by counting on from function 0 a part of a
 * multifunction device, whatever its header says, and no VF (pci_scan_slot, pci_iov_add_virtfn).
 * A PCIe link leads to one device: other device numbers on it are further functions (ARI). */
static gboolean find_multifunction(const PcaTopology *topology, const PcaNode *node) {
    const PcaNode *bridge = bridge_of(topology, node);
    gboolean on_link = is_type(bridge, PCA_PCIE_ROOT_PORT) || is_type(bridge, PCA_PCIE_DOWNSTREAM);
    if (is_vf(node))
        return FALSE;
    if (node->address.function != 0 || (on_link && node->address.device != 0))
        return TRUE;
    return !node->config || node->config->multifunction != PCA_TRI_NO;
}

static PcaVerdict no(guint16 missing, const char *why) {
    return (PcaVerdict){PCA_TRI_NO, missing, why, FALSE};
}

/* pci_acs_flags_enabled: what the capability does not have counts as wired to be on. */
static PcaVerdict judge_registers(const PcaNode *node) {
    const PcaAcs *acs = node->config ? &node->config->acs : NULL;
    if (acs && acs->present == PCA_TRI_NO)
        return no(PCA_ACS_REQUIRED, "no ACS capability");
    if (!acs || !acs->known)
        return (PcaVerdict){PCA_TRI_UNKNOWN, 0, NULL, FALSE};
    guint16 missing = PCA_ACS_REQUIRED & acs->capabilities & ~acs->control;
    if (missing != 0)
        return no(missing, "switched off");
    return (PcaVerdict){PCA_TRI_YES, 0, NULL, FALSE};
}

static PcaVerdict judge_type(const PcaNode *node) {
    switch (node->type) {
    case PCA_PCIE_TO_PCI:
    case PCA_PCI_TO_PCIE:
        return no(PCA_ACS_REQUIRED, "a bridge between PCIe and PCI");
    case PCA_PCIE_RC_EVENT_COLLECTOR:
        return no(PCA_ACS_REQUIRED, "a root complex event collector");
    case PCA_PCIE_ROOT_PORT:
    case PCA_PCIE_DOWNSTREAM:
        return judge_registers(node);
    case PCA_PCIE_ENDPOINT:
    case PCA_PCIE_LEGACY_ENDPOINT:
    case PCA_PCIE_UPSTREAM:
    case PCA_PCIE_RC_ENDPOINT:
        if (node->multifunction)
            return judge_registers(node);
        break;
    default:
        break;
    }
    return (PcaVerdict){PCA_TRI_YES, 0, NULL, FALSE};
}

PcaQuirkSubject pca_node_subject(const PcaNode *node) {
    const PcaFunction *function = node->function;
    PcaQuirkSubject subject = {
        .devfn = node->address.device << 3 | node->address.function,
        /* A type that could not be read decides no quirk. */
        .pcie = node->type_known ? node->pcie : PCA_TRI_UNKNOWN,
        .type = node->type,
        .acs = node->config ? &node->config->acs : NULL,
        .multifunction = node->multifunction,
        .on_root_bus = node->upstream == PCA_NO_NODE,
    };
    if (!function)
        return subject;
    subject.vendor = function->vendor;
    subject.device = function->device;
    subject.subsystem_vendor = function->subsystem_vendor;
    subject.subsystem_device = function->subsystem_device;
    return subject;
}

void pca_node_judge(PcaTopology *topology, int index) {
    PcaNode *node = pca_node(topology, index);
    find_type(topology, node);
    node->multifunction = find_multifunction(topology, node);
    PcaQuirkSubject subject = pca_node_subject(node);
    node->has_alias = pca_quirk_has_dma_alias(&subject);
    PcaAcsQuirk quirk = pca_quirk_acs(&subject);
    if (quirk.what)
        node->acs = (PcaVerdict){quirk.isolated, quirk.missing, quirk.what, TRUE};
    else if (node->pcie == PCA_TRI_NO)
        node->acs = no(PCA_ACS_REQUIRED, "not PCIe");
    else if (!node->type_known)
        node->acs = (PcaVerdict){PCA_TRI_UNKNOWN, 0, NULL, FALSE};
    else
        node->acs = judge_type(node);
}
