/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: how long capabilities are, to tell them from what is device-dependent.
 * Thread: any. Ownership: none.
 */
#include "pci/capability.h"

#define STANDARD_HEADER 2
#define EXTENDED_HEADER 4

#define MSI_64_BIT 0x80
#define MSI_MASKABLE 0x100
#define PCIX_MODE_2 0x3000 /* version bits of the command register, type 0 */
#define EXP_TYPE_RC_ENDPOINT 9
#define ACS_EGRESS_CONTROL 0x20

/* Fixed lengths; 0: not fixed, or not known (linux/pci_regs.h, *_SIZEOF, and the PCIe Base
 * Specification 6.0, chapter 7). */
static const guint8 standard_lengths[] = {
    [PCA_CAP_PM] = 8, [0x02] = 12, [0x03] = 8,          [0x04] = 4, [0x06] = 4,
    [0x0d] = 8,       [0x0e] = 12, [PCA_CAP_MSIX] = 12, [0x12] = 8, [PCA_CAP_AF] = 6,
};
static const guint8 extended_lengths[] = {
    [0x01] = 0x2c,
    [PCA_EXT_CAP_DSN] = 12,
    [0x04] = 16,
    [0x06] = 12,
    [0x07] = 8,
    [0x0a] = 20,
    [PCA_EXT_CAP_ARI] = 8,
    [PCA_EXT_CAP_ATS] = 8,
    [PCA_EXT_CAP_SRIOV] = 0x40,
    [0x12] = 0x28,
    [PCA_EXT_CAP_PRI] = 16,
    [0x18] = 8,
    [PCA_EXT_CAP_PASID] = 8,
    [0x1e] = 16,
    [0x1f] = 12,
    [0x25] = 12,
    [0x29] = 16,
    [0x2e] = 0x18,
};

static guint32 read_at(const PcaCapability *capability, PcaBytes bytes, guint offset, guint width) {
    guint32 value;
    pca_bytes_read(bytes, capability->offset + offset, width, &value);
    return value;
}

static guint msi_length(guint32 control) {
    return 10 + (control & MSI_64_BIT ? 4 : 0) + (control & MSI_MASKABLE ? 10 : 0);
}

static guint pcie_length(guint32 flags) {
    guint version = flags & 0xf, type = flags >> 4 & 0xf;
    if (version > 1)
        return 0x3c;
    /* Version 1 has only the registers that the type of function needs. */
    return type == EXP_TYPE_RC_ENDPOINT ? 0x0c : type == 4 || type == 0xa ? 0x24 : 0x14;
}

static guint enhanced_allocation_length(const PcaCapability *capability, PcaBytes bytes) {
    guint count = read_at(capability, bytes, 2, 1) & 0x3f, length = 4;
    for (guint i = 0; i < count; i++)
        length += 4 * ((read_at(capability, bytes, length, 1) & 7) + 1);
    return length;
}

static guint acs_length(guint32 cap) {
    guint vector = cap >> 8 & 0xff;
    if (!(cap & ACS_EGRESS_CONTROL))
        return 8;
    return 8 + 4 * (((vector ? vector : 256) + 31) / 32);
}

static guint standard_length(const PcaCapability *capability, PcaBytes bytes) {
    switch (capability->id) {
    case PCA_CAP_MSI:
        return msi_length(read_at(capability, bytes, 2, 2));
    case PCA_CAP_PCIX:
        return read_at(capability, bytes, 2, 2) & PCIX_MODE_2 ? 24 : 8;
    case PCA_CAP_VENDOR:
        return read_at(capability, bytes, 2, 1);
    case PCA_CAP_PCIE:
        return pcie_length(read_at(capability, bytes, 2, 2));
    case PCA_CAP_EA:
        return enhanced_allocation_length(capability, bytes);
    default:
        return capability->id < G_N_ELEMENTS(standard_lengths) ? standard_lengths[capability->id]
                                                               : 0;
    }
}

static guint extended_length(const PcaCapability *capability, PcaBytes bytes) {
    switch (capability->id) {
    case PCA_EXT_CAP_VENDOR:
    case PCA_EXT_CAP_DVSEC:
        return read_at(capability, bytes, 4, 4) >> 20;
    case PCA_EXT_CAP_ACS:
        return acs_length(read_at(capability, bytes, 4, 2));
    case PCA_EXT_CAP_REBAR:
    case PCA_EXT_CAP_VF_REBAR:
        return 4 + 8 * (read_at(capability, bytes, 8, 4) >> 5 & 7);
    default:
        return capability->id < G_N_ELEMENTS(extended_lengths) ? extended_lengths[capability->id]
                                                               : 0;
    }
}

guint pca_capability_length(const PcaCapability *capability, PcaBytes bytes) {
    if (capability->extended)
        return MAX(EXTENDED_HEADER, extended_length(capability, bytes));
    PcaBytes space = pca_bytes_first(bytes, PCA_CONFIG_STANDARD_SIZE);
    return MAX(STANDARD_HEADER, standard_length(capability, space));
}
