/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: where the kernel's trees are, and capped reads below them.
 * Thread: any; no state. Ownership: see the header.
 */
#include "sys/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fds.h"

#define READ_STEP 4096

static char *without_slashes(const char *path) {
    gsize length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return g_strndup(path, length);
}

PcaRoot *pca_root_new(const char *sysfs, const char *proc, const char *dev) {
    PcaRoot *root = g_new0(PcaRoot, 1);
    root->sysfs = without_slashes(sysfs);
    root->proc = without_slashes(proc);
    root->dev = without_slashes(dev);
    g_autofree char *parent = g_path_get_dirname(root->dev);
    root->udev = g_build_filename(parent, "run", "udev", NULL);
    root->modules = g_build_filename(parent, "lib", "modules", NULL);
    return root;
}

void pca_root_set_modules(PcaRoot *root, const char *modules) {
    g_free(root->modules);
    root->modules = without_slashes(modules);
}

PcaRoot *pca_root_new_host(void) {
    return pca_root_new("/sys", "/proc", "/dev");
}

void pca_root_free(PcaRoot *root) {
    if (!root)
        return;
    g_free(root->sysfs);
    g_free(root->proc);
    g_free(root->dev);
    g_free(root->udev);
    g_free(root->modules);
    g_free(root);
}

/* Appends at most READ_STEP bytes: how many, 0 at the end, or -errno. */
static gssize append_some(int fd, GByteArray *bytes) {
    guint8 step[READ_STEP];
    gssize got;
    do {
        got = read(fd, step, sizeof step);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    g_byte_array_append(bytes, step, got);
    return got;
}

/* 0, or -EFBIG beyond the cap, or what open or read said. */
static int read_capped(const char *path, GByteArray *bytes) {
    /* O_NONBLOCK: a FIFO in a tree that somebody made must not hang the reader. */
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    gssize got;
    while ((got = append_some(fd, bytes)) > 0)
        if (bytes->len > PCA_READ_MAX)
            return -EFBIG;
    return (int)got;
}

char *pca_read_text(const char *directory, const char *name, GError **error) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    int result = read_capped(path, bytes);
    if (result < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "cannot read %s", path);
        return NULL;
    }
    /* An array that nothing was added to has no data. */
    if (bytes->len == 0)
        return g_strdup("");
    if (memchr(bytes->data, '\0', bytes->len)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "%s is not text: it contains NUL", path);
        return NULL;
    }
    gsize length = bytes->len;
    if (bytes->data[length - 1] == '\n')
        length--;
    return g_strndup((const char *)bytes->data, length);
}

char *pca_root_boot_id(const PcaRoot *root) {
    g_autofree char *directory = g_build_filename(root->proc, "sys/kernel/random", NULL);
    char *id = pca_read_text(directory, "boot_id", NULL);
    return id ? id : g_strdup("unknown");
}

char *pca_root_state_directory(const PcaRoot *root) {
    g_autofree char *run = g_path_get_dirname(root->udev);
    return g_build_filename(run, "pcassign", NULL);
}

gboolean pca_parse_number(const char *text, guint64 *value) {
    if (!g_ascii_isdigit(text[0]))
        return FALSE;
    char *end = NULL;
    errno = 0;
    guint64 number = g_ascii_strtoull(text, &end, 0);
    if (errno != 0 || *end != '\0')
        return FALSE;
    *value = number;
    return TRUE;
}

gboolean pca_read_number(const char *directory, const char *name, guint64 *value) {
    g_autofree char *text = pca_read_text(directory, name, NULL);
    return text && pca_parse_number(text, value);
}

char *pca_read_link_name(const char *directory, const char *name) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autofree char *target = g_file_read_link(path, NULL);
    return target ? g_path_get_basename(target) : NULL;
}

char *pca_read_attribute(int directory, const char *name) {
    PCA_AUTO_FD fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char page[READ_STEP + 1];
    ssize_t n = fd < 0 ? -1 : read(fd, page, sizeof page);
    if (n < 0)
        return NULL;
    if (n == sizeof page || memchr(page, '\0', (size_t)n)) {
        errno = EBADMSG;
        return NULL;
    }
    return g_strndup(page, n > 0 && page[n - 1] == '\n' ? (gsize)n - 1 : (gsize)n);
}

char *pca_read_link_name_at(int directory, const char *name) {
    char target[PATH_MAX];
    ssize_t n = readlinkat(directory, name, target, sizeof target - 1);
    if (n < 0)
        return NULL;
    target[n] = '\0';
    return g_path_get_basename(target);
}

static gint compare_names(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *pca_resolve_link(const char *path) {
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return errno == EINVAL ? g_strdup(path) : NULL;
    target[n] = '\0';
    g_autofree char *directory = g_path_get_dirname(path);
    return g_canonicalize_filename(target, directory);
}

/* 0 or the errno that ended the reading early. */
static int read_entries(DIR *directory, GPtrArray *names) {
    struct dirent *entry;
    while (errno = 0, (entry = readdir(directory)))
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    return errno;
}

char **pca_list(const char *path, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    DIR *directory = opendir(path);
    int result = directory ? read_entries(directory, names) : errno;
    if (directory)
        closedir(directory);
    if (result != 0 && result != ENOENT) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, result, "cannot read %s", path);
        return NULL;
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

char **pca_read_directory(const char *path) {
    char **names = pca_list(path, NULL);
    return names ? names : g_new0(char *, 1);
}
