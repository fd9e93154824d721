/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reading policy files.
 * Thread: any. Ownership: see the header.
 */
#include "sys/policy-files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fds.h"

#define FILE_MAX (4 * 1024 * 1024) /* bytes */

const char *const pca_policy_system_directories[] = {
    "/etc/pcassign/policy.d", "/run/pcassign/policy.d", "/usr/share/pcassign/policy.d", NULL};
#define SUFFIX ".conf"

typedef struct {
    char *path; /* valid UTF-8 */
    char *text;
    gsize length;
    gboolean is_vendor;
} File;

typedef struct {
    const char *path;
    int fd;       /* -1: it is not there */
    char **names; /* of its files that count */
} Directory;

typedef struct {
    gboolean check_owner;
    guint32 owner;
    GPtrArray *files; /* of File */
    PcaDiagnostics *diagnostics;
    GPtrArray *unread; /* of text: what may not be read; NULL: that is refused as well */
} Loader;

static void file_free(gpointer data) {
    File *file = data;
    g_free(file->path);
    g_free(file->text);
    g_free(file);
}

static void refuse(Loader *loader, const char *path, const char *why) {
    g_autofree char *shown = g_utf8_make_valid(path, -1);
    pca_diagnostics_add(loader->diagnostics, shown, 0, 0, PCA_SEVERITY_ERROR, "%s", why);
}

static void refuse_unread(Loader *loader, const char *path, int error, const char *why) {
    if (error == EACCES && loader->unread)
        g_ptr_array_add(loader->unread, g_utf8_make_valid(path, -1));
    else
        refuse(loader, path, why);
}

/* ---- Whose it is ---- */

/* Whether nobody but the owner can change it. */
static gboolean is_safe(Loader *loader, const struct stat *st, const char *path) {
    if (!loader->check_owner)
        return TRUE;
    if (st->st_uid != loader->owner)
        refuse(loader, path, "not owned by root: chown root it");
    else if (st->st_mode & (S_IWGRP | S_IWOTH))
        refuse(loader, path,
               S_ISDIR(st->st_mode)
                   ? "a directory that others than its owner may write, who could so exchange its "
                     "files: chmod go-w it"
                   : "writable by others than its owner: chmod go-w it");
    else
        return TRUE;
    return FALSE;
}

static const char *kind_of(mode_t mode) {
    return S_ISDIR(mode)                    ? "not a regular file but a directory: remove it"
           : S_ISFIFO(mode)                 ? "not a regular file but a FIFO: remove it"
           : S_ISSOCK(mode)                 ? "not a regular file but a socket: remove it"
           : S_ISCHR(mode) || S_ISBLK(mode) ? "not a regular file but a device: remove it"
                                            : "not a regular file: remove it";
}

static gboolean is_acceptable(Loader *loader, const struct stat *st, const char *path) {
    if (!S_ISREG(st->st_mode))
        refuse(loader, path, kind_of(st->st_mode));
    else if (st->st_size > FILE_MAX)
        refuse(loader, path, "larger than 4 MiB: this is no policy file");
    else
        return is_safe(loader, st, path);
    return FALSE;
}

/* ---- One file ---- */

/* Up to `size` bytes; FALSE with errno. */
static gboolean read_all(int fd, char *buffer, gsize size, gsize *length) {
    ssize_t n;
    *length = 0;
    while (*length < size && (n = read(fd, buffer + *length, size - *length)) != 0) {
        if (n < 0 && errno != EINTR)
            return FALSE;
        *length += n > 0 ? (gsize)n : 0;
    }
    return TRUE;
}

/* Asks for a byte more than there is: half of what somebody is writing must not be taken for all.
 */
static File *read_text(Loader *loader, int fd, const char *path, gsize size) {
    gsize length;
    g_autofree char *text = g_malloc0(size + 2);
    if (!read_all(fd, text, size + 1, &length)) {
        refuse(loader, path, g_strerror(errno));
        return NULL;
    }
    if (length != size) {
        refuse(loader, path, "changed while it was read: try again");
        return NULL;
    }
    File *file = g_new0(File, 1);
    file->path = g_utf8_make_valid(path, -1);
    file->text = g_steal_pointer(&text);
    file->length = length;
    return file;
}

