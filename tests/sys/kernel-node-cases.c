/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: opening nodes and giving them away, on nodes of /dev/null; and disks that are none.
 * Thread: main. Ownership: the fixture's.
 */
#include "sys/kernel-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/fds.h"

/* ---- Nodes ---- */

#define NULL_NUMBER                                                                                \
    makedev(1, 3) /* /dev/null everywhere: Documentation/admin-guide/devices.txt                   \
                   */

/* Said aloud where nodes cannot be made (not root) or opened (nodev). */
static gboolean without_nodes(void) {
    g_autofree char *path = path_of("dev/probe");
    PCA_AUTO_FD fd = -1;
    if (mknod(path, S_IFCHR | 0600, NULL_NUMBER) == 0)
        fd = open(path, O_RDWR | O_CLOEXEC);
    int error = errno;
    unlink(path);
    if (fd >= 0)
        return FALSE;
    g_print("skipped: cannot make and open device nodes in %s: %s\n", top, g_strerror(error));
    return TRUE;
}

static void assert_null_node(int fd) {
    struct stat status;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert(S_ISCHR(status.st_mode) && status.st_rdev == NULL_NUMBER);
    ck_assert_uint_eq(status.st_nlink, 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH), O_RDWR);
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static void assert_directory_empty(void) {
    g_autofree char *path = path_of("dev/pcassign");
    g_auto(GStrv) left = pca_read_directory(path);
    ck_assert_pstr_eq(left[0], NULL);
}

START_TEST(node_opens_and_leaves_nothing) {
    if (without_nodes())
        return;
    PCA_AUTO_FD fd = kernel.ops->open_node(&kernel, NULL_NUMBER, NULL);
    assert_null_node(fd);
    assert_directory_empty();
    ck_assert_int_eq(kernel.ops->open_node(&kernel, makedev(4000, 1), NULL), -ENXIO);
    assert_directory_empty();
}
END_TEST

START_TEST(stale_nodes_go) {
    if (without_nodes())
        return;
    g_autofree char *directory = path_of("dev/pcassign");
    g_autofree char *stale = path_of("dev/pcassign/node");
    ck_assert_int_eq(g_mkdir(directory, 0700), 0);
    ck_assert_int_eq(mknod(stale, S_IFCHR | 0600, makedev(1, 5)), 0);
    make("dev/pcassign/another", "");
    PCA_AUTO_FD fd = kernel.ops->open_node(&kernel, NULL_NUMBER, NULL);
    assert_null_node(fd);
    assert_directory_empty();
}
END_TEST

START_TEST(foreign_directory_is_refused) {
    g_autofree char *directory = path_of("dev/pcassign");
    ck_assert_int_eq(g_mkdir(directory, 0700), 0);
    static const mode_t modes[] = {0755, 0770, 0701, 01700, 0500};
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        ck_assert_int_eq(g_chmod(directory, modes[i]), 0);
        ck_assert_int_eq(kernel.ops->open_node(&kernel, NULL_NUMBER, NULL), -EPERM);
    }
    if (geteuid() == 0) {
        ck_assert_int_eq(g_chmod(directory, 0700), 0);
        ck_assert_int_eq(chown(directory, 65534, 65534), 0);
        ck_assert_int_eq(kernel.ops->open_node(&kernel, NULL_NUMBER, NULL), -EPERM);
    }
    ck_assert_int_eq(g_rmdir(directory), 0);
    make_link("dev/pcassign", "/tmp");
    ck_assert_int_eq(kernel.ops->open_node(&kernel, NULL_NUMBER, NULL), -ENOTDIR);
}
END_TEST

