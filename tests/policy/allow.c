/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whom a section allows, the reason why not, and the names that a policy has.
 * Thread: main. Ownership: each test frees its own.
 */
#include "policy/support.h"

static const struct {
    const char *keys;
    guint32 uid;
    const char *user;
    guint32 gid;
    const char *group; /* the name of gid; NULL: it has none */
    gboolean allowed;
} callers[] = {
    {"", 1000, "alice", 1000, "alice", FALSE},
    {"", 0, "root", 0, "root", FALSE},
    {"AllowUser=alice\n", 1000, "alice", 1000, "alice", TRUE},
    {"AllowUser=alice\n", 1001, "bob", 1001, "alice", FALSE},
    {"AllowUser=alice\n", 1000, "alic", 1, NULL, FALSE},
    {"AllowUser=alice\n", 1000, "alice2", 1, NULL, FALSE},
    {"AllowUser=alice\n", 1000, "Alice", 1, NULL, FALSE},
    {"AllowUser=alice\n", 1000, NULL, 1, NULL, FALSE},
    {"AllowUser=1000\n", 1000, NULL, 1, NULL, TRUE},
    {"AllowUser=1000\n", 100, "1000", 1000, "1000", FALSE},
    {"AllowUser=0\n", 0, "root", 0, "root", TRUE},
    {"AllowUser=4294967294\n", 4294967294, NULL, 1, NULL, TRUE},
    {"AllowUser=4294967294\n", 4294967295, NULL, 1, NULL, FALSE},
    {"AllowUser=bob alice\n", 1000, "alice", 1, NULL, TRUE},
    {"AllowGroup=kvm\n", 1000, "alice", 36, "kvm", TRUE},
    {"AllowGroup=kvm\n", 1000, "kvm", 36, "users", FALSE},
    {"AllowGroup=kvm\n", 1000, "alice", 36, NULL, FALSE},
    {"AllowGroup=36\n", 1000, "alice", 36, NULL, TRUE},
    {"AllowGroup=36\n", 36, "alice", 37, "36", FALSE},
    {"AllowGroup=users 36\n", 1000, "alice", 36, "kvm", TRUE},
    {"AllowUser=bob\nAllowGroup=kvm\n", 1000, "alice", 36, "kvm", TRUE},
    {"AllowUser=alice\nAllowGroup=users\n", 1000, "alice", 36, "kvm", TRUE},
    {"AllowUser=bob\nAllowGroup=users\n", 1000, "alice", 36, "kvm", FALSE},
};

START_TEST(allows) {
    g_autofree char *text = g_strdup_printf("[Device a]\nPath=00.0\n%s", callers[_i].keys);
    g_autoptr(PcaPolicy) policy = parse_good(text);
    g_autoptr(PcaAccounts) accounts = pca_accounts_new();
    guint32 gids[] = {65534, callers[_i].gid};
    pca_accounts_add_group(accounts, "nogroup", 65534);
    if (callers[_i].user)
        pca_accounts_add_user(accounts, callers[_i].user, callers[_i].uid);
    if (callers[_i].group)
        pca_accounts_add_group(accounts, callers[_i].group, callers[_i].gid);
    PcaCaller caller = {.uid = callers[_i].uid, .gids = gids, .n_gids = G_N_ELEMENTS(gids)};
    const PcaSection *section = pca_policy_find(policy, "a");
    g_autofree char *reason = NULL;
    ck_assert_int_eq(pca_section_allows(section, &caller, accounts, &reason), callers[_i].allowed);
    ck_assert_int_eq(reason == NULL, callers[_i].allowed);
}
END_TEST

