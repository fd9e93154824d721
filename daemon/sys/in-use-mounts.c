/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what is mounted, in every mount namespace that a process lives in. Reading mountinfo
 * needs no capability. Not seen: mounts that only a descriptor keeps (a detached or lazily
 * unmounted tree, a namespace that only a bind mount holds); opening the disk exclusively finds
 * those.
 * Thread: any. Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

/* Hosts with many containers have tens of thousands of mounts: more than pca_read_text takes. */
#define MOUNTINFO_MAX (64 * 1024 * 1024)

/* Fields of mountinfo before the optional ones. */
enum { FIELD_NUMBER = 2, FIELD_WHERE = 4, FIELD_OPTIONAL = 6 };

void pca_mount_free(PcaMount *mount) {
    g_free(mount->number);
    g_free(mount->where);
    g_strfreev(mount->disks);
    g_free(mount);
}

char *pca_disk_name(const PcaRoot *root, const char *path) {
    const char *rest = g_str_has_prefix(path, "/dev/") ? path + strlen("/dev/") : NULL;
    if (!rest || *rest == '\0')
        return NULL;
    g_autofree char *node = g_build_filename(root->dev, rest, NULL);
    g_autofree char *dev = realpath(root->dev, NULL);
    g_autofree char *real = realpath(node, NULL);
    gboolean below = dev && real && !g_str_equal(real, dev) && pca_path_below(real, dev);
    char *name = g_strdup(below ? real + strlen(dev) + 1 : rest);
    return g_strdelimit(name, "/", '!');
}

static void add_disk(const PcaRoot *root, GPtrArray *disks, const char *path) {
    char *name = pca_disk_name(root, path);
    if (name)
        g_ptr_array_add(disks, name);
}

/* The source is one device, or a bcachefs list "/dev/a:/dev/b"; options may name a log or real-time
 * device ("logdev=/dev/c"). */
static char **named_disks(const PcaRoot *root, const char *source, const char *options) {
    GPtrArray *disks = g_ptr_array_new();
    add_disk(root, disks, source);
    g_auto(GStrv) parts = g_strsplit(source, ":/dev/", -1);
    gboolean is_list = g_str_has_prefix(source, "/dev/") && parts[0] && parts[1];
    for (guint i = 0; is_list && parts[i]; i++) {
        g_autofree char *path = g_strconcat(i > 0 ? "/dev/" : "", parts[i], NULL);
        add_disk(root, disks, path);
    }
    g_auto(GStrv) words = g_strsplit(options, ",", -1);
    for (char **word = words; *word; word++) {
        const char *value = strchr(*word, '=');
        if (value)
            add_disk(root, disks, value + 1);
    }
    g_ptr_array_add(disks, NULL);
    return (char **)g_ptr_array_free(disks, FALSE);
}

/* The kernel writes a backslash as \\134, so that none ends a field. */
static gboolean is_cut_off(const char *field) {
    return g_str_has_suffix(field, "\\");
}

PcaMount *pca_mount_parse(const PcaRoot *root, int pid, const char *line) {
    g_auto(GStrv) fields = g_strsplit(line, " ", -1);
    guint n = g_strv_length(fields);
    guint dash = FIELD_OPTIONAL;
    while (dash < n && !g_str_equal(fields[dash], "-"))
        dash++;
    if (dash + 3 >= n || is_cut_off(fields[FIELD_WHERE]) || is_cut_off(fields[dash + 2]) ||
        is_cut_off(fields[dash + 3]))
        return NULL;
    g_autofree char *source = g_strcompress(fields[dash + 2]);
    g_autofree char *options = g_strcompress(fields[dash + 3]);
    PcaMount *mount = g_new0(PcaMount, 1);
    mount->pid = pid;
    mount->number = g_strdup(fields[FIELD_NUMBER]);
    mount->where = g_strcompress(fields[FIELD_WHERE]);
    mount->disks = named_disks(root, source, options);
    return mount;
}

/* ---- Reading ---- */

typedef struct {
    const PcaRoot *root;
    GPtrArray *mounts;
    GHashTable *seen; /* first lines: the id of a namespace's first mount is unique to it */
} Reader;

static void close_file(FILE **file) {
    if (*file)
        fclose(*file);
}

static void free_line(char **line) {
    free(*line);
}

/* 0 at the end, also when the namespace was seen before; -errno; -EBADMSG: no such format. */
static int read_lines(Reader *reader, int pid, FILE *file) {
    __attribute__((cleanup(free_line))) char *line = NULL;
    size_t space = 0, total = 0;
    ssize_t length;
    errno = 0;
    while ((length = getline(&line, &space, file)) > 0) {
        if ((total += length) > MOUNTINFO_MAX)
            return -EFBIG;
        if (total == (size_t)length && !g_hash_table_add(reader->seen, g_strdup(line)))
            return 0;
        line[strcspn(line, "\n")] = '\0';
        PcaMount *mount = pca_mount_parse(reader->root, pid, line);
        if (!mount)
            return -EBADMSG;
        g_ptr_array_add(reader->mounts, mount);
        errno = 0;
    }
    return ferror(file) ? -(errno ? errno : EIO) : 0;
}

/* The kernel writes no more lines than the buffer takes, and mostly the first one tells all. */
static int read_process(Reader *reader, int pid) {
    char buffer[256];
    g_autofree char *path = g_strdup_printf("%s/%d/mountinfo", reader->root->proc, pid);
    __attribute__((cleanup(close_file))) FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    setvbuf(file, buffer, _IOFBF, sizeof buffer);
    return read_lines(reader, pid, file);
}

static void reader_open(Reader *reader, const PcaRoot *root) {
    reader->root = root;
    reader->mounts = g_ptr_array_new_with_free_func((GDestroyNotify)pca_mount_free);
    reader->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void set_error(const PcaRoot *root, int pid, int result, GError **error) {
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "cannot read %s/%d/mountinfo",
                            root->proc, pid);
}

/* The mounts; NULL unless ok. */
static GPtrArray *reader_close(Reader *reader, gboolean ok) {
    g_hash_table_unref(reader->seen);
    if (ok)
        return reader->mounts;
    g_ptr_array_unref(reader->mounts);
    return NULL;
}

GPtrArray *pca_mounts_of_host(const PcaRoot *root, GError **error) {
    Reader reader;
    reader_open(&reader, root);
    int result = read_process(&reader, 1);
    set_error(root, 1, result, error);
    return reader_close(&reader, result == 0);
}

/* ENOENT, ESRCH: it has gone; EINVAL: it is a zombie without namespaces (fs/proc_namespace.c). */
static gboolean has_gone(int result) {
    return result == -ENOENT || result == -ESRCH || result == -EINVAL;
}

/* Reads pid 1's first, and drops what it has: its namespace is then known. */
static int read_others(Reader *reader, char **names, int *pid) {
    *pid = 1;
    int result = read_process(reader, *pid);
    g_ptr_array_set_size(reader->mounts, 0);
    for (char **name = names; result == 0 && *name; name++) {
        if (!g_ascii_isdigit(**name))
            continue;
        *pid = atoi(*name);
        result = read_process(reader, *pid);
        result = has_gone(result) ? 0 : result;
    }
    return result;
}

GPtrArray *pca_mounts_of_others(const PcaRoot *root, GError **error) {
    g_auto(GStrv) names = pca_list(root->proc, error);
    if (!names)
        return NULL;
    Reader reader;
    int pid;
    reader_open(&reader, root);
    int result = read_others(&reader, names, &pid);
    set_error(root, pid, result, error);
    return reader_close(&reader, result == 0);
}
