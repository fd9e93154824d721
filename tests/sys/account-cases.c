/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: users and groups by the name service of the machine that the tests run on, of which
 * nothing is known but root.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "support/policy.h"
#include "sys/accounts.h"

#define NOBODY "nobody-of-that-name"
#define LARGE "large"
#define MUTE "mute"

typedef int (*FindGroup)(const char *, struct group *, char *, size_t, struct group **);

/* In front of libc's: a group that has very many members, and one whose server does not answer. */
int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size,
               struct group **found) {
    *found = NULL;
    if (g_str_equal(name, MUTE))
        return EIO;
    if (!g_str_equal(name, LARGE))
        return ((FindGroup)dlsym(RTLD_NEXT, "getgrnam_r"))(name, entry, buffer, size, found);
    if (size < 1024 * 1024)
        return ERANGE;
    *entry = (struct group){.gr_gid = 77};
    *found = entry;
    return 0;
}

static gboolean has(const GArray *gids, guint32 gid) {
    for (guint i = 0; i < gids->len; i++)
        if (g_array_index(gids, guint32, i) == gid)
            return TRUE;
    return FALSE;
}

START_TEST(root_by_name_and_number) {
    static const char *const words[] = {"root", "0"};
    g_autoptr(PcaAccount) account = pca_account_find(words[_i], NULL);
    ck_assert_ptr_nonnull(account);
    ck_assert_uint_eq(account->uid, 0);
    ck_assert_str_eq(account->name, "root");
    ck_assert(has(account->gids, 0));
}
END_TEST

START_TEST(a_number_without_a_name) {
    g_autoptr(PcaAccount) account = pca_account_find("4294967294", NULL);
    ck_assert_ptr_nonnull(account);
    ck_assert_uint_eq(account->uid, 4294967294u);
    ck_assert_ptr_null(account->name);
    ck_assert_uint_eq(account->gids->len, 0);
}
END_TEST

START_TEST(nobody) {
    static const char *const words[] = {NOBODY, "", "-1", "0x0", "4294967295", "1 2"};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(pca_account_find(words[_i], &error));
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_FOUND));
    ck_assert(strstr(error->message, words[_i]));
}
END_TEST

static const struct {
    const char *name;
    PcaLookup lookup;
    guint32 gid;
} groups[] = {
    {"root", PCA_LOOKUP_FOUND, 0},
    {LARGE, PCA_LOOKUP_FOUND, 77},
    {NOBODY, PCA_LOOKUP_ABSENT, 5},
    {MUTE, PCA_LOOKUP_FAILED, 5},
};

START_TEST(number_of_a_group) {
    guint32 gid = 5;
    ck_assert_int_eq(pca_account_gid(groups[_i].name, &gid), groups[_i].lookup);
    ck_assert_uint_eq(gid, groups[_i].gid);
}
END_TEST

START_TEST(number_and_name_of_a_user) {
    guint32 uid = 5;
    ck_assert_int_eq(pca_account_uid(NOBODY, &uid), PCA_LOOKUP_ABSENT);
    ck_assert_uint_eq(uid, 5);
    ck_assert_int_eq(pca_account_uid("root", &uid), PCA_LOOKUP_FOUND);
    g_autofree char *name = pca_account_name(uid);
    ck_assert_str_eq(name, "root");
    ck_assert_ptr_null(pca_account_name(4294967294));
}
END_TEST

START_TEST(of_this_process) {
    g_autoptr(PcaAccount) account = pca_account_of_process();
    ck_assert_uint_eq(account->uid, geteuid());
    ck_assert(has(account->gids, getegid()));
}
END_TEST

START_TEST(names_of_a_policy) {
    static const char text[] = "[Device x]\nPath=01.0/00.0\nId=8086:1533\n"
                               "AllowUser=root " NOBODY " 7\nAllowGroup=root " NOBODY "\n";
    g_autoptr(PcaPolicy) policy = pca_policy_of(text);
    g_autoptr(PcaAccounts) accounts = pca_accounts_look_up(policy);
    guint32 number = 7;
    ck_assert(pca_accounts_user(accounts, "root", &number) && number == 0);
    number = 7;
    ck_assert(pca_accounts_group(accounts, "root", &number) && number == 0);
    ck_assert(!pca_accounts_user(accounts, NOBODY, &number));
    ck_assert(!pca_accounts_group(accounts, NOBODY, &number));
}
END_TEST

void pca_add_account_cases(Suite *suite) {
    TCase *c = tcase_create("accounts");
    tcase_add_loop_test(c, root_by_name_and_number, 0, 2);
    tcase_add_test(c, a_number_without_a_name);
    tcase_add_loop_test(c, nobody, 0, 6);
    tcase_add_loop_test(c, number_of_a_group, 0, G_N_ELEMENTS(groups));
    tcase_add_test(c, number_and_name_of_a_user);
    tcase_add_test(c, of_this_process);
    tcase_add_test(c, names_of_a_policy);
    suite_add_tcase(suite, c);
}
