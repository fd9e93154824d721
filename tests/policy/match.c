/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which section means which function, and which callers it allows.
 * Thread: main. Ownership: each test frees its own.
 */
#include "policy/support.h"

#include <string.h>

typedef struct {
    const char *address, *path;
    guint16 vendor, device;
} Hardware;

static const Hardware host[] = {
    {"0000:00:01.1", "0000:00:01.1", 0x8086, 0x1901},
    {"0000:01:00.0", "0000:00:01.1/00.0", 0x10de, 0x2230},
    {"0000:01:00.1", "0000:00:01.1/00.1", 0x10de, 0x1aef},
    {"0000:02:00.0", "0000:00:1c.0/00.0", 0x8086, 0x1533},
    {"0000:03:00.0", "0000:00:03.0/00.0", 0x8086, 0x1889},
    {"0000:03:00.1", "0000:00:03.0/00.1", 0x8086, 0x1889},
    {"0000:03:01.0", "0000:00:03.0/00.0/vf0", 0x8086, 0x188a},
    {"0000:03:01.1", "0000:00:03.0/00.0/vf1", 0x8086, 0x188a},
    {"0000:04:00.0", NULL, 0x10de, 0x2230},
    {"0000:05:00.0", "", 0x10de, 0x2230},
    {"10000:01:00.0", "10000:e0:06.0/00.0", 0x144d, 0xa808},
};

static PcaSnapshot *take_snapshot(void) {
    PcaSnapshot *snapshot = pca_snapshot_new();
    for (guint i = 0; i < G_N_ELEMENTS(host); i++) {
        PcaAddress address;
        ck_assert(pca_address_parse(host[i].address, &address));
        PcaFunction *function = pca_function_new(&address);
        function->slot_path = g_strdup(host[i].path);
        function->vendor = host[i].vendor;
        function->device = host[i].device;
        pca_snapshot_add(snapshot, function);
    }
    pca_snapshot_seal(snapshot);
    return snapshot;
}

static const struct {
    const char *policy, *address;
    const char *deny, *device; /* names; NULL: none */
    gboolean ambiguous;
    const char *mismatch; /* exact; NULL: none */
} rows[] = {
    {"", "01:00.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\n", "01:00.0", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\n", "01:00.1", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\n", "00:01.1", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=01.1\n", "01:00.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\n", "04:00.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\n", "05:00.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\n", "04:00.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\n", "05:00.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\n", "01:00.1", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=01.1/00.7\nFunctions=all\n", "01:00.1", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=03.0/00.0\nFunctions=all\n", "03:01.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=03.0/00.0/vf1\n", "03:01.1", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=03.0/00.0/vf1\n", "03:01.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=03.0/00.0/vf1\n", "03:00.0", NULL, NULL, FALSE, NULL},
    {"[Device a]\nPath=10000:E0:06.0/00.0\nId=144D:A808\n", "10000:01:00.0", NULL, "a", FALSE,
     NULL},
    {"[Device a]\nPath=06.0/00.0\n", "10000:01:00.0", NULL, NULL, FALSE, NULL},
    /* Ids. */
    {"[Device a]\nPath=1c.0/00.0\nId=10de:2230\n", "02:00.0", NULL, "a", FALSE,
     "policy expects Id 10de:2230 (a.conf:3), found 8086:1533"},
    {"[Device a]\nPath=1c.0/00.0\nId=8086:1533\n", "02:00.0", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=1c.0/00.0\nId=10de:2230 8086:1533\n", "02:00.0", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=1c.0/00.0\nId=10de:2230 10de:1aef 1002:0001\n", "02:00.0", NULL, "a", FALSE,
     "policy expects Id 10de:2230, 10de:1aef or 1002:0001 (a.conf:3), found 8086:1533"},
    {"[Device a]\nPath=1c.0/00.0\nId=1533:8086\n", "02:00.0", NULL, "a", FALSE,
     "policy expects Id 1533:8086 (a.conf:3), found 8086:1533"},
    {"[Device a]\nPath=01.1/00.0\nId=10de:2230\nFunctions=all\n", "01:00.1", NULL, "a", FALSE,
     "policy expects Id 10de:2230 (a.conf:3), found 10de:1aef"},
    {"[Device a]\nPath=03.0/00.0\nId=8086:1889\nFunctions=all\n", "03:00.1", NULL, "a", FALSE,
     NULL},
    {"[Device a]\nPath=01.1/00.0\nId=10de:2230 10de:1aef\nFunctions=all\n", "01:00.0", NULL, "a",
     FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\nId=10de:2230 10de:1aef\nFunctions=all\n", "01:00.1", NULL, "a",
     FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\nId=10de:1aef 10de:2230\nFunctions=all\n", "01:00.0", NULL, "a",
     FALSE, "policy expects Id 10de:1aef (a.conf:3), found 10de:2230"},
    {"[Device a]\nPath=01.1/00.0\nId=10de:1aef 10de:2230 10de:1ad8\nFunctions=all\n", "01:00.0",
     NULL, "a", FALSE, NULL},
    /* Deny. */
    {"[Deny d]\nPath=01.1/00.0\n", "01:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nPath=01.1/00.0\n", "01:00.1", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nId=10de:2230\n", "01:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nId=10de:2230\n", "04:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nId=1002:0001 10de:1aef\n", "01:00.1", "d", NULL, FALSE, NULL},
    {"[Deny d]\nId=10de:2230\nPath=01.1/00.0\n", "01:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nId=10de:2230\nPath=01.1/00.1\n", "01:00.1", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nId=10de:2230\nPath=01.1/00.0\n", "04:00.0", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nId=8086:188a\n[Device a]\nPath=03.0/00.0/vf0\n", "03:01.0", "d", "a", FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\n[Deny d]\nPath=01.1/00.0\n", "01:00.0", "d", "a", FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\n[Deny d]\nPath=01.1/00.1\n", "01:00.0", NULL, "a",
     FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\n[Deny d]\nPath=01.1/00.1\n", "01:00.1", "d", "a",
     FALSE, NULL},
    /* Two sections meet. */
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\n[Device b]\nPath=01.1/00.1\n", "01:00.1", NULL,
     "a", TRUE, "[Device a] at a.conf:1 and [Device b] at a.conf:4 both mean it"},
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\n[Device b]\nPath=01.1/00.1\n", "01:00.0", NULL,
     "a", FALSE, NULL},
    {"[Device b]\nPath=01.1/00.1\n[Device a]\nPath=01.1/00.0\nFunctions=all\n", "01:00.1", NULL,
     "b", TRUE, "[Device b] at a.conf:1 and [Device a] at a.conf:3 both mean it"},
    {"[Device a]\nPath=01.1/00.0\n[Device b]\nPath=01.1/00.7\nFunctions=all\n"
     "[Device c]\nPath=01.1/00.2\n[Deny d]\nId=10de:2230\n",
     "01:00.0", "d", "a", TRUE, "[Device a] at a.conf:1 and [Device b] at a.conf:3 both mean it"},
};

