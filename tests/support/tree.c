/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the tree itself and PCI functions and drivers in it; tree-devices.c adds disks,
 * interfaces and processes.
 * Thread: one. Ownership: see the header.
 */
#include "support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_SIZE 256

struct PcaTree {
    char *path;
    PcaRoot *root;
};

/* ---- Files ---- */

static char *absolute(const PcaTree *tree, const char *path) {
    return g_build_filename(tree->path, path, NULL);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    return remove(path);
}

static void remove_all(const char *path) {
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        g_error("cannot remove %s: %s", path, g_strerror(errno));
}

static void make_parents(const char *path) {
    g_autofree char *parent = g_path_get_dirname(path);
    if (g_mkdir_with_parents(parent, 0755) != 0)
        g_error("cannot make %s: %s", parent, g_strerror(errno));
}

static void put(const PcaTree *tree, const char *path, int flags, const char *data, gsize size) {
    g_autofree char *file = absolute(tree, path);
    make_parents(file);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0 || write(fd, data, size) != (gssize)size || close(fd) != 0)
        g_error("cannot write %s: %s", file, g_strerror(errno));
}

void pca_tree_write(PcaTree *tree, const char *path, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    put(tree, path, O_TRUNC, text, strlen(text));
}

void pca_tree_append(PcaTree *tree, const char *path, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    put(tree, path, O_APPEND, text, strlen(text));
}

void pca_tree_mkdir(PcaTree *tree, const char *path) {
    g_autofree char *directory = absolute(tree, path);
    if (g_mkdir_with_parents(directory, 0755) != 0)
        g_error("cannot make %s: %s", directory, g_strerror(errno));
}

void pca_tree_link(PcaTree *tree, const char *path, const char *target) {
    g_autofree char *link = absolute(tree, path);
    make_parents(link);
    GString *up = g_string_new(NULL);
    /* Like the kernel's links, one between two places of sys never leaves sys. */
    if (g_str_has_prefix(path, "sys/") && g_str_has_prefix(target, "sys/")) {
        path += strlen("sys/");
        target += strlen("sys/");
    }
    for (const char *c = path; *c; c++)
        if (*c == '/')
            g_string_append(up, "../");
    g_string_append(up, target);
    g_autofree char *relative = g_string_free(up, FALSE);
    remove_all(link);
    if (symlink(relative, link) != 0)
        g_error("cannot link %s: %s", link, g_strerror(errno));
}

void pca_tree_delete(PcaTree *tree, const char *path) {
    g_autofree char *file = absolute(tree, path);
    remove_all(file);
}

static gboolean exists(const PcaTree *tree, const char *path) {
    g_autofree char *file = absolute(tree, path);
    struct stat info;
    return lstat(file, &info) == 0;
}

/* ---- Trees ---- */

