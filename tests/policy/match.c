/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which section means which function, and whether it is the one that it expects.
 * Thread: main. Ownership: each test frees its own.
 */
#include "policy/support.h"

#include <string.h>

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
    /* The other attributes. */
    {"[Device a]\nPath=1c.0/00.0\nSubsystem=15d9:1533\nClass=0200\n"
     "Serial=00-1b-21-00-00-00-00-02\nAddress=02:00.0\n",
     "02:00.0", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=1c.0/00.0\nSubsystem=15d9:1534\n", "02:00.0", NULL, "a", FALSE,
     "policy expects Subsystem 15d9:1534 (a.conf:3), found 15d9:1533"},
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\nSubsystem=10de:1483 10de:1484\n", "01:00.1", NULL,
     "a", FALSE, NULL},
    {"[Device a]\nPath=01.1/00.0\nFunctions=all\nSubsystem=10de:1484 10de:1483\n", "01:00.1", NULL,
     "a", FALSE, "policy expects Subsystem 10de:1483 (a.conf:4), found 10de:1484"},
    {"[Device a]\nPath=1c.0/00.0\nClass=02\n", "02:00.0", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=1c.0/00.0\nClass=020000\n", "02:00.0", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=1c.0/00.0\nClass=020001\n", "02:00.0", NULL, "a", FALSE,
     "policy expects Class 020001 (a.conf:3), found 020000"},
    {"[Device a]\nPath=1c.0/00.0\nClass=03 0c 0108\n", "02:00.0", NULL, "a", FALSE,
     "policy expects Class 03, 0c or 0108 (a.conf:3), found 020000"},
    {"[Device a]\nPath=1c.0/00.0\nSerial=00-1b-21-00-00-00-00-03\n", "02:00.0", NULL, "a", FALSE,
     "policy expects Serial 00-1b-21-00-00-00-00-03 (a.conf:3), found 00-1b-21-00-00-00-00-02"},
    {"[Device a]\nPath=01.1/00.1\nSerial=00-1b-21-00-00-00-00-01\n", "01:00.1", NULL, "a", FALSE,
     "policy expects Serial 00-1b-21-00-00-00-00-01 (a.conf:3), found none"},
    {"[Device a]\nPath=01.1/00.1\nFunctions=all\nSerial=00-1b-21-00-00-00-00-01\n", "01:00.1", NULL,
     "a", FALSE, NULL},
    {"[Device a]\nPath=03.0/00.0\nSerial=00-1b-21-00-00-00-00-01\n", "03:00.0", NULL, "a", FALSE,
     "policy expects Serial 00-1b-21-00-00-00-00-01 (a.conf:3), found a number that could not be "
     "read"},
    {"[Device a]\nPath=03.0/00.0\nFunctions=all\nSerial=00-1b-21-00-00-00-00-01\n", "03:00.1", NULL,
     "a", FALSE,
     "policy expects Serial 00-1b-21-00-00-00-00-01 (a.conf:4), found a number that could not be "
     "read"},
    /* An address is a hint. */
    {"[Device a]\nPath=1c.0/00.0\nAddress=05:00.0\n", "02:00.0", NULL, "a", FALSE, NULL},
    {"[Device a]\nPath=1c.0/00.0\nAddress=05:00.0\nId=8086:10d3\nClass=03\n", "02:00.0", NULL, "a",
     FALSE,
     "policy expects Id 8086:10d3 (a.conf:4), found 8086:1533; expects Class 03 (a.conf:5), found "
     "020000; expects Address 0000:05:00.0 (a.conf:3), found 0000:02:00.0"},
    {"[Device a]\nPath=1c.0/00.0\nAddress=02:00.0\nId=8086:10d3\n", "02:00.0", NULL, "a", FALSE,
     "policy expects Id 8086:10d3 (a.conf:4), found 8086:1533"},
    /* Deny. */
    {"[Deny d]\nSubsystem=10de:1483\n", "04:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nSubsystem=10de:1484\n", "04:00.0", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nClass=03\n", "04:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nClass=0300\n", "04:00.0", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nClass=01 0302 03\n", "04:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nClass=03\nId=10de:2231\n", "04:00.0", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nAddress=02:00.0\n", "02:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nAddress=02:00.0\n", "10000:01:00.0", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nAddress=10000:01:00.0\n", "10000:01:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nAddress=02:00.0\nId=8086:1533\n", "02:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nAddress=01:00.0\nId=8086:1533\n", "02:00.0", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nPath=1c.0/00.0\nAddress=09:00.0\n", "02:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nSerial=00-1b-21-00-00-00-00-02\n", "02:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nSerial=00-1b-21-00-00-00-00-02\n", "01:00.0", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nSerial=00-1b-21-00-00-00-00-02\n", "01:00.1", NULL, NULL, FALSE, NULL},
    {"[Deny d]\nSerial=00-1b-21-00-00-00-00-02\n", "03:00.0", "d", NULL, FALSE, NULL},
    {"[Deny d]\nSerial=00-1b-21-00-00-00-00-02\nClass=03\n", "03:00.0", NULL, NULL, FALSE, NULL},
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
    g_autoptr(PcaSnapshot) snapshot = make_host();
    g_autoptr(PcaPolicy) policy = parse_good(rows[_i].policy);
    PcaMatch match;
    const PcaFunction *function = find_function(snapshot, rows[_i].address);
    pca_policy_match(policy, snapshot, function, read_serial, NULL, &match);
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
    g_autoptr(PcaSnapshot) snapshot = make_host();
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

/* Without anybody who could read it, a serial number is not known. */
START_TEST(no_serial_numbers) {
    g_autoptr(PcaSnapshot) snapshot = make_host();
    g_autoptr(PcaPolicy) policy = parse_good("[Deny d]\nSerial=00-1b-21-00-00-00-00-02\n");
    PcaMatch match;
    pca_policy_match(policy, snapshot, find_function(snapshot, "01:00.1"), NULL, NULL, &match);
    assert_name(match.deny, "d");
    pca_match_clear(&match);
}
END_TEST

void add_match(Suite *suite) {
    PCA_TABLE(suite, "matches", match_row, rows);
    PCA_TABLE(suite, "functions of a section", section_functions, meant);
    TCase *rest = tcase_create("matches, the rest");
    tcase_add_test(rest, no_serial_numbers);
    suite_add_tcase(suite, rest);
}