static const struct {
    const char *keys;
    const char *unit, *label; /* of uid 1000 with gid 100; NULL: not known */
    const char *reason;       /* NULL: allowed */
} narrowed[] = {
    {"AllowUnit=vm-a.service\n", "vm-a.service", NULL, NULL},
    {"AllowUnit=vm-a.service\n", "vm-a.service2", NULL,
     "AllowUnit (line 3) names vm-a.service; the caller is in vm-a.service2"},
    {"AllowUnit=vm-a.service\n", NULL, NULL,
     "AllowUnit (line 3) names vm-a.service; the caller's unit is not known"},
    {"AllowUnit=vm-*.service\n", "vm-a.service", NULL, NULL},
    {"AllowUnit=vm-*.service\n", "vm-.service", NULL, NULL},
    {"AllowUnit=vm-*.service\n", "xvm-a.service", NULL,
     "AllowUnit (line 3) names vm-*.service; the caller is in xvm-a.service"},
    {"AllowUnit=vm-*.service\n", "vm-a.scope", NULL,
     "AllowUnit (line 3) names vm-*.service; the caller is in vm-a.scope"},
    {"AllowUnit=*a*b*.service\n", "xaybzab.service", NULL, NULL},
    {"AllowUnit=*a*b*.service\n", "xbya.service", NULL,
     "AllowUnit (line 3) names *a*b*.service; the caller is in xbya.service"},
    {"AllowUnit=*.service\n", ".service", NULL, NULL},
    {"AllowUnit=a.service machine.slice\n", "machine.slice", NULL, NULL},
    {"AllowUnit=a\\x2db.service\n", "a\\x2db.service", NULL, NULL},
    /* One Allow is enough. */
    {"AllowUser=999\nAllowGroup=998\nAllowUnit=a.service\n", "a.service", NULL, NULL},
    {"AllowUser=1000\nAllowUnit=a.service\n", NULL, NULL, NULL},
    {"AllowUser=999 bob\nAllowGroup=998\nAllowUnit=a.service\n", "b.service", NULL,
     "AllowUser (line 3) names 999, bob (not known); the caller is uid 1000; AllowGroup (line 4) "
     "names 998; the caller is in gid 100; AllowUnit (line 5) names a.service; the caller is in "
     "b.service"},
    {"", NULL, NULL, "it has no AllowUser, AllowGroup or AllowUnit"},
    {"Authorize=polkit\n", NULL, NULL, "it has no AllowUser, AllowGroup or AllowUnit"},
    {"AllowUser=1000\nAuthorize=polkit\n", NULL, NULL, NULL},
    /* Each Require must be met, and grants nothing. */
    {"RequireUnit=a.service\n", "a.service", NULL, "it has no AllowUser, AllowGroup or AllowUnit"},
    {"AllowUser=1000\nRequireUnit=a.service b.service\n", "b.service", NULL, NULL},
    {"AllowUser=1000\nRequireUnit=a.service\n", "b.service", NULL,
     "RequireUnit (line 4) names a.service; the caller is in b.service"},
    {"AllowUser=1000\nRequireUnit=a.service\n", NULL, NULL,
     "RequireUnit (line 4) names a.service; the caller's unit is not known"},
    {"AllowGroup=100\nRequireLabel=*:svirt_t:*\n", NULL, "system_u:system_r:svirt_t:s0:c1,c2",
     NULL},
    {"AllowGroup=100\nRequireLabel=*:svirt_t:*\n", NULL, "system_u:system_r:init_t:s0",
     "RequireLabel (line 4) names *:svirt_t:*; the caller's label is system_u:system_r:init_t:s0"},
    {"AllowGroup=100\nRequireLabel=*\n", NULL, NULL,
     "RequireLabel (line 4) names *; the caller has no security label"},
    {"AllowGroup=100\nRequireLabel=libvirt-*\n", NULL, "libvirt-1 (enforce)", NULL},
    {"AllowUser=1000\nRequireUnit=a.service\nRequireLabel=x\n", "a.service", "y",
     "RequireLabel (line 5) names x; the caller's label is y"},
    {"AllowUser=1000\nRequireUnit=a.service\nRequireLabel=x\n", "b.service", "x",
     "RequireUnit (line 4) names a.service; the caller is in b.service"},
    {"AllowUser=1\nRequireUnit=a.service\n", "b.service", NULL,
     "AllowUser (line 3) names 1; the caller is uid 1000; RequireUnit (line 4) names a.service; "
     "the caller is in b.service"},
};

START_TEST(units_and_labels) {
    g_autofree char *text = g_strdup_printf("[Device a]\nPath=00.0\n%s", narrowed[_i].keys);
    g_autoptr(PcaPolicy) policy = parse_good(text);
    const guint32 gid = 100;
    PcaCaller caller = {1000, &gid, 1, narrowed[_i].unit, narrowed[_i].label};
    const PcaSection *section = pca_policy_find(policy, "a");
    g_autofree char *reason = NULL;
    gboolean allowed = pca_section_allows(section, &caller, NULL, &reason);
    ck_assert_pstr_eq(reason, narrowed[_i].reason);
    ck_assert_int_eq(allowed, narrowed[_i].reason == NULL);
    ck_assert_int_eq(pca_section_allows(section, &caller, NULL, NULL), allowed);
}
END_TEST

