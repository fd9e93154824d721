/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the tables of quirks, and how they are read.
 * Thread: any. Ownership: static.
 */
#include "pci/quirks.h"

#define ANY 0xffff
#define ENDPOINT_IN_ROOT_COMPLEX (1u << PCA_PCIE_RC_ENDPOINT)
#define ROOT (1u << PCA_PCIE_ROOT_PORT)
#define PORT (ROOT | 1u << PCA_PCIE_DOWNSTREAM)

typedef enum {
    ISOLATED,
    NOT_ISOLATED,
    SOUTHBRIDGE,     /* isolated as one of several functions on a root bus */
    DWORD_REGISTERS, /* has ACS, with the control register where the standard has none */
} AcsRule;

typedef struct {
    guint16 vendor, first, last;
    guint16 step;  /* 0: every id from first to last */
    guint16 types; /* a bit for each PCIe type that it holds for; 0: any function */
    AcsRule rule;
    const char *what, *source;
} AcsRow;

#define NO_PEER_TO_PEER "its vendor says that its functions do not talk to each other"
#define MF "pci_quirk_mf_endpoint_acs"
#define PCH "pci_quirk_intel_pch_acs"
#define PCH_WHAT "the kernel isolates this Intel chipset port with registers of its own"
#define SPT "pci_quirk_intel_spt_pch_acs"
#define SPT_WHAT "this Intel chipset port has its ACS registers in another place"
#define ALONE "its port does not pass traffic on to other ports"

