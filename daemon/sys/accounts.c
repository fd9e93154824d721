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

/* `buffer` is what the entry points into, the caller's. */
static PcaLookup look_up(LookUp func, const char *key, guint32 number, gpointer entry,
                         char **buffer) {
    for (gsize size = BUFFER_FIRST; size <= BUFFER_MAX; size *= 2) {
        *buffer = g_malloc(size);
        gpointer found = NULL;
        int status = func(key, number, entry, *buffer, size, &found);
        if (found)
            return PCA_LOOKUP_FOUND;
        g_clear_pointer(buffer, g_free);
        /* What getpwnam(3) and getgrnam(3) list for a name that there is not. */
        if (status == 0 || status == ENOENT || status == ESRCH || status == EBADF ||
            status == EPERM)
            return PCA_LOOKUP_ABSENT;
        if (status != ERANGE && status != EINTR)
            break;
    }
    return PCA_LOOKUP_FAILED;
}

PcaLookup pca_account_uid(const char *user, guint32 *uid) {
    struct passwd entry;
    g_autofree char *buffer = NULL;
    PcaLookup lookup = look_up(user_by_name, user, 0, &entry, &buffer);
    if (lookup == PCA_LOOKUP_FOUND)
        *uid = entry.pw_uid;
    return lookup;
}

PcaLookup pca_account_gid(const char *group, guint32 *gid) {
    struct group entry;
    g_autofree char *buffer = NULL;
    PcaLookup lookup = look_up(group_by_name, group, 0, &entry, &buffer);
    if (lookup == PCA_LOOKUP_FOUND)
        *gid = entry.gr_gid;
    return lookup;
}

char *pca_account_name(guint32 uid) {
    struct passwd entry;
    g_autofree char *buffer = NULL;
    PcaLookup lookup = look_up(user_by_number, NULL, uid, &entry, &buffer);
    return lookup == PCA_LOOKUP_FOUND ? g_strdup(entry.pw_name) : NULL;
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
    g_autofree char *buffer = NULL;
    PcaLookup lookup =
        look_up(numeric ? user_by_number : user_by_name, user, (guint32)number, &entry, &buffer);
    if (lookup == PCA_LOOKUP_ABSENT && numeric)
        return account_new((guint32)number, NULL);
    if (lookup == PCA_LOOKUP_ABSENT) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "there is no user %s", user);
        return NULL;
    }
    if (lookup == PCA_LOOKUP_FAILED) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "the user %s cannot be looked up now",
                    user);
        return NULL;
    }
    PcaAccount *account = account_new(entry.pw_uid, entry.pw_name);
    add_groups(account, entry.pw_gid);
    return account;
}

PcaAccount *pca_account_of_process(void) {
    g_autofree char *name = pca_account_name(geteuid());
    PcaAccount *account = account_new(geteuid(), name);
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
    guint32 number;
    pca_policy_names(policy, users, groups);
    for (guint i = 0; i < users->len; i++)
        if (pca_account_uid(g_ptr_array_index(users, i), &number) == PCA_LOOKUP_FOUND)
            pca_accounts_add_user(accounts, g_ptr_array_index(users, i), number);
    for (guint i = 0; i < groups->len; i++)
        if (pca_account_gid(g_ptr_array_index(groups, i), &number) == PCA_LOOKUP_FOUND)
            pca_accounts_add_group(accounts, g_ptr_array_index(groups, i), number);
    return accounts;
}