/* A pattern of many stars is no work. */
START_TEST(many_stars) {
    g_autofree char *unit = g_strnfill(250, 'a');
    g_autoptr(PcaPolicy) policy =
        parse_good("[Device a]\nPath=00.0\nAllowUnit=*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b.service\n");
    PcaCaller caller = {.uid = 1, .unit = unit};
    ck_assert(!pca_section_allows(pca_policy_find(policy, "a"), &caller, NULL, NULL));
}
END_TEST

START_TEST(no_groups) {
    g_autoptr(PcaPolicy) policy = parse_good("[Device a]\nPath=00.0\nAllowGroup=kvm\n");
    PcaCaller caller = {.uid = 1};
    g_autofree char *reason = NULL;
    ck_assert(!pca_section_allows(pca_policy_find(policy, "a"), &caller, NULL, &reason));
    ck_assert_str_eq(reason,
                     "AllowGroup (line 3) names kvm (not known); the caller is in no group");
}
END_TEST

static const char with_names[] = "[Device a]\nPath=00.0\nId=8086:1533\n"
                                 "AllowUser=1000 alice bob\nAllowGroup=kvm\n"
                                 "[Device b]\nPath=01.0\nId=8086:1533\n"
                                 "AllowUser=bob carol\nAllowGroup=kvm 36 lab\n"
                                 "AllowUnit=a.service\nRequireUnit=b.service\n";

static char *join(GPtrArray *names) {
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}

START_TEST(names) {
    g_autoptr(PcaPolicy) policy = parse_good(with_names);
    g_autoptr(GPtrArray) users = g_ptr_array_new();
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    pca_policy_names(policy, users, groups);
    g_autofree char *all_users = join(users), *all_groups = join(groups);
    ck_assert_str_eq(all_users, "alice bob carol");
    ck_assert_str_eq(all_groups, "kvm lab");
}
END_TEST

START_TEST(unknown_names) {
    g_autoptr(PcaPolicy) policy = parse_good(with_names);
    g_autoptr(PcaAccounts) accounts = pca_accounts_new();
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    pca_accounts_add_user(accounts, "bob", 1001);
    pca_accounts_add_user(accounts, "kvm", 1002);
    pca_accounts_add_group(accounts, "lab", 0);
    pca_policy_warn_unknown(policy, accounts, diagnostics);
    g_autofree char *all = format_all(diagnostics);
    ck_assert_str_eq(
        all,
        "a.conf:4:16: warning: there is no user 'alice' now: nobody is granted by this name\n"
        "a.conf:5:12: warning: there is no group 'kvm' now: nobody is granted by this name\n"
        "a.conf:9:15: warning: there is no user 'carol' now: nobody is granted by this name\n"
        "a.conf:10:12: warning: there is no group 'kvm' now: nobody is granted by this name\n");
}
END_TEST

START_TEST(units_without_pidfd) {
    g_autoptr(PcaPolicy) policy = parse_good(with_names);
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    pca_policy_warn_units(policy, diagnostics);
    ck_assert_uint_eq(diagnostics->len, 2);
    const PcaDiagnostic *allow = g_ptr_array_index(diagnostics, 0),
                        *require = g_ptr_array_index(diagnostics, 1);
    ck_assert(allow->line == 11 && strstr(allow->text, "AllowUnit grants nobody"));
    ck_assert(require->line == 12 && strstr(require->text, "RequireUnit keeps everybody out"));
}
END_TEST

START_TEST(account_list) {
    g_autoptr(PcaAccounts) accounts = pca_accounts_new();
    guint32 number = 7;
    pca_accounts_add_user(accounts, "a", 4294967294);
    pca_accounts_add_group(accounts, "a", 5);
    pca_accounts_unref(pca_accounts_ref(accounts));
    ck_assert(pca_accounts_user(accounts, "a", &number) && number == 4294967294);
    ck_assert(pca_accounts_group(accounts, "a", &number) && number == 5);
    ck_assert(!pca_accounts_user(accounts, "b", &number) && number == 5);
    ck_assert(!pca_accounts_user(NULL, "a", &number));
    ck_assert(!pca_accounts_group(NULL, "a", &number));
}
END_TEST

void add_allow(Suite *suite) {
    PCA_TABLE(suite, "callers", allows, callers);
    PCA_TABLE(suite, "units and labels", units_and_labels, narrowed);
    TCase *rest = tcase_create("callers, the rest");
    tcase_add_test(rest, many_stars);
    tcase_add_test(rest, no_groups);
    tcase_add_test(rest, names);
    tcase_add_test(rest, unknown_names);
    tcase_add_test(rest, units_without_pidfd);
    tcase_add_test(rest, account_list);
    suite_add_tcase(suite, rest);
}
