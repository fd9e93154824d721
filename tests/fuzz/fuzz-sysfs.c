/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: fuzz target for the text of sysfs and /proc, for libFuzzer and for replay.c.
 *
 * The first byte of an input says for which reader the rest is: 'a' an address, 'n' a number, 'r' a
 * resource table, 'm' a line of mountinfo, 'o' an owner; any other: the files of a tree with one
 * function behind a bridge, separated by the byte 0x1e, in the order of `parts`. The tree is a
 * directory in /dev/shm; a file is written when its text is another than that of the input before.
 * Thread: one. Ownership: the input belongs to the caller; the tree is removed at exit.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pci/facts.h"
#include "pci/resource.h"
#include "sys/hardware.h"
#include "sys/in-use-internal.h"
#include "sys/interrupts.h"
#include "sys/iommu-hint.h"
#include "sys/owner.h"
#include "sys/scan.h"

#define SEPARATOR 0x1e
#define FUNCTION "0000:01:00.0"
#define BRIDGE "0000:00:02.0"
#define DEVICE "sys/devices/pci0000:00/" BRIDGE "/" FUNCTION
#define GROUP "sys/kernel/iommu_groups/7"

/* ---- One reader ---- */

static void fuzz_address(const char *text) {
    PcaAddress address, again;
    if (!pca_address_parse(text, &address))
        return;
    g_autofree char *format = pca_address_format(&address);
    require(address.device < 32 && address.function < 8);
    require(pca_address_parse(format, &again) && pca_address_equal(&address, &again));
}

/* Whatever base it is written in, the value in decimal means the same. */
static void fuzz_number(const char *text) {
    guint64 value, again;
    if (!pca_parse_number(text, &value))
        return;
    g_autofree char *decimal = g_strdup_printf("%" G_GUINT64_FORMAT, value);
    require(pca_parse_number(decimal, &again) && value == again);
    for (const char *p = text; *p != '\0'; p++)
        require(g_ascii_isxdigit(*p) || *p == 'x' || *p == 'X');
}

static void fuzz_resources(const char *text) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) table = pca_resources_parse(text, &error);
    require(!table == (error != NULL));
    if (!table)
        return;
    g_autoptr(GString) again = g_string_new(NULL);
    for (guint i = 0; i < table->len; i++) {
        const PcaResource *r = &g_array_index(table, PcaResource, i);
        guint64 size = pca_resource_size(r);
        require(size == 0 || r->start + size - 1 == r->end);
        g_string_append_printf(again,
                               "0x%016" G_GINT64_MODIFIER "x 0x%016" G_GINT64_MODIFIER
                               "x 0x%016" G_GINT64_MODIFIER "x\n",
                               r->start, r->end, r->flags);
    }
    g_autoptr(GArray) second = pca_resources_parse(again->str, NULL);
    require(second && second->len == table->len &&
            (table->len == 0 ||
             memcmp(second->data, table->data, table->len * sizeof(PcaResource)) == 0));
}

static void fuzz_owner(const char *text) {
    PcaOwner owner, again;
    if (!pca_owner_parse(text, &owner))
        return;
    g_autofree char *format = pca_owner_format(&owner);
    require((owner.mode & ~07777u) == 0);
    require(pca_owner_parse(format, &again) && pca_owner_equal(&owner, &again));
}

static void fuzz_mount(const PcaRoot *root, const char *text) {
    PcaMount *mount = pca_mount_parse(root, 1, text);
    if (!mount)
        return;
    require(mount->number && mount->where && mount->disks);
    pca_mount_free(mount);
}

/* ---- A tree ---- */

typedef struct {
    const char *path;
    gboolean link; /* its text is what the link says */
} Part;

