/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reading policy files.
 * Thread: any. Ownership: see the header.
 */
#include "sys/policy-files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fds.h"

#define FILE_MAX (4 * 1024 * 1024) /* bytes */

typedef struct {
    char *path;
    char *text;
    gsize length;
    gboolean is_vendor;
} File;

static void file_free(gpointer data) {
    File *file = data;
    g_free(file->path);
    g_free(file->text);
    g_free(file);
}

static void refuse(PcaDiagnostics *diagnostics, const char *path, const char *why) {
    pca_diagnostics_add(diagnostics, path, 0, 0, PCA_SEVERITY_ERROR, "%s", why);
}

static gboolean acceptable(const struct stat *st, guint32 owner, const char *path,
                           PcaDiagnostics *diagnostics) {
    if (!S_ISREG(st->st_mode))
        refuse(diagnostics, path, "not a regular file");
    else if (st->st_uid != owner)
        refuse(diagnostics, path, "not owned by root: chown root it");
    else if (st->st_mode & (S_IWGRP | S_IWOTH))
        refuse(diagnostics, path, "writable by others than its owner: chmod go-w it");
    else if (st->st_size > FILE_MAX)
        refuse(diagnostics, path, "larger than 4 MiB");
    else
        return TRUE;
    return FALSE;
}

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

/* NULL when the file is masked or refused. O_NONBLOCK: a FIFO must not hold us up. */
static File *read_file(const char *path, guint32 owner, PcaDiagnostics *diagnostics) {
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st, null;
    if (fd < 0 || fstat(fd, &st) < 0) {
        refuse(diagnostics, path, g_strerror(errno));
        return NULL;
    }
    if (S_ISCHR(st.st_mode) && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev)
        return NULL;
    if (!acceptable(&st, owner, path, diagnostics))
        return NULL;
    File *file = g_new0(File, 1);
    file->path = g_strdup(path);
    file->text = g_malloc0((gsize)st.st_size + 1);
    if (read_all(fd, file->text, (gsize)st.st_size, &file->length))
        return file;
    refuse(diagnostics, path, g_strerror(errno));
    file_free(file);
    return NULL;
}

static gint by_name(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_names(const char *directory, GPtrArray *names) {
    g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
    for (const char *name; entries && (name = g_dir_read_name(entries));)
        if (g_str_has_suffix(name, ".conf") && *name != '.' &&
            !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names, g_strdup(name));
}

static void load_name(const char *name, const char *const *directories, guint32 owner,
                      GPtrArray *files, PcaDiagnostics *diagnostics) {
    for (guint i = 0; directories[i]; i++) {
        g_autofree char *path = g_build_filename(directories[i], name, NULL);
        /* A dangling link is there all the same, and must not uncover what it replaces. */
        if (!g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            continue;
        File *file = read_file(path, owner, diagnostics);
        if (file) {
            file->is_vendor = !directories[i + 1];
            g_ptr_array_add(files, file);
        }
        return;
    }
}

PcaPolicy *pca_policy_load(const char *const *directories, guint32 owner,
                           PcaDiagnostics *diagnostics) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
    for (guint i = 0; directories[i]; i++)
        list_names(directories[i], names);
    g_ptr_array_sort(names, by_name);
    for (guint i = 0; i < names->len; i++)
        load_name(g_ptr_array_index(names, i), directories, owner, files, diagnostics);

    g_autofree PcaPolicyFile *inputs = g_new0(PcaPolicyFile, files->len + 1);
    for (guint i = 0; i < files->len; i++) {
        const File *file = g_ptr_array_index(files, i);
        inputs[i] = (PcaPolicyFile){file->path, file->text, file->length, file->is_vendor};
    }
    g_autoptr(PcaPolicy) policy = pca_policy_parse(inputs, files->len, diagnostics);
    return pca_diagnostics_have_errors(diagnostics) ? NULL : g_steal_pointer(&policy);
}
