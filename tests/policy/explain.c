/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: why sections apply or not, and the dictionaries that readers get.
 * Thread: main. Ownership: each test frees its own.
 */
#include "policy/describe.h"
#include "policy/support.h"

#include <string.h>

static const char policy_text[] = "[Device gpu]\n"
                                  "Path=01.1/00.0\n"
                                  "Id=10de:2230\n"
                                  "AllowUser=alice\n"
                                  "AllowGroup=36 users\n"
                                  "Authorize=polkit\n"
                                  "[Device elsewhere]\n"
                                  "Path=02.0/00.0\n"
                                  "Id=10de:2230\n"
                                  "Address=01:00.0\n"
                                  "AllowUser=carol\n"
                                  "[Device others]\n"
                                  "Path=03.0/00.0\n"
                                  "Id=8086:1889\n"
                                  "AllowUser=1001\n"
                                  "RequireUnit=vm-*.service\n"
                                  "RequireLabel=virt*\n"
                                  "[Deny class]\n"
                                  "Class=03\n"
                                  "Subsystem=1028:0001\n"
                                  "[Deny serial]\n"
                                  "Path=01.1/00.0\n"
                                  "Address=02:00.0\n"
                                  "Serial=00-00-00-00-00-00-00-01\n"
                                  "[Device swapped]\n"
                                  "Path=1c.0/00.0\n"
                                  "Id=10de:2230\n"
                                  "[Device b]\n"
                                  "Path=01.1/00.5\n"
                                  "Functions=all\n"
                                  "[Deny nobody]\n"
                                  "Id=1234:5678\n";

