/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: users and groups by the name service.
 * Thread: any; blocks. Ownership: see the header.
 */
#include "sys/accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define BUFFER_FIRST 4096
#define BUFFER_MAX (4 * 1024 * 1024) /* of a group with very many members */
#define MAX_GROUPS 65536             /* NGROUPS_MAX of Linux */

void pca_account_free(PcaAccount *account) {
    g_free(account->name);
    g_array_unref(account->gids);
    g_free(account);
}

static PcaAccount *account_new(guint32 uid, const char *name) {
    PcaAccount *account = g_new0(PcaAccount, 1);
    account->uid = uid;
    account->name = g_strdup(name);
    account->gids = g_array_new(FALSE, FALSE, sizeof(guint32));
    return account;
}

/* One of the reentrant look-ups, with as large a buffer as its answer needs; `key` is a name, or
 * NULL and then `number` counts. */
typedef int (*LookUp)(const char *key, guint32 number, gpointer entry, char *buffer, gsize size,
                      gpointer *found);

static int user_by_name(const char *key, guint32 number, gpointer entry, char *buffer, gsize size,
                        gpointer *found) {
    return getpwnam_r(key, entry, buffer, size, (struct passwd **)found);
}

static int user_by_number(const char *key, guint32 number, gpointer entry, char *buffer, gsize size,
                          gpointer *found) {
    return getpwuid_r(number, entry, buffer, size, (struct passwd **)found);
}

static int group_by_name(const char *key, guint32 number, gpointer entry, char *buffer, gsize size,
                         gpointer *found) {
    return getgrnam_r(key, entry, buffer, size, (struct group **)found);
}

/* The buffer that the entry points into, the caller's; NULL when there is no such account. */
static char *look_up(LookUp func, const char *key, guint32 number, gpointer entry) {
    for (gsize size = BUFFER_FIRST; size <= BUFFER_MAX; size *= 2) {
        g_autofree char *buffer = g_malloc(size);
        gpointer found = NULL;
        int status = func(key, number, entry, buffer, size, &found);
        if (found)
            return g_steal_pointer(&buffer);
        if (status != ERANGE && status != EINTR)
            return NULL;
    }
    return NULL;
}

static void add_groups(PcaAccount *account, guint32 gid) {
    int n = 64;
    g_autofree gid_t *gids = g_new(gid_t, n);
    while (getgrouplist(account->name, gid, gids, &n) < 0 && n <= MAX_GROUPS)
        gids = g_renew(gid_t, gids, n);
    g_array_append_vals(account->gids, gids, (guint)CLAMP(n, 0, MAX_GROUPS));
}

PcaAccount *pca_account_find(const char *user, GError **error) {
    struct passwd entry;
    guint64 number = 0;
    gboolean numeric = g_ascii_string_to_unsigned(user, 10, 0, G_MAXUINT32 - 1, &number, NULL);
    g_autofree char *buffer =
        look_up(numeric ? user_by_number : user_by_name, user, (guint32)number, &entry);
    if (!buffer && numeric)
        return account_new((guint32)number, NULL);
    if (!buffer) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "there is no user %s", user);
        return NULL;
    }
    PcaAccount *account = account_new(entry.pw_uid, entry.pw_name);
    add_groups(account, entry.pw_gid);
    return account;
}

PcaAccount *pca_account_of_process(void) {
    struct passwd entry;
    g_autofree char *buffer = look_up(user_by_number, NULL, geteuid(), &entry);
    PcaAccount *account = account_new(geteuid(), buffer ? entry.pw_name : NULL);
    guint32 gid = getegid();
    int n = getgroups(0, NULL);
    g_autofree gid_t *gids = g_new0(gid_t, MAX(n, 0) + 1);
    n = getgroups(MAX(n, 0), gids);
    g_array_append_val(account->gids, gid);
    g_array_append_vals(account->gids, gids, (guint)MAX(n, 0));
    return account;
}

PcaAccounts *pca_accounts_look_up(const PcaPolicy *policy) {
    PcaAccounts *accounts = pca_accounts_new();
    g_autoptr(GPtrArray) users = g_ptr_array_new();
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    struct passwd user;
    struct group group;
    pca_policy_names(policy, users, groups);
    for (guint i = 0; i < users->len; i++) {
        const char *name = g_ptr_array_index(users, i);
        g_autofree char *buffer = look_up(user_by_name, name, 0, &user);
        if (buffer)
            pca_accounts_add_user(accounts, name, user.pw_uid);
    }
    for (guint i = 0; i < groups->len; i++) {
        const char *name = g_ptr_array_index(groups, i);
        g_autofree char *buffer = look_up(group_by_name, name, 0, &group);
        if (buffer)
            pca_accounts_add_group(accounts, name, group.gr_gid);
    }
    return accounts;
}