PcaTree *pca_tree_new(void) {
    g_autofree char *template = g_build_filename(g_get_tmp_dir(), "pca-tree-XXXXXX", NULL);
    if (!g_mkdtemp(template))
        g_error("cannot make %s: %s", template, g_strerror(errno));
    PcaTree *tree = g_new0(PcaTree, 1);
    tree->path = realpath(template, NULL);
    g_autofree char *sysfs = absolute(tree, "sys");
    g_autofree char *proc = absolute(tree, "proc");
    g_autofree char *dev = absolute(tree, "dev");
    tree->root = pca_root_new(sysfs, proc, dev);
    static const char *const directories[] = {
        "sys/bus/pci/devices",    "sys/bus/pci/drivers", "sys/devices", "sys/class/block",
        "sys/class/net",          "sys/class/misc",      "sys/module",  "dev/vfio",
        "sys/kernel/iommu_groups"};
    for (gsize i = 0; i < G_N_ELEMENTS(directories); i++)
        pca_tree_mkdir(tree, directories[i]);
    pca_tree_write(tree, "sys/bus/pci/drivers_probe", "%s", "");
    pca_tree_write(tree, "proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    pca_tree_write(tree, "proc/1/mountinfo", "%s", "");
    /* A fake node of VFIO has the number of /dev/null. */
    pca_tree_write(tree, "proc/devices", "Character devices:\n  1 vfio\n\nBlock devices:\n");
    /* Descriptors are no fake's. */
    g_autofree char *self = absolute(tree, "proc/self");
    g_assert_cmpint(symlink("/proc/self", self), ==, 0);
    return tree;
}

void pca_tree_free(PcaTree *tree) {
    if (!tree)
        return;
    remove_all(tree->path);
    pca_root_free(tree->root);
    free(tree->path);
    g_free(tree);
}

const PcaRoot *pca_tree_root(const PcaTree *tree) {
    return tree->root;
}

const char *pca_tree_path(const PcaTree *tree) {
    return tree->path;
}

/* ---- Functions ---- */

static char *link_of(const char *address) {
    return g_build_filename("sys/bus/pci/devices", address, NULL);
}

gboolean pca_tree_has(const PcaTree *tree, const char *address) {
    g_autofree char *link = link_of(address);
    return exists(tree, link);
}

char *pca_tree_directory(const PcaTree *tree, const char *address) {
    g_autofree char *link = link_of(address);
    g_autofree char *path = absolute(tree, link);
    g_autofree char *above = g_path_get_dirname(path);
    /* realpath would ask for each part of the way, in every call of every test. */
    g_autofree char *target = g_file_read_link(path, NULL);
    if (!target)
        g_error("there is no function %s in the tree", address);
    return g_canonicalize_filename(target, above);
}

/* The function's directory, or a file in it, relative to the tree. */
static char *place(const PcaTree *tree, const char *address, const char *name) {
    g_autofree char *directory = pca_tree_directory(tree, address);
    return g_build_filename(directory + strlen(tree->path) + 1, name, NULL);
}

static char *new_place(const PcaTree *tree, const PcaTreeFunction *function) {
    const char *above = function->below;
    g_autofree char *pf_directory = NULL;
    if (function->pf) {
        /* The kernel makes a VF a child of its PF's parent. */
        g_autofree char *pf = place(tree, function->pf, NULL);
        pf_directory = g_path_get_dirname(pf);
        return g_build_filename(pf_directory, function->address, NULL);
    }
    if (above)
        return place(tree, above, function->address);
    const char *bus = strchr(strchr(function->address, ':') + 1, ':');
    g_autofree char *root =
        g_strdup_printf("pci%.*s", (int)(bus - function->address), function->address);
    return g_build_filename("sys/devices", root, function->address, NULL);
}

static void write_ids(PcaTree *tree, const PcaTreeFunction *f) {
    pca_tree_set(tree, f->address, "vendor", "0x%04x", f->vendor);
    pca_tree_set(tree, f->address, "device", "0x%04x", f->device);
    pca_tree_set(tree, f->address, "subsystem_vendor", "0x%04x", f->subsystem_vendor);
    pca_tree_set(tree, f->address, "subsystem_device", "0x%04x", f->subsystem_device);
    pca_tree_set(tree, f->address, "class", "0x%06x", f->class);
    pca_tree_set(tree, f->address, "revision", "0x%02x", f->revision);
    pca_tree_set(tree, f->address, "modalias", "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
                 f->vendor, f->device, f->subsystem_vendor, f->subsystem_device, f->class >> 16,
                 (f->class >> 8) & 0xff, f->class & 0xff);
}

static void write_config(PcaTree *tree, const PcaTreeFunction *f) {
    g_autofree char *path = place(tree, f->address, "config");
    char empty[CONFIG_SIZE] = {0};
    put(tree, path, O_TRUNC, empty, sizeof empty);
    pca_tree_set_config16(tree, f->address, 0x00, f->vendor);
    pca_tree_set_config16(tree, f->address, 0x02, f->device);
    pca_tree_set_config16(tree, f->address, 0x04, 0x0006); /* memory space, bus master */
    pca_tree_set_config8(tree, f->address, 0x08, f->revision);
    pca_tree_set_config8(tree, f->address, 0x09, f->class & 0xff);
    pca_tree_set_config16(tree, f->address, 0x0a, f->class >> 8);
    pca_tree_set_config8(tree, f->address, 0x0e, f->header_type);
    pca_tree_set_config8(tree, f->address, 0x3d, f->interrupt_pin);
    if ((f->header_type & 0x7f) != 0) {
        pca_tree_set_config8(tree, f->address, 0x19, f->secondary_bus);
    } else {
        pca_tree_set_config16(tree, f->address, 0x2c, f->subsystem_vendor);
        pca_tree_set_config16(tree, f->address, 0x2e, f->subsystem_device);
    }
}

static void join_group(PcaTree *tree, const PcaTreeFunction *f) {
    if (f->group == 0)
        return;
    g_autofree char *group = g_strdup_printf("sys/kernel/iommu_groups/%d", f->group);
    g_autofree char *member = g_build_filename(group, "devices", f->address, NULL);
    g_autofree char *link = place(tree, f->address, "iommu_group");
    g_autofree char *directory = place(tree, f->address, NULL);
    g_autofree char *reserved = g_build_filename(group, "reserved_regions", NULL);
    pca_tree_link(tree, member, directory);
    pca_tree_link(tree, link, group);
    if (!exists(tree, reserved))
        pca_tree_write(tree, reserved, "0x00000000fee00000 0x00000000feefffff msi\n");
}

static void join_pf(PcaTree *tree, const PcaTreeFunction *f) {
    g_autofree char *virtfn = g_strdup_printf("virtfn%u", f->vf_number);
    g_autofree char *down = place(tree, f->pf, virtfn);
    g_autofree char *up = place(tree, f->address, "physfn");
    g_autofree char *vf = place(tree, f->address, NULL);
    g_autofree char *pf = place(tree, f->pf, NULL);
    pca_tree_link(tree, down, vf);
    pca_tree_link(tree, up, pf);
    g_autofree char *count = pca_tree_get(tree, f->pf, "sriov_numvfs");
    if (!count)
        g_error("%s is no PF: give it total_vfs", f->pf);
    pca_tree_set(tree, f->pf, "sriov_numvfs", "%d", atoi(count) + 1);
}

static void write_rest(PcaTree *tree, const PcaTreeFunction *f) {
    pca_tree_set(tree, f->address, "numa_node", "%d", f->numa_node - 1);
    pca_tree_set(tree, f->address, "driver_override", "%s", f->override ? f->override : "(null)");
    pca_tree_set(tree, f->address, "enable", "0");
    if (f->reset_method) {
        pca_tree_set(tree, f->address, "reset_method", "%s", f->reset_method);
        g_autofree char *reset = place(tree, f->address, "reset");
        pca_tree_write(tree, reset, "%s", "");
    }
    g_auto(GStrv) power = g_strsplit(f->power ? f->power : ",", ",", 2);
    if (*power[0])
        pca_tree_set(tree, f->address, "power/control", "%s", power[0]);
    if (*power[1])
        pca_tree_set(tree, f->address, "d3cold_allowed", "%s", power[1]);
    if (f->total_vfs > 0) {
        pca_tree_set(tree, f->address, "sriov_totalvfs", "%u", f->total_vfs);
        pca_tree_set(tree, f->address, "sriov_numvfs", "0");
    }
    if (f->class >> 8 == 0x0300)
        pca_tree_set(tree, f->address, "boot_vga", "0");
}

void pca_tree_add(PcaTree *tree, const PcaTreeFunction *function) {
    PcaTreeFunction f = *function;
    f.vendor = f.vendor ? f.vendor : 0x8086;
    f.device = f.device ? f.device : 0x10d3;
    f.class = f.class ? f.class : 0x020000;
    g_autofree char *directory = new_place(tree, &f);
    g_autofree char *link = link_of(f.address);
    if (exists(tree, link))
        g_error("%s is in the tree already", f.address);
    pca_tree_mkdir(tree, directory);
    pca_tree_link(tree, link, directory);
    g_autofree char *subsystem = g_build_filename(directory, "subsystem", NULL);
    pca_tree_link(tree, subsystem, "sys/bus/pci");
    write_ids(tree, &f);
    write_config(tree, &f);
    write_rest(tree, &f);
    join_group(tree, &f);
    if (f.pf)
        join_pf(tree, &f);
    if (f.driver)
        pca_tree_bind(tree, f.address, f.driver);
}

/* A PCIe capability at 0x40, and ACS at 0x100 with SV, RR, CR and UF, all on. */
static void write_port(PcaTree *tree, const char *address) {
    pca_tree_set_config16(tree, address, 0x06, 0x0010); /* it has a list */
    pca_tree_set_config8(tree, address, 0x34, 0x40);
    pca_tree_set_config16(tree, address, 0x40, 0x0010);
    pca_tree_set_config16(tree, address, 0x42, 0x0042); /* version 2, root port */
    pca_tree_set_config16(tree, address, 0x100, 0x000d);
    pca_tree_set_config16(tree, address, 0x102, 0x0001);
    pca_tree_set_config16(tree, address, 0x104, 0x001d);
    pca_tree_set_config16(tree, address, PCA_TREE_ACS_CONTROL, 0x001d);
    pca_tree_set_config8(tree, address, 0xfff, 0);
}

void pca_tree_add_port(PcaTree *tree, const char *address, int group) {
    pca_tree_add(tree, &(PcaTreeFunction){.address = address,
                                          .vendor = 0x8086,
                                          .device = 0x3420,
                                          .class = 0x060400,
                                          .header_type = 1,
                                          .group = group,
                                          .driver = "pcieport"});
    write_port(tree, address);
}

static void leave_pf(PcaTree *tree, const char *address) {
    g_autofree char *up = place(tree, address, "physfn");
    g_autofree char *link = absolute(tree, up);
    g_autofree char *target = g_file_read_link(link, NULL);
    if (!target)
        return;
    g_autofree char *pf = g_path_get_basename(target);
    g_autofree char *directory = pca_tree_directory(tree, pf);
    g_auto(GStrv) names = pca_read_directory(directory);
    for (char **name = names; *name; name++) {
        g_autofree char *vf = pca_read_link_name(directory, *name);
        if (g_str_has_prefix(*name, "virtfn") && g_strcmp0(vf, address) == 0)
            pca_tree_unset(tree, pf, *name);
    }
    g_autofree char *count = pca_tree_get(tree, pf, "sriov_numvfs");
    pca_tree_set(tree, pf, "sriov_numvfs", "%d", atoi(count) - 1);
}

void pca_tree_remove(PcaTree *tree, const char *address) {
    int group = pca_tree_group(tree, address);
    leave_pf(tree, address);
    pca_tree_unbind(tree, address);
    if (group != 0) {
        g_autofree char *member =
            g_strdup_printf("sys/kernel/iommu_groups/%d/devices/%s", group, address);
        pca_tree_delete(tree, member);
    }
    g_autofree char *directory = place(tree, address, NULL);
    g_autofree char *link = link_of(address);
    pca_tree_delete(tree, link);
    pca_tree_delete(tree, directory);
}

char *pca_tree_name_of_fd(const PcaTree *tree, int fd) {
    g_autofree char *proc = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *path = g_file_read_link(proc, NULL);
    struct stat info;
    if (!path || fstat(fd, &info) != 0 || info.st_nlink == 0 ||
        !g_str_has_prefix(path, tree->root->sysfs) || path[strlen(tree->root->sysfs)] != '/')
        return NULL;
    return g_strdup(path + strlen(tree->root->sysfs) + 1);
}

char *pca_tree_address_of_fd(const PcaTree *tree, int fd) {
    g_autofree char *name = pca_tree_name_of_fd(tree, fd);
    g_autofree char *last = name ? g_path_get_basename(name) : NULL;
    PcaAddress address;
    if (!name || !g_str_has_prefix(name, "devices/") || !pca_address_parse(last, &address))
        return NULL;
    return g_steal_pointer(&last);
}

int pca_tree_group(const PcaTree *tree, const char *address) {
    g_autofree char *directory = pca_tree_directory(tree, address);
    g_autofree char *group = pca_read_link_name(directory, "iommu_group");
    return group ? atoi(group) : 0;
}

/* ---- Attributes ---- */

void pca_tree_set(PcaTree *tree, const char *address, const char *attribute, const char *format,
                  ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *path = place(tree, address, attribute);
    pca_tree_write(tree, path, "%s\n", value);
}

char *pca_tree_get(const PcaTree *tree, const char *address, const char *attribute) {
    g_autofree char *directory = pca_tree_directory(tree, address);
    return pca_read_text(directory, attribute, NULL);
}

void pca_tree_unset(PcaTree *tree, const char *address, const char *attribute) {
    g_autofree char *path = place(tree, address, attribute);
    pca_tree_delete(tree, path);
}

static int open_config(const PcaTree *tree, const char *address) {
    g_autofree char *directory = pca_tree_directory(tree, address);
    g_autofree char *path = g_build_filename(directory, "config", NULL);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        g_error("cannot open %s: %s", path, g_strerror(errno));
    return fd;
}

static void write_at(const PcaTree *tree, const char *address, unsigned offset, const void *data,
                     gsize size) {
    int fd = open_config(tree, address);
    if (pwrite(fd, data, size, offset) != (gssize)size || close(fd) != 0)
        g_error("cannot write config of %s: %s", address, g_strerror(errno));
}

void pca_tree_set_config8(PcaTree *tree, const char *address, unsigned offset, guint8 value) {
    write_at(tree, address, offset, &value, sizeof value);
}

void pca_tree_set_config16(PcaTree *tree, const char *address, unsigned offset, guint16 value) {
    guint16 little = GUINT16_TO_LE(value);
    write_at(tree, address, offset, &little, sizeof little);
}

guint16 pca_tree_get_config16(const PcaTree *tree, const char *address, unsigned offset) {
    int fd = open_config(tree, address);
    guint16 little = 0;
    if (pread(fd, &little, sizeof little, offset) != sizeof little || close(fd) != 0)
        g_error("cannot read config of %s: %s", address, g_strerror(errno));
    return GUINT16_FROM_LE(little);
}

/* ---- Drivers ---- */

static char *driver_place(const char *driver, const char *name) {
    return g_build_filename("sys/bus/pci/drivers", driver, name, NULL);
}

gboolean pca_tree_has_driver(const PcaTree *tree, const char *driver) {
    g_autofree char *directory = driver_place(driver, NULL);
    return exists(tree, directory);
}

void pca_tree_add_driver(PcaTree *tree, const char *driver) {
    static const char *const files[] = {"bind", "unbind", "new_id", "remove_id"};
    if (pca_tree_has_driver(tree, driver))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = driver_place(driver, files[i]);
        pca_tree_write(tree, path, "%s", "");
    }
}

