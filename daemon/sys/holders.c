/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: finding the holders of device nodes.
 * Thread: any. Ownership: see the header.
 */
#include "sys/holders.h"

#include <sys/stat.h>

static void holder_free(gpointer data) {
    PcaHolder *holder = data;
    g_free(holder->comm);
    g_free(holder);
}

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

static gint by_pid(gconstpointer a, gconstpointer b) {
    return (*(PcaHolder *const *)a)->pid - (*(PcaHolder *const *)b)->pid;
}

GPtrArray *pca_holders_find(const PcaRoot *root, const dev_t *numbers, gsize n) {
    GPtrArray *holders = g_ptr_array_new_with_free_func(holder_free);
    g_auto(GStrv) entries = pca_read_directory(root->proc);
    for (char **entry = entries; n > 0 && *entry; entry++) {
        guint64 pid;
        struct stat st;
        if (!g_ascii_string_to_unsigned(*entry, 10, 1, G_MAXINT, &pid, NULL))
            continue;
        g_autofree char *process = g_build_filename(root->proc, *entry, NULL);
        if (!holds(process, numbers, n) || stat(process, &st) < 0)
            continue;
        PcaHolder *holder = g_new0(PcaHolder, 1);
        holder->pid = (pid_t)pid;
        holder->uid = st.st_uid;
        holder->comm = pca_read_text(process, "comm", NULL);
        if (!holder->comm)
            holder->comm = g_strdup("?");
        g_ptr_array_add(holders, holder);
    }
    g_ptr_array_sort(holders, by_pid);
    return holders;
}
