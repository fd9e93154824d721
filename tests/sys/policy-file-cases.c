/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which policy files are read, in which order, and which refuse the load.
 * Thread: main. Ownership: each test owns its directories.
 */
#include "sys/cases.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/tree.h"
#include "sys/policy-files.h"

#define NIC "[Device nic]\nPath=02.0/00.0\nId=8086:10d3\nAllowUser=1000\n"
#define GPU "[Device gpu]\nPath=01.0/00.0\nId=10de:2230\nAllowUser=1000\n"
#define DENY "[Deny other]\nPath=03.0/00.0\n"

static PcaTree *tree;
static char *directories[4];

static void set_up(void) {
    static const char *const names[] = {"etc", "run", "vendor"};
    tree = pca_tree_new();
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        pca_tree_mkdir(tree, names[i]);
        directories[i] = g_build_filename(pca_tree_path(tree), names[i], NULL);
    }
}

static void tear_down(void) {
    for (gsize i = 0; i < 3; i++)
        g_free(directories[i]);
    pca_tree_free(tree);
}

/* Whether it was accepted, with these sections; *text becomes the diagnostics when not NULL. */
static gboolean load(guint32 owner, const char *sections, char **text) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy =
        pca_policy_load((const char *const *)directories, owner, diagnostics);
    g_autoptr(GString) found = g_string_new(NULL);
    g_autoptr(GString) said = g_string_new(NULL);
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *line = pca_diagnostic_format(g_ptr_array_index(diagnostics, i));
        g_string_append_printf(said, "%s\n", line);
    }
    ck_assert_int_eq(policy == NULL, pca_diagnostics_have_errors(diagnostics));
    const GPtrArray *list = policy ? pca_policy_sections(policy) : NULL;
    for (guint i = 0; list && i < list->len; i++)
        g_string_append_printf(found, "%s%s", i ? " " : "",
                               ((PcaSection *)g_ptr_array_index(list, i))->name);
    if (policy)
        ck_assert_str_eq(found->str, sections);
    if (text)
        *text = g_strdup(said->str);
    return policy != NULL;
}

static void expect(const char *sections) {
    g_autofree char *said = NULL;
    gboolean accepted = load(geteuid(), sections, &said);
    ck_assert_msg(accepted, "%s", said);
}

static void expect_refused(const char *culprit, const char *why) {
    g_autofree char *said = NULL;
    ck_assert(!load(geteuid(), "", &said));
    ck_assert_msg(strstr(said, culprit) && strstr(said, why), "%s", said);
}

static void chmod_file(const char *name, mode_t mode) {
    g_autofree char *path = g_build_filename(pca_tree_path(tree), name, NULL);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void link_file(const char *name, const char *target) {
    g_autofree char *path = g_build_filename(pca_tree_path(tree), name, NULL);
    ck_assert_int_eq(symlink(target, path), 0);
}

START_TEST(none) {
    expect("");
    pca_tree_delete(tree, "etc");
    pca_tree_delete(tree, "vendor");
    expect("");
}
END_TEST

START_TEST(precedence) {
    pca_tree_write(tree, "run/50-a.conf", GPU);
    pca_tree_write(tree, "vendor/50-a.conf", DENY);
    pca_tree_write(tree, "vendor/40-b.conf", DENY);
    expect("other gpu");
    pca_tree_write(tree, "etc/50-a.conf", NIC);
    expect("other nic");
}
END_TEST

/* Other names do not count, however broken the files are. */
START_TEST(other_names) {
    pca_tree_write(tree, "etc/50-a.conf~", "rubbish");
    pca_tree_write(tree, "etc/.50-a.conf", "rubbish");
    pca_tree_write(tree, "etc/50-a.conf.rpmsave", "rubbish");
    pca_tree_write(tree, "etc/README", "rubbish");
    pca_tree_write(tree, "etc/50-a.conf", NIC);
    expect("nic");
}
END_TEST

START_TEST(masked) {
    pca_tree_write(tree, "vendor/50-a.conf", DENY);
    link_file("etc/50-a.conf", "/dev/null");
    expect("");
}
END_TEST

START_TEST(dangling_link) {
    pca_tree_write(tree, "vendor/50-a.conf", DENY);
    link_file("etc/50-a.conf", "not-there");
    expect_refused("etc/50-a.conf", "No such file");
}
END_TEST

START_TEST(vendor_grants) {
    pca_tree_write(tree, "vendor/50-a.conf", NIC);
    expect_refused("vendor/50-a.conf:1:", "vendor");
}
END_TEST

START_TEST(modes) {
    pca_tree_write(tree, "etc/50-a.conf", NIC);
    chmod_file("etc/50-a.conf", 0664);
    expect_refused("etc/50-a.conf", "writable by others");
    chmod_file("etc/50-a.conf", 0646);
    expect_refused("etc/50-a.conf", "writable by others");
    chmod_file("etc/50-a.conf", 0600);
    expect("nic");
}
END_TEST

START_TEST(owner) {
    g_autofree char *said = NULL;
    pca_tree_write(tree, "etc/50-a.conf", NIC);
    ck_assert(!load(geteuid() + 1, "", &said));
    ck_assert_ptr_nonnull(strstr(said, "not owned by root"));
}
END_TEST

/* What is no file neither holds us up nor is overlooked. */
START_TEST(no_files) {
    g_autofree char *fifo = g_build_filename(pca_tree_path(tree), "etc/10-fifo.conf", NULL);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    expect_refused("10-fifo.conf", "not a regular file");
    ck_assert_int_eq(unlink(fifo), 0);
    pca_tree_mkdir(tree, "etc/20-directory.conf");
    expect_refused("20-directory.conf", "not a regular file");
    pca_tree_delete(tree, "etc/20-directory.conf");
    link_file("etc/30-zero.conf", "/dev/zero");
    expect_refused("30-zero.conf", "not a regular file");
}
END_TEST

START_TEST(too_long) {
    g_autofree char *path = g_build_filename(pca_tree_path(tree), "etc/50-a.conf", NULL);
    pca_tree_write(tree, "etc/50-a.conf", NIC);
    ck_assert_int_eq(truncate(path, 5 * 1024 * 1024), 0);
    expect_refused("etc/50-a.conf", "4 MiB");
}
END_TEST

/* All errors of all files at once; one refuses all. */
START_TEST(all_errors) {
    g_autofree char *said = NULL;
    pca_tree_write(tree, "etc/10-a.conf", "rubbish\n");
    pca_tree_write(tree, "etc/20-b.conf", NIC);
    pca_tree_write(tree, "run/30-c.conf", "[Device x]\nColour=red\n");
    chmod_file("run/30-c.conf", 0644);
    ck_assert(!load(geteuid(), "", &said));
    ck_assert_msg(strstr(said, "10-a.conf:1:") && strstr(said, "30-c.conf:2:"), "%s", said);
}
END_TEST

void pca_add_policy_file_cases(Suite *suite) {
    TCase *tcase = tcase_create("policy files");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, none);
    tcase_add_test(tcase, precedence);
    tcase_add_test(tcase, other_names);
    tcase_add_test(tcase, masked);
    tcase_add_test(tcase, dangling_link);
    tcase_add_test(tcase, vendor_grants);
    tcase_add_test(tcase, modes);
    tcase_add_test(tcase, owner);
    tcase_add_test(tcase, no_files);
    tcase_add_test(tcase, too_long);
    tcase_add_test(tcase, all_errors);
    suite_add_tcase(suite, tcase);
}
