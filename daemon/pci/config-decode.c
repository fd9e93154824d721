/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: decodes the capabilities that decide about assignment.
 * Thread: any. Ownership: fills a config that is not shared yet.
 */
#include "pci/config-internal.h"

#define PM_D1 0x200
#define PM_D2 0x400
#define PM_NO_SOFT_RESET 0x08
#define MSI_ENABLE 0x1
#define MSIX_ENABLE 0x8000
#define PCIE_SLOT 0x100
#define PCIE_DEVCAP_FLR 0x10000000
#define AF_TP 0x1
#define AF_FLR 0x2
#define SRIOV_ENABLE 0x1
#define PCIX_MODE_2_SPEEDS 0xc0000000U /* 266 and 533 MHz in the status register */

/* One capability at a time: reads at offsets from its start, and remembers when one was beyond. */
typedef struct {
    PcaBytes bytes;
    gsize start;
    gboolean known;
} Cursor;

static guint32 take(Cursor *cursor, guint offset, guint width) {
    guint32 value;
    if (!pca_bytes_read(cursor->bytes, cursor->start + offset, width, &value))
        cursor->known = FALSE;
    return value;
}

/* FALSE when there is none to read from. */
static gboolean open_capability(const PcaCapabilityList *list, guint16 id, PcaBytes bytes,
                                PcaTri *present, Cursor *cursor) {
    const PcaCapability *capability = pca_capability_list_find(list, id);
    *present = pca_capability_list_has(list, id);
    if (!capability)
        return FALSE;
    if (!capability->extended)
        bytes = pca_bytes_first(bytes, PCA_CONFIG_STANDARD_SIZE);
    *cursor = (Cursor){bytes, capability->offset, TRUE};
    return TRUE;
}

static void decode_pm(PcaConfig *config, PcaBytes bytes) {
    PcaPm *pm = &config->pm;
    Cursor cursor;
    if (!open_capability(&config->standard, PCA_CAP_PM, bytes, &pm->present, &cursor))
        return;
    guint32 capabilities = take(&cursor, 2, 2), control = take(&cursor, 4, 2);
    pm->version = capabilities & 7;
    pm->states = 0x9 | (capabilities & PM_D1 ? 0x2 : 0) | (capabilities & PM_D2 ? 0x4 : 0);
    pm->state = control & 3;
    pm->no_soft_reset = (control & PM_NO_SOFT_RESET) != 0;
    pm->known = cursor.known;
}

static void decode_msi(PcaConfig *config, PcaBytes bytes) {
    PcaMsi *msi = &config->msi;
    Cursor cursor;
    if (!open_capability(&config->standard, PCA_CAP_MSI, bytes, &msi->present, &cursor))
        return;
    guint32 control = take(&cursor, 2, 2);
    /* The two highest values are reserved. */
    msi->vectors = 1u << MIN(control >> 1 & 7, 5);
    msi->enabled = (control & MSI_ENABLE) != 0;
    msi->known = cursor.known;
}

static void decode_msix(PcaConfig *config, PcaBytes bytes) {
    PcaMsi *msix = &config->msix;
    Cursor cursor;
    if (!open_capability(&config->standard, PCA_CAP_MSIX, bytes, &msix->present, &cursor))
        return;
    guint32 control = take(&cursor, 2, 2);
    msix->vectors = (control & 0x7ff) + 1;
    msix->enabled = (control & MSIX_ENABLE) != 0;
    msix->known = cursor.known;
}

/* Endpoints in a root complex and event collectors have no link, and their registers read as 0 or
 * belong to the next capability. */
static void decode_link(PcaPcie *pcie, Cursor cursor) {
    guint32 capabilities = take(&cursor, 0x0c, 4), status = take(&cursor, 0x12, 2);
    if (!cursor.known || pcie->type == PCA_PCIE_RC_ENDPOINT ||
        pcie->type == PCA_PCIE_RC_EVENT_COLLECTOR)
        return;
    pcie->max_speed = capabilities & 0xf;
    pcie->max_width = capabilities >> 4 & 0x3f;
    pcie->speed = status & 0xf;
    pcie->width = status >> 4 & 0x3f;
}

static void decode_pcie(PcaConfig *config, PcaBytes bytes) {
    PcaPcie *pcie = &config->pcie;
    Cursor cursor;
    if (!open_capability(&config->standard, PCA_CAP_PCIE, bytes, &pcie->present, &cursor)) {
        pcie->flr = pcie->present;
        return;
    }
    guint32 flags = take(&cursor, 2, 2);
    pcie->version = flags & 0xf;
    pcie->type = flags >> 4 & 0xf;
    pcie->slot = (flags & PCIE_SLOT) != 0;
    pcie->known = cursor.known;
    guint32 device = take(&cursor, 4, 4);
    if (cursor.known)
        pcie->flr = pca_tri(device & PCIE_DEVCAP_FLR);
    decode_link(pcie, cursor);
}

