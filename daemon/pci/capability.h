/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the two capability lists of a config space: walking, names, lengths.
 * Thread: any. Ownership: a list owns its entries, an entry its name.
 */
#pragma once

#include "pci/bytes.h"

#define PCA_CONFIG_HEADER_SIZE 0x40
#define PCA_CONFIG_STANDARD_SIZE 0x100
#define PCA_CONFIG_EXTENDED_SIZE 0x1000

/* Capability ids that are decoded (PCI Code and ID Assignment; linux/pci_regs.h). */
enum {
    PCA_CAP_PM = 0x01,
    PCA_CAP_MSI = 0x05,
    PCA_CAP_PCIX = 0x07,
    PCA_CAP_VENDOR = 0x09,
    PCA_CAP_PCIE = 0x10,
    PCA_CAP_MSIX = 0x11,
    PCA_CAP_AF = 0x13,
    PCA_CAP_EA = 0x14,
};
enum {
    PCA_EXT_CAP_DSN = 0x03,
    PCA_EXT_CAP_VENDOR = 0x0b,
    PCA_EXT_CAP_ACS = 0x0d,
    PCA_EXT_CAP_ARI = 0x0e,
    PCA_EXT_CAP_ATS = 0x0f,
    PCA_EXT_CAP_SRIOV = 0x10,
    PCA_EXT_CAP_PRI = 0x13,
    PCA_EXT_CAP_REBAR = 0x15,
    PCA_EXT_CAP_PASID = 0x1b,
    PCA_EXT_CAP_DVSEC = 0x23,
    PCA_EXT_CAP_VF_REBAR = 0x24,
};

typedef struct {
    guint16 id;
    guint16 offset; /* in the config space */
    guint8 version; /* extended ones alone have it */
    gboolean extended;
    char *name;
} PcaCapability;

typedef struct {
    GArray *entries;    /* of PcaCapability, in list order */
    gboolean complete;  /* FALSE: the bytes ended before the list did */
    gboolean malformed; /* a loop, a pointer into the header, or an id of all ones ended it */
} PcaCapabilityList;

/* What the field calls the capability; "unknown (0xNN)" for other ids. Free with g_free. */
char *pca_capability_name(guint16 id, gboolean extended);

void pca_capability_list_init(PcaCapabilityList *list);
void pca_capability_list_clear(PcaCapabilityList *list);

/* Follows the pointers as pci_find_capability does (drivers/pci/pci.c): the two low bits do not
 * count, a pointer below 0x40 or the id 0xff ends the list. Only where Status says that there is a
 * list. The pointer stands at 0x14 of a CardBus bridge. */
void pca_capability_list_read_standard(PcaCapabilityList *list, PcaBytes bytes, int header_type);

/* From 0x100, as pci_find_ext_capability does. `exists`: whether the function has such a space. */
void pca_capability_list_read_extended(PcaCapabilityList *list, PcaBytes bytes, PcaTri exists);

/* The first of that id, which is the one that counts; NULL without one in what was read. */
const PcaCapability *pca_capability_list_find(const PcaCapabilityList *list, guint16 id);

/* NO only of a list that was read to its end. */
PcaTri pca_capability_list_has(const PcaCapabilityList *list, guint16 id);

/* How many bytes it takes, its header included; the header alone where that is not known, so that
 * what follows counts as device-dependent. */
guint pca_capability_length(const PcaCapability *capability, PcaBytes bytes);
