/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: makes /sys, /proc and /dev trees in a temporary directory that are laid out like the
 * kernel's own, so that a test reads like the description of a machine.
 * Thread: one. Ownership: pca_tree_free (or g_autoptr) removes the directory; returned strings are
 * the caller's unless called borrowed. A function that cannot do its work ends the test.
 *
 *     g_autoptr(PcaTree) tree = pca_tree_new();
 *     pca_tree_add_port(tree, "0000:00:01.0", 1);
 *     pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:01:00.0", .below = "0000:00:01.0",
 *                                           .vendor = 0x144d, .device = 0xa808, .class = 0x010802,
 *                                           .group = 2, .driver = "nvme", .reset_method = "flr"});
 *     pca_tree_add_disk(tree, "0000:01:00.0", "nvme/nvme0", "nvme0n1", "259:0");
 *     pca_tree_mount(tree, 1, "259:0", "/", "ext4", "/dev/nvme0n1");
 *     g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
 *
 * A new tree has: sys with bus/pci/{devices,drivers,drivers_probe}, devices,
 * class/{block,net,misc}, kernel/iommu_groups, module; proc with an empty swaps, devices that
 * has VFIO, and process 1 with an empty mountinfo; dev with an empty vfio directory.
 */
#pragma once

#include "pci/address.h"
#include "sys/root.h"

typedef struct PcaTree PcaTree;

PcaTree *pca_tree_new(void);
void pca_tree_free(PcaTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaTree, pca_tree_free)

/* Borrowed; valid as long as the tree. */
const PcaRoot *pca_tree_root(const PcaTree *tree);

/* The directory that holds sys, proc and dev; borrowed. */
const char *pca_tree_path(const PcaTree *tree);

/* ---- Functions ---- */

/* What is zero or NULL is left at its default. */
typedef struct {
    const char *address;    /* "0000:01:00.0" */
    const char *below;      /* the bridge above it, which must exist; NULL: on a root bus, which is
                               devices/pciDDDD:BB of the address */
    guint16 vendor, device; /* defaults: 0x8086, 0x10d3 */
    guint16 subsystem_vendor, subsystem_device;
    guint32 class; /* default: 0x020000 */
    guint8 revision;
    guint8 header_type;       /* as in the register: 0x80 says multifunction */
    guint8 secondary_bus;     /* of a bridge */
    guint8 interrupt_pin;     /* 1: INTA */
    int group;                /* 0: none, so tests count from 1 */
    int numa_node;            /* 0: the kernel's -1; N: node N - 1 */
    const char *driver;       /* bound to it; its directory is made when missing */
    const char *override;     /* driver_override; NULL: "(null)" */
    const char *reset_method; /* "flr bus"; NULL: the file is missing */
    const char *power;        /* "auto,1": power/control, d3cold_allowed; NULL: it has neither */
    const char *pf;           /* of a VF: its PF, which must exist */
    guint vf_number;          /* of a VF: N of virtfnN */
    guint total_vfs;          /* of a PF; sriov_numvfs and the virtfnN links, which are what a scan
                                 counts, follow from the VFs added */
} PcaTreeFunction;

void pca_tree_add(PcaTree *tree, const PcaTreeFunction *function);

/* A PCIe root port 8086:3420 with driver pcieport and ACS switched on; its secondary bus is unset.
 */
#define PCA_TREE_ACS_CONTROL 0x106 /* of such a port */
void pca_tree_add_port(PcaTree *tree, const char *address, int group);

/* Surprise removal: directory, links, group membership and driver link go. Descriptors of the
 * directory stay open, on a directory that is no longer there, as in sysfs. */
void pca_tree_remove(PcaTree *tree, const char *address);

/* Whether there is a function at this address now. */
gboolean pca_tree_has(const PcaTree *tree, const char *address);

/* The real path of the function's directory, not of the link in bus/pci/devices. */
char *pca_tree_directory(const PcaTree *tree, const char *address);

/* What the descriptor's directory is called: its real path below sys without a leading slash, such
 * as "devices/pci0000:00/0000:00:01.0", "bus/pci" or "bus/pci/drivers/nvme"; NULL when it is
 * outside sys or was removed. */
char *pca_tree_name_of_fd(const PcaTree *tree, int fd);

/* The address of the function whose directory the descriptor is; NULL when it is none. */
char *pca_tree_address_of_fd(const PcaTree *tree, int fd);

/* The group's number; 0 without one. */
int pca_tree_group(const PcaTree *tree, const char *address);

/* ---- Attributes ---- */

/* Replaces the text of an attribute of a function, made when missing; a newline is added. */
void pca_tree_set(PcaTree *tree, const char *address, const char *attribute, const char *format,
                  ...) G_GNUC_PRINTF(4, 5);

/* Its text without the final newline; NULL when missing. */
char *pca_tree_get(const PcaTree *tree, const char *address, const char *attribute);

/* Removes an attribute, link or subdirectory of a function; nothing when missing. */
void pca_tree_unset(PcaTree *tree, const char *address, const char *attribute);

