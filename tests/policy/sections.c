/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: good files, several files at once, and the order of diagnostics.
 * Thread: main. Ownership: each test frees its own.
 */
#include "policy/scale.h"
#include "policy/support.h"

#include <string.h>

static const char full[] = "# A comment, and what follows is blank.\n"
                           "\n"
                           "   \n"
                           "#\ttabs may be here\n"
                           "[Device gpu-a]\n"
                           "Description=RTX A6000, left slot # 1 = über\n"
                           "Path=01.1/00.0\n"
                           "Id=10de:2230 10DE:1AEF\n"
                           "Functions=all\n"
                           "AllowUser=alice 1000 host$ 0 4294967294\n"
                           "AllowGroup=vm_users 36 a.b-c\n"
                           "[Deny management-nic]\n"
                           "Description=the way in\n"
                           "Path=ABCD:3F:1c.7/0A.3/1f.0/vf65535\n"
                           "\n"
                           "[Deny .hidden-not]\n";

static void assert_strv(char **list, const char *expected) {
    g_autofree char *joined = g_strjoinv(" ", list);
    ck_assert_str_eq(joined, expected);
}

START_TEST(good_file) {
    g_autofree char *text = g_strndup(full, (gsize)(strstr(full, "[Deny .") - full));
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = parse_text(text, diagnostics);
    g_autofree char *all = format_all(diagnostics);
    ck_assert_str_eq(all, "");
    const PcaSection *gpu = pca_policy_find(policy, "gpu-a");
    ck_assert_ptr_nonnull(gpu);
    ck_assert_int_eq(gpu->kind, PCA_SECTION_DEVICE);
    ck_assert_str_eq(gpu->name, "gpu-a");
    ck_assert_str_eq(gpu->file, "a.conf");
    ck_assert_uint_eq(gpu->line, 5);
    ck_assert_str_eq(gpu->description, "RTX A6000, left slot # 1 = über");
    ck_assert_str_eq(gpu->path, "0000:00:01.1/00.0");
    ck_assert_uint_eq(gpu->ids->len, 2);
    ck_assert_uint_eq(g_array_index(gpu->ids, guint32, 0), 0x10de2230);
    ck_assert_uint_eq(g_array_index(gpu->ids, guint32, 1), 0x10de1aef);
    ck_assert(gpu->all_functions);
    assert_strv(gpu->allow_users, "alice 1000 host$ 0 4294967294");
    assert_strv(gpu->allow_groups, "vm_users 36 a.b-c");
    ck_assert_ptr_null(pca_policy_find(policy, "management-nic"));
    ck_assert_ptr_null(pca_policy_find(policy, "gpu-b"));
    const GPtrArray *sections = pca_policy_sections(policy);
    ck_assert_uint_eq(sections->len, 2);
    ck_assert_ptr_eq(g_ptr_array_index(sections, 0), gpu);
    const PcaSection *deny = g_ptr_array_index(sections, 1);
    ck_assert_int_eq(deny->kind, PCA_SECTION_DENY);
    ck_assert_str_eq(deny->path, "abcd:3f:1c.7/0a.3/1f.0/vf65535");
    ck_assert_uint_eq(deny->ids->len, 0);
    ck_assert_ptr_nonnull(deny->allow_users);
    ck_assert_ptr_nonnull(deny->allow_groups);
}
END_TEST

static const struct {
    const char *given, *normalised;
} paths[] = {
    {"00.0", "0000:00:00.0"},
    {"1f.7", "0000:00:1f.7"},
    {"1F.7/0a.0", "0000:00:1f.7/0a.0"},
    {"0000:00:01.1/00.0", "0000:00:01.1/00.0"},
    {"0000:C0:01.1/00.0", "0000:c0:01.1/00.0"},
    {"10000:E0:06.0/00.0", "10000:e0:06.0/00.0"},
    {"00010000:e0:06.0/00.0", "10000:e0:06.0/00.0"},
    {"FFFFFFFF:ff:1f.7", "ffffffff:ff:1f.7"},
    {"0000:6b:00.0", "0000:6b:00.0"},
    {"01.0/00.0/vf0", "0000:00:01.0/00.0/vf0"},
    {"0001:80:03.0/00.1/vf127", "0001:80:03.0/00.1/vf127"},
};

START_TEST(good_path) {
    g_autofree char *text = g_strdup_printf("[Deny d]\nPath=%s\n", paths[_i].given);
    g_autoptr(PcaPolicy) policy = parse_good(text);
    const PcaSection *section = g_ptr_array_index(pca_policy_sections(policy), 0);
    ck_assert_str_eq(section->path, paths[_i].normalised);
}
END_TEST

