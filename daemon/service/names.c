/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: user and group look-ups.
 * Thread: see the header; `look_up` runs in a thread of GLib's pool on data of its own.
 * Ownership: see the header.
 */
#include "service/names.h"

#include <grp.h>
#include <pwd.h>

#define BUFFER_SIZE (64 * 1024)

PcaNames *pca_names_new(guint32 uid) {
    PcaNames *names = g_new0(PcaNames, 1);
    names->uid = uid;
    names->gids = g_array_new(FALSE, FALSE, sizeof(guint32));
    names->accounts = pca_accounts_new();
    return names;
}

void pca_names_free(PcaNames *names) {
    g_free(names->user);
    g_array_unref(names->gids);
    pca_accounts_unref(names->accounts);
    g_free(names);
}

PcaCaller pca_names_caller(const PcaNames *names) {
    return (PcaCaller){.uid = names->uid,
                       .gids = (const guint32 *)(gpointer)names->gids->data,
                       .n_gids = names->gids->len};
}

static char *user_name(uid_t uid, char *buffer) {
    struct passwd entry, *found = NULL;
    getpwuid_r(uid, &entry, buffer, BUFFER_SIZE, &found);
    return found ? g_strdup(found->pw_name) : NULL;
}

static char *group_name(gid_t gid, char *buffer) {
    struct group entry, *found = NULL;
    getgrgid_r(gid, &entry, buffer, BUFFER_SIZE, &found);
    return found ? g_strdup(found->gr_name) : NULL;
}

static void look_up(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
    const PcaNames *asked = data;
    g_autofree char *buffer = g_malloc(BUFFER_SIZE);
    g_autoptr(PcaNames) names = pca_names_new(asked->uid);
    names->user = user_name(asked->uid, buffer);
    g_array_append_vals(names->gids, asked->gids->data, asked->gids->len);
    if (names->user)
        pca_accounts_add_user(names->accounts, names->user, names->uid);
    for (guint i = 0; i < asked->gids->len; i++) {
        guint32 gid = g_array_index(asked->gids, guint32, i);
        g_autofree char *name = group_name(gid, buffer);
        if (name)
            pca_accounts_add_group(names->accounts, name, gid);
    }
    g_task_return_pointer(task, g_steal_pointer(&names), (GDestroyNotify)pca_names_free);
}

void pca_names_get_async(const PcaSubject *subject, GAsyncReadyCallback callback, gpointer data) {
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, data);
    PcaNames *asked = pca_names_new(subject->uid);
    if (subject->gids->len)
        g_array_append_vals(asked->gids, subject->gids->data, subject->gids->len);
    g_task_set_task_data(task, asked, (GDestroyNotify)pca_names_free);
    g_task_run_in_thread(task, look_up);
}

PcaNames *pca_names_get_finish(GAsyncResult *result) {
    return g_task_propagate_pointer(G_TASK(result), NULL);
}
