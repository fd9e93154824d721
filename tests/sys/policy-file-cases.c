/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which policy files are read, in which order, and which refuse the load.
 * Thread: main. Ownership: each test owns its directories.
 */
#include "sys/cases.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fds.h"
#include "support/tree.h"
#include "sys/policy-files.h"

#define NIC "[Device nic]\nPath=02.0/00.0\nId=8086:10d3\nAllowUser=1000\n"
#define GPU "[Device gpu]\nPath=01.0/00.0\nId=10de:2230\nAllowUser=1000\n"
#define DENY "[Deny other]\nPath=03.0/00.0\n"

static PcaTree *tree;
static char *directories[4];

static char *in_tree(const char *name) {
    return g_build_filename(pca_tree_path(tree), name, NULL);
}

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
    g_autofree char *path = in_tree(name);
    ck_assert_int_eq(chmod(path, mode), 0);
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
    g_autofree char *path = in_tree("etc/50-a.conf");
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    expect("");
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

static void make_fifo(const char *path) {
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void make_directory(const char *path) {
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    PCA_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Its path may be too long for an address. */
    g_autofree char *here = g_get_current_dir();
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_strlcpy(address.sun_path, name, sizeof address.sun_path);
    ck_assert_int_eq(chdir(directory), 0);
    int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
    ck_assert_int_eq(chdir(here), 0);
    ck_assert_int_eq(bound, 0);
}

static void make_link(const char *path, const char *target) {
    ck_assert_int_eq(symlink(target, path), 0);
}

static void link_to_zero(const char *path) {
    make_link(path, "/dev/zero");
}

static void link_to_nothing(const char *path) {
    make_link(path, "not-there");
}

static void link_to_itself(const char *path) {
    make_link(path, "50-a.conf");
}

static void link_to_directory(const char *path) {
    make_link(path, ".");
}

static void make_large(const char *path) {
    PCA_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(ftruncate(fd, 4 * 1024 * 1024 + 1), 0);
}

/* What is no policy file neither holds us up nor is overlooked, and what it replaces stays so. */
static const struct {
    void (*make)(const char *path);
    const char *why;
} strange[] = {
    {make_fifo, "a FIFO"},
    {make_directory, "a directory"},
    {make_socket, "a socket"},
    {link_to_zero, "a device"},
    {link_to_nothing, "a link to a file that is not there"},
    {link_to_itself, "a loop of links"},
    {link_to_directory, "a directory"},
    {make_large, "larger than 4 MiB"},
};

START_TEST(strange_files) {
    g_autofree char *path = in_tree("etc/50-a.conf");
    pca_tree_write(tree, "vendor/50-a.conf", DENY);
    strange[_i].make(path);
    expect_refused("etc/50-a.conf: error: ", strange[_i].why);
    /* The same of a file that somebody names. */
    const char *const paths[] = {path, NULL};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    ck_assert_ptr_null(pca_policy_load_files(paths, diagnostics));
    ck_assert_uint_eq(diagnostics->len, 1);
    const PcaDiagnostic *d = g_ptr_array_index(diagnostics, 0);
    ck_assert_str_eq(d->file, path);
    ck_assert_ptr_nonnull(strstr(d->text, strange[_i].why));
}
END_TEST

/* Who may write the directory may exchange its files. */
START_TEST(directory_modes) {
    chmod_file("vendor", 0777);
    expect_refused("vendor: error: ", "others than its owner may write");
    chmod_file("vendor", 0775);
    expect_refused("vendor: error: ", "others than its owner may write");
    chmod_file("vendor", 0755);
    expect("");
}
END_TEST

START_TEST(directory_owner) {
    g_autofree char *said = NULL;
    ck_assert(!load(geteuid() + 1, "", &said));
    ck_assert_ptr_nonnull(strstr(said, "etc: error: not owned by root"));
}
END_TEST

/* A policy of which a part cannot be read is none. */
START_TEST(strange_directories) {
    g_autofree char *run = in_tree("run");
    pca_tree_write(tree, "etc/50-a.conf", NIC);
    ck_assert_int_eq(rmdir(run), 0);
    expect("nic");
    make_link(run, "not-there");
    expect_refused("run: error: ", "No such file");
    ck_assert_int_eq(unlink(run), 0);
    make_link(run, "run");
    expect_refused("run: error: ", "symbolic links");
    ck_assert_int_eq(unlink(run), 0);
    make_fifo(run);
    expect_refused("run: error: ", "Not a directory");
    ck_assert_int_eq(unlink(run), 0);
    make_link(run, "etc");
    expect("nic");
}
END_TEST

/* The kernel knows bytes; whoever reads the message knows text. */
START_TEST(name_that_is_no_text) {
    g_autofree char *path = in_tree("etc/50-\xff.conf");
    g_autofree char *said = NULL;
    ck_assert(g_file_set_contents(path, "rubbish", -1, NULL));
    ck_assert(!load(geteuid(), "", &said));
    ck_assert(g_utf8_validate(said, -1, NULL));
    ck_assert_ptr_nonnull(strstr(said, "etc/50-\xef\xbf\xbd.conf:1:1: error"));
}
END_TEST

START_TEST(named_files) {
    pca_tree_write(tree, "a", NIC);
    pca_tree_write(tree, "b.conf", GPU);
    chmod_file("a", 0666);
    g_autofree char *a = in_tree("a"), *b = in_tree("b.conf"), *c = in_tree("c");
    const char *const paths[] = {b, a, "/dev/null", NULL}, *const missing[] = {c, NULL};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = pca_policy_load_files(paths, diagnostics);
    ck_assert_ptr_nonnull(policy);
    ck_assert_uint_eq(diagnostics->len, 0);
    ck_assert_str_eq(pca_policy_find(policy, "nic")->file, a);
    ck_assert_uint_eq(pca_policy_find(policy, "gpu")->index, 0);
    ck_assert_ptr_null(pca_policy_load_files(missing, diagnostics));
    ck_assert_str_eq(((PcaDiagnostic *)g_ptr_array_index(diagnostics, 0))->text,
                     "No such file or directory");
}
END_TEST

/* What is installed as an example can be copied as it is: nothing is to be said of it. */
static const char *const examples[] = {
    "policy/10-management.conf", "policy/50-database-disk.conf", "policy/50-gpu.conf",
    "policy/50-lab.conf",        "systemd/examples/50-vm.conf",
};

START_TEST(example) {
    const char *source = g_getenv("SRCDIR") ? g_getenv("SRCDIR") : ".";
    g_autofree char *path = g_build_filename(source, examples[_i], NULL);
    const char *const paths[] = {path, NULL};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = pca_policy_load_files(paths, diagnostics);
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *line = pca_diagnostic_format(g_ptr_array_index(diagnostics, i));
        ck_abort_msg("%s", line);
    }
    ck_assert_ptr_nonnull(policy);
    ck_assert_uint_gt(pca_policy_sections(policy)->len, 0);
}
END_TEST

