/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the in-use guard share; nobody else includes it.
 * Thread: any. Ownership: a PcaUse borrows everything.
 */
#pragma once

#include "sys/in-use.h"

/* One question: which uses does the host make of this function? */
typedef struct {
    PcaUseLook *look;
    const PcaRoot *root; /* that of the look */
    const PcaFunction *function;
    const char *address;
    const char *directory; /* its real path */
    PcaFindings *findings;
} PcaUse;

/* Whether the root is the running kernel's sysfs, so that the kernel may be asked by other means
 * too; a tree of files is not. */
gboolean pca_root_is_live(const PcaRoot *root);

/* Adds a failure that no policy may allow; fix may be NULL. What cannot be read is one. */
void pca_use_fail(const PcaUse *use, const char *culprit, const char *fix, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* Adds one that is `kind` of use. */
void pca_use_fail_as(const PcaUse *use, PcaUses kind, const char *culprit, const char *fix,
                     const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Adds the failure that something could not be read. */
void pca_use_fail_read(const PcaUse *use, const char *what, const GError *error);

/* ---- What is read once in a look (in-use-look.c) ---- */

const PcaRoot *pca_use_look_root(const PcaUseLook *look);

typedef struct {
    char *number; /* "MAJOR:MINOR" */
    char *target; /* below sysfs: "devices/pci0000:00/...", "" when the link could not be read */
} PcaCharacter;

/* Keeps what was found for pca_use_look_recall, which moves it into the list; FALSE: there is
 * nothing of this very function. */
void pca_use_look_keep(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings);
gboolean pca_use_look_recall(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings);

/* Every character device but virtual consoles, of PcaCharacter; the look's. NULL with *error when
 * they cannot be listed. */
GPtrArray *pca_use_look_characters(PcaUseLook *look, GError **error);

/* As pca_mounts_of_host and pca_mounts_of_others, but the look's. */
GPtrArray *pca_use_look_host_mounts(PcaUseLook *look, GError **error);
GPtrArray *pca_use_look_other_mounts(PcaUseLook *look, GError **error);

/* ---- ---- */

/* As pca_list, with a failure added instead of *error. */
char **pca_use_list(const PcaUse *use, const char *path);

/* Whether the real path `path` is the real path `directory` or below it. */
gboolean pca_path_below(const char *path, const char *directory);

/* The names of the entries of a class (sysfs/class/NAME) whose devices lie at or below `directory`,
 * virtio and USB devices included; NULL as above. */
char **pca_use_class_members(const PcaUse *use, const char *class, const char *directory);

/* The real path of sysfs/class/CLASS/NAME; NULL with errno, ENOENT when there is none. */
char *pca_class_directory(const PcaRoot *root, const char *class, const char *name);

void pca_use_storage(const PcaUse *use);
void pca_use_network(const PcaUse *use);
void pca_use_display(const PcaUse *use);
void pca_use_devices(const PcaUse *use);

/* Adds a failure for each of the mounts (of PcaMount) that is of the disk or partition, which is
 * called `name` in sysfs; how many. */
guint pca_use_mounts(const PcaUse *use, const char *name, dev_t number, GPtrArray *mounts);

/* The sysfs names of the function's disks and their partitions, sorted, also in the set `disks`
 * which keeps them; NULL without one, or when that could not be found out, which has been said. */
GList *pca_use_disks(const PcaUse *use, GHashTable *disks);

PcaUseNodes *pca_use_nodes_new(void);
PcaUseNodes *pca_use_nodes(const PcaUse *use);
PcaUseNodes *pca_use_disk_nodes(const PcaUse *use);
void pca_use_opened(const PcaUse *use, PcaUseNodes *nodes);

/* For a disk called `disk` in sysfs with device number "MAJOR:MINOR"; `mounted`: a mount that names
 * it has been told already. */
void pca_use_pools(const PcaUse *use, const char *disk, const char *number, gboolean mounted);

/* ---- Mounts (in-use-mounts.c) ---- */

typedef struct {
    int pid;      /* a process that sees it; 1: the host's own mount namespace */
    char *number; /* "MAJOR:MINOR"; 0:N for an anonymous device */
    char *where;
    char **disks; /* sysfs names of the block devices that source and options name */
} PcaMount;

/* The sysfs name ("nvme0n1", "cciss!c0d0") of the block device that a path below /dev means, links
 * below root->dev followed; NULL for any other path. */
char *pca_disk_name(const PcaRoot *root, const char *path);

/* Takes a line of mountinfo (proc(5)) apart; NULL when it is malformed. */
PcaMount *pca_mount_parse(const PcaRoot *root, int pid, const char *line);
void pca_mount_free(PcaMount *mount);

/* The mounts that pid 1 sees; of PcaMount. NULL with *error. */
GPtrArray *pca_mounts_of_host(const PcaRoot *root, GError **error);

/* Those of every mount namespace and root directory that some other process has, each namespace
 * once. Processes that go away meanwhile are no error. NULL with *error. */
GPtrArray *pca_mounts_of_others(const PcaRoot *root, GError **error);

/* ---- Asking the kernel (in-use-netlink.c) ---- */

struct nlmsghdr;
typedef int (*PcaMessageFunc)(const struct nlmsghdr *message, void *data);

/* Dumps what rtnetlink has of `type` (RTM_GETROUTE, ...) and `family`, for this process's network
 * namespace; `on_message` adds to `indexes` and returns MNL_CB_OK. 0 or -errno. No errno means
 * "none": a kernel without the family answers with what it has, while EAFNOSUPPORT is how a sandbox
 * forbids the socket. */
int pca_netlink_dump(guint16 type, int family, PcaMessageFunc on_message, GArray *indexes,
                     void *data);

/* The interface that a line of a table in /proc speaks of, or NULL; `columns` are its words. */
typedef const char *(*PcaColumnFunc)(char **columns, guint n);

typedef struct {
    const char *name; /* below root->proc; one that is missing has no lines */
    PcaColumnFunc interface;
} PcaTable;

/* The indexes (int) of interfaces: of the running kernel by `ask`, of any other tree by all lines
 * of both tables. NULL with *error. */
GArray *pca_interfaces(const PcaRoot *root, gboolean (*ask)(GArray *indexes, GError **error),
                       const PcaTable tables[2], GError **error);

/* ---- Addresses (in-use-addresses.c) ---- */

/* The interface indexes (int) that have an address, but one of IPv6 that holds for the link alone,
 * which the kernel makes by itself. Asked of the kernel as routes are; of any other tree: from
 * proc/1/net/if_inet6 and, because addresses of IPv4 are in no table, whatever has a route in
 * proc/1/net/route. NULL with *error. */
GArray *pca_addressed_interfaces(const PcaRoot *root, GError **error);

/* ---- Default routes (in-use-routes.c) ---- */

/* The interface indexes (int) with a default route of IPv4 or IPv6. Of the running kernel: by
 * rtnetlink, every table but local, this process's network namespace. Of any other tree: from
 * proc/1/net/route (IPv4, main table only) and ipv6_route. NULL with *error. */
GArray *pca_default_routes(const PcaRoot *root, GError **error);

/* Adds the interfaces of one RTM_NEWROUTE message if it is a default route. FALSE when it is one
 * whose interface cannot be told (a bare next-hop object). */
gboolean pca_route_parse(const struct nlmsghdr *message, GArray *indexes);
