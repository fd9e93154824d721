/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reads sysfs into a snapshot. `uevent` and `modalias` are never read, `driver_override`
 * not while a function is being evicted.
 * Thread: any. Ownership: what a scan remembers between functions dies with it.
 */
#include "sys/scan.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fds.h"
#include "sys/models.h"
#include "sys/scan-function.h"

#define CLASS_BRIDGE 0x06 /* the base class */

typedef struct {
    const PcaRoot *root;
    const PcaSnapshot *old; /* of a former scan; may be NULL */
    GHashTable *evicting;   /* addresses; may be NULL */
    gboolean brief;         /* see pca_scan_brief */
    char *devices;          /* .../bus/pci/devices */
    GHashTable *groups;     /* group number -> whether it has a direct region, both as pointers */
    GHashTable *vfs;        /* address of a VF -> its number, as a pointer */
    GHashTable *pfs;        /* address of a PF -> how many VFs of it are in `vfs`, as a pointer */
    PcaModels *models;
} Scan;

/* ---- IOMMU and NUMA ---- */

static gboolean parse_int(const char *text, int *value) {
    gint64 number;
    if (!text || !g_ascii_string_to_signed(text, 10, G_MININT, G_MAXINT, &number, NULL))
        return FALSE;
    *value = number;
    return TRUE;
}

/* Lines are "START END TYPE" (Documentation/ABI/testing/sysfs-kernel-iommu_groups). */
static gboolean has_direct_line(const char *text) {
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        const char *type = strrchr(*line, ' ');
        if (type && g_str_equal(type + 1, "direct"))
            return TRUE;
    }
    return FALSE;
}

/* A file that is there and cannot be read counts as a direct region; a saved tree may lack it. */
static gboolean group_has_direct(Scan *scan, int group) {
    gpointer known;
    if (g_hash_table_lookup_extended(scan->groups, GINT_TO_POINTER(group), NULL, &known))
        return GPOINTER_TO_INT(known);
    g_autofree char *directory =
        g_strdup_printf("%s/kernel/iommu_groups/%d", scan->root->sysfs, group);
    g_autofree char *path = g_build_filename(directory, "reserved_regions", NULL);
    g_autofree char *text = pca_read_text(directory, "reserved_regions", NULL);
    gboolean direct = text ? has_direct_line(text) : g_file_test(path, G_FILE_TEST_EXISTS);
    g_hash_table_insert(scan->groups, GINT_TO_POINTER(group), GINT_TO_POINTER(direct));
    return direct;
}

static void read_group(Scan *scan, PcaFunction *function, int directory) {
    g_autofree char *group = pca_read_link_name_at(directory, "iommu_group");
    if (!parse_int(group, &function->iommu_group) || function->iommu_group < 0)
        function->iommu_group = PCA_NO_GROUP;
    else if (!scan->brief)
        function->reserved_direct = group_has_direct(scan, function->iommu_group);
    g_autofree char *node = pca_read_attribute(directory, "numa_node");
    if (!parse_int(node, &function->numa_node))
        function->numa_node = -1;
}

/* ---- SR-IOV ---- */

/* Reads every virtfnN of a PF once, so that many VFs cost no more than that; how many there are.
 * The links are counted, and sriov_numvfs not read, because its reader waits for the device's lock
 * (sriov_numvfs_show in drivers/pci/iov.c), which an unbind or a change of the number holds. */
static guint learn_vfs(Scan *scan, const char *pf) {
    gpointer known;
    if (g_hash_table_lookup_extended(scan->pfs, pf, NULL, &known))
        return GPOINTER_TO_UINT(known);
    guint count = 0;
    g_autofree char *directory = g_build_filename(scan->devices, pf, NULL);
    g_auto(GStrv) names = pca_read_directory(directory);
    for (char **name = names; *name; name++) {
        int number;
        if (!g_str_has_prefix(*name, "virtfn") || !parse_int(*name + strlen("virtfn"), &number))
            continue;
        char *vf = pca_read_link_name(directory, *name);
        if (!vf)
            continue;
        g_hash_table_insert(scan->vfs, vf, GINT_TO_POINTER(number));
        count++;
    }
    g_hash_table_insert(scan->pfs, g_strdup(pf), GUINT_TO_POINTER(count));
    return count;
}