void pca_tree_remove_driver(PcaTree *tree, const char *driver) {
    g_autofree char *directory = driver_place(driver, NULL);
    g_autofree char *path = absolute(tree, directory);
    g_auto(GStrv) names = pca_read_directory(path);
    for (char **name = names; *name; name++) {
        PcaAddress address;
        if (pca_address_parse(*name, &address))
            pca_tree_unbind(tree, *name);
    }
    pca_tree_delete(tree, directory);
}

void pca_tree_bind(PcaTree *tree, const char *address, const char *driver) {
    pca_tree_add_driver(tree, driver);
    pca_tree_unbind(tree, address);
    g_autofree char *directory = place(tree, address, NULL);
    g_autofree char *up = place(tree, address, "driver");
    g_autofree char *target = driver_place(driver, NULL);
    g_autofree char *down = driver_place(driver, address);
    pca_tree_link(tree, up, target);
    pca_tree_link(tree, down, directory);
}

void pca_tree_unbind(PcaTree *tree, const char *address) {
    g_autofree char *driver = pca_tree_driver(tree, address);
    if (!driver)
        return;
    g_autofree char *down = driver_place(driver, address);
    pca_tree_delete(tree, down);
    pca_tree_unset(tree, address, "driver");
}

char *pca_tree_driver(const PcaTree *tree, const char *address) {
    g_autofree char *directory = pca_tree_directory(tree, address);
    return pca_read_link_name(directory, "driver");
}
