/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: BARs and the expansion ROM, from the registers and the kernel's table.
 * Thread: any. Ownership: fills a config that is not shared yet.
 */
#include "pci/config-internal.h"

#include "pci/function.h"

#define BAR0 0x10
#define BAR_IO 0x1
#define BAR_IO_MASK 0xfffffffcU
#define BAR_MEM_MASK 0xfffffff0U
#define BAR_TYPE_MASK 0x6
#define BAR_TYPE_64 0x4
#define BAR_PREFETCH 0x8
#define ROM 0x30
#define ROM_BRIDGE 0x38
#define ROM_MASK 0xfffff800U

typedef struct {
    PcaConfig *config;
    PcaBytes bytes;
    const GArray *resources;
    gsize page_size;
} Reader;

static guint bar_count(int header_type) {
    switch (header_type) {
    case PCA_HEADER_ENDPOINT:
        return 6;
    case PCA_HEADER_BRIDGE:
        return 2;
    case PCA_HEADER_CARDBUS:
        return 1;
    default:
        return 0;
    }
}

static const PcaResource *resource_of(const Reader *reader, guint index) {
    if (!reader->resources || index >= reader->resources->len)
        return NULL;
    return &g_array_index(reader->resources, PcaResource, index);
}

/* VFs, enhanced allocation: the kernel knows regions of which the registers say nothing. */
static void take_from_resource(PcaBar *bar, const PcaResource *resource) {
    if (bar->type != PCA_BAR_ROM)
        bar->type = resource->flags & PCA_RESOURCE_IO       ? PCA_BAR_IO
                    : resource->flags & PCA_RESOURCE_MEM_64 ? PCA_BAR_MEM64
                                                            : PCA_BAR_MEM32;
    bar->prefetchable = (resource->flags & PCA_RESOURCE_PREFETCH) != 0;
    bar->address = resource->flags & PCA_RESOURCE_UNSET ? 0 : resource->start;
}

static PcaTri page_aligned(const PcaBar *bar, const PcaResource *resource, gsize page_size) {
    if (bar->type == PCA_BAR_IO)
        return PCA_TRI_NO;
    if (!bar->size_known || page_size == 0)
        return PCA_TRI_UNKNOWN;
    return pca_tri(bar->size != 0 && bar->size % page_size == 0 &&
                   resource->start % page_size == 0);
}

/* Adds what is there: something in the register, or in the kernel's table. */
static void add_bar(const Reader *reader, PcaBar bar, gboolean in_register) {
    const PcaResource *resource = resource_of(reader, bar.index);
    if (!in_register && (!resource || resource->flags == 0))
        return;
    if (!in_register)
        take_from_resource(&bar, resource);
    if (resource && resource->flags != 0) {
        bar.size_known = TRUE;
        bar.size = pca_resource_size(resource);
    }
    bar.page_aligned = page_aligned(&bar, resource, reader->page_size);
    g_array_append_val(reader->config->bars, bar);
}

/* Returns how many registers it took; 0 when the bytes ended. */
static guint read_bar(const Reader *reader, guint index, guint count) {
    guint32 low, high = 0;
    guint offset = BAR0 + 4 * index;
    if (!pca_bytes_read(reader->bytes, offset, 4, &low))
        return 0;
    PcaBar bar = {.index = index, .type = PCA_BAR_MEM32};
    if (low & BAR_IO) {
        bar.type = PCA_BAR_IO;
        bar.address = low & BAR_IO_MASK;
        add_bar(reader, bar, TRUE);
        return 1;
    }
    gboolean wide = (low & BAR_TYPE_MASK) == BAR_TYPE_64 && index + 1 < count;
    if (wide && !pca_bytes_read(reader->bytes, offset + 4, 4, &high))
        return 0;
    bar.type = wide ? PCA_BAR_MEM64 : PCA_BAR_MEM32;
    bar.prefetchable = (low & BAR_PREFETCH) != 0;
    bar.address = (guint64)high << 32 | (low & BAR_MEM_MASK);
    add_bar(reader, bar, low != 0);
    /* Of a VF, whose registers are zero, the kernel alone knows that it takes two. */
    const PcaBar *added =
        reader->config->bars->len > 0
            ? &g_array_index(reader->config->bars, PcaBar, reader->config->bars->len - 1)
            : NULL;
    return added && added->index == index && added->type == PCA_BAR_MEM64 ? 2 : 1;
}

static gboolean read_rom(const Reader *reader) {
    guint32 value;
    guint offset = reader->config->header_type == PCA_HEADER_BRIDGE ? ROM_BRIDGE : ROM;
    if (reader->config->header_type == PCA_HEADER_CARDBUS)
        return TRUE;
    if (!pca_bytes_read(reader->bytes, offset, 4, &value))
        return FALSE;
    PcaBar bar = {.index = PCA_RESOURCE_ROM, .type = PCA_BAR_ROM, .address = value & ROM_MASK};
    add_bar(reader, bar, bar.address != 0);
    return TRUE;
}

void pca_config_read_bars(PcaConfig *config, PcaBytes bytes, const GArray *resources,
                          gsize page_size) {
    Reader reader = {config, bytes, resources, page_size};
    guint count = bar_count(config->header_type), taken;
    config->bars = g_array_new(FALSE, FALSE, sizeof(PcaBar));
    if (count == 0)
        return;
    for (guint index = 0; index < count; index += taken) {
        taken = read_bar(&reader, index, count);
        if (taken == 0)
            return;
    }
    config->bars_complete = read_rom(&reader);
}