/* The config space, 256 bytes, of a port 4096; little-endian. */
void pca_tree_set_config8(PcaTree *tree, const char *address, unsigned offset, guint8 value);
void pca_tree_set_config16(PcaTree *tree, const char *address, unsigned offset, guint16 value);
guint16 pca_tree_get_config16(const PcaTree *tree, const char *address, unsigned offset);

/* ---- Drivers: bus/pci/drivers/NAME with bind, unbind, new_id, remove_id ---- */

/* Nothing when it is there. */
void pca_tree_add_driver(PcaTree *tree, const char *driver);

/* Unbinds its functions first. */
void pca_tree_remove_driver(PcaTree *tree, const char *driver);
gboolean pca_tree_has_driver(const PcaTree *tree, const char *driver);

/* Makes and removes the links of a bound driver, and nothing else; bind moves a function that has
 * another driver. */
void pca_tree_bind(PcaTree *tree, const char *address, const char *driver);
void pca_tree_unbind(PcaTree *tree, const char *address);

/* The name of the bound driver; NULL without one. */
char *pca_tree_driver(const PcaTree *tree, const char *address);

/* ---- Any file; paths are relative to the tree: "sys/class/misc/iommu/dev", "proc/swaps" ---- */

/* Makes directories on the way; replaces. The text goes in as it is. */
void pca_tree_write(PcaTree *tree, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
void pca_tree_append(PcaTree *tree, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
void pca_tree_mkdir(PcaTree *tree, const char *path);

/* A relative symbolic link at `path` to `target`, both relative to the tree; replaces. */
void pca_tree_link(PcaTree *tree, const char *path, const char *target);

/* Removes a file, link or whole directory; nothing when missing. */
void pca_tree_delete(PcaTree *tree, const char *path);

/* ---- Storage ---- */

/* A disk below DIRECTORY/via/block, or DIRECTORY/via for an NVMe name, where `via` is what lies
 * between ("ata1/host0/target0:0:0/0:0:0:0", "nvme/nvme0"; NULL: nothing). number: "MAJOR:MINOR".
 */
void pca_tree_add_disk(PcaTree *tree, const char *address, const char *via, const char *name,
                       const char *number);

/* A disk of devices/virtual/block: dm-0, md0, loop0. */
void pca_tree_add_virtual_disk(PcaTree *tree, const char *name, const char *number);
void pca_tree_add_partition(PcaTree *tree, const char *disk, const char *name, const char *number);

/* `holder` (a disk) is built on `name` (a disk or partition): holders and slaves links. */
void pca_tree_add_holder(PcaTree *tree, const char *name, const char *holder);

/* An NVMe namespace as native multipath shows it: head "nvme0n1" below the virtual subsystem
 * nvme-subsysX, hidden path "nvme0c1n1" below the controller "nvme1" of the function. */
void pca_tree_add_multipath_disk(PcaTree *tree, const char *address, const char *controller,
                                 const char *path, const char *head, const char *number);

/* Adds a process and a line to its mountinfo; processes other than 1 get a namespace of their own.
 */
void pca_tree_mount(PcaTree *tree, int pid, const char *number, const char *where, const char *type,
                    const char *source);

/* Another process in the mount namespace of `pid`. */
void pca_tree_add_process(PcaTree *tree, int pid, int like);

/* Adds a line to proc/swaps. */
void pca_tree_add_swap(PcaTree *tree, const char *source);

/* ---- Character devices ---- */

/* A character device NAME of SUBSYSTEM below DIRECTORY/via, with its link in dev/char. */
void pca_tree_add_character(PcaTree *tree, const char *address, const char *via,
                            const char *subsystem, const char *name, const char *number);

/* A process that has `node`, a device node of the machine that the test runs on, open. */
void pca_tree_add_opener(PcaTree *tree, int pid, const char *comm, const char *node);

/* The input device `name` ("input7") below DIRECTORY/via, called `called`. */
void pca_tree_add_input(PcaTree *tree, const char *address, const char *via, const char *name,
                        const char *called);

/* ---- Network ---- */

/* An interface below DIRECTORY/via/net (via: "virtio0" or NULL), down; address NULL: a virtual one,
 * such as a bridge. */
void pca_tree_add_interface(PcaTree *tree, const char *address, const char *via, const char *name,
                            int index);

/* As `ip link set up` does. */
void pca_tree_set_up(PcaTree *tree, const char *interface);

/* What the kernel calls its kind: "vlan", "vrf". */
void pca_tree_set_kind(PcaTree *tree, const char *interface, const char *kind);

/* Adds an address of IPv6 to proc/1/net/if_inet6, with its scope: 0x00 global, 0x20 link. */
void pca_tree_add_address(PcaTree *tree, const char *interface, guint scope);

/* `upper` runs over `lower` (VLAN, macvlan); with `master` it is its bridge, bond or team. */
void pca_tree_stack(PcaTree *tree, const char *lower, const char *upper, gboolean master);

/* Adds a default route to proc/1/net/route, or with ipv6 to proc/1/net/ipv6_route. */
void pca_tree_add_default_route(PcaTree *tree, const char *interface, gboolean ipv6);

/* A host with a card of two functions at 01:00, a card at 02:00.0 and a bridge above each. */
PcaTree *pca_small_host(void);