/* A path of one hop from another root bus may be an address by mistake. */
START_TEST(path_like_address) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = parse_text("[Deny d]\nPath=0000:6b:00.0\n", diagnostics);
    ck_assert_ptr_nonnull(policy);
    ck_assert_uint_eq(diagnostics->len, 1);
    const PcaDiagnostic *d = g_ptr_array_index(diagnostics, 0);
    ck_assert_int_eq(d->severity, PCA_SEVERITY_NOTE);
    ck_assert_ptr_nonnull(strstr(d->text, "root bus 0000:6b"));
}
END_TEST

static const char *const good_texts[] = {
    "",
    "\n\n",
    "# only a comment",
    "[Deny d]\nId=8086:1533",
    "[Deny d]\nId=8086:1533\nPath=00.0\n",
    "[Deny a]\nPath=00.0\n[Deny b]\nPath=00.0\n",
    "[Deny same]\nPath=00.0\n[Device same]\nPath=00.0\n",
    "[Device 0._-]\nPath=00.0\n",
    "[Device _]\nPath=00.0\nDescription=#=[x]\n",
    "[Device a]\nPath=00.0\n[Device b]\nPath=00.1\n",
    "[Device a]\nPath=00.0/vf1\n[Device b]\nPath=00.0/vf2\n[Device c]\nPath=00.0\n",
    "[Device a]\nFunctions=one\nPath=00.0\nAllowUser=_apt systemd-network\n",
    "[Device a123456789a123456789a123456789a123456789a123456789a123456789a123]\nPath=00.0\n",
};

START_TEST(good_text) {
    g_autoptr(PcaPolicy) policy = parse_good(good_texts[_i]);
    pca_policy_unref(pca_policy_ref(policy));
}
END_TEST

START_TEST(no_files) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = pca_policy_parse(NULL, 0, diagnostics);
    PcaPolicyFile empty = {.name = "empty.conf"};
    g_autoptr(PcaPolicy) other = pca_policy_parse(&empty, 1, diagnostics);
    ck_assert_ptr_nonnull(policy);
    ck_assert_ptr_nonnull(other);
    ck_assert_uint_eq(diagnostics->len, 0);
    ck_assert_uint_eq(pca_policy_sections(policy)->len, 0);
}
END_TEST

START_TEST(longest_name) {
    g_autofree char *name = g_strnfill(256, 'a');
    g_autofree char *good = g_strdup_printf("[Device a]\nPath=00.0\nAllowUser=%s\n", name);
    g_autofree char *bad = g_strdup_printf("[Device a]\nPath=00.0\nAllowUser=%sa\n", name);
    g_autoptr(PcaPolicy) policy = parse_good(good);
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    ck_assert_ptr_null(parse_text(bad, diagnostics));
    g_autofree char *all = format_all(diagnostics);
    ck_assert_ptr_nonnull(strstr(all, "a.conf:3:267: error: the name of a user has at most 256"));
}
END_TEST

/* Everything at once, in the order of files, lines and columns. */
START_TEST(all_errors_of_all_files) {
    static const char one[] = "[Device a]\n"
                              "Id=10de:2230 wrong\n"
                              "Colour=red\n"
                              "AllowUser =0x0 # why\n"
                              "[Device b]\n"
                              "Path=01.0\n"
                              "Id=8086:1533\n";
    static const char two[] = "[Device b]\r\n"
                              "Path=01.0\r\n"
                              "Id=8086:1533\r\n"
                              "AllowUser=alice\r\n"
                              "[Pool p]\r\n"
                              "PerUser=4";
    static const char expected[] =
        "one.conf:1:1: error: a [Device] needs Path: Id alone says what, but not where\n"
        "one.conf:2:14: error: 'wrong' is not an id: expected vendor:device, four hex digits each, "
        "as in 10de:2230\n"
        "one.conf:3:1: error: unknown key 'Colour'\n"
        "one.conf:4:10: error: white space before '='\n"
        "one.conf:4:12: error: '0x0' is not a user: expected a name, or a number from 0 to "
        "4294967294 without leading zeros\n"
        "one.conf:4:16: error: a comment stands on a line of its own\n"
        "one.conf:5:1: note: no AllowUser, AllowGroup or AllowUnit: only root may claim this "
        "device\n"
        "two.conf:1:1: error: [Device b] is already at one.conf:5\n"
        "two.conf:1:11: error: lines end in CR LF: write LF only\n"
        "two.conf:2:6: error: [Device b] at one.conf:5 has the same Path\n"
        "two.conf:5:2: error: [Pool] is not supported yet\n";
    PcaPolicyFile files[] = {{.name = "one.conf", .text = one, .length = strlen(one)},
                             {.name = "two.conf", .text = two, .length = strlen(two)}};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    ck_assert_ptr_null(pca_policy_parse(files, 2, diagnostics));
    g_autofree char *all = format_all(diagnostics);
    ck_assert_str_eq(all, expected);
}
END_TEST

