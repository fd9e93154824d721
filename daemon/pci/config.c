/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: life cycle of configs, the header, and the names of values.
 * Thread: any. Ownership: see the header.
 */
#include "pci/config-internal.h"

#include "pci/function.h"

#define COMMAND 0x04 /* and status, one dword */
#define COMMAND_DISABLE_INTX 0x400
#define STATUS_INTX 0x08
#define HEADER_TYPE 0x0e
#define HEADER_TYPE_MASK 0x7f
#define HEADER_MULTIFUNCTION 0x80
#define PRIMARY_BUS 0x18
#define SECONDARY_BUS 0x19
#define SUBORDINATE_BUS 0x1a
#define INTERRUPT_LINE 0x3c
#define INTERRUPT_PIN 0x3d

static const char *const type_names[] = {
    [PCA_PCIE_ENDPOINT] = "endpoint",
    [PCA_PCIE_LEGACY_ENDPOINT] = "legacy endpoint",
    [PCA_PCIE_ROOT_PORT] = "root port",
    [PCA_PCIE_UPSTREAM] = "upstream port",
    [PCA_PCIE_DOWNSTREAM] = "downstream port",
    [PCA_PCIE_TO_PCI] = "PCIe-to-PCI bridge",
    [PCA_PCI_TO_PCIE] = "PCI-to-PCIe bridge",
    [PCA_PCIE_RC_ENDPOINT] = "root complex integrated endpoint",
    [PCA_PCIE_RC_EVENT_COLLECTOR] = "root complex event collector",
};

static const char *const speed_names[] = {
    NULL, "2.5 GT/s", "5 GT/s", "8 GT/s", "16 GT/s", "32 GT/s", "64 GT/s", "128 GT/s",
};

static const char *const acs_names[] = {"SV", "TB", "RR", "CR", "UF", "EC", "DT"};

const char *pca_pcie_type_name(guint type) {
    return type < G_N_ELEMENTS(type_names) ? type_names[type] : NULL;
}

const char *pca_pcie_speed_name(guint code) {
    return code < G_N_ELEMENTS(speed_names) ? speed_names[code] : NULL;
}

const char *pca_acs_bit_name(guint16 bit) {
    for (guint i = 0; i < G_N_ELEMENTS(acs_names); i++)
        if (bit == 1u << i)
            return acs_names[i];
    return NULL;
}

char *pca_acs_format(guint16 bits) {
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(acs_names); i++)
        if (bits & 1u << i)
            g_string_append_printf(text, "%s%s", text->len ? " " : "", acs_names[i]);
    return g_string_free(text, FALSE);
}

static void read_command(PcaConfig *config, PcaBytes bytes) {
    guint32 value;
    config->command_known = pca_bytes_read(bytes, COMMAND, 4, &value);
    if (!config->command_known)
        return;
    config->command = value & 0xffff;
    config->status = value >> 16;
    config->intx_disabled = pca_tri(config->command & COMMAND_DISABLE_INTX);
    config->intx_pending = pca_tri(config->status & STATUS_INTX);
}

static void read_header_type(PcaConfig *config, PcaBytes bytes) {
    guint32 value;
    if (!pca_bytes_read(bytes, HEADER_TYPE, 1, &value))
        return;
    config->multifunction = pca_tri(value & HEADER_MULTIFUNCTION);
    if ((value & HEADER_TYPE_MASK) <= PCA_HEADER_CARDBUS)
        config->header_type = value & HEADER_TYPE_MASK;
}

static void read_interrupt(PcaConfig *config, PcaBytes bytes) {
    guint32 line, pin;
    if (pca_bytes_read(bytes, INTERRUPT_LINE, 1, &line))
        config->interrupt_line = line;
    if (!pca_bytes_read(bytes, INTERRUPT_PIN, 1, &pin))
        return;
    /* The kernel takes other values as they are; there is no fifth pin. */
    config->interrupt_pin = pin <= 4 ? pin : 0;
    config->intx = pca_tri(config->interrupt_pin != 0);
}

static void read_buses(PcaConfig *config, PcaBytes bytes) {
    guint32 primary, secondary, subordinate;
    if (config->header_type != PCA_HEADER_BRIDGE && config->header_type != PCA_HEADER_CARDBUS)
        return;
    pca_bytes_read(bytes, PRIMARY_BUS, 1, &primary);
    pca_bytes_read(bytes, SECONDARY_BUS, 1, &secondary);
    config->buses_known = pca_bytes_read(bytes, SUBORDINATE_BUS, 1, &subordinate);
    config->primary = primary;
    config->secondary = secondary;
    config->subordinate = subordinate;
}

/* Command and status cannot be all ones: reserved bits of both read as zero. The vendor id tells
 * nothing, because a VF's is all ones by specification. */
static PcaTri read_responds(PcaBytes bytes) {
    guint32 value;
    if (!pca_bytes_read(bytes, COMMAND, 4, &value))
        return PCA_TRI_UNKNOWN;
    return pca_tri(value != G_MAXUINT32);
}

PcaConfig *pca_config_new(const guint8 *data, gsize length, gsize space, const GArray *resources,
                          gsize page_size) {
    PcaConfig *config = g_new0(PcaConfig, 1);
    PcaBytes bytes = pca_bytes_first((PcaBytes){data, data ? length : 0}, PCA_CONFIG_EXTENDED_SIZE);
    g_atomic_ref_count_init(&config->refs);
    config->length = bytes.length;
    config->responds = read_responds(bytes);
    if (config->responds == PCA_TRI_NO)
        bytes.length = 0;
    config->header_type = PCA_HEADER_UNKNOWN;
    config->interrupt_pin = config->interrupt_line = -1;
    read_command(config, bytes);
    read_header_type(config, bytes);
    read_interrupt(config, bytes);
    read_buses(config, bytes);
    pca_config_read_bars(config, bytes, resources, page_size);
    pca_config_read_capabilities(config, bytes, space);
    pca_config_find_ranges(config, bytes);
    return config;
}

PcaConfig *pca_config_ref(PcaConfig *config) {
    g_atomic_ref_count_inc(&config->refs);
    return config;
}

void pca_config_unref(PcaConfig *config) {
    if (!g_atomic_ref_count_dec(&config->refs))
        return;
    g_array_unref(config->bars);
    g_array_unref(config->ranges);
    pca_capability_list_clear(&config->standard);
    pca_capability_list_clear(&config->extended);
    g_free(config);
}

gboolean pca_config_serial(const PcaConfig *config, guint64 *serial) {
    gboolean present = config->dsn.present == PCA_TRI_YES;
    *serial = present && config->dsn.known ? config->dsn.number : 0;
    return config->dsn.present != PCA_TRI_UNKNOWN && (!present || config->dsn.known);
}