/* Only append: their order is what inputs are made of. */
static const Part parts[] = {
    {DEVICE "/vendor", FALSE},
    {DEVICE "/device", FALSE},
    {DEVICE "/class", FALSE},
    {DEVICE "/revision", FALSE},
    {DEVICE "/subsystem_vendor", FALSE},
    {DEVICE "/subsystem_device", FALSE},
    {DEVICE "/config", FALSE},
    {DEVICE "/resource", FALSE},
    {DEVICE "/driver_override", FALSE},
    {DEVICE "/reset_method", FALSE},
    {DEVICE "/numa_node", FALSE},
    {DEVICE "/irq", FALSE},
    {DEVICE "/enable", FALSE},
    {DEVICE "/sriov_totalvfs", FALSE},
    {DEVICE "/driver", TRUE},
    {DEVICE "/iommu_group", TRUE},
    {DEVICE "/physfn", TRUE},
    {DEVICE "/virtfn0", TRUE},
    {GROUP "/reserved_regions", FALSE},
    {"sys/kernel/irq/11/chip_name", FALSE},
    {"sys/kernel/irq/11/actions", FALSE},
    {"sys/module/vfio/parameters/enable_unsafe_noiommu_mode", FALSE},
    {"proc/cmdline", FALSE},
    {"sys/devices/pci0000:00/" BRIDGE "/config", FALSE},
    {"proc/cpuinfo", FALSE},
};

static char *top;
static PcaRoot *root;
static GBytes *now[G_N_ELEMENTS(parts)];

static void remove_tree(const char *path) {
    if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK) && g_file_test(path, G_FILE_TEST_IS_DIR)) {
        g_auto(GStrv) names = pca_read_directory(path);
        for (char **name = names; *name; name++) {
            g_autofree char *below = g_build_filename(path, *name, NULL);
            remove_tree(below);
        }
    }
    g_remove(path);
}

static void tidy_up(void) {
    remove_tree(top);
    g_free(top);
    pca_root_free(root);
    for (guint i = 0; i < G_N_ELEMENTS(now); i++)
        g_clear_pointer(&now[i], g_bytes_unref);
}

static void write_file(const char *name, const void *bytes, gsize length) {
    g_autofree char *path = g_build_filename(top, name, NULL);
    g_autofree char *directory = g_path_get_dirname(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT && g_mkdir_with_parents(directory, 0700) == 0)
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, bytes, length) == (gssize)length);
    close(fd);
}

static void make_link(const char *name, const char *target) {
    g_autofree char *path = g_build_filename(top, name, NULL);
    g_autofree char *directory = g_path_get_dirname(path);
    g_mkdir_with_parents(directory, 0700);
    unlink(path);
    /* No link has an empty target, or too long a one. */
    require(symlink(target, path) == 0 || errno == ENOENT || errno == ENAMETOOLONG);
}

static void make_tree(void) {
    g_autofree char *directory = g_strdup("/dev/shm/pcassign-fuzz-XXXXXX");
    top = g_mkdtemp(g_steal_pointer(&directory));
    require(top != NULL);
    atexit(tidy_up);
    g_autofree char *sys = g_build_filename(top, "sys", NULL);
    g_autofree char *proc = g_build_filename(top, "proc", NULL);
    g_autofree char *dev = g_build_filename(top, "dev", NULL);
    root = pca_root_new(sys, proc, dev);
    make_link("sys/bus/pci/devices/" FUNCTION, "../../../devices/pci0000:00/" BRIDGE "/" FUNCTION);
    write_file("sys/devices/pci0000:00/" BRIDGE "/vendor", "0x1b36\n", 7);
    write_file("sys/devices/pci0000:00/" BRIDGE "/device", "0x000c\n", 7);
    write_file("sys/devices/pci0000:00/" BRIDGE "/class", "0x060400\n", 9);
    make_link("sys/devices/pci0000:00/" BRIDGE "/iommu_group", "../../../kernel/iommu_groups/7");
    make_link("sys/bus/pci/devices/" BRIDGE, "../../../devices/pci0000:00/" BRIDGE);
}