static void decode_af(PcaConfig *config, PcaBytes bytes) {
    PcaAf *af = &config->af;
    Cursor cursor;
    if (!open_capability(&config->standard, PCA_CAP_AF, bytes, &af->present, &cursor))
        return;
    guint32 capabilities = take(&cursor, 3, 1);
    af->tp = (capabilities & AF_TP) != 0;
    af->flr = (capabilities & AF_FLR) != 0;
    af->known = cursor.known;
}

static void decode_acs(PcaConfig *config, PcaBytes bytes) {
    PcaAcs *acs = &config->acs;
    Cursor cursor;
    if (!open_capability(&config->extended, PCA_EXT_CAP_ACS, bytes, &acs->present, &cursor))
        return;
    acs->capabilities = take(&cursor, 4, 2);
    acs->control = take(&cursor, 6, 2);
    acs->known = cursor.known;
    acs->dword_control = take(&cursor, 8, 2);
    acs->dword_control_known = cursor.known;
}

static void decode_sriov(PcaConfig *config, PcaBytes bytes) {
    PcaSriov *sriov = &config->sriov;
    Cursor cursor;
    if (!open_capability(&config->extended, PCA_EXT_CAP_SRIOV, bytes, &sriov->present, &cursor))
        return;
    sriov->enabled = (take(&cursor, 0x08, 2) & SRIOV_ENABLE) != 0;
    sriov->total_vfs = take(&cursor, 0x0e, 2);
    sriov->num_vfs = take(&cursor, 0x10, 2);
    sriov->offset = take(&cursor, 0x14, 2);
    sriov->stride = take(&cursor, 0x16, 2);
    sriov->vf_device = take(&cursor, 0x1a, 2);
    sriov->known = cursor.known;
}

static void decode_dsn(PcaConfig *config, PcaBytes bytes) {
    PcaDsn *dsn = &config->dsn;
    Cursor cursor;
    if (!open_capability(&config->extended, PCA_EXT_CAP_DSN, bytes, &dsn->present, &cursor))
        return;
    guint64 low = take(&cursor, 4, 4), high = take(&cursor, 8, 4);
    dsn->number = high << 32 | low;
    dsn->known = cursor.known;
}

static void decode_ari(PcaConfig *config, PcaBytes bytes) {
    PcaAri *ari = &config->ari;
    Cursor cursor;
    if (!open_capability(&config->extended, PCA_EXT_CAP_ARI, bytes, &ari->present, &cursor))
        return;
    ari->next_function = take(&cursor, 5, 1);
    ari->known = cursor.known;
}

static PcaTri pcix_mode_2(const PcaConfig *config, PcaBytes bytes) {
    PcaTri present;
    Cursor cursor;
    if (!open_capability(&config->standard, PCA_CAP_PCIX, bytes, &present, &cursor))
        return present;
    guint32 status = take(&cursor, 4, 4);
    return cursor.known ? pca_tri(status & PCIX_MODE_2_SPEEDS) : PCA_TRI_UNKNOWN;
}

/* As pci_cfg_space_size (drivers/pci/probe.c). */
static PcaTri extended_space(const PcaConfig *config, PcaBytes bytes, gsize space) {
    PcaTri mode_2 = pcix_mode_2(config, bytes);
    if (space != 0 && space <= PCA_CONFIG_STANDARD_SIZE)
        return PCA_TRI_NO;
    if (config->pcie.present == PCA_TRI_YES || mode_2 == PCA_TRI_YES)
        return PCA_TRI_YES;
    if (config->pcie.present == PCA_TRI_NO && mode_2 == PCA_TRI_NO)
        return PCA_TRI_NO;
    return PCA_TRI_UNKNOWN;
}

void pca_config_read_capabilities(PcaConfig *config, PcaBytes bytes, gsize space) {
    pca_capability_list_init(&config->standard);
    pca_capability_list_init(&config->extended);
    pca_capability_list_read_standard(&config->standard, bytes, config->header_type);
    decode_pm(config, bytes);
    decode_msi(config, bytes);
    decode_msix(config, bytes);
    decode_pcie(config, bytes);
    decode_af(config, bytes);
    config->extended_space = extended_space(config, bytes, space);
    pca_capability_list_read_extended(&config->extended, bytes, config->extended_space);
    decode_acs(config, bytes);
    decode_sriov(config, bytes);
    decode_dsn(config, bytes);
    decode_ari(config, bytes);
    config->ats = pca_capability_list_has(&config->extended, PCA_EXT_CAP_ATS);
    config->pri = pca_capability_list_has(&config->extended, PCA_EXT_CAP_PRI);
    config->pasid = pca_capability_list_has(&config->extended, PCA_EXT_CAP_PASID);
}