START_TEST(workers_do_not_take_each_others_nodes) {
    if (without_nodes())
        return;
    pid_t children[4];
    for (gsize i = 0; i < G_N_ELEMENTS(children); i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        for (int k = 0; k < 200; k++) {
            int fd = kernel.ops->open_node(&kernel, makedev(1, k % 2 ? 3 : 5), NULL);
            if (fd < 0)
                _exit(1);
            close(fd);
        }
        _exit(0);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(children); i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
    assert_directory_empty();
}
END_TEST

START_TEST(group_is_a_device_node) {
    make("dev/vfio/7", "");
    ck_assert_int_eq(kernel.ops->open_group(&kernel, 7), -ENOTTY);
    ck_assert_int_eq(kernel.ops->open_group(&kernel, 8), -ENOENT);
    ck_assert_int_eq(kernel.ops->open_group(&kernel, -1), -EINVAL);
    make_link("dev/vfio/9", "/dev/null");
    ck_assert_int_eq(kernel.ops->open_group(&kernel, 9), -ELOOP);
    g_autofree char *node = path_of("dev/vfio/10");
    if (without_nodes())
        return;
    ck_assert_int_eq(mknod(node, S_IFCHR | 0600, NULL_NUMBER), 0);
    PCA_AUTO_FD fd = kernel.ops->open_group(&kernel, 10);
    ck_assert_int_ge(fd, 0);
}
END_TEST

/* ---- Owners of group nodes ---- */

static const struct {
    const char *text;
    gboolean good;
    PcaOwner owner;
} owners[] = {
    {"0:0:0600", TRUE, {0, 0, 0600, ""}},
    {"1000:107:0660", TRUE, {1000, 107, 0660, ""}},
    {"1:2:4755", TRUE, {1, 2, 04755, ""}},
    {"4294967294:0:0", TRUE, {4294967294, 0, 0, ""}},
    {"4294967295:0:0600", FALSE, {0}},
    {"0:4294967295:0600", FALSE, {0}},
    {"0:0:0680", FALSE, {0}},
    {"0:0:10000", FALSE, {0}},
    {"0:0", FALSE, {0}},
    {"0:0:0600:", FALSE, {0}},
    {"0:107:0660:system_u:object_r:a_t:s0:c1,c2",
     TRUE,
     {0, 107, 0660, "system_u:object_r:a_t:s0:c1,c2"}},
    {"0:0:0600:a b", FALSE, {0}},
    {"-1:0:0600", FALSE, {0}},
    {"", FALSE, {0}},
};

START_TEST(owner_is_read_back) {
    PcaOwner owner = {0};
    ck_assert_int_eq(pca_owner_parse(owners[_i].text, &owner), owners[_i].good);
    ck_assert(!owners[_i].good || pca_owner_equal(&owner, &owners[_i].owner));
    g_autofree char *text = pca_owner_format(&owner);
    PcaOwner again;
    ck_assert(!owners[_i].good || pca_owner_parse(text, &again));
    ck_assert(!owners[_i].good || g_str_equal(again.label, owners[_i].owner.label));
}
END_TEST

START_TEST(labels_that_do_not_fit_are_none) {
    char text[PCA_LABEL_SIZE + 1] = "";
    PcaOwner owner = PCA_OWNER_ROOT;
    memset(text, 'x', PCA_LABEL_SIZE);
    ck_assert(!pca_owner_set_label(&owner, text));
    text[PCA_LABEL_SIZE - 1] = '\0';
    ck_assert(pca_owner_set_label(&owner, text));
    ck_assert_str_eq(owner.label, text);
    ck_assert(!pca_owner_set_label(&owner, "a\nb"));
    ck_assert(pca_owner_set_label(&owner, NULL));
    ck_assert_str_eq(owner.label, "");
}
END_TEST

/* One that says nothing of a label agrees with any. */
START_TEST(labels_count_where_both_have_one) {
    PcaOwner a = PCA_OWNER_ROOT, b = PCA_OWNER_ROOT;
    ck_assert(pca_owner_set_label(&a, "u:r:a_t"));
    ck_assert(pca_owner_equal(&a, &b) && pca_owner_equal(&b, &a));
    ck_assert(pca_owner_set_label(&b, "u:r:b_t"));
    ck_assert(!pca_owner_equal(&a, &b));
}
END_TEST

static void make_group(const char *number) {
    g_autofree char *node = path_of("dev/vfio/7");
    make("sys/class/vfio/7/dev", number);
    make("dev/vfio/file", "");
    if (!g_file_test(node, G_FILE_TEST_EXISTS))
        ck_assert_int_eq(mknod(node, S_IFCHR | 0600, NULL_NUMBER), 0);
}

START_TEST(owner_goes_round) {
    static const char *const steps[] = {"1000:0:0600", "1000:0:0600", "1001:107:0660", "0:107:0640",
                                        "5:6:0777",    "5:6:0600",    "1000:107:0000", "0:0:0600"};
    if (without_nodes() || geteuid() != 0)
        return;
    make_group("1:3\n");
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        PcaOwner owner, found;
        ck_assert(pca_owner_parse(steps[i], &owner));
        ck_assert_int_eq(kernel.ops->write_owner(&kernel, 7, &owner), 0);
        ck_assert_int_eq(kernel.ops->read_owner(&kernel, 7, &found), 0);
        g_autofree char *text = pca_owner_format(&found);
        ck_assert_str_eq(text, steps[i]);
    }
}
END_TEST

