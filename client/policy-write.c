/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: saving a new policy file: checked together with all others first, whole or not at all,
 * and never over another one.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "policy.h"
#include "base/error.h"
#include "base/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK ".lock"
#define LOCK_TRIES 100
#define LOCK_PAUSE (50 * G_TIME_SPAN_MILLISECOND)

typedef struct {
    char *directory;
    char *path;      /* where the file is to be */
    char *temporary; /* a directory beside it, in which it is written; NULL: not made */
    char *written;   /* it, there */
} Draft;

static void draft_clear(Draft *draft) {
    if (draft->written)
        g_unlink(draft->written);
    if (draft->temporary)
        g_rmdir(draft->temporary);
    g_free(draft->directory);
    g_free(draft->path);
    g_free(draft->temporary);
    g_free(draft->written);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

static gboolean fail(GError **error, const char *path, int number) {
    if (number == EACCES || number == EPERM)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED,
                    "%s: %s; do the same with sudo, or paste what is printed without --write", path,
                    g_strerror(number));
    else
        g_set_error(error, PCA_ERROR, number == ENOENT ? PCA_ERROR_NOT_FOUND : PCA_ERROR_FAILED,
                    "%s: %s", path, g_strerror(number));
    return FALSE;
}

static gboolean fail_existing(GError **error, const char *path) {
    g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED,
                "%s is there already and is left as it is; choose another --name, or edit it",
                path);
    return FALSE;
}

/* The system's own directory may be missing before the first policy; one that a person has named
 * was perhaps mistyped. */
static gboolean make_directory(const PcaOptions *options, const char *directory, GError **error) {
    if (options->policy_directories || g_mkdir_with_parents(directory, 0755) == 0)
        return TRUE;
    return fail(error, directory, errno);
}

/* Of two at once the second has to check what the first has written. The lock is a file that
 * nobody else may open: anybody could lock the directory. -1 with *error. */
static int lock(const char *directory, GError **error) {
    g_autofree char *path = g_build_filename(directory, LOCK, NULL);
    PCA_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        fail(error, errno == ENOENT ? directory : path, errno);
        return -1;
    }
    for (guint i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return pca_fd_steal(&fd);
        g_usleep(LOCK_PAUSE);
    }
    g_set_error(error, PCA_ERROR, PCA_ERROR_TIMED_OUT, "%s: another process holds this lock", path);
    return -1;
}

static gboolean put(int fd, const char *text) {
    for (gsize rest = strlen(text); rest > 0;) {
        ssize_t n = write(fd, text, rest);
        if (n < 0 && errno != EINTR)
            return FALSE;
        text += n > 0 ? n : 0;
        rest -= n > 0 ? (gsize)n : 0;
    }
    /* Whatever the umask is: ordinary users may read what they may have. */
    return fchmod(fd, 0644) == 0 && fsync(fd) == 0;
}

static gboolean write_draft(Draft *draft, const char *name, const char *text, GError **error) {
    g_autofree char *template = g_build_filename(draft->directory, ".new-XXXXXX", NULL);
    if (!g_mkdtemp(template))
        return fail(error, draft->directory, errno);
    draft->temporary = g_steal_pointer(&template);
    g_autofree char *path = g_build_filename(draft->temporary, name, NULL);
    PCA_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(error, path, errno);
    draft->written = g_steal_pointer(&path);
    return put(fd, text) || fail(error, draft->path, errno);
}

static void replace(char **text, const char *old, const char *new) {
    g_auto(GStrv) pieces = g_strsplit(*text, old, -1);
    g_free(*text);
    *text = g_strjoinv(new, pieces);
}

/* As the policy would be: the directory with the new file comes before all others. */
static gboolean check(const PcaOptions *options, const Draft *draft, PcaDiagnostics *diagnostics) {
    g_auto(GStrv) others = pca_policy_directories(options);
    g_autoptr(GPtrArray) directories = g_ptr_array_new();
    g_ptr_array_add(directories, draft->temporary);
    for (char **directory = others; *directory; directory++)
        g_ptr_array_add(directories, *directory);
    g_ptr_array_add(directories, NULL);
    g_autoptr(PcaPolicy) policy = pca_policy_load((const char *const *)directories->pdata,
                                                  pca_policy_owner(options), diagnostics);
    for (guint i = 0; i < diagnostics->len; i++) {
        PcaDiagnostic *diagnostic = g_ptr_array_index(diagnostics, i);
        replace(&diagnostic->file, draft->written, draft->path);
        replace(&diagnostic->text, draft->written, draft->path);
    }
    return policy != NULL;
}

/* A link never replaces a file. */
static gboolean publish(const Draft *draft, GError **error) {
    if (link(draft->written, draft->path) < 0)
        return errno == EEXIST ? fail_existing(error, draft->path)
                               : fail(error, draft->path, errno);
    PCA_AUTO_FD fd = open(draft->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || fail(error, draft->directory, errno);
}

gboolean pca_policy_write(const PcaOptions *options, const char *name, const char *text,
                          char **path, PcaDiagnostics *diagnostics, GError **error) {
    g_auto(GStrv) directories = pca_policy_directories(options);
    struct stat st;
    if (!make_directory(options, directories[0], error))
        return FALSE;
    PCA_AUTO_FD locked = lock(directories[0], error);
    if (locked < 0)
        return FALSE;
    g_auto(Draft) draft = {.directory = g_strdup(directories[0]),
                           .path = g_build_filename(directories[0], name, NULL)};
    *path = g_strdup(draft.path);
    if (lstat(draft.path, &st) == 0)
        return fail_existing(error, draft.path);
    return write_draft(&draft, name, text, error) && check(options, &draft, diagnostics) &&
           publish(&draft, error);
}
