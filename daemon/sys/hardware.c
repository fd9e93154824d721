/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reads config spaces, regions and topology. Nothing that is missing or makes no sense is
 * an error: it is unknown.
 * Thread: any. Ownership: see the header.
 */
#include "sys/hardware.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fds.h"
#include "pci/resource.h"
#include "pci/warnings.h"
#include "sys/interrupts.h"

#define VMD_FIRST_DOMAIN 0x10000 /* vmd_find_free_domain in drivers/pci/controller/vmd.c */

/* ---- Config space ---- */

static int open_function(const PcaRoot *root, const PcaAddress *address) {
    g_autofree char *name = pca_address_format(address);
    g_autofree char *path = g_build_filename(root->sysfs, "bus/pci/devices", name, NULL);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* What the kernel does not give, it ends the file at. */
static gsize read_bytes(int fd, guint8 *bytes, gsize size) {
    gsize length = 0;
    while (length < size) {
        ssize_t n = pread(fd, bytes + length, size - length, (off_t)length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        length += (gsize)n;
    }
    return length;
}

/* How large the kernel says that the space is; 0 when nobody who knows says so. */
static gsize space_of(int fd) {
    struct stat status;
    struct statfs system;
    if (fstat(fd, &status) < 0 || status.st_size <= 0)
        return 0;
    if (status.st_size >= PCA_CONFIG_EXTENDED_SIZE)
        return PCA_CONFIG_EXTENDED_SIZE;
    gboolean kernel = fstatfs(fd, &system) == 0 && system.f_type == SYSFS_MAGIC;
    return kernel ? (gsize)status.st_size : 0;
}

static GArray *read_resources(int directory) {
    g_autofree char *text = directory < 0 ? NULL : pca_read_attribute(directory, "resource");
    return text ? pca_resources_parse(text, NULL) : NULL;
}

static PcaConfig *read_config(int directory, int fd) {
    guint8 bytes[PCA_CONFIG_EXTENDED_SIZE];
    gsize length = read_bytes(fd, bytes, sizeof bytes);
    if (length == 0)
        return NULL;
    g_autoptr(GArray) resources = read_resources(directory);
    return pca_config_new(bytes, length, space_of(fd), resources, (gsize)sysconf(_SC_PAGESIZE));
}

PcaConfig *pca_hardware_read_config(const PcaRoot *root, const PcaAddress *address,
                                    const PcaConfigSource *source) {
    PCA_AUTO_FD directory = open_function(root, address);
    if (source) {
        int borrowed = source->lookup(address, source->data);
        return borrowed < 0 ? NULL : read_config(directory, borrowed);
    }
    PCA_AUTO_FD fd =
        directory < 0 ? -1
                      : openat(directory, "config", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? NULL : read_config(directory, fd);
}

/* ---- Reserved regions ---- */

/* "START END TYPE" (Documentation/ABI/testing/sysfs-kernel-iommu_groups). */
static gboolean parse_region(const char *line, PcaReservedRegion *region) {
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    return g_strv_length(words) == 3 && pca_parse_number(words[0], &region->start) &&
           pca_parse_number(words[1], &region->end) && region->start <= region->end &&
           *words[2] != '\0' &&
           g_strlcpy(region->type, words[2], sizeof region->type) < sizeof region->type;
}

GArray *pca_hardware_read_regions(const PcaRoot *root, int group) {
    g_autofree char *directory = g_strdup_printf("%s/kernel/iommu_groups/%d", root->sysfs, group);
    g_autofree char *text = group < 0 ? NULL : pca_read_text(directory, "reserved_regions", NULL);
    if (!text)
        return NULL;
    GArray *regions = g_array_new(FALSE, TRUE, sizeof(PcaReservedRegion));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        PcaReservedRegion region = {0};
        if (parse_region(*line, &region))
            g_array_append_val(regions, region);
    }
    return regions;
}

/* ---- Topology ---- */

/* The function above the innermost root bus of ".../0000:00:0e.0/pci10000:e0/...": with its
 * requester ID the functions below do their DMA. */
static gboolean find_dma_device(const char *real, PcaAddress *device) {
    g_auto(GStrv) elements = g_strsplit(real, "/", -1);
    gboolean found = FALSE;
    for (guint i = 1; elements[0] && elements[i]; i++) {
        unsigned domain, bus;
        char rest;
        if (sscanf(elements[i], "pci%x:%x%c", &domain, &bus, &rest) == 2)
            found = pca_address_parse(elements[i - 1], device);
    }
    return found;
}

static void set_dma_device(const PcaRoot *root, PcaTopology *topology, const PcaFunction *first) {
    PcaAddress device;
    g_autofree char *address = pca_address_format(&first->address);
    g_autofree char *link = g_build_filename(root->sysfs, "bus/pci/devices", address, NULL);
    g_autofree char *real = pca_resolve_link(link);
    if (real && find_dma_device(real, &device))
        pca_topology_set_dma_device(topology, first->address.domain, &device);
}

/* Functions are in the order of their addresses. */
static void set_dma_devices(const PcaRoot *root, PcaTopology *topology,
                            const PcaSnapshot *snapshot) {
    guint32 last = 0;
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        guint32 domain = function->address.domain;
        if (domain >= VMD_FIRST_DOMAIN && domain != last)
            set_dma_device(root, topology, function);
        last = domain;
    }
}

PcaHardware *pca_hardware_new(const PcaRoot *root, PcaSnapshot *snapshot, GPtrArray *configs) {
    PcaHardware *hardware = g_new0(PcaHardware, 1);
    hardware->snapshot = pca_snapshot_ref(snapshot);
    hardware->configs = configs;
    hardware->topology = pca_topology_new();
    for (guint i = 0; i < snapshot->functions->len; i++)
        pca_topology_add(hardware->topology, g_ptr_array_index(snapshot->functions, i),
                         g_ptr_array_index(configs, i));
    set_dma_devices(root, hardware->topology, snapshot);
    pca_topology_seal(hardware->topology);
    return hardware;
}

static void free_config(gpointer config) {
    if (config)
        pca_config_unref(config);
}

PcaHardware *pca_hardware_read(const PcaRoot *root, PcaSnapshot *snapshot,
                               const PcaConfigSource *source) {
    GPtrArray *configs = g_ptr_array_new_full(snapshot->functions->len, free_config);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        g_ptr_array_add(configs, pca_hardware_read_config(root, &function->address, source));
    }
    return pca_hardware_new(root, snapshot, configs);
}

