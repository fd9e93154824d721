/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a function's config space says, as far as it could be read. The kernel gives an
 * ordinary user the first 64 bytes alone: what lies beyond is unknown, never absent.
 * Thread: any; immutable. Ownership: reference-counted; a config owns its lists and keeps no bytes.
 */
#pragma once

#include "pci/capability.h"
#include "pci/resource.h"

/* ACS bits, in the capability and in the control register (PCIe 6.0, 7.7.11). */
enum {
    PCA_ACS_SV = 0x01, /* source validation */
    PCA_ACS_TB = 0x02, /* translation blocking */
    PCA_ACS_RR = 0x04, /* P2P request redirect */
    PCA_ACS_CR = 0x08, /* P2P completion redirect */
    PCA_ACS_UF = 0x10, /* upstream forwarding */
    PCA_ACS_EC = 0x20, /* P2P egress control */
    PCA_ACS_DT = 0x40, /* direct translated P2P */
};

/* Device and port types of the PCIe capability (PCIe 6.0, 7.5.3.2). */
enum {
    PCA_PCIE_ENDPOINT = 0x0,
    PCA_PCIE_LEGACY_ENDPOINT = 0x1,
    PCA_PCIE_ROOT_PORT = 0x4,
    PCA_PCIE_UPSTREAM = 0x5,
    PCA_PCIE_DOWNSTREAM = 0x6,
    PCA_PCIE_TO_PCI = 0x7,
    PCA_PCI_TO_PCIE = 0x8,
    PCA_PCIE_RC_ENDPOINT = 0x9,
    PCA_PCIE_RC_EVENT_COLLECTOR = 0xa,
};

typedef enum {
    PCA_BAR_IO,
    PCA_BAR_MEM32,
    PCA_BAR_MEM64,
    PCA_BAR_ROM,
} PcaBarType;

typedef struct {
    guint index; /* 0 to 5; 6 is the ROM */
    PcaBarType type;
    gboolean prefetchable;
    guint64 address;     /* as the register has it; 0 when it has none yet */
    guint64 size;        /* bytes; valid when size_known */
    gboolean size_known; /* the caller had the kernel's table */
    PcaTri page_aligned; /* starts and ends on a page: can be mapped as a whole */
} PcaBar;

/* Bytes from start up to, and without, end. */
typedef struct {
    guint16 start, end;
} PcaRange;

/* Each decoded capability: whether the function has it, and whether its registers were among the
 * bytes; the other members are valid only when `known`. */
typedef struct {
    PcaTri present;
    gboolean known;
    guint version;
    guint states; /* bit N: D state N; D0 and D3 always */
    guint state;  /* 0 to 3 */
    gboolean no_soft_reset;
} PcaPm;

typedef struct {
    PcaTri present;
    gboolean known;
    guint vectors;
    gboolean enabled;
} PcaMsi; /* of MSI and of MSI-X */

typedef struct {
    PcaTri present;
    gboolean known;
    guint version;
    guint type;
    gboolean slot; /* a slot is implemented: of ports */
    PcaTri flr;
    /* 0: no link, or unknown. Speeds are the codes of pca_pcie_speed_name. */
    guint max_speed, max_width, speed, width;
} PcaPcie;

typedef struct {
    PcaTri present;
    gboolean known;
    gboolean flr, tp;
} PcaAf;

typedef struct {
    PcaTri present;
    gboolean known;
    guint16 capabilities, control; /* PCA_ACS_* */
    gboolean dword_control_known;  /* what follows is there */
    guint16 dword_control; /* control where registers are dwords (an erratum of Intel's ports) */
} PcaAcs;

typedef struct {
    PcaTri present;
    gboolean known;
    guint total_vfs, num_vfs, offset, stride;
    guint16 vf_device;
    gboolean enabled;
} PcaSriov;

typedef struct {
    PcaTri present;
    gboolean known;
    guint64 number;
} PcaDsn;

typedef struct {
    PcaTri present;
    gboolean known;
    guint8 next_function; /* 0: the last */
} PcaAri;

typedef struct {
    gsize length;    /* how many bytes there were */
    PcaTri responds; /* NO: it reads as all ones, and everything else is unknown */
    int header_type; /* PCA_HEADER_* of pci/function.h */
    PcaTri multifunction;

    gboolean command_known; /* of command and status */
    guint16 command, status;
    PcaTri intx_disabled; /* DisINTx of the command register */
    PcaTri intx_pending;  /* interrupt status */
    int interrupt_pin;    /* 0: none, 1 to 4: INTA to INTD, -1: unknown */
    int interrupt_line;   /* -1: unknown */
    PcaTri intx;          /* it has a pin */

    gboolean buses_known; /* of a bridge's numbers */
    guint8 primary, secondary, subordinate;

    gboolean bars_complete; /* FALSE: the bytes ended before the BARs did */
    GArray *bars;           /* of PcaBar, by index */

    PcaCapabilityList standard, extended;
    PcaTri extended_space; /* it has more than 256 bytes: PCIe, and PCI-X mode 2 */
    PcaPm pm;
    PcaMsi msi, msix;
    PcaPcie pcie;
    PcaAf af;
    PcaAcs acs;
    PcaSriov sriov;
    PcaDsn dsn;
    PcaAri ari;
    PcaTri ats, pri, pasid;

    gboolean ranges_complete;
    GArray *ranges; /* of PcaRange: outside the header and the capabilities, where VFIO lets the
                       guest read and write the device's own registers */

    gatomicrefcount refs;
} PcaConfig;

/* `bytes`: the first `length` bytes of the config space, NULL for none; more than 4096 do not
 * count. `space`: how large the kernel says that it is (the size of sysfs' `config`), 0 when the
 * caller does not know: without the 4096 bytes a PCIe function has no extended capabilities either.
 * `resources`: of pca_resources_parse, borrowed; NULL when not known. `page_size`: of the host. */
PcaConfig *pca_config_new(const guint8 *bytes, gsize length, gsize space, const GArray *resources,
                          gsize page_size);
PcaConfig *pca_config_ref(PcaConfig *config);
void pca_config_unref(PcaConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaConfig, pca_config_unref)

/* The number of the Device Serial Number capability (PCIe 6.0, 7.9.3), 0 without one; FALSE: it
 * could not be read. */
gboolean pca_config_serial(const PcaConfig *config, guint64 *serial);

/* "root port", "endpoint", ...; NULL for a reserved type. Static. */
const char *pca_pcie_type_name(guint type);

/* "2.5 GT/s", ...; NULL for a code that has no speed. Static. */
const char *pca_pcie_speed_name(guint code);

/* The names of the bits that are set, "SV RR CR UF", in the order of the bits; "" for none. */
char *pca_acs_format(guint16 bits);

/* The name of one bit; NULL when it is not one ACS bit. Static. */
const char *pca_acs_bit_name(guint16 bit);
