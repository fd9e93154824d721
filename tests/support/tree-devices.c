/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: disks, interfaces, mounts and processes of a tree, as the in-use guard sees them.
 * Thread: one. Ownership: see tree.h.
 */
#include "support/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The tree-relative path of a function's directory. */
static char *function_place(const PcaTree *tree, const char *address) {
    g_autofree char *directory = pca_tree_directory(tree, address);
    return g_strdup(directory + strlen(pca_tree_path(tree)) + 1);
}

/* Where the link sys/class/CLASS/NAME leads, relative to the tree. */
static char *class_place(const PcaTree *tree, const char *class, const char *name) {
    g_autofree char *link = g_build_filename(pca_tree_path(tree), "sys/class", class, name, NULL);
    char *real = realpath(link, NULL);
    if (!real)
        g_error("there is no %s in class %s of the tree", name, class);
    char *relative = g_strdup(real + strlen(pca_tree_path(tree)) + 1);
    free(real);
    return relative;
}

/* ---- Storage ---- */

static void make_block(PcaTree *tree, const char *directory, const char *number) {
    g_autofree char *name = g_path_get_basename(directory);
    g_autofree char *link = g_build_filename("sys/class/block", name, NULL);
    g_autofree char *holders = g_build_filename(directory, "holders", NULL);
    g_autofree char *dev = g_build_filename(directory, "dev", NULL);
    pca_tree_mkdir(tree, holders);
    pca_tree_link(tree, link, directory);
    if (number)
        pca_tree_write(tree, dev, "%s\n", number);
}

void pca_tree_add_disk(PcaTree *tree, const char *address, const char *via, const char *name,
                       const char *number) {
    g_autofree char *function = function_place(tree, address);
    const char *class = g_str_has_prefix(name, "nvme") ? "" : "block";
    g_autofree char *directory = g_build_filename(function, via ? via : "", class, name, NULL);
    make_block(tree, directory, number);
}

void pca_tree_add_virtual_disk(PcaTree *tree, const char *name, const char *number) {
    g_autofree char *directory = g_build_filename("sys/devices/virtual/block", name, NULL);
    make_block(tree, directory, number);
}

void pca_tree_add_partition(PcaTree *tree, const char *disk, const char *name, const char *number) {
    g_autofree char *above = class_place(tree, "block", disk);
    g_autofree char *directory = g_build_filename(above, name, NULL);
    g_autofree char *partition = g_build_filename(directory, "partition", NULL);
    make_block(tree, directory, number);
    pca_tree_write(tree, partition, "1\n");
}

void pca_tree_add_holder(PcaTree *tree, const char *name, const char *holder) {
    g_autofree char *below = class_place(tree, "block", name);
    g_autofree char *above = class_place(tree, "block", holder);
    g_autofree char *up = g_build_filename(below, "holders", holder, NULL);
    g_autofree char *down = g_build_filename(above, "slaves", name, NULL);
    pca_tree_link(tree, up, above);
    pca_tree_link(tree, down, below);
}

void pca_tree_add_multipath_disk(PcaTree *tree, const char *address, const char *controller,
                                 const char *path, const char *head, const char *number) {
    g_autofree char *function = function_place(tree, address);
    g_autofree char *above = g_build_filename(function, "nvme", controller, NULL);
    g_autofree char *hidden = g_build_filename(above, path, NULL);
    g_autofree char *subsystem = g_strdup_printf("sys/devices/virtual/nvme-subsystem/nvme-subsys%d",
                                                 atoi(head + strlen("nvme")));
    g_autofree char *shown = g_build_filename(subsystem, head, NULL);
    g_autofree char *member = g_build_filename(subsystem, controller, NULL);
    g_autofree char *class = g_build_filename("sys/class/nvme", controller, NULL);
    g_autofree char *flag = g_build_filename(hidden, "hidden", NULL);
    make_block(tree, hidden, NULL);
    pca_tree_write(tree, flag, "1\n");
    pca_tree_link(tree, class, above);
    make_block(tree, shown, number);
    pca_tree_link(tree, member, above);
}

/* ---- Processes ---- */

void pca_tree_mount(PcaTree *tree, int pid, const char *number, const char *where, const char *type,
                    const char *source) {
    static int next_id = 100;
    g_autofree char *path = g_strdup_printf("proc/%d/mountinfo", pid);
    pca_tree_append(tree, path, "%d 1 %s / %s rw,relatime shared:1 - %s %s rw\n", next_id++, number,
                    where, type, source);
}

void pca_tree_add_process(PcaTree *tree, int pid, int like) {
    g_autofree char *mounts = g_strdup_printf("%s/proc/%d/mountinfo", pca_tree_path(tree), like);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(mounts, &text, NULL, NULL))
        g_error("there is no process %d in the tree", like);
    g_autofree char *path = g_strdup_printf("proc/%d/mountinfo", pid);
    pca_tree_write(tree, path, "%s", text);
}

void pca_tree_add_swap(PcaTree *tree, const char *source) {
    pca_tree_append(tree, "proc/swaps", "%s partition 1048572 0 -2\n", source);
}

/* ---- Character devices ---- */

