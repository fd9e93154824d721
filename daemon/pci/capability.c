/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: walks the capability lists and names what is in them.
 * Thread: any. Ownership: see the header.
 */
#include "pci/capability.h"

#include "pci/function.h"

#define STATUS 0x06
#define STATUS_CAPABILITIES 0x10
#define POINTER 0x34
#define POINTER_CARDBUS 0x14
#define POINTER_MASK 0xfc
#define ID_ALL_ONES 0xff

static const char *const standard_names[] = {
    [0x00] = "Null",
    [PCA_CAP_PM] = "PM",
    [0x02] = "AGP",
    [0x03] = "VPD",
    [0x04] = "Slot ID",
    [PCA_CAP_MSI] = "MSI",
    [0x06] = "CompactPCI hot swap",
    [PCA_CAP_PCIX] = "PCI-X",
    [0x08] = "HT",
    [PCA_CAP_VENDOR] = "Vendor",
    [0x0a] = "Debug port",
    [0x0b] = "CPCI CRC",
    [0x0c] = "Hotplug",
    [0x0d] = "Bridge subsystem",
    [0x0e] = "AGP8x",
    [0x0f] = "Secure",
    [PCA_CAP_PCIE] = "PCIe",
    [PCA_CAP_MSIX] = "MSI-X",
    [0x12] = "SATA",
    [PCA_CAP_AF] = "AF",
    [PCA_CAP_EA] = "EA",
    [0x15] = "FPB",
};

static const char *const extended_names[] = {
    [0x00] = "Null",
    [0x01] = "AER",
    [0x02] = "VC",
    [PCA_EXT_CAP_DSN] = "DSN",
    [0x04] = "Power budgeting",
    [0x05] = "RC link declaration",
    [0x06] = "RC internal link control",
    [0x07] = "RC event collector",
    [0x08] = "MFVC",
    [0x09] = "VC with MFVC",
    [0x0a] = "RCRB header",
    [PCA_EXT_CAP_VENDOR] = "VNDR",
    [0x0c] = "CAC",
    [PCA_EXT_CAP_ACS] = "ACS",
    [PCA_EXT_CAP_ARI] = "ARI",
    [PCA_EXT_CAP_ATS] = "ATS",
    [PCA_EXT_CAP_SRIOV] = "SR-IOV",
    [0x11] = "MR-IOV",
    [0x12] = "Multicast",
    [PCA_EXT_CAP_PRI] = "PRI",
    [0x14] = "AMD reserved",
    [PCA_EXT_CAP_REBAR] = "Resizable BAR",
    [0x16] = "DPA",
    [0x17] = "TPH",
    [0x18] = "LTR",
    [0x19] = "SecPCIe",
    [0x1a] = "PMUX",
    [PCA_EXT_CAP_PASID] = "PASID",
    [0x1c] = "LNR",
    [0x1d] = "DPC",
    [0x1e] = "L1SS",
    [0x1f] = "PTM",
    [0x20] = "M-PCIe",
    [0x21] = "FRS queueing",
    [0x22] = "RTR",
    [PCA_EXT_CAP_DVSEC] = "DVSEC",
    [PCA_EXT_CAP_VF_REBAR] = "VF resizable BAR",
    [0x25] = "Data link feature",
    [0x26] = "Physical layer 16 GT/s",
    [0x27] = "Lane margining",
    [0x28] = "Hierarchy ID",
    [0x29] = "NPEM",
    [0x2a] = "Physical layer 32 GT/s",
    [0x2b] = "Alternate protocol",
    [0x2c] = "SFI",
    [0x2d] = "Shadow functions",
    [0x2e] = "DOE",
    [0x2f] = "Device 3",
    [0x30] = "IDE",
    [0x31] = "Physical layer 64 GT/s",
    [0x32] = "Flit logging",
    [0x33] = "Flit performance measurement",
    [0x34] = "Flit error injection",
};

char *pca_capability_name(guint16 id, gboolean extended) {
    guint known = extended ? G_N_ELEMENTS(extended_names) : G_N_ELEMENTS(standard_names);
    if (id < known)
        return g_strdup(extended ? extended_names[id] : standard_names[id]);
    return g_strdup_printf(extended ? "unknown (0x%04x)" : "unknown (0x%02x)", id);
}

