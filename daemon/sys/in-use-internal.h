/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the in-use guard share; nobody else includes it.
 * Thread: any. Ownership: a PcaUse borrows everything.
 */
#pragma once

#include "sys/in-use.h"

/* One question: which uses does the host make of this function? */
typedef struct {
    const PcaRoot *root;
    const PcaFunction *function;
    const char *address;
    const char *directory; /* its real path */
    PcaFindings *findings;
} PcaUse;

/* Whether the root is the running kernel's sysfs, so that the kernel may be asked by other means
 * too; a tree of files is not. */
gboolean pca_root_is_live(const PcaRoot *root);

/* Adds a failure; fix may be NULL. */
void pca_use_fail(const PcaUse *use, const char *culprit, const char *fix, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* The entries of a directory, sorted; empty when there is none. NULL with *error when there is one
 * that cannot be read to its end. */
char **pca_list(const char *path, GError **error);

/* The same, with a failure added instead of *error. */
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

/* ---- Default routes (in-use-routes.c) ---- */

/* The interface indexes (int) with a default route of IPv4 or IPv6. Of the running kernel: by
 * rtnetlink, every table but local, this process's network namespace. Of any other tree: from
 * proc/1/net/route (IPv4, main table only) and ipv6_route. NULL with *error. */
GArray *pca_default_routes(const PcaRoot *root, GError **error);

struct nlmsghdr;

/* Adds the interfaces of one RTM_NEWROUTE message if it is a default route. FALSE when it is one
 * whose interface cannot be told (a bare next-hop object). */
gboolean pca_route_parse(const struct nlmsghdr *message, GArray *indexes);