/* All of it, a line each. */
static char *flatten(const GPtrArray *verdicts) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < verdicts->len; i++) {
        const PcaSectionVerdict *verdict = g_ptr_array_index(verdicts, i);
        g_string_append_printf(text, "%s %s\n", verdict->section->name,
                               verdict->applies ? "applies" : "does not apply");
        for (guint j = 0; j < verdict->conditions->len; j++) {
            const PcaCondition *c = g_ptr_array_index(verdict->conditions, j);
            g_string_append_printf(text, " %s %s:%u %s\n", c->ok ? "+" : "-", c->key, c->line,
                                   c->text);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static GPtrArray *explain(const PcaPolicy *policy, const char *address, const PcaCaller *caller) {
    g_autoptr(PcaSnapshot) snapshot = make_host();
    g_autoptr(PcaAccounts) accounts = pca_accounts_new();
    pca_accounts_add_user(accounts, "alice", 1000);
    pca_accounts_add_group(accounts, "users", 100);
    return pca_policy_explain(policy, snapshot, find_function(snapshot, address), read_serial, NULL,
                              caller, accounts);
}

static void expect(const char *text, const char *address, const PcaCaller *caller,
                   const char *expected) {
    g_autoptr(PcaPolicy) policy = parse_good(text);
    g_autoptr(GPtrArray) verdicts = explain(policy, address, caller);
    g_autofree char *found = flatten(verdicts);
    ck_assert_str_eq(found, expected);
}

#define AMBIGUITY "[Device gpu] at a.conf:1 and [Device b] at a.conf:28 both mean it"

START_TEST(for_nobody) {
    expect(policy_text, "01:00.0", NULL,
           "gpu does not apply\n"
           " + Path:2 expects 0000:00:01.1/00.0, found 0000:00:01.1/00.0\n"
           " + Id:3 expects 10de:2230, found 10de:2230\n"
           " - Path:2 " AMBIGUITY "\n"
           "elsewhere does not apply\n"
           " - Path:8 expects 0000:00:02.0/00.0, found 0000:00:01.1/00.0\n"
           " + Id:9 expects 10de:2230, found 10de:2230\n"
           " + Address:10 expects 0000:01:00.0, found 0000:01:00.0\n"
           "class does not apply\n"
           " - Subsystem:20 expects 1028:0001, found 10de:1483\n"
           " + Class:19 expects 03, found 030000\n"
           "serial does not apply\n"
           " + Path:22 expects 0000:00:01.1/00.0, found 0000:00:01.1/00.0\n"
           " - Serial:24 expects 00-00-00-00-00-00-00-01, found 00-1b-21-00-00-00-00-01\n"
           " + Address:23 expects 0000:02:00.0, found 0000:01:00.0; a hint only\n"
           "swapped does not apply\n"
           " - Path:26 expects 0000:00:1c.0/00.0, found 0000:00:01.1/00.0\n"
           " + Id:27 expects 10de:2230, found 10de:2230\n"
           "b does not apply\n"
           " + Path:29 expects 0000:00:01.1/00.5, found 0000:00:01.1/00.0\n"
           " - Path:29 " AMBIGUITY "\n");
}
END_TEST

static const guint32 gids[] = {100, 101};

START_TEST(for_alice) {
    PcaCaller alice = {.uid = 1000, .gids = gids, .n_gids = 2};
    g_autofree char *text =
        g_strndup(policy_text, (gsize)(strstr(policy_text, "[Deny c") - policy_text));
    expect(text, "01:00.0", &alice,
           "gpu applies\n"
           " + Path:2 expects 0000:00:01.1/00.0, found 0000:00:01.1/00.0\n"
           " + Id:3 expects 10de:2230, found 10de:2230\n"
           " + AllowUser:4 names alice; the caller is uid 1000\n"
           " + AllowGroup:5 names 36, users; the caller is in gid 100, 101\n"
           " + Authorize:6 polkit is asked as well\n"
           "elsewhere does not apply\n"
           " - Path:8 expects 0000:00:02.0/00.0, found 0000:00:01.1/00.0\n"
           " + Id:9 expects 10de:2230, found 10de:2230\n"
           " + Address:10 expects 0000:01:00.0, found 0000:01:00.0\n"
           " - AllowUser:11 names carol (not known); the caller is uid 1000\n");
}
END_TEST

/* A section that allows the caller is told even when nothing of it is so. */
START_TEST(for_a_service) {
    PcaCaller vm = {.uid = 1001, .unit = "vm-a.service", .label = "virt_t"};
    g_autofree char *text =
        g_strndup(policy_text, (gsize)(strstr(policy_text, "[Deny c") - policy_text));
    expect(text, "02:00.0", &vm,
           "others does not apply\n"
           " - Path:13 expects 0000:00:03.0/00.0, found 0000:00:1c.0/00.0\n"
           " - Id:14 expects 8086:1889, found 8086:1533\n"
           " + AllowUser:15 names 1001; the caller is uid 1001\n"
           " + RequireUnit:16 names vm-*.service; the caller is in vm-a.service\n"
           " + RequireLabel:17 names virt*; the caller's label is virt_t\n");
}
END_TEST

START_TEST(for_root) {
    PcaCaller root = {.uid = 0};
    expect("[Device a]\nPath=1c.0/00.0\n[Deny d]\nId=8086:1533\n", "02:00.0", &root,
           "a applies\n"
           " + Path:2 expects 0000:00:1c.0/00.0, found 0000:00:1c.0/00.0\n"
           " + AllowUser:0 the caller is root, who needs no Allow\n"
           "d applies\n"
           " + Id:4 expects 8086:1533, found 8086:1533\n");
}
END_TEST

START_TEST(for_a_stranger) {
    PcaCaller stranger = {.uid = 5};
    expect("[Device a]\nPath=1c.0/00.0\n", "02:00.0", &stranger,
           "a does not apply\n"
           " + Path:2 expects 0000:00:1c.0/00.0, found 0000:00:1c.0/00.0\n"
           " - AllowUser:0 it has no AllowUser, AllowGroup or AllowUnit\n");
}
END_TEST

/* What may be the denied one is denied. */
START_TEST(unreadable_serial) {
    expect("[Deny d]\nSerial=00-00-00-00-00-00-00-01\n"
           "[Device a]\nPath=03.0/00.0\nSerial=00-00-00-00-00-00-00-01\n",
           "03:00.0", NULL,
           "d applies\n"
           " + Serial:2 expects 00-00-00-00-00-00-00-01, found a number that could not be read: "
           "denied, as it may be this one\n"
           "a does not apply\n"
           " + Path:4 expects 0000:00:03.0/00.0, found 0000:00:03.0/00.0\n"
           " - Serial:5 expects 00-00-00-00-00-00-00-01, found a number that could not be read\n");
}
END_TEST

START_TEST(verdicts_as_dictionaries) {
    PcaCaller stranger = {.uid = 5};
    g_autoptr(PcaPolicy) policy = parse_good("[Device a]\nPath=1c.0/00.0\n");
    g_autoptr(GPtrArray) verdicts = explain(policy, "02:00.0", &stranger);
    g_autoptr(GVariant) described = g_variant_ref_sink(pca_describe_verdicts(verdicts));
    ck_assert(g_variant_is_of_type(described, G_VARIANT_TYPE("aa{sv}")));
    g_autoptr(GVariant) first = g_variant_get_child_value(described, 0);
    const char *name, *key;
    guint32 line;
    gboolean applies, ok;
    ck_assert(g_variant_lookup(first, "name", "&s", &name));
    ck_assert_str_eq(name, "a");
    ck_assert(g_variant_lookup(first, "applies", "b", &applies) && !applies);
    g_autoptr(GVariant) conditions =
        g_variant_lookup_value(first, "conditions", G_VARIANT_TYPE("aa{sv}"));
    ck_assert_uint_eq(g_variant_n_children(conditions), 2);
    g_autoptr(GVariant) path = g_variant_get_child_value(conditions, 0);
    ck_assert(g_variant_lookup(path, "key", "&s", &key) &&
              g_variant_lookup(path, "line", "u", &line));
    ck_assert_str_eq(key, "Path");
    ck_assert_uint_eq(line, 2);
    ck_assert(g_variant_lookup(path, "ok", "b", &ok) && ok);
}
END_TEST

static const struct {
    const char *line, *key, *printed;
} keys[] = {
    {"Description=a b", "Description", "'a b'"},
    {"Id=10de:2230 10DE:1aef", "Id", "['10de:2230', '10de:1aef']"},
    {"Subsystem=1028:0001", "Subsystem", "['1028:0001']"},
    {"Class=03 0403 010802", "Class", "['03', '0403', '010802']"},
    {"Serial=00-1B-21-ff-ff-00-00-0a", "Serial", "'00-1b-21-ff-ff-00-00-0a'"},
    {"Address=01:00.0", "Address", "'0000:01:00.0'"},
    {"Functions=one", "Functions", "'one'"},
    {"Functions=all", "Functions", "'all'"},
    {"AllowUser=alice 1000", "AllowUser", "['alice', '1000']"},
    {"AllowGroup=kvm", "AllowGroup", "['kvm']"},
    {"AllowUnit=vm-*.service a@b.scope", "AllowUnit", "['vm-*.service', 'a@b.scope']"},
    {"RequireUnit=machine.slice", "RequireUnit", "['machine.slice']"},
    {"RequireLabel=*:svirt_t:*,*", "RequireLabel", "['*:svirt_t:*,*']"},
    {"Authorize=polkit", "Authorize", "'polkit'"},
    {"Authorize=none", "Authorize", "'none'"},
    {"PerUser=4", "PerUser", "uint32 4"},
    {"MaxMemory=16G", "MaxMemory", "uint64 17179869184"},
    {"Reset=any", "Reset", "['any']"},
    {"Reset=none", "Reset", "['none']"},
    {"Reset=flr bus", "Reset", "['flr', 'bus']"},
    {"Driver=auto", "Driver", "'auto'"},
    {"Driver=mlx5_vfio_pci", "Driver", "'mlx5_vfio_pci'"},
    {"OnRelease=host", "OnRelease", "'host'"},
    {"OnRelease=reserved", "OnRelease", "'reserved'"},
    {"Siblings=refuse", "Siblings", "'refuse'"},
    {"Siblings=stub", "Siblings", "'stub'"},
    {"Siblings=claim", "Siblings", "'claim'"},
    {"AllowInUse=none", "AllowInUse", "@as []"},
    {"AllowInUse=sound network", "AllowInUse", "['network', 'sound']"},
    {"SysfsFiles=yes", "SysfsFiles", "true"},
    {"SysfsFiles=no", "SysfsFiles", "false"},
    {"Reserve=no", "Reserve", "'no'"},
};

START_TEST(section_as_dictionary) {
    g_autofree char *text = g_strdup_printf("[Device a]\nPath=01.0\n%s\n", keys[_i].line);
    g_autoptr(PcaPolicy) policy = parse_good(text);
    const PcaSection *section = pca_policy_find(policy, "a");
    g_autoptr(GVariant) described = g_variant_ref_sink(pca_describe_section(section));
    g_autoptr(GVariant) value = g_variant_lookup_value(described, keys[_i].key, NULL);
    ck_assert_ptr_nonnull(value);
    g_autofree char *printed = g_variant_print(value, TRUE);
    ck_assert_str_eq(printed, keys[_i].printed);
    guint32 line;
    g_autoptr(GVariant) lines = g_variant_lookup_value(described, "Lines", G_VARIANT_TYPE("a{su}"));
    ck_assert_uint_eq(g_variant_n_children(lines), 2);
    ck_assert(g_variant_lookup(lines, keys[_i].key, "u", &line));
    ck_assert_uint_eq(line, 3);
}
END_TEST

START_TEST(section_in_short) {
    g_autoptr(PcaPolicy) policy = parse_good("# x\n[Deny d]\nPath=01.0\n");
    const PcaSection *section = g_ptr_array_index(pca_policy_sections(policy), 0);
    g_autoptr(GVariant) described = g_variant_ref_sink(pca_describe_section(section));
    g_autoptr(GVariant) expected = g_variant_ref_sink(g_variant_new_parsed(
        "{'Kind': <'Deny'>, 'Name': <'d'>, 'File': <'a.conf'>, 'Line': <uint32 2>,"
        " 'Path': <'0000:00:01.0'>, 'Lines': <{'Path': uint32 3}>}"));
    ck_assert_uint_eq(g_variant_n_children(described), g_variant_n_children(expected));
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_variant_iter_init(&iter, expected);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        g_autoptr(GVariant) found = g_variant_lookup_value(described, key, NULL);
        ck_assert_msg(found && g_variant_equal(found, value), "%s", key);
    }
}
END_TEST

void add_explain(Suite *suite) {
    TCase *verdicts = tcase_create("explain");
    tcase_add_test(verdicts, for_nobody);
    tcase_add_test(verdicts, for_alice);
    tcase_add_test(verdicts, for_a_service);
    tcase_add_test(verdicts, for_root);
    tcase_add_test(verdicts, for_a_stranger);
    tcase_add_test(verdicts, unreadable_serial);
    tcase_add_test(verdicts, verdicts_as_dictionaries);
    tcase_add_test(verdicts, section_in_short);
    suite_add_tcase(suite, verdicts);
    PCA_TABLE(suite, "keys as dictionary", section_as_dictionary, keys);
}
