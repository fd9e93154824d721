/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reads below a root, and the uevent listener.
 * Thread: one. Ownership: each test frees what it makes.
 */
#include "sys/cases.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fds.h"
#include "support/tree.h"
#include "sys/uevent.h"

/* ---- Roots and reads ---- */

START_TEST(root_drops_trailing_slashes) {
    g_autoptr(PcaRoot) root = pca_root_new("/a/sys/", "/", "/dev");
    ck_assert_str_eq(root->sysfs, "/a/sys");
    ck_assert_str_eq(root->proc, "/");
    g_autoptr(PcaRoot) host = pca_root_new_host();
    ck_assert_str_eq(host->sysfs, "/sys");
    ck_assert_str_eq(host->proc, "/proc");
    ck_assert_str_eq(host->dev, "/dev");
}
END_TEST

START_TEST(text_loses_one_newline) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    const char *path = pca_tree_path(tree);
    pca_tree_write(tree, "a", "one\ntwo\n\n");
    pca_tree_write(tree, "empty", "%s", "");
    g_autofree char *text = pca_read_text(path, "a", NULL);
    g_autofree char *empty = pca_read_text(path, "empty", NULL);
    ck_assert_str_eq(text, "one\ntwo\n");
    ck_assert_str_eq(empty, "");
}
END_TEST

static void expect_unreadable(const PcaTree *tree, const char *name, const char *why) {
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(pca_read_text(pca_tree_path(tree), name, &error));
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_FAILED));
    ck_assert_ptr_nonnull(strstr(error->message, name));
    ck_assert_msg(strstr(error->message, why) != NULL, "%s", error->message);
}

START_TEST(bad_text_is_refused) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    g_autofree char *nul = g_build_filename(pca_tree_path(tree), "nul", NULL);
    ck_assert(g_file_set_contents(nul, "a\0b", 3, NULL));
    pca_tree_mkdir(tree, "directory");
    expect_unreadable(tree, "nul", "NUL");
    expect_unreadable(tree, "missing", "No such file");
    expect_unreadable(tree, "directory", "Is a directory");
}
END_TEST

START_TEST(text_is_capped_not_cut) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    g_autofree char *long_text = g_strnfill(PCA_READ_MAX, 'x');
    pca_tree_write(tree, "fits", "%s", long_text);
    pca_tree_write(tree, "over", "%sx", long_text);
    g_autofree char *text = pca_read_text(pca_tree_path(tree), "fits", NULL);
    ck_assert_uint_eq(strlen(text), PCA_READ_MAX);
    expect_unreadable(tree, "over", "large");
}
END_TEST

START_TEST(fifo_does_not_hang) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    g_autofree char *path = g_build_filename(pca_tree_path(tree), "fifo", NULL);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    g_autofree char *text = pca_read_text(pca_tree_path(tree), "fifo", NULL);
    ck_assert_str_eq(text, "");
}
END_TEST

static const struct {
    const char *text;
    gboolean ok;
    guint64 value;
} numbers[] = {
    {"0x8086\n", TRUE, 0x8086},
    {"0", TRUE, 0},
    {"010", TRUE, 8},
    {"18446744073709551615\n", TRUE, G_MAXUINT64},
    {"18446744073709551616\n", FALSE, 0},
    {"-1\n", FALSE, 0},
    {"+1", FALSE, 0},
    {" 1", FALSE, 0},
    {"1 ", FALSE, 0},
    {"0x", FALSE, 0},
    {"0day", FALSE, 0},
    {"", FALSE, 0},
    {"1\n2\n", FALSE, 0},
};

START_TEST(numbers_are_read_strictly) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    guint64 value = 77;
    pca_tree_write(tree, "n", "%s", numbers[_i].text);
    ck_assert_int_eq(pca_read_number(pca_tree_path(tree), "n", &value), numbers[_i].ok);
    ck_assert_uint_eq(value, numbers[_i].ok ? numbers[_i].value : 77);
}
END_TEST