/* One bad file refuses the good ones, and so does an error from before. */
START_TEST(one_error_refuses_all) {
    static const char good[] = "[Deny a]\nPath=00.0\n";
    PcaPolicyFile files[] = {{.name = "a.conf", .text = good, .length = strlen(good)},
                             {.name = "b.conf", .text = "x", .length = 1}};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    ck_assert_ptr_null(pca_policy_parse(files, 2, diagnostics));
    g_autoptr(GPtrArray) before = pca_diagnostics_new();
    pca_diagnostics_add(before, "c.conf", 0, 0, PCA_SEVERITY_ERROR, "not owned by root");
    ck_assert(pca_diagnostics_have_errors(before));
    ck_assert_ptr_null(pca_policy_parse(files, 1, before));
    g_autofree char *all = format_all(before);
    ck_assert_str_eq(all, "c.conf: error: not owned by root\n");
}
END_TEST

START_TEST(vendor_may_deny) {
    static const char deny[] = "[Deny a]\nPath=00.0\n";
    PcaPolicyFile file = {
        .name = "v.conf", .text = deny, .length = strlen(deny), .is_vendor = TRUE};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = pca_policy_parse(&file, 1, diagnostics);
    ck_assert_ptr_nonnull(policy);
    ck_assert_uint_eq(diagnostics->len, 0);
}
END_TEST

/* A file of rubbish is refused without a message for each of its lines. */
START_TEST(rubbish) {
    g_autofree char *text = g_strnfill(1 << 20, '\n');
    for (gsize i = 0; i < 1 << 20; i += 2)
        text[i] = 'x';
    PcaPolicyFile file = {.name = "r.conf", .text = text, .length = 1 << 20};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    ck_assert_ptr_null(pca_policy_parse(&file, 1, diagnostics));
    ck_assert_uint_eq(diagnostics->len, 1001);
    g_autofree char *last = pca_diagnostic_format(g_ptr_array_index(diagnostics, 1000));
    ck_assert_str_eq(last,
                     "r.conf:1001: error: more than 1000 errors: the rest of the file is not read");
}
END_TEST

/* Every beginning of a good file, and the file with each byte changed: no crash, no leak. The bytes
 * are those that mean something, and some that are no text; the rest is the fuzzer's. */
START_TEST(damaged) {
    static const char bytes[] = "\0\n\r\t =[]#-.,:/a0\x7f\x80\xc3\xff";
    gsize length = strlen(full);
    g_autofree char *text = g_strdup(full);
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    for (gsize i = 0; i < length; i++) {
        PcaPolicyFile cut = {.name = "d.conf", .text = full, .length = i};
        PcaPolicyFile changed = {.name = "d.conf", .text = text, .length = length};
        g_autoptr(PcaPolicy) one = pca_policy_parse(&cut, 1, diagnostics);
        for (gsize b = 0; b < sizeof bytes; b++) {
            text[i] = bytes[b];
            g_autoptr(PcaPolicy) two = pca_policy_parse(&changed, 1, diagnostics);
        }
        text[i] = full[i];
        g_ptr_array_set_size(diagnostics, 0);
    }
}
END_TEST

/* Four times the sections and functions take about four times as long, and not sixteen times. */
START_TEST(large) {
    PcaScale quarter = measure_scale(500, 512, 5), whole = measure_scale(2000, 2048, 5);
    double a = quarter.parse + quarter.match, b = whole.parse + whole.match;
    ck_assert_uint_eq(quarter.granted, 500 / 20);
    ck_assert_msg(b < 9 * a, "%f s for four times of what takes %f s", b, a);
}
END_TEST

void add_sections(Suite *suite) {
    PCA_TABLE(suite, "good paths", good_path, paths);
    PCA_TABLE(suite, "good texts", good_text, good_texts);
    TCase *rest = tcase_create("sections, the rest");
    tcase_add_test(rest, good_file);
    tcase_add_test(rest, path_like_address);
    tcase_add_test(rest, no_files);
    tcase_add_test(rest, longest_name);
    tcase_add_test(rest, all_errors_of_all_files);
    tcase_add_test(rest, one_error_refuses_all);
    tcase_add_test(rest, vendor_may_deny);
    tcase_add_test(rest, rubbish);
    tcase_add_test(rest, damaged);
    tcase_add_test(rest, large);
    suite_add_tcase(suite, rest);
}
