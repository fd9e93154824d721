/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: where the kernel's trees are, and capped reads below them.
 * Thread: any; no state. Ownership: returned strings and lists belong to the caller.
 */
#pragma once

#include <glib.h>

/* Paths without a trailing slash. Tests and --sysfs point them at other trees. */
typedef struct {
    char *sysfs;   /* "/sys" */
    char *proc;    /* "/proc" */
    char *dev;     /* "/dev" */
    char *modules; /* "/lib/modules", beside dev as well */
    char *udev;    /* "/run/udev": where udev keeps what it knows, beside dev in any tree */
} PcaRoot;

PcaRoot *pca_root_new(const char *sysfs, const char *proc, const char *dev);

/* Where the modules' index is, unless it is where it belongs. */
void pca_root_set_modules(PcaRoot *root, const char *modules);

/* The host's own: /sys, /proc, /dev; the one place that names them. */
PcaRoot *pca_root_new_host(void);
void pca_root_free(PcaRoot *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaRoot, pca_root_free)

/* Names the boot; "unknown" where the kernel does not say. Free with g_free. */
char *pca_root_boot_id(const PcaRoot *root);

/* Where the daemon of that machine keeps its state, "/run/pcassign"; beside dev in any tree. Free
 * with g_free. */
char *pca_root_state_directory(const PcaRoot *root);

#define PCA_READ_MAX (1024 * 1024) /* bytes; what exceeds it is an error, never cut silently */

/* The text of directory/name without its final newline. NULL, with *error in PCA_ERROR_FAILED
 * naming the file, when it cannot be read or is longer than PCA_READ_MAX or contains NUL. */
char *pca_read_text(const char *directory, const char *name, GError **error);

/* An unsigned number in any C base; FALSE when missing or malformed. */
gboolean pca_parse_number(const char *text, guint64 *value);
gboolean pca_read_number(const char *directory, const char *name, guint64 *value);

/* The last element of the target of the link directory/name; NULL when there is no such link. */
char *pca_read_link_name(const char *directory, const char *name);

/* What the link `path` of sysfs means, by its text alone; `path` itself when it is no link. The
 * links below bus/ and class/ lead to devices/, where no element of a path is a link, so that one
 * readlink tells what realpath(3) tells with one for each element. NULL with errno. */
char *pca_resolve_link(const char *path);

/* The same of what lies in an open directory of sysfs, where a path would be walked each time. One
 * read: the kernel gives a page at most (fs/sysfs/file.c). NULL with errno. */
char *pca_read_attribute(int directory, const char *name);
char *pca_read_link_name_at(int directory, const char *name);

/* The entries of a directory without "." and "..", sorted; empty when it cannot be read. */
char **pca_read_directory(const char *path);

/* The entries of a directory, sorted; empty when there is none. NULL with *error when there is one
 * that cannot be read to its end. */
char **pca_list(const char *path, GError **error);