START_TEST(links_and_directories) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_write(tree, "d/b", "%s", "");
    pca_tree_write(tree, "d/a", "%s", "");
    pca_tree_link(tree, "d/link", "some/where/nvme");
    g_autofree char *directory = g_build_filename(pca_tree_path(tree), "d", NULL);
    g_auto(GStrv) names = pca_read_directory(directory);
    g_autofree char *joined = g_strjoinv(" ", names);
    ck_assert_str_eq(joined, "a b link");
    g_auto(GStrv) none = pca_read_directory("/nonexistent");
    ck_assert_ptr_null(none[0]);
    g_autofree char *target = pca_read_link_name(directory, "link");
    ck_assert_str_eq(target, "nvme");
    ck_assert_ptr_null(pca_read_link_name(directory, "a"));
    ck_assert_ptr_null(pca_read_link_name(directory, "missing"));
}
END_TEST

/* ---- The tree itself ---- */

START_TEST(descriptors_know_their_function) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:02.0", .group = 1});
    g_autofree char *directory = pca_tree_directory(tree, "0000:00:02.0");
    PCA_AUTO_FD fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *name = pca_tree_name_of_fd(tree, fd);
    g_autofree char *address = pca_tree_address_of_fd(tree, fd);
    ck_assert_str_eq(name, "devices/pci0000:00/0000:00:02.0");
    ck_assert_str_eq(address, "0000:00:02.0");
    pca_tree_remove(tree, "0000:00:02.0");
    ck_assert(!pca_tree_has(tree, "0000:00:02.0"));
    ck_assert_ptr_null(pca_tree_address_of_fd(tree, fd));
}
END_TEST

/* ---- Uevents ---- */

static void on_event(const char *action, const char *sysname, gpointer data) {
    g_string_append_printf(data, "%s %s\n", action, sysname ? sysname : "-");
}

START_TEST(uevents_start_and_stop) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(PcaUevents) uevents = pca_uevents_new(on_event, seen, &error);
    ck_assert((uevents != NULL) == (error == NULL));
}
END_TEST

/* Asks the running kernel for an event of its first PCI function, which is not removed by that;
 * only when PCA_TEST_HOST is set,
 * because whoever else listens hears it too. */
START_TEST(uevents_of_the_kernel) {
    g_autoptr(PcaRoot) root = pca_root_new_host();
    g_autofree char *devices = g_build_filename(root->sysfs, "bus/pci/devices", NULL);
    g_auto(GStrv) names = pca_read_directory(devices);
    if (!g_getenv("PCA_TEST_HOST") || !names[0])
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(PcaUevents) uevents = pca_uevents_new(on_event, seen, &error);
    ck_assert_msg(uevents != NULL, "%s", error ? error->message : "");
    g_autofree char *file = g_build_filename(devices, names[0], "uevent", NULL);
    PCA_AUTO_FD fd = open(file, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "remove", 6), 6);
    for (int i = 0; i < 100 && seen->len == 0; i++) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(10000);
    }
    g_autofree char *expected = g_strdup_printf("change %s\n", names[0]);
    ck_assert_str_eq(seen->str, expected);
}
END_TEST

static TCase *read_case(void) {
    TCase *reads = tcase_create("root");
    tcase_add_test(reads, root_drops_trailing_slashes);
    tcase_add_test(reads, text_loses_one_newline);
    tcase_add_test(reads, bad_text_is_refused);
    tcase_add_test(reads, text_is_capped_not_cut);
    tcase_add_test(reads, fifo_does_not_hang);
    tcase_add_test(reads, links_and_directories);
    tcase_add_test(reads, descriptors_know_their_function);
    return reads;
}

Suite *pca_suite(void) {
    Suite *suite = suite_create("sys");
    suite_add_tcase(suite, read_case());
    PCA_TABLE(suite, "numbers", numbers_are_read_strictly, numbers);
    TCase *uevents = tcase_create("uevents");
    tcase_add_test(uevents, uevents_start_and_stop);
    tcase_add_test(uevents, uevents_of_the_kernel);
    suite_add_tcase(suite, uevents);
    pca_add_account_cases(suite);
    pca_add_hardware_cases(suite);
    pca_add_hint_cases(suite);
    pca_add_scan_cases(suite);
    pca_add_storage_cases(suite);
    pca_add_network_cases(suite);
    pca_add_device_cases(suite);
    pca_add_interrupt_cases(suite);
    pca_add_variant_cases(suite);
    pca_add_policy_file_cases(suite);
    return suite;
}