/* Of what could not be looked at. */
static const char *why_not(int error, int directory, const char *name) {
    struct stat st;
    if (error == ELOOP)
        return "a loop of links: remove it";
    if (error == ENOENT && fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return "a link to a file that is not there: remove it, or link it to /dev/null to mask the "
               "file of this name";
    return g_strerror(error);
}

/* Documentation/admin-guide/devices.txt of the kernel. */
static gboolean is_null_device(const struct stat *st) {
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* NULL when the file is masked or refused. `name` is looked up in `directory`. What is no regular
 * file is not even opened: that alone moves some devices; and O_NONBLOCK, as it may become a FIFO
 * meanwhile. */
static File *read_file(Loader *loader, int directory, const char *name, const char *path) {
    struct stat st;
    if (fstatat(directory, name, &st, 0) < 0) {
        int error = errno;
        refuse_unread(loader, path, error, why_not(error, directory, name));
        return NULL;
    }
    if (is_null_device(&st) || !is_acceptable(loader, &st, path))
        return NULL;
    PCA_AUTO_FD fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        refuse_unread(loader, path, error, g_strerror(error));
        return NULL;
    }
    return is_acceptable(loader, &st, path) ? read_text(loader, fd, path, (gsize)st.st_size) : NULL;
}

static void add_file(Loader *loader, File *file, gboolean is_vendor) {
    if (!file)
        return;
    file->is_vendor = is_vendor;
    g_ptr_array_add(loader->files, file);
}

static PcaPolicy *parse(Loader *loader) {
    g_autofree PcaPolicyFile *inputs = g_new0(PcaPolicyFile, loader->files->len + 1);
    for (guint i = 0; i < loader->files->len; i++) {
        const File *file = g_ptr_array_index(loader->files, i);
        inputs[i] = (PcaPolicyFile){file->path, file->text, file->length, file->is_vendor};
    }
    return pca_policy_parse(inputs, loader->files->len, loader->diagnostics);
}

/* ---- Directories ---- */

static gboolean counts(const char *name) {
    return *name != '.' && g_str_has_suffix(name, SUFFIX);
}

/* FALSE with errno: part of a policy is no policy. */
static gboolean list_names(int fd, char ***names) {
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (!stream) {
        pca_fd_close(&copy);
        return FALSE;
    }
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(stream)); errno = 0)
        if (counts(entry->d_name))
            g_strv_builder_add(builder, entry->d_name);
    int error = errno;
    closedir(stream);
    *names = g_strv_builder_end(builder);
    errno = error;
    return error == 0;
}

static gboolean is_absent(const char *path) {
    struct stat st;
    return errno == ENOENT && lstat(path, &st) < 0 && errno == ENOENT;
}

static void open_directory(Loader *loader, Directory *directory) {
    const char *path = directory->path;
    struct stat st;
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0) {
        int error = errno;
        if (!is_absent(path))
            refuse_unread(loader, path, error, g_strerror(error));
        return;
    }
    if (fstat(directory->fd, &st) < 0 || !list_names(directory->fd, &directory->names))
        refuse(loader, path, g_strerror(errno));
    else
        is_safe(loader, &st, path);
}

static void load_name(Loader *loader, const Directory *directories, guint n, const char *name) {
    for (guint i = 0; i < n; i++) {
        if (!directories[i].names ||
            !g_strv_contains((const char *const *)directories[i].names, name))
            continue;
        g_autofree char *path = g_build_filename(directories[i].path, name, NULL);
        add_file(loader, read_file(loader, directories[i].fd, name, path), i + 1 == n);
        return;
    }
}

static gint by_name(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of all directories, each once, sorted; borrowed. */
static GPtrArray *merge_names(const Directory *directories, guint n) {
    GPtrArray *merged = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < n; i++)
        for (char **name = directories[i].names; name && *name; name++)
            if (g_hash_table_add(seen, *name))
                g_ptr_array_add(merged, *name);
    g_ptr_array_sort(merged, by_name);
    return merged;
}

PcaPolicy *pca_policy_load(const char *const *directories, guint32 owner,
                           PcaDiagnostics *diagnostics) {
    return pca_policy_load_readable(directories, owner, diagnostics, NULL);
}

PcaPolicy *pca_policy_load_readable(const char *const *directories, guint32 owner,
                                    PcaDiagnostics *diagnostics, GPtrArray *unread) {
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
    Loader loader = {TRUE, owner, files, diagnostics, unread};
    guint n = g_strv_length((char **)directories);
    g_autofree Directory *opened = g_new0(Directory, n + 1);
    for (guint i = 0; i < n; i++) {
        opened[i].path = directories[i];
        open_directory(&loader, &opened[i]);
    }
    g_autoptr(GPtrArray) names = merge_names(opened, n);
    for (guint i = 0; i < names->len; i++)
        load_name(&loader, opened, n, g_ptr_array_index(names, i));
    for (guint i = 0; i < n; i++) {
        pca_fd_close(&opened[i].fd);
        g_strfreev(opened[i].names);
    }
    return parse(&loader);
}

PcaPolicy *pca_policy_load_files(const char *const *paths, PcaDiagnostics *diagnostics) {
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
    Loader loader = {FALSE, 0, files, diagnostics, NULL};
    for (guint i = 0; paths[i]; i++)
        add_file(&loader, read_file(&loader, AT_FDCWD, paths[i], paths[i]), FALSE);
    return parse(&loader);
}