static char *vf_slot_path(Scan *scan, const char *pf, const char *vf) {
    PcaAddress ignored;
    gboolean has_ignored = FALSE;
    gpointer number;
    g_autofree char *link = g_build_filename(scan->devices, pf, NULL);
    g_autofree char *real = pca_resolve_link(link);
    learn_vfs(scan, pf);
    g_autofree char *above = real ? pca_scan_slot_path(real, &ignored, &has_ignored) : NULL;
    if (!above || *above == '\0' || !g_hash_table_lookup_extended(scan->vfs, vf, NULL, &number))
        return g_strdup("");
    return g_strdup_printf("%s/vf%d", above, GPOINTER_TO_INT(number));
}

/* FALSE: it is a VF and its PF went away, so it is about to go too. */
static gboolean read_sriov(Scan *scan, PcaFunction *function, int directory, const char *name) {
    if (!scan->brief)
        function->total_vfs = pca_scan_total_vfs(directory);
    if (function->total_vfs > 0)
        function->num_vfs = learn_vfs(scan, name);
    g_autofree char *pf = pca_read_link_name_at(directory, "physfn");
    function->is_vf = pf != NULL;
    if (!pf)
        return TRUE;
    g_free(function->slot_path);
    function->slot_path = vf_slot_path(scan, pf, name);
    return pca_address_parse(pf, &function->pf);
}

/* ---- The scan ---- */

static gboolean is_evicting(const Scan *scan, const char *name) {
    return scan->evicting && g_hash_table_contains(scan->evicting, name);
}

/* A function that is evicted is below it, and in its directory. */
static gboolean is_above_evicting(const Scan *scan, int directory) {
    GHashTableIter iter;
    gpointer name;
    if (!scan->evicting)
        return FALSE;
    g_hash_table_iter_init(&iter, scan->evicting);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (faccessat(directory, name, F_OK, 0) == 0)
            return TRUE;
    return FALSE;
}

/* While a function is reset, its config space and that of the bridge above it cannot be read, for
 * as long as it takes (pci_reset_function() in drivers/pci/pci.c). But what these are is plain:
 * nothing else than endpoints is ever claimed. */
static int find_header_type(const Scan *scan, const PcaFunction *function, const char *name,
                            int directory) {
    if (is_evicting(scan, name) && function->class >> 16 != CLASS_BRIDGE)
        return PCA_HEADER_ENDPOINT;
    return is_above_evicting(scan, directory) ? PCA_HEADER_BRIDGE : pca_scan_header_type(directory);
}

/* What cannot change while the function is there. Reading config space wakes a sleeping bridge, and
 * waits for a reset: milliseconds each time. */
static void read_header_and_description(Scan *scan, PcaFunction *function, const char *name,
                                        int directory) {
    const PcaFunction *before = scan->old ? pca_snapshot_find(scan->old, &function->address) : NULL;
    gboolean same = before && before->vendor == function->vendor &&
                    before->device == function->device && before->class == function->class &&
                    before->revision == function->revision &&
                    before->subsystem_vendor == function->subsystem_vendor &&
                    before->subsystem_device == function->subsystem_device;
    if (same && before->header_type != PCA_HEADER_UNKNOWN) {
        function->header_type = before->header_type;
        function->description = g_strdup(before->description);
    } else {
        function->header_type = find_header_type(scan, function, name, directory);
        function->description = pca_models_describe(scan->models, function);
    }
}