static void assert_name(const PcaSection *section, const char *expected) {
    if (expected)
        ck_assert_str_eq(section ? section->name : "none", expected);
    else
        ck_assert_str_eq(section ? section->name : "none", "none");
}

START_TEST(match_row) {
    g_autoptr(PcaSnapshot) snapshot = take_snapshot();
    g_autoptr(PcaPolicy) policy = parse_good(rows[_i].policy);
    PcaAddress address;
    PcaMatch match;
    ck_assert(pca_address_parse(rows[_i].address, &address));
    const PcaFunction *function = pca_snapshot_find(snapshot, &address);
    ck_assert_ptr_nonnull(function);
    pca_policy_match(policy, snapshot, function, NULL, NULL, &match);
    assert_name(match.deny, rows[_i].deny);
    assert_name(match.device, rows[_i].device);
    ck_assert_int_eq(match.ambiguous, rows[_i].ambiguous);
    ck_assert_pstr_eq(match.mismatch, rows[_i].mismatch);
    pca_match_clear(&match);
    ck_assert_ptr_null(match.mismatch);
    pca_match_clear(&match);
}
END_TEST

static const struct {
    const char *keys, *addresses;
} meant[] = {
    {"Path=01.1/00.0\n", "0000:01:00.0"},
    {"Path=01.1/00.0\nFunctions=all\n", "0000:01:00.0 0000:01:00.1"},
    {"Path=01.1/00.5\nFunctions=all\n", "0000:01:00.0 0000:01:00.1"},
    {"Path=01.1/00.5\n", ""},
    {"Path=03.0/00.0\nFunctions=all\n", "0000:03:00.0 0000:03:00.1"},
    {"Path=03.0/00.0/vf1\n", "0000:03:01.1"},
    {"Path=1c.0/00.0\nId=10de:2230\n", "0000:02:00.0"},
    {"Path=1e.0/00.0\nFunctions=all\n", ""},
};

START_TEST(section_functions) {
    g_autofree char *text = g_strdup_printf("[Device a]\n%s", meant[_i].keys);
    g_autoptr(PcaSnapshot) snapshot = take_snapshot();
    g_autoptr(PcaPolicy) policy = parse_good(text);
    g_autoptr(GPtrArray) functions = pca_section_functions(pca_policy_find(policy, "a"), snapshot);
    g_autoptr(GString) found = g_string_new(NULL);
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(functions, i);
        g_autofree char *address = pca_address_format(&function->address);
        g_string_append_printf(found, "%s%s", i ? " " : "", address);
    }
    ck_assert_str_eq(found->str, meant[_i].addresses);
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    pca_policy_note_absent(policy, snapshot, diagnostics);
    ck_assert_int_eq(diagnostics->len > 0, *meant[_i].addresses == '\0');
}
END_TEST

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

void add_match(Suite *suite) {
    PCA_TABLE(suite, "matches", match_row, rows);
    PCA_TABLE(suite, "functions of a section", section_functions, meant);
    PCA_TABLE(suite, "callers", allows, callers);
}
