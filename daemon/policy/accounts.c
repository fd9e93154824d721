/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the numbers of users and groups by their names, and the names that a policy has.
 * Thread: any; accounts are immutable once shared. Ownership: see the header.
 */
#include "policy/private.h"
#include "policy/values.h"

struct PcaAccounts {
    GHashTable *users; /* name → number */
    GHashTable *groups;
    gatomicrefcount refs;
};

PcaAccounts *pca_accounts_new(void) {
    PcaAccounts *accounts = g_new0(PcaAccounts, 1);
    accounts->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    accounts->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_atomic_ref_count_init(&accounts->refs);
    return accounts;
}

PcaAccounts *pca_accounts_ref(PcaAccounts *accounts) {
    g_atomic_ref_count_inc(&accounts->refs);
    return accounts;
}

void pca_accounts_unref(PcaAccounts *accounts) {
    if (!g_atomic_ref_count_dec(&accounts->refs))
        return;
    g_hash_table_unref(accounts->users);
    g_hash_table_unref(accounts->groups);
    g_free(accounts);
}

void pca_accounts_add_user(PcaAccounts *accounts, const char *name, guint32 uid) {
    g_hash_table_insert(accounts->users, g_strdup(name), GUINT_TO_POINTER(uid));
}

void pca_accounts_add_group(PcaAccounts *accounts, const char *name, guint32 gid) {
    g_hash_table_insert(accounts->groups, g_strdup(name), GUINT_TO_POINTER(gid));
}

static gboolean look_up(GHashTable *table, const char *name, guint32 *number) {
    gpointer value;
    if (!g_hash_table_lookup_extended(table, name, NULL, &value))
        return FALSE;
    *number = GPOINTER_TO_UINT(value);
    return TRUE;
}

gboolean pca_accounts_user(const PcaAccounts *accounts, const char *name, guint32 *uid) {
    return accounts && look_up(accounts->users, name, uid);
}

gboolean pca_accounts_group(const PcaAccounts *accounts, const char *name, guint32 *gid) {
    return accounts && look_up(accounts->groups, name, gid);
}

static void collect(char **list, GHashTable *seen, GPtrArray *names) {
    guint32 number;
    for (char **item = list; *item; item++)
        if (!pca_principal_number(*item, &number) && g_hash_table_add(seen, *item))
            g_ptr_array_add(names, *item);
}

void pca_policy_names(const PcaPolicy *policy, GPtrArray *users, GPtrArray *groups) {
    g_autoptr(GHashTable) seen_users = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) seen_groups = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < policy->sections->len; i++) {
        const PcaSection *section = g_ptr_array_index(policy->sections, i);
        collect(section->allow_users, seen_users, users);
        collect(section->allow_groups, seen_groups, groups);
    }
}

/* ---- Warnings ---- */

/* Where the item stands: the list is what the line has behind "Key=", single spaces between. */
static guint column_of(PcaKey key, char **list, char **item) {
    gsize column = strlen(pca_key_name(key)) + 2;
    for (char **before = list; before < item; before++)
        column += strlen(*before) + 1;
    return (guint)column;
}

static void warn_unknown(const PcaSection *section, PcaKey key, char **list,
                         const PcaAccounts *accounts, PcaDiagnostics *diagnostics) {
    gboolean users = key == PCA_KEY_ALLOW_USER;
    guint32 number;
    for (char **item = list; *item; item++)
        if (!pca_principal_number(*item, &number) &&
            !(users ? pca_accounts_user : pca_accounts_group)(accounts, *item, &number))
            pca_diagnostics_add(diagnostics, section->file, section->lines[key],
                                column_of(key, list, item), PCA_SEVERITY_WARNING,
                                "there is no %s '%s' now: nobody is granted by this name",
                                users ? "user" : "group", *item);
}

void pca_policy_warn_unknown(const PcaPolicy *policy, const PcaAccounts *accounts,
                             PcaDiagnostics *diagnostics) {
    for (guint i = 0; i < policy->sections->len; i++) {
        const PcaSection *section = g_ptr_array_index(policy->sections, i);
        warn_unknown(section, PCA_KEY_ALLOW_USER, section->allow_users, accounts, diagnostics);
        warn_unknown(section, PCA_KEY_ALLOW_GROUP, section->allow_groups, accounts, diagnostics);
    }
}

void pca_policy_warn_units(const PcaPolicy *policy, PcaDiagnostics *diagnostics) {
    static const PcaKey keys[] = {PCA_KEY_ALLOW_UNIT, PCA_KEY_REQUIRE_UNIT};
    for (guint i = 0; i < policy->sections->len; i++) {
        const PcaSection *section = g_ptr_array_index(policy->sections, i);
        for (guint k = 0; k < G_N_ELEMENTS(keys); k++)
            if (section->lines[keys[k]])
                pca_diagnostics_add(diagnostics, section->file, section->lines[keys[k]], 1,
                                    PCA_SEVERITY_WARNING,
                                    "this message bus gives no process descriptors, so that "
                                    "nobody's unit is known: %s (dbus 1.16 and dbus-broker 34 "
                                    "give them)",
                                    k == 0 ? "AllowUnit grants nobody"
                                           : "RequireUnit keeps everybody out but root");
    }
}