static PcaFunction *read_function(Scan *scan, const char *name) {
    PcaAddress address;
    g_autofree char *link = g_build_filename(scan->devices, name, NULL);
    g_autofree char *real = pca_resolve_link(link);
    PCA_AUTO_FD directory = real ? open(real, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (directory < 0 || !pca_address_parse(name, &address))
        return NULL;
    g_autoptr(PcaFunction) function = pca_function_new(&address);
    if (!pca_scan_ids(function, directory))
        return NULL;
    read_header_and_description(scan, function, name, directory);
    function->slot_path = pca_scan_slot_path(real, &function->upstream, &function->has_upstream);
    pca_scan_driver(function, directory, is_evicting(scan, name));
    if (!scan->brief) {
        pca_scan_reset_methods(function, directory);
        pca_scan_power(function, directory);
    }
    read_group(scan, function, directory);
    /* Last: whether it is still the same function that the first reads met. */
    if (!read_sriov(scan, function, directory, name) || !pca_scan_is_same(function, directory))
        return NULL;
    return g_steal_pointer(&function);
}

static gboolean module_flag(const PcaRoot *root, const char *module, const char *parameter) {
    g_autofree char *directory =
        g_build_filename(root->sysfs, "module", module, "parameters", NULL);
    g_autofree char *text = pca_read_text(directory, parameter, NULL);
    return text && (text[0] == 'Y' || text[0] == 'y' || text[0] == '1');
}

static void read_host(PcaSnapshot *snapshot, const PcaRoot *root) {
    g_autofree char *iommufd = g_build_filename(root->sysfs, "class/misc/iommu/dev", NULL);
    snapshot->noiommu = module_flag(root, "vfio", "enable_unsafe_noiommu_mode");
    snapshot->unsafe_interrupts =
        module_flag(root, "vfio_iommu_type1", "allow_unsafe_interrupts") ||
        module_flag(root, "iommufd", "allow_unsafe_interrupts");
    snapshot->has_cdev = g_file_test(iommufd, G_FILE_TEST_EXISTS);
    g_autofree char *container = g_build_filename(root->sysfs, "class/misc/vfio/dev", NULL);
    snapshot->has_group = g_file_test(container, G_FILE_TEST_EXISTS);
    g_autofree char *vfio_pci = g_build_filename(root->sysfs, "bus/pci/drivers/vfio-pci", NULL);
    snapshot->has_vfio_pci = g_file_test(vfio_pci, G_FILE_TEST_IS_DIR);
}

static void scan_open(Scan *scan, const PcaRoot *root, const PcaSnapshot *old) {
    scan->root = root;
    scan->old = old;
    scan->devices = g_build_filename(root->sysfs, "bus/pci/devices", NULL);
    scan->groups = g_hash_table_new(NULL, NULL);
    scan->vfs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    scan->pfs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    scan->models = pca_models_new();
}

static void scan_close(Scan *scan) {
    g_free(scan->devices);
    g_hash_table_unref(scan->groups);
    g_hash_table_unref(scan->vfs);
    g_hash_table_unref(scan->pfs);
    pca_models_free(scan->models);
}

/* Takes over the reference; nothing where there is no function. */
static void add_function(PcaSnapshot *snapshot, PcaFunction *function) {
    if (!function)
        return;
    snapshot->has_iommu |= function->iommu_group != PCA_NO_GROUP;
    pca_snapshot_add(snapshot, function);
}

static void read_functions(Scan *scan, PcaSnapshot *snapshot, const char *const *names) {
    for (; *names; names++)
        add_function(snapshot, read_function(scan, *names));
}

static PcaSnapshot *scan_all(Scan *scan) {
    PcaSnapshot *snapshot = pca_snapshot_new();
    g_auto(GStrv) names = pca_read_directory(scan->devices);
    read_functions(scan, snapshot, (const char *const *)names);
    read_host(snapshot, scan->root);
    pca_snapshot_seal(snapshot);
    scan_close(scan);
    return snapshot;
}

PcaSnapshot *pca_scan_again(const PcaRoot *root, const PcaSnapshot *old, GHashTable *evicting) {
    Scan scan = {.evicting = evicting};
    scan_open(&scan, root, old);
    return scan_all(&scan);
}

PcaSnapshot *pca_scan(const PcaRoot *root, GHashTable *evicting) {
    return pca_scan_again(root, NULL, evicting);
}

PcaSnapshot *pca_scan_brief(const PcaRoot *root) {
    Scan scan = {.brief = TRUE};
    scan_open(&scan, root, NULL);
    return scan_all(&scan);
}

PcaSnapshot *pca_scan_some(const PcaRoot *root, const PcaSnapshot *old, GHashTable *addresses,
                           GHashTable *evicting) {
    Scan scan = {.evicting = evicting};
    scan_open(&scan, root, old);
    PcaSnapshot *snapshot = pca_snapshot_new();
    for (guint i = 0; i < old->functions->len; i++) {
        PcaFunction *function = g_ptr_array_index(old->functions, i);
        g_autofree char *address = pca_address_format(&function->address);
        if (!g_hash_table_contains(addresses, address))
            add_function(snapshot, pca_function_ref(function));
    }
    g_autofree gpointer *names = g_hash_table_get_keys_as_array(addresses, NULL);
    read_functions(&scan, snapshot, (const char *const *)names);
    read_host(snapshot, root);
    pca_snapshot_seal(snapshot);
    scan_close(&scan);
    return snapshot;
}