static char *device_place(PcaTree *tree, const char *address, const char *via, const char *class,
                          const char *name) {
    g_autofree char *function = function_place(tree, address);
    g_autofree char *link = g_build_filename("sys/class", class, name, NULL);
    char *directory = g_build_filename(function, via ? via : "", class, name, NULL);
    g_autofree char *subsystem = g_build_filename(directory, "subsystem", NULL);
    g_autofree char *target = g_build_filename("sys/class", class, NULL);
    pca_tree_mkdir(tree, directory);
    pca_tree_link(tree, link, directory);
    pca_tree_link(tree, subsystem, target);
    return directory;
}

void pca_tree_add_character(PcaTree *tree, const char *address, const char *via,
                            const char *subsystem, const char *name, const char *number) {
    g_autofree char *directory = device_place(tree, address, via, subsystem, name);
    g_autofree char *dev = g_build_filename(directory, "dev", NULL);
    g_autofree char *link = g_build_filename("sys/dev/char", number, NULL);
    pca_tree_write(tree, dev, "%s\n", number);
    pca_tree_link(tree, link, directory);
}

void pca_tree_add_opener(PcaTree *tree, int pid, const char *comm, const char *node) {
    g_autofree char *file = g_strdup_printf("proc/%d/comm", pid);
    g_autofree char *fds = g_strdup_printf("proc/%d/fd", pid);
    g_autofree char *link = g_build_filename(pca_tree_path(tree), fds, "5", NULL);
    pca_tree_write(tree, file, "%s\n", comm);
    pca_tree_mkdir(tree, fds);
    if (symlink(node, link) < 0)
        g_error("%s: %s", link, g_strerror(errno));
}

void pca_tree_add_input(PcaTree *tree, const char *address, const char *via, const char *name,
                        const char *called) {
    g_autofree char *directory = device_place(tree, address, via, "input", name);
    g_autofree char *file = g_build_filename(directory, "name", NULL);
    pca_tree_write(tree, file, "%s\n", called);
}

/* ---- Network ---- */

void pca_tree_add_interface(PcaTree *tree, const char *address, const char *via, const char *name,
                            int index) {
    g_autofree char *function = address ? function_place(tree, address) : NULL;
    g_autofree char *directory = g_build_filename(function ? function : "sys/devices/virtual",
                                                  via ? via : "", "net", name, NULL);
    g_autofree char *link = g_build_filename("sys/class/net", name, NULL);
    g_autofree char *ifindex = g_build_filename(directory, "ifindex", NULL);
    g_autofree char *flags = g_build_filename(directory, "flags", NULL);
    pca_tree_write(tree, ifindex, "%d\n", index);
    pca_tree_write(tree, flags, "0x1002\n");
    pca_tree_link(tree, link, directory);
}

static void write_below(PcaTree *tree, const char *interface, const char *name, const char *text) {
    g_autofree char *place = class_place(tree, "net", interface);
    g_autofree char *path = g_build_filename(place, name, NULL);
    pca_tree_write(tree, path, "%s\n", text);
}

void pca_tree_set_up(PcaTree *tree, const char *interface) {
    write_below(tree, interface, "flags", "0x1003");
}

void pca_tree_set_kind(PcaTree *tree, const char *interface, const char *kind) {
    g_autofree char *text = g_strdup_printf("DEVTYPE=%s\nINTERFACE=%s", kind, interface);
    write_below(tree, interface, "uevent", text);
}

void pca_tree_add_address(PcaTree *tree, const char *interface, guint scope) {
    pca_tree_append(tree, "proc/1/net/if_inet6", "%032d 02 40 %02x 80 %8s\n", 1, scope, interface);
}

void pca_tree_stack(PcaTree *tree, const char *lower, const char *upper, gboolean master) {
    g_autofree char *below = class_place(tree, "net", lower);
    g_autofree char *above = class_place(tree, "net", upper);
    g_autofree char *up = g_strdup_printf("%s/upper_%s", below, upper);
    g_autofree char *down = g_strdup_printf("%s/lower_%s", above, lower);
    g_autofree char *link = g_build_filename(below, "master", NULL);
    pca_tree_link(tree, up, above);
    pca_tree_link(tree, down, below);
    if (master)
        pca_tree_link(tree, link, above);
}

void pca_tree_add_default_route(PcaTree *tree, const char *interface, gboolean ipv6) {
    if (ipv6)
        pca_tree_append(tree, "proc/1/net/ipv6_route",
                        "%032d 00 %032d 00 fe80000000000000000000000000%04x 00000400 00000001 "
                        "00000000 00000003 %8s\n",
                        0, 0, 1, interface);
    else
        pca_tree_append(tree, "proc/1/net/route",
                        "%s\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", interface);
}

PcaTree *pca_small_host(void) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add_port(tree, "0000:00:01.0", 1);
    pca_tree_add_port(tree, "0000:00:02.0", 2);
    pca_tree_add_driver(tree, "vfio-pci");
    pca_tree_write(tree, "sys/class/misc/iommu/dev", "10:126\n");
    for (guint i = 0; i < 2; i++)
        pca_tree_add(tree, &(PcaTreeFunction){.address = i ? "0000:01:00.1" : "0000:01:00.0",
                                              .below = "0000:00:01.0",
                                              .vendor = 0x10de,
                                              .device = i ? 0x1aef : 0x2230,
                                              .class = i ? 0x040300 : 0x030000,
                                              .header_type = 0x80,
                                              .group = 3,
                                              .driver = "nouveau",
                                              .reset_method = "bus"});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:02:00.0",
                                          .below = "0000:00:02.0",
                                          .group = 4,
                                          .driver = "e1000e",
                                          .reset_method = "flr"});
    return tree;
}