/* In the order in which the kernel asks. */
static const AcsRow acs_rows[] = {
    {0x1002, 0x4383, 0x4385, 0, 0, SOUTHBRIDGE, NO_PEER_TO_PEER, "pci_quirk_amd_sb_acs"},
    {0x1002, 0x4399, 0x4399, 0, 0, SOUTHBRIDGE, NO_PEER_TO_PEER, "pci_quirk_amd_sb_acs"},
    {0x1002, 0x439c, 0x439d, 0, 0, SOUTHBRIDGE, NO_PEER_TO_PEER, "pci_quirk_amd_sb_acs"},
    {0x1022, 0x7809, 0x780f, 6, 0, SOUTHBRIDGE, NO_PEER_TO_PEER, "pci_quirk_amd_sb_acs"},
    /* Solarflare */
    {0x1924, 0x0903, 0x0923, 0x20, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x1924, 0x0a03, 0x0a03, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Intel 82598, 82599 */
    {0x8086, 0x10c6, 0x10c6, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x10db, 0x10dd, 2, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x10e1, 0x10f1, 0x10, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x10f7, 0x10fc, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x1507, 0x1507, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x1514, 0x151c, 8, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x1529, 0x152a, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x154d, 0x1551, 2, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x1558, 0x1558, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Intel 82580 */
    {0x8086, 0x1509, 0x1509, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x150e, 0x1511, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x1516, 0x1516, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x1527, 0x1527, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Intel 82576 */
    {0x8086, 0x10c9, 0x10c9, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x10e6, 0x10e8, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x150a, 0x150d, 3, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x1518, 0x1526, 0xe, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Intel 82575 */
    {0x8086, 0x10a7, 0x10a9, 2, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x10d6, 0x10d6, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Intel I350 */
    {0x8086, 0x1521, 0x1524, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Intel 82571; not the quads, which have a switch inside */
    {0x8086, 0x105e, 0x1060, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x8086, 0x10d9, 0x10d9, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Intel I219 */
    {0x8086, 0x15b7, 0x15b8, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* VT-d specification 3.1, section 3.16 */
    {0x8086, 0, ANY, 0, ENDPOINT_IN_ROOT_COMPLEX, ISOLATED,
     "Intel allows endpoints in the root complex no untranslated peer to peer",
     "pci_quirk_rciep_acs"},
    /* Qualcomm QDF2xxx, SA8775P; HXT SD4800 */
    {0x17cb, 0x0400, 0x0401, 0, 0, ISOLATED, ALONE, "pci_quirk_qcom_rp_acs"},
    {0x17cb, 0x0115, 0x0115, 0, 0, ISOLATED, ALONE, "pci_quirk_qcom_rp_acs"},
    {0x1dbf, 0x0401, 0x0401, 0, 0, ISOLATED, ALONE, "pci_quirk_qcom_rp_acs"},
    /* Intel chipsets from Ibexpeak to Wildcat Point, X79, X99 */
    {0x8086, 0x3b42, 0x3b51, 0, ROOT, ISOLATED, PCH_WHAT, PCH},
    {0x8086, 0x1c10, 0x1c1f, 0, ROOT, ISOLATED, PCH_WHAT, PCH},
    {0x8086, 0x1e10, 0x1e1f, 0, ROOT, ISOLATED, PCH_WHAT, PCH},
    {0x8086, 0x8c10, 0x8c1f, 0, ROOT, ISOLATED, PCH_WHAT, PCH},
    {0x8086, 0x9c10, 0x9c1b, 0, ROOT, ISOLATED, PCH_WHAT, PCH},
    {0x8086, 0x9c90, 0x9c9b, 0, ROOT, ISOLATED, PCH_WHAT, PCH},
    {0x8086, 0x1d10, 0x1d1e, 2, ROOT, ISOLATED, PCH_WHAT, PCH},
    {0x8086, 0x8d10, 0x8d1e, 0, ROOT, ISOLATED, PCH_WHAT, PCH},
    {0x8086, 0x8c90, 0x8c9e, 2, ROOT, ISOLATED, PCH_WHAT, PCH},
    /* Intel 100 and 200 series chipsets, and mobile ones of the 7th and 8th generation */
    {0x8086, 0xa110, 0xa11f, 0, ROOT, DWORD_REGISTERS, SPT_WHAT, SPT},
    {0x8086, 0xa167, 0xa16a, 0, ROOT, DWORD_REGISTERS, SPT_WHAT, SPT},
    {0x8086, 0xa290, 0xa29f, 0, ROOT, DWORD_REGISTERS, SPT_WHAT, SPT},
    {0x8086, 0xa2e7, 0xa2ee, 0, ROOT, DWORD_REGISTERS, SPT_WHAT, SPT},
    {0x8086, 0x9d10, 0x9d1b, 0, ROOT, DWORD_REGISTERS, SPT_WHAT, SPT},
    /* Emulex BE3-R, Skyhawk-R */
    {0x19a2, 0x0710, 0x0710, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x10df, 0x0720, 0x0720, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Cavium ThunderX 1 to 3, and functions in them */
    {0x177d, 0xa000, 0xa7ff, 0, ROOT, ISOLATED, ALONE, "pci_quirk_cavium_acs"},
    {0x177d, 0xaf84, 0xaf84, 0, ROOT, ISOLATED, ALONE, "pci_quirk_cavium_acs"},
    {0x177d, 0xb884, 0xb884, 0, ROOT, ISOLATED, ALONE, "pci_quirk_cavium_acs"},
    {0x177d, 0xa026, 0xa026, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x177d, 0xa059, 0xa060, 7, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* Applied Micro X-Gene, Ampere */
    {0x10e8, 0xe004, 0xe004, 0, 0, ISOLATED, ALONE, "pci_quirk_xgene_acs"},
    {0x1def, 0xe005, 0xe00c, 0, 0, ISOLATED, ALONE, "pci_quirk_xgene_acs"},
    /* Broadcom network adapters, and iProc ports */
    {0x14e4, 0x16d7, 0x16d7, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x14e4, 0x1750, 0x1752, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x14e4, 0x1760, 0x1763, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x14e4, 0xd714, 0xd714, 0, 0, ISOLATED, ALONE, "pci_quirk_brcm_acs"},
    /* Loongson */
    {0x0014, 0x3c09, 0x3c29, 0x10, 0, ISOLATED, ALONE, "pci_quirk_loongson_acs"},
    {0x0014, 0x7a09, 0x7a69, 0x10, 0, ISOLATED, ALONE, "pci_quirk_loongson_acs"},
    /* Annapurna Labs */
    {0x1c36, 0x0031, 0x0031, 0, ROOT, ISOLATED, ALONE, "pci_quirk_al_acs"},
    /* Zhaoxin functions */
    {0x1d17, 0x3038, 0x3038, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x1d17, 0x3104, 0x3104, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    {0x1d17, 0x9083, 0x9083, 0, 0, ISOLATED, NO_PEER_TO_PEER, MF},
    /* NXP LX2xx0, LX2xx2 */
    {0x1957, 0x8d80, 0x8d83, 0, 0, ISOLATED, ALONE, "pci_quirk_nxp_rp_acs"},
    {0x1957, 0x8d88, 0x8d8b, 0, 0, ISOLATED, ALONE, "pci_quirk_nxp_rp_acs"},
    {0x1957, 0x8d90, 0x8d93, 0, 0, ISOLATED, ALONE, "pci_quirk_nxp_rp_acs"},
    {0x1957, 0x8d98, 0x8d9b, 0, 0, ISOLATED, ALONE, "pci_quirk_nxp_rp_acs"},
    {0x1957, 0x8da0, 0x8da1, 0, 0, ISOLATED, ALONE, "pci_quirk_nxp_rp_acs"},
    {0x1957, 0x8da8, 0x8da9, 0, 0, ISOLATED, ALONE, "pci_quirk_nxp_rp_acs"},
    {0x1957, 0x8db0, 0x8db1, 0, 0, ISOLATED, ALONE, "pci_quirk_nxp_rp_acs"},
    {0x1957, 0x8db8, 0x8db9, 0, 0, ISOLATED, ALONE, "pci_quirk_nxp_rp_acs"},
    /* Zhaoxin ports; those not listed count as open whatever their registers say */
    {0x1d17, 0x0710, 0x071e, 0, PORT, ISOLATED, ALONE, "pci_quirk_zhaoxin_pcie_ports_acs"},
    {0x1d17, 0x0721, 0x0721, 0, PORT, ISOLATED, ALONE, "pci_quirk_zhaoxin_pcie_ports_acs"},
    {0x1d17, 0x0723, 0x0752, 0, PORT, ISOLATED, ALONE, "pci_quirk_zhaoxin_pcie_ports_acs"},
    {0x1d17, 0, ANY, 0, PORT, NOT_ISOLATED, "the kernel calls no such Zhaoxin port isolated",
     "pci_quirk_zhaoxin_pcie_ports_acs"},
    /* Wangxun; the same. Older kernels do not know those from 0x5010 on */
    {0x8088, 0x0100, 0x010f, 0, 0, ISOLATED, NO_PEER_TO_PEER, "pci_quirk_wangxun_nic_acs"},
    {0x8088, 0x1001, 0x2001, 0x1000, 0, ISOLATED, NO_PEER_TO_PEER, "pci_quirk_wangxun_nic_acs"},
    {0x8088, 0x5010, 0x5110, 0x100, 0, ISOLATED, NO_PEER_TO_PEER, "pci_quirk_wangxun_nic_acs"},
    {0x8088, 0x5025, 0x5125, 0x100, 0, ISOLATED, NO_PEER_TO_PEER, "pci_quirk_wangxun_nic_acs"},
    {0x8088, 0x5040, 0x5140, 0x100, 0, ISOLATED, NO_PEER_TO_PEER, "pci_quirk_wangxun_nic_acs"},
    {0x8088, 0, ANY, 0, 0, NOT_ISOLATED, "the kernel calls no such Wangxun function isolated",
     "pci_quirk_wangxun_nic_acs"},
};

typedef enum {
    FUNCTION_0,    /* function 0 of its slot */
    FUNCTION_1,    /* function 1 of its slot */
    FIXED,         /* a device and function */
    FUNCTIONS_0_4, /* functions 0 to 4 of every slot */
} AliasRule;

typedef struct {
    guint16 vendor, first, last;
    guint16 subsystem_vendor, subsystem_device; /* 0: any */
    AliasRule rule;
    guint8 devfn; /* when fixed */
    const char *what;
} AliasRow;

#define DEVFN(device, function) ((device) << 3 | (function))
#define AS_FUNCTION_0 "it sends DMA as function 0"       /* quirk_dma_func0_alias */
#define AS_FUNCTION_1 "it sends DMA as function 1"       /* quirk_dma_func1_alias */
#define AS_HIDDEN "it sends DMA as a hidden function"    /* quirk_fixed_dma_alias */
#define AS_NTB "its bridge sends DMA as other functions" /* quirk_mic_x200_dma_alias */
#define AS_VCA "its bridge sends DMA as every slot"      /* quirk_pex_vca_alias */

static const AliasRow alias_rows[] = {
    /* Ricoh, Glenfly */
    {0x1180, 0xe832, 0xe832, 0, 0, FUNCTION_0, 0, AS_FUNCTION_0},
    {0x1180, 0xe476, 0xe476, 0, 0, FUNCTION_0, 0, AS_FUNCTION_0},
    {0x6766, 0x3d40, 0x3d41, 0, 0, FUNCTION_0, 0, AS_FUNCTION_0},
    /* Marvell */
    {0x1b4b, 0x9120, 0x9120, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9123, 0x9123, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9125, 0x9125, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9128, 0x9128, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9130, 0x9130, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9170, 0x9170, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9172, 0x9172, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x917a, 0x917a, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9182, 0x9183, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x91a0, 0x91a0, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9215, 0x9215, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9220, 0x9220, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9230, 0x9230, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1b4b, 0x9235, 0x9235, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    /* HighPoint, JMicron, Lite-On, all with such chips */
    {0x1103, 0x0642, 0x0642, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1103, 0x0645, 0x0645, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x197b, 0x2392, 0x2392, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    {0x1c28, 0x0122, 0x0122, 0, 0, FUNCTION_1, 0, AS_FUNCTION_1},
    /* Adaptec 3405, 3805 */
    {0x9005, 0x0285, 0x0285, 0x9005, 0x02bb, FIXED, DEVFN(1, 0), AS_HIDDEN},
    {0x9005, 0x0285, 0x0285, 0x9005, 0x02bc, FIXED, DEVFN(1, 0), AS_HIDDEN},
    /* Intel Xeon Phi x200 */
    {0x8086, 0x2260, 0x2260, 0, 0, FIXED, DEVFN(0x10, 0), AS_NTB},
    {0x8086, 0x2260, 0x2260, 0, 0, FIXED, DEVFN(0x11, 0), AS_NTB},
    {0x8086, 0x2260, 0x2260, 0, 0, FIXED, DEVFN(0x12, 3), AS_NTB},
    {0x8086, 0x2264, 0x2264, 0, 0, FIXED, DEVFN(0x10, 0), AS_NTB},
    {0x8086, 0x2264, 0x2264, 0, 0, FIXED, DEVFN(0x11, 0), AS_NTB},
    {0x8086, 0x2264, 0x2264, 0, 0, FIXED, DEVFN(0x12, 3), AS_NTB},
    /* Intel Visual Compute Accelerator */
    {0x8086, 0x2954, 0x2956, 0, 0, FUNCTIONS_0_4, 0, AS_VCA},
    {0x8086, 0x2958, 0x295a, 0, 0, FUNCTIONS_0_4, 0, AS_VCA},
};

static gboolean acs_row_matches(const AcsRow *row, const PcaQuirkSubject *s) {
    if (row->vendor != s->vendor || s->device < row->first || s->device > row->last)
        return FALSE;
    if (row->step > 1 && (s->device - row->first) % row->step != 0)
        return FALSE;
    return row->types == 0 || (s->pcie == PCA_TRI_YES && (row->types & 1u << s->type));
}

/* FALSE: it does not decide here, and the next may. */
static gboolean apply(const AcsRow *row, const PcaQuirkSubject *s, PcaAcsQuirk *quirk) {
    *quirk = (PcaAcsQuirk){row->what, row->source, PCA_TRI_YES, 0};
    switch (row->rule) {
    case ISOLATED:
        return TRUE;
    case NOT_ISOLATED:
        quirk->isolated = PCA_TRI_NO;
        quirk->missing = PCA_ACS_REQUIRED;
        return TRUE;
    case SOUTHBRIDGE:
        return s->multifunction && s->on_root_bus;
    case DWORD_REGISTERS:
        if (s->acs && s->acs->present == PCA_TRI_NO)
            return FALSE;
        if (!s->acs || !s->acs->dword_control_known) {
            quirk->isolated = PCA_TRI_UNKNOWN;
            return TRUE;
        }
        quirk->missing = PCA_ACS_REQUIRED & s->acs->capabilities & ~s->acs->dword_control;
        quirk->isolated = pca_tri(quirk->missing == 0);
        return TRUE;
    }
    return FALSE;
}

PcaAcsQuirk pca_quirk_acs(const PcaQuirkSubject *subject) {
    PcaAcsQuirk quirk;
    for (guint i = 0; i < G_N_ELEMENTS(acs_rows); i++)
        if (acs_row_matches(&acs_rows[i], subject) && apply(&acs_rows[i], subject, &quirk))
            return quirk;
    return (PcaAcsQuirk){NULL, NULL, PCA_TRI_UNKNOWN, 0};
}

static gboolean alias_row_matches(const AliasRow *row, const PcaQuirkSubject *s) {
    return row->vendor == s->vendor && s->device >= row->first && s->device <= row->last &&
           (row->subsystem_vendor == 0 || (row->subsystem_vendor == s->subsystem_vendor &&
                                           row->subsystem_device == s->subsystem_device));
}

static gboolean alias_is(const AliasRow *row, guint8 own, guint8 devfn) {
    switch (row->rule) {
    case FUNCTION_0:
        return devfn == (own & ~7);
    case FUNCTION_1:
        return devfn == ((own & ~7) | 1);
    case FIXED:
        return devfn == row->devfn;
    case FUNCTIONS_0_4:
        return (devfn & 7) <= 4;
    }
    return FALSE;
}

const char *pca_quirk_dma_alias(const PcaQuirkSubject *subject, guint8 devfn) {
    for (guint i = 0; i < G_N_ELEMENTS(alias_rows); i++)
        if (alias_row_matches(&alias_rows[i], subject) &&
            alias_is(&alias_rows[i], subject->devfn, devfn) && devfn != subject->devfn)
            return alias_rows[i].what;
    return NULL;
}

gboolean pca_quirk_has_dma_alias(const PcaQuirkSubject *subject) {
    for (guint i = 0; i < G_N_ELEMENTS(alias_rows); i++)
        if (alias_row_matches(&alias_rows[i], subject))
            return TRUE;
    return FALSE;
}

gboolean pca_quirk_translation_root(guint16 vendor, guint16 device) {
    /* Broadcom Vulcan and Cavium ThunderX2: quirk_bridge_cavm_thrx2_pcie_root */
    return vendor == 0x14e4 && (device == 0x9000 || device == 0x9084);
}
