/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the directories that the tests of the running kernel's operations work in.
 * Thread: main. Ownership: the fixture owns its directory.
 */
#include "sys/kernel-fixture.h"

#include <fcntl.h>
#include <unistd.h>

char *top;
PcaRoot *root;
PcaKernel kernel;

char *path_of(const char *name) {
    return g_build_filename(top, name, NULL);
}

void make(const char *name, const char *text) {
    g_autofree char *path = path_of(name);
    g_autofree char *parent = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(parent, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

void make_link(const char *name, const char *target) {
    g_autofree char *path = path_of(name);
    g_autofree char *parent = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(parent, 0755), 0);
    ck_assert_int_eq(symlink(target, path), 0);
}

int open_directory(const char *name) {
    g_autofree char *path = path_of(name);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void set_up(void) {
    top = g_dir_make_tmp("pca-kernel-XXXXXX", NULL);
    g_autofree char *sysfs = path_of("sys");
    g_autofree char *dev = path_of("dev");
    root = pca_root_new(sysfs, "/proc", dev);
    kernel = (PcaKernel){.ops = &pca_kernel_ops, .root = root};
    make("sys/devices/pci0000:00/0000:00:01.0/uevent", "");
    make("sys/devices/pci0000:00/0000:00:01.0/reset", "");
    make("sys/bus/pci/uevent", "");
    make_link("sys/bus/pci/devices/0000:00:01.0", "../../../devices/pci0000:00/0000:00:01.0");
    make("dev/null", "");
}

static void tear_down(void) {
    const char *argv[] = {"rm", "-rf", "--", top, NULL};
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    pca_root_free(root);
    g_free(top);
}

void kernel_add_fixture(TCase *tcase) {
    tcase_add_checked_fixture(tcase, set_up, tear_down);
}

void kernel_add_case(Suite *suite, const char *name, const TTest *const tests[], gsize n) {
    TCase *tcase = tcase_create(name);
    kernel_add_fixture(tcase);
    for (gsize i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}