void pca_hardware_free(PcaHardware *hardware) {
    if (!hardware)
        return;
    pca_topology_free(hardware->topology);
    g_ptr_array_unref(hardware->configs);
    pca_snapshot_unref(hardware->snapshot);
    g_free(hardware);
}

PcaConfig *pca_hardware_config(const PcaHardware *hardware, const PcaAddress *address) {
    const PcaFunction *function = pca_snapshot_find(hardware->snapshot, address);
    guint index = 0;
    if (!function || !g_ptr_array_find(hardware->snapshot->functions, function, &index))
        return NULL;
    return g_ptr_array_index(hardware->configs, index);
}

/* ---- Facts ---- */

static PcaTri maskable(PcaIntxKind kind) {
    switch (kind) {
    case PCA_INTX_MASKABLE:
        return PCA_TRI_YES;
    case PCA_INTX_EXCLUSIVE:
        return PCA_TRI_NO;
    default:
        return PCA_TRI_UNKNOWN;
    }
}

static GArray *find_vfs(const PcaSnapshot *snapshot, const PcaFunction *pf) {
    GArray *vfs = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        if (function->is_vf && pca_address_equal(&function->pf, &pf->address))
            g_array_append_val(vfs, function->address);
    }
    return vfs;
}

PcaFunctionFacts *pca_hardware_facts_by(const PcaRoot *root, const PcaSnapshot *snapshot,
                                        const PcaFunction *function, PcaVariants *variants) {
    PcaFunctionFacts *facts = pca_function_facts_new();
    g_autoptr(PcaIntx) intx = pca_intx_read(root, function);
    facts->intx_maskable = maskable(intx->kind);
    if (intx->line >= 0 || intx->kind == PCA_INTX_NONE)
        facts->intx_shared_with = g_steal_pointer(&intx->shared_with);
    if (function->iommu_group != PCA_NO_GROUP)
        facts->reserved_regions = pca_hardware_read_regions(root, function->iommu_group);
    if (function->total_vfs > 0)
        facts->vfs = find_vfs(snapshot, function);
    facts->vfio_driver = pca_variants_find(variants, function);
    return facts;
}

PcaFunctionFacts *pca_hardware_facts(const PcaRoot *root, const PcaSnapshot *snapshot,
                                     const PcaFunction *function) {
    g_autoptr(PcaVariants) variants = pca_variants_new(root);
    return pca_hardware_facts_by(root, snapshot, function, variants);
}

/* ---- Isolation ---- */

static PcaTri remapped(const PcaRoot *root) {
    switch (pca_interrupt_remapping(root)) {
    case PCA_REMAPPING_ON:
        return PCA_TRI_YES;
    case PCA_REMAPPING_OFF:
        return PCA_TRI_NO;
    default:
        return PCA_TRI_UNKNOWN;
    }
}

GVariant *pca_hardware_explain(const PcaRoot *root, const PcaHardware *hardware,
                               const PcaAddress *address) {
    const PcaFunction *function = pca_snapshot_find(hardware->snapshot, address);
    if (!function)
        return NULL;
    g_autoptr(PcaIsolation) isolation = pca_topology_explain(hardware->topology, address);
    g_autoptr(GArray) regions = pca_hardware_read_regions(root, function->iommu_group);
    g_autofree char *line = pca_read_text(root->proc, "cmdline", NULL);
    const PcaIsolationHost host = {
        .command_line = line,
        .interrupts_remapped = remapped(root),
        .noiommu = hardware->snapshot->noiommu,
        .unsafe_interrupts = hardware->snapshot->unsafe_interrupts,
        .regions = regions,
    };
    g_auto(GStrv) warnings = pca_isolation_warnings(isolation, &host);
    return pca_describe_isolation(isolation, function, (const char *const *)warnings);
}