static void set_part(guint index, const guint8 *bytes, gsize length) {
    g_autoptr(GBytes) text = g_bytes_new(bytes, length);
    if (now[index] && g_bytes_equal(now[index], text))
        return;
    if (parts[index].link) {
        g_autofree char *target = g_strndup((const char *)bytes, length);
        make_link(parts[index].path, target);
    } else {
        write_file(parts[index].path, bytes, length);
    }
    g_clear_pointer(&now[index], g_bytes_unref);
    now[index] = g_steal_pointer(&text);
}

/* What the input has no text for is empty. */
static void set_parts(const guint8 *data, gsize size) {
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        const guint8 *end = size > 0 ? memchr(data, SEPARATOR, size) : NULL;
        gsize length = end ? (gsize)(end - data) : size;
        set_part(i, data, length);
        gsize used = end ? length + 1 : length;
        data += used;
        size -= used;
    }
}

static void check_regions(int group) {
    g_autoptr(GArray) regions = pca_hardware_read_regions(root, group);
    for (guint i = 0; regions && i < regions->len; i++) {
        const PcaReservedRegion *region = &g_array_index(regions, PcaReservedRegion, i);
        require(region->start <= region->end && region->type[0] != '\0' &&
                memchr(region->type, '\0', sizeof region->type));
    }
}

static void check_function(const PcaHardware *hardware, const PcaFunction *function) {
    const PcaConfig *config = pca_hardware_config(hardware, &function->address);
    require(function->iommu_group >= PCA_NO_GROUP && function->reset_methods &&
            function->slot_path);
    require(function->header_type >= PCA_HEADER_UNKNOWN &&
            function->header_type <= PCA_HEADER_CARDBUS);
    require(!config || pca_facts_broken(config) == NULL);
    g_autoptr(PcaFunctionFacts) facts = pca_hardware_facts(root, hardware->snapshot, function);
    g_autoptr(GVariant) seen = g_variant_ref_sink(pca_describe_function(function, config, facts));
    require(g_variant_is_of_type(seen, G_VARIANT_TYPE_VARDICT));
    g_autoptr(GVariant) why =
        g_variant_ref_sink(pca_hardware_explain(root, hardware, &function->address));
    require(g_variant_is_of_type(why, G_VARIANT_TYPE_VARDICT));
    check_regions(function->iommu_group);
}

static void fuzz_tree(const guint8 *data, gsize size) {
    set_parts(data, size);
    g_autoptr(PcaSnapshot) snapshot = pca_scan(root, NULL);
    require(snapshot->functions->len >= 1 && snapshot->functions->len <= 2);
    g_autoptr(PcaHardware) hardware = pca_hardware_read(root, snapshot, NULL);
    for (guint i = 0; i < snapshot->functions->len; i++)
        check_function(hardware, g_ptr_array_index(snapshot->functions, i));
    g_autoptr(PcaSnapshot) brief = pca_scan_brief(root);
    require(brief->functions->len == snapshot->functions->len);
    g_autofree char *hint = pca_iommu_hint(root);
    require(hint && *hint != '\0');
    g_autoptr(PcaSnapshot) again = pca_scan_again(root, snapshot, NULL);
    g_autoptr(PcaDiff) diff = pca_snapshot_diff(snapshot, again);
    require(diff->added->len + diff->removed->len + diff->changed->len == 0);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
    if (!root) {
        make_tree();
        /* What GLib refuses (text that is not UTF-8 in a variant) is a fault as well. */
        g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
    }
    if (size == 0)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    switch (data[0]) {
    case 'a':
        fuzz_address(text);
        break;
    case 'n':
        fuzz_number(text);
        break;
    case 'r':
        fuzz_resources(text);
        break;
    case 'm':
        fuzz_mount(root, text);
        break;
    case 'o':
        fuzz_owner(text);
        break;
    default:
        fuzz_tree(data + 1, size - 1);
    }
    return 0;
}