static void assert_no_node(int expected) {
    PcaOwner owner = {0, 0, 0644, ""};
    ck_assert_int_eq(kernel.ops->write_owner(&kernel, 7, &owner), expected);
    ck_assert_int_eq(kernel.ops->read_owner(&kernel, 7, &owner), expected);
}

START_TEST(owner_is_of_the_device_node_alone) {
    struct stat status;
    g_autofree char *node = path_of("dev/vfio/7");
    g_autofree char *file = path_of("dev/vfio/file");
    assert_no_node(-ENOENT);
    if (without_nodes())
        return;
    make_group("1:5\n");
    assert_no_node(-ENOTTY);
    make_group("1:3\n");
    ck_assert_int_eq(g_unlink(node), 0);
    assert_no_node(-ENOENT);
    ck_assert_int_eq(symlink("file", node), 0);
    ck_assert_int_eq(g_chmod(file, 0600), 0);
    assert_no_node(-ENOTTY);
    ck_assert_int_eq(stat(file, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
}
END_TEST

/* ---- Disks ---- */

/* That a disk is free or taken is seen in tests/vm/guard.test. */
START_TEST(what_is_no_disk_is_not_free) {
    ck_assert_int_eq(kernel.ops->hold_disk(&kernel, makedev(8, 0)), -ENOENT);
    make_link("sys/dev/block/8:0", "../../devices/pci0000:00/0000:00:01.0/block/sda");
    ck_assert_int_eq(kernel.ops->hold_disk(&kernel, makedev(8, 0)), -ENOENT);
    make("dev/sda", "");
    ck_assert_int_eq(kernel.ops->hold_disk(&kernel, makedev(8, 0)), -ENXIO);
    make_link("sys/dev/block/8:1", "../../devices/pci0000:00/0000:00:01.0/block/cciss!c0d0");
    make("dev/cciss/c0d0", "");
    ck_assert_int_eq(kernel.ops->hold_disk(&kernel, makedev(8, 1)), -ENXIO);
}
END_TEST

void add_kernel_nodes(Suite *suite) {
    ADD_CASE(suite, "nodes", node_opens_and_leaves_nothing, stale_nodes_go,
             foreign_directory_is_refused, workers_do_not_take_each_others_nodes,
             group_is_a_device_node);
    ADD_CASE(suite, "owners", owner_goes_round, owner_is_of_the_device_node_alone,
             labels_that_do_not_fit_are_none, labels_count_where_both_have_one);
    PCA_TABLE(suite, "owner texts", owner_is_read_back, owners);
    ADD_CASE(suite, "disks", what_is_no_disk_is_not_free);
}