static void clear_entry(gpointer data) {
    PcaCapability *capability = data;
    g_free(capability->name);
}

void pca_capability_list_init(PcaCapabilityList *list) {
    *list = (PcaCapabilityList){.entries = g_array_new(FALSE, FALSE, sizeof(PcaCapability))};
    g_array_set_clear_func(list->entries, clear_entry);
}

void pca_capability_list_clear(PcaCapabilityList *list) {
    g_clear_pointer(&list->entries, g_array_unref);
}

static void add(PcaCapabilityList *list, guint16 id, guint offset, guint version,
                gboolean extended) {
    PcaCapability capability = {.id = id,
                                .offset = (guint16)offset,
                                .version = (guint8)version,
                                .extended = extended,
                                .name = pca_capability_name(id, extended)};
    g_array_append_val(list->entries, capability);
}

static void end_list(PcaCapabilityList *list, gboolean malformed) {
    list->complete = TRUE;
    list->malformed = malformed;
}

void pca_capability_list_read_standard(PcaCapabilityList *list, PcaBytes bytes, int header_type) {
    gboolean seen[PCA_CONFIG_STANDARD_SIZE / 4] = {FALSE};
    PcaBytes space = pca_bytes_first(bytes, PCA_CONFIG_STANDARD_SIZE);
    guint32 status, next, entry;
    if (!pca_bytes_read(space, STATUS, 2, &status))
        return;
    if (!(status & STATUS_CAPABILITIES)) {
        end_list(list, FALSE);
        return;
    }
    /* Where the pointer stands depends on a header that may not be known. */
    gsize pointer = header_type == PCA_HEADER_CARDBUS ? POINTER_CARDBUS : POINTER;
    if (header_type == PCA_HEADER_UNKNOWN || !pca_bytes_read(space, pointer, 1, &next))
        return;
    while (next != 0) {
        guint offset = next & POINTER_MASK;
        if (next < PCA_CONFIG_HEADER_SIZE || seen[offset / 4]) {
            end_list(list, TRUE);
            return;
        }
        seen[offset / 4] = TRUE;
        if (!pca_bytes_read(space, offset, 2, &entry))
            return;
        if ((entry & 0xff) == ID_ALL_ONES) {
            end_list(list, TRUE);
            return;
        }
        add(list, entry & 0xff, offset, 0, FALSE);
        next = entry >> 8;
    }
    end_list(list, FALSE);
}

void pca_capability_list_read_extended(PcaCapabilityList *list, PcaBytes bytes, PcaTri exists) {
    gboolean seen[PCA_CONFIG_EXTENDED_SIZE / 4] = {FALSE};
    PcaBytes space = pca_bytes_first(bytes, PCA_CONFIG_EXTENDED_SIZE);
    guint offset = PCA_CONFIG_STANDARD_SIZE;
    guint32 header;
    if (exists == PCA_TRI_NO)
        end_list(list, FALSE);
    if (exists != PCA_TRI_YES)
        return;
    while (offset != 0) {
        if (offset < PCA_CONFIG_STANDARD_SIZE || seen[offset / 4]) {
            end_list(list, TRUE);
            return;
        }
        seen[offset / 4] = TRUE;
        if (!pca_bytes_read(space, offset, 4, &header))
            return;
        /* No list at all reads as zero, a space that is not reachable as ones. */
        if (header == 0 || header == G_MAXUINT32) {
            end_list(list, header != 0);
            return;
        }
        add(list, header & 0xffff, offset, header >> 16 & 0xf, TRUE);
        offset = header >> 20 & 0xffc;
    }
    end_list(list, FALSE);
}

const PcaCapability *pca_capability_list_find(const PcaCapabilityList *list, guint16 id) {
    for (guint i = 0; i < list->entries->len; i++) {
        const PcaCapability *capability = &g_array_index(list->entries, PcaCapability, i);
        if (capability->id == id)
            return capability;
    }
    return NULL;
}

PcaTri pca_capability_list_has(const PcaCapabilityList *list, guint16 id) {
    if (pca_capability_list_find(list, id))
        return PCA_TRI_YES;
    return list->complete ? PCA_TRI_NO : PCA_TRI_UNKNOWN;
}
