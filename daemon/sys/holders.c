/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: finding the holders of device nodes.
 * Thread: any. Ownership: see the header.
 */
#include "sys/holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"

static void holder_free(gpointer data) {
    PcaHolder *holder = data;
    g_free(holder->comm);
    g_free(holder);
}

static gint by_pid(gconstpointer a, gconstpointer b) {
    return (*(PcaHolder *const *)a)->pid - (*(PcaHolder *const *)b)->pid;
}

/* Calls for each process, named by its directory. FALSE with *error when there is no list. */
static gboolean each_process(const PcaRoot *root,
                             void (*func)(const char *directory, pid_t pid, gpointer data),
                             gpointer data, GError **error) {
    g_auto(GStrv) entries = pca_list(root->proc, error);
    for (char **entry = entries; entry && *entry; entry++) {
        guint64 pid;
        if (!g_ascii_string_to_unsigned(*entry, 10, 1, G_MAXINT, &pid, NULL))
            continue;
        g_autofree char *process = g_build_filename(root->proc, *entry, NULL);
        func(process, (pid_t)pid, data);
    }
    return entries != NULL;
}

static char *comm_of(const char *process) {
    char *comm = pca_read_text(process, "comm", NULL);
    return comm ? comm : g_strdup("?");
}

/* ---- Who holds any of them ---- */

typedef struct {
    const dev_t *numbers;
    gsize n;
    GPtrArray *holders;
} Search;

static gboolean holds(const char *process, const dev_t *numbers, gsize n) {
    g_autofree char *directory = g_build_filename(process, "fd", NULL);
    g_auto(GStrv) fds = pca_read_directory(directory);
    for (char **fd = fds; *fd; fd++) {
        g_autofree char *path = g_build_filename(directory, *fd, NULL);
        struct stat st;
        if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode))
            continue;
        for (gsize i = 0; i < n; i++)
            if (st.st_rdev == numbers[i])
                return TRUE;
    }
    return FALSE;
}

gboolean pca_holds(const PcaRoot *root, pid_t pid, const dev_t *numbers, gsize n) {
    g_autofree char *process = g_strdup_printf("%s/%d", root->proc, (int)pid);
    return holds(process, numbers, n);
}

static void add_holder(const char *process, pid_t pid, gpointer data) {
    Search *search = data;
    struct stat st;
    if (!holds(process, search->numbers, search->n) || stat(process, &st) < 0)
        return;
    PcaHolder *holder = g_new0(PcaHolder, 1);
    holder->pid = pid;
    holder->uid = st.st_uid;
    holder->comm = comm_of(process);
    g_ptr_array_add(search->holders, holder);
}

GPtrArray *pca_holders_find(const PcaRoot *root, const dev_t *numbers, gsize n) {
    Search search = {numbers, n, g_ptr_array_new_with_free_func(holder_free)};
    if (n > 0)
        each_process(root, add_holder, &search, NULL);
    g_ptr_array_sort(search.holders, by_pid);
    return search.holders;
}

/* ---- Who has which of them open ---- */

typedef struct {
    const PcaHeldNode *nodes;
    guint n;
    gboolean tells_count;
    GPtrArray *openers;
    GError *error; /* what one has open cannot be listed */
} Openers;

static void opener_free(gpointer data) {
    PcaOpener *opener = data;
    g_free(opener->comm);
    g_free(opener);
}

/* A line "flags:" of fdinfo, octal (proc_pid_fdinfo(5)). */
static gboolean may_write(const char *process, const char *fd) {
    g_autofree char *name = g_build_filename("fdinfo", fd, NULL);
    g_autofree char *text = pca_read_text(process, name, NULL);
    const char *line = text ? strstr(text, "flags:") : NULL;
    return !line || (g_ascii_strtoull(line + strlen("flags:"), NULL, 8) & O_ACCMODE) != O_RDONLY;
}

static gboolean is_node(const PcaHeldNode *node, const struct stat *st) {
    return st->st_rdev == node->number &&
           (node->is_disk ? S_ISBLK(st->st_mode) : S_ISCHR(st->st_mode));
}

static PcaOpener *get_opener(Openers *o, guint node, const char *process, pid_t pid, uid_t uid) {
    for (guint i = o->openers->len; i-- > 0;) {
        PcaOpener *opener = g_ptr_array_index(o->openers, i);
        if (opener->pid == pid && opener->node == node)
            return opener;
    }
    PcaOpener *opener = g_new0(PcaOpener, 1);
    opener->node = node;
    opener->pid = pid;
    opener->uid = uid;
    opener->comm = comm_of(process);
    g_ptr_array_add(o->openers, opener);
    return opener;
}

static void add_opener(Openers *o, const char *process, pid_t pid, const char *fd,
                       const struct stat *st) {
    struct stat owner;
    for (guint i = 0; i < o->n; i++)
        if (is_node(&o->nodes[i], st) && stat(process, &owner) == 0)
            get_opener(o, i, process, pid, owner.st_uid)->writes |= may_write(process, fd);
}

/* It went away, or the kernel or SELinux keeps it from being looked at. */
static gboolean has_none(int error) {
    return error == ENOENT || error == ESRCH || error == EACCES || error == EPERM;
}

/* Most descriptors of a host are looked at in vain, so by no path; and most processes of many a
 * host are the kernel's, which have none. */
static void add_openers(const char *process, pid_t pid, gpointer data) {
    Openers *o = data;
    g_autofree char *path = g_build_filename(process, "fd", NULL);
    struct stat st;
    if (o->tells_count && stat(path, &st) == 0 && st.st_size == 0)
        return;
    DIR *directory = opendir(path);
    if (!directory && !o->error && !has_none(errno))
        pca_error_set_errno(&o->error, PCA_ERROR_FAILED, errno, "cannot read %s", path);
    for (struct dirent *fd; directory && (fd = readdir(directory));)
        if (fstatat(dirfd(directory), fd->d_name, &st, 0) == 0 &&
            (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
            add_opener(o, process, pid, fd->d_name, &st);
    if (directory)
        closedir(directory);
}

/* Since Linux 6.2 the size of /proc/PID/fd is how many descriptors there are (fs/proc/fd.c). This
 * process has some. */
static gboolean proc_tells_count(const PcaRoot *root) {
    g_autofree char *path = g_build_filename(root->proc, "self/fd", NULL);
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0;
}

static gint by_process(gconstpointer a, gconstpointer b) {
    return (*(PcaOpener *const *)a)->pid - (*(PcaOpener *const *)b)->pid;
}

GPtrArray *pca_openers_find(const PcaRoot *root, const PcaHeldNode *nodes, guint n,
                            GError **error) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(opener_free);
    Openers openers = {
        .nodes = nodes,
        .n = n,
        .tells_count = proc_tells_count(root),
        .openers = found,
    };
    if (n > 0 && !each_process(root, add_openers, &openers, error))
        return NULL;
    if (openers.error) {
        g_propagate_error(error, openers.error);
        return NULL;
    }
    g_ptr_array_sort(found, by_process);
    return g_steal_pointer(&found);
}