/* They can be had together. */
START_TEST(all_examples) {
    const char *source = g_getenv("SRCDIR") ? g_getenv("SRCDIR") : ".";
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    for (gsize i = 0; i + 1 < G_N_ELEMENTS(examples); i++)
        g_ptr_array_add(paths, g_build_filename(source, examples[i], NULL));
    g_ptr_array_add(paths, NULL);
    g_autoptr(PcaPolicy) policy =
        pca_policy_load_files((const char *const *)paths->pdata, diagnostics);
    ck_assert_ptr_nonnull(policy);
    ck_assert_ptr_nonnull(pca_policy_find(policy, "gpu-a"));
    ck_assert_ptr_nonnull(pca_policy_find(policy, "fpga-2"));
}
END_TEST

START_TEST(many_sections) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < 10000; i++)
        g_string_append_printf(text,
                               "[Device d%u]\nPath=%04x:00:%02x.%x/00.0\nId=8086:%04x\n"
                               "AllowUser=u%u\n",
                               i, i / 256, i / 8 % 32, i % 8, i, i);
    g_autofree char *path = in_tree("etc/50-a.conf");
    ck_assert(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy =
        pca_policy_load((const char *const *)directories, geteuid(), diagnostics);
    ck_assert_ptr_nonnull(policy);
    ck_assert_uint_eq(pca_policy_sections(policy)->len, 10000);
    ck_assert_ptr_nonnull(pca_policy_find(policy, "d9999"));
    ck_assert_uint_eq(diagnostics->len, 0);
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
    tcase_add_test(tcase, vendor_grants);
    tcase_add_test(tcase, modes);
    tcase_add_test(tcase, owner);
    tcase_add_loop_test(tcase, strange_files, 0, (int)G_N_ELEMENTS(strange));
    tcase_add_test(tcase, directory_modes);
    tcase_add_test(tcase, directory_owner);
    tcase_add_test(tcase, strange_directories);
    tcase_add_test(tcase, name_that_is_no_text);
    tcase_add_test(tcase, named_files);
    tcase_add_loop_test(tcase, example, 0, (int)G_N_ELEMENTS(examples));
    tcase_add_test(tcase, all_examples);
    tcase_add_test(tcase, many_sections);
    tcase_add_test(tcase, all_errors);
    suite_add_tcase(suite, tcase);
}
