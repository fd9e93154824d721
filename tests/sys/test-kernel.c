/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the running kernel's operations as far as they can be tried on any machine: on plain
 * files, on nodes of /dev/null and on processes of our own. The rest is tests/vm/kernel-contract.
 * Thread: main. Ownership: the fixture owns its directory.
 */
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/fds.h"
#include "sys/kernel.h"

static char *top; /* holds sys and dev; proc is the machine's */
static PcaRoot *root;
static PcaKernel kernel;

static char *path_of(const char *name) {
    return g_build_filename(top, name, NULL);
}

static void make(const char *name, const char *text) {
    g_autofree char *path = path_of(name);
    g_autofree char *parent = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(parent, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void make_link(const char *name, const char *target) {
    g_autofree char *path = path_of(name);
    g_autofree char *parent = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(parent, 0755), 0);
    ck_assert_int_eq(symlink(target, path), 0);
}

static int open_directory(const char *name) {
    g_autofree char *path = path_of(name);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

#define assert_text(name, expected)                                                                \
    do {                                                                                           \
        g_autofree char *text = pca_read_text(top, name, NULL);                                    \
        ck_assert_pstr_eq(text, expected);                                                         \
    } while (0)

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

/* ---- Directories ---- */

START_TEST(function_opens_through_its_link) {
    PCA_AUTO_FD fd = pca_open_function(root, "0000:00:01.0");
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(faccessat(fd, "reset", F_OK, 0), 0);
    PCA_AUTO_FD bus = pca_open_pci_bus(root);
    ck_assert_int_eq(faccessat(bus, "devices", F_OK, 0), 0);
}
END_TEST

START_TEST(function_names_are_addresses) {
    static const char *const wrong[] = {"",  "..",   "../../../kernel", "0000:00:01.0/..",
                                        "/", "vfio", "0000:00:01.0 ",   "0000:00:01.8"};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
        ck_assert_int_eq(pca_open_function(root, wrong[i]), -EINVAL);
    ck_assert_int_eq(pca_open_function(root, "0000:00:02.0"), -ENOENT);
}
END_TEST

START_TEST(function_stays_below_sysfs) {
    make("outside/reset", "");
    make_link("sys/bus/pci/devices/0000:00:03.0", "../../../../outside");
    make_link("sys/bus/pci/devices/0000:00:04.0", "/dev");
    ck_assert_int_eq(pca_open_function(root, "0000:00:03.0"), -EXDEV);
    ck_assert_int_eq(pca_open_function(root, "0000:00:04.0"), -EXDEV);
}
END_TEST

static const struct {
    const char *text;
    unsigned major_number, minor_number;
} numbers[] = {{"10:126\n", 10, 126}, {"511:1048575", 511, 1048575}, {"1:3\n", 1, 3}};

START_TEST(device_number) {
    make("sys/class/misc/x/dev", numbers[_i].text);
    ck_assert_uint_eq(pca_read_device_number(root, "class/misc/x/dev"),
                      makedev(numbers[_i].major_number, numbers[_i].minor_number));
}
END_TEST

static const char *const no_numbers[] = {"",      "10",      "10:",        "10:126:1",     "a:1",
                                         " 10:1", "4096:0",  "1:1048576",  "-1:3",         "10:+6",
                                         "0x1:3", "10:126 ", "10:126\n\n", "1:99999999999"};

START_TEST(no_device_number) {
    make("sys/class/misc/x/dev", no_numbers[_i]);
    ck_assert_uint_eq(pca_read_device_number(root, "class/misc/x/dev"), 0);
    ck_assert_uint_eq(pca_read_device_number(root, "class/misc/y/dev"), 0);
}
END_TEST

/* ---- Attributes ---- */

static int write_name(const char *directory, const char *name, const char *value) {
    PCA_AUTO_FD fd = open_directory(directory);
    return kernel.ops->write_attribute(&kernel, fd, name, value);
}

START_TEST(attribute_is_written_whole) {
    make_link("sys/bus/pci/driver", "drivers/x");
    make("sys/bus/pci/drivers/x/unbind", "");
    ck_assert_int_eq(write_name("sys/bus/pci", "driver/unbind", "0000:00:01.0"), 0);
    assert_text("sys/bus/pci/drivers/x/unbind", "0000:00:01.0");
    ck_assert_int_eq(write_name("sys/bus/pci/devices/0000:00:01.0", "reset", "\n"), 0);
    assert_text("sys/devices/pci0000:00/0000:00:01.0/reset", "");
}
END_TEST

START_TEST(attribute_names_stay_inside) {
    static const char *const wrong[] = {
        "", "/etc/hostname", "../pci/uevent", "drivers/../uevent", "./uevent", "drivers//x", "."};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
        ck_assert_int_eq(write_name("sys/bus/pci", wrong[i], "1"), -EINVAL);
    ck_assert_int_eq(write_name("sys/bus/pci", "uevent", ""), -EINVAL);
}
END_TEST

START_TEST(some_attributes_are_never_written) {
    static const char *const never[] = {"new_id", "remove_id", "bind",
                                        "remove", "rescan",    "sriov_numvfs"};
    for (gsize i = 0; i < G_N_ELEMENTS(never); i++) {
        g_autofree char *plain = g_strdup_printf("sys/bus/pci/%s", never[i]);
        g_autofree char *below = g_strdup_printf("drivers/%s", never[i]);
        g_autofree char *path = g_strdup_printf("sys/bus/pci/%s", below);
        make(plain, "as it was");
        make(path, "as it was");
        ck_assert_int_eq(write_name("sys/bus/pci", never[i], "1"), -EPERM);
        ck_assert_int_eq(write_name("sys/bus/pci", below, "1"), -EPERM);
        assert_text(plain, "as it was");
        assert_text(path, "as it was");
    }
}
END_TEST

START_TEST(attribute_that_is_a_link_is_refused) {
    make("outside", "as it was");
    make_link("sys/bus/pci/link", "../../../outside");
    ck_assert_int_eq(write_name("sys/bus/pci", "link", "1"), -ELOOP);
    assert_text("outside", "as it was");
}
END_TEST

START_TEST(missing_attribute_or_device) {
    ck_assert_int_eq(write_name("sys/bus/pci", "nothing", "1"), -ENOENT);
    g_autofree char *path = path_of("sys/gone");
    ck_assert_int_eq(g_mkdir(path, 0755), 0);
    PCA_AUTO_FD fd = open_directory("sys/gone");
    ck_assert_int_eq(g_rmdir(path), 0);
    ck_assert_int_eq(kernel.ops->write_attribute(&kernel, fd, "reset", "1"), -ENODEV);
    ck_assert_int_eq(kernel.ops->write_config16(&kernel, fd, 4, 0), -ENODEV);
    ck_assert_int_eq(kernel.ops->write_attribute(&kernel, -1, "reset", "1"), -EBADF);
}
END_TEST

START_TEST(write_errors_come_through) {
    PCA_AUTO_FD dev = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(kernel.ops->write_attribute(&kernel, dev, "full", "1"), -ENOSPC);
}
END_TEST

START_TEST(short_write_is_an_error) {
    struct rlimit limit = {4, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    int set = setrlimit(RLIMIT_FSIZE, &limit);
    int result = write_name("sys/bus/pci/devices/0000:00:01.0", "reset", "0000:00:01.0");
    limit.rlim_cur = RLIM_INFINITY;
    int unset = setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(set == 0 && unset == 0);
    ck_assert_int_eq(result, -EIO);
}
END_TEST

START_TEST(config_is_little_endian) {
    make("sys/bus/pci/config", "01234567");
    PCA_AUTO_FD fd = open_directory("sys/bus/pci");
    ck_assert_int_eq(kernel.ops->write_config16(&kernel, fd, 4, 0x4241), 0);
    assert_text("sys/bus/pci/config", "0123AB67");
    ck_assert_int_eq(kernel.ops->write_config16(&kernel, fd, 3, 0), -EINVAL);
    ck_assert_int_eq(kernel.ops->write_config16(&kernel, fd, 4096, 0), -EINVAL);
    assert_text("sys/bus/pci/config", "0123AB67");
}
END_TEST

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
    ck_assert_int_eq(kernel.ops->ask_disk(&kernel, makedev(8, 0)), -ENOENT);
    make_link("sys/dev/block/8:0", "../../devices/pci0000:00/0000:00:01.0/block/sda");
    ck_assert_int_eq(kernel.ops->ask_disk(&kernel, makedev(8, 0)), -ENOENT);
    make("dev/sda", "");
    ck_assert_int_eq(kernel.ops->ask_disk(&kernel, makedev(8, 0)), -ENXIO);
    make_link("sys/dev/block/8:1", "../../devices/pci0000:00/0000:00:01.0/block/cciss!c0d0");
    make("dev/cciss/c0d0", "");
    ck_assert_int_eq(kernel.ops->ask_disk(&kernel, makedev(8, 1)), -ENXIO);
}
END_TEST

/* ---- Locked memory ---- */

/* A child whose soft limit is 4 KiB below a hard limit of its own. */
static pid_t start_limited(int *pidfd, rlim_t *hard) {
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    *hard = MIN(limit.rlim_max, 65536);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        while (TRUE)
            pause();
    limit = (struct rlimit){*hard - 4096, *hard};
    ck_assert_int_eq(prlimit(pid, RLIMIT_MEMLOCK, &limit, NULL), 0);
    *pidfd = pidfd_open(pid, 0);
    ck_assert_int_ge(*pidfd, 0);
    return pid;
}

START_TEST(memlock_only_rises) {
    PCA_AUTO_FD pidfd = -1;
    rlim_t hard;
    struct rlimit limit;
    pid_t pid = start_limited(&pidfd, &hard);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, pidfd, 1), 0);
    ck_assert_int_eq(prlimit(pid, RLIMIT_MEMLOCK, NULL, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, hard - 4096);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, pidfd, hard), 0);
    ck_assert_int_eq(prlimit(pid, RLIMIT_MEMLOCK, NULL, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, hard);
    ck_assert_uint_eq(limit.rlim_max, hard);
    int more = kernel.ops->raise_memlock(&kernel, pidfd, hard + 1);
    ck_assert(more == 0 || more == -EPERM); /* by our privileges */
    kill(pid, SIGKILL);
    siginfo_t ended;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, pidfd, hard), -ESRCH);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, pidfd, hard), -ESRCH);
}
END_TEST

START_TEST(memlock_wants_a_pidfd) {
    PCA_AUTO_FD fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, fd, 4096), -EBADF);
    ck_assert_int_eq(kernel.ops->raise_memlock(&kernel, -1, 4096), -EBADF);
    ck_assert_int_eq(kernel.ops->set_rlimit_mode(&kernel, fd), -ENOTTY);
    ck_assert_int_eq(kernel.ops->set_rlimit_mode(&kernel, -1), -EBADF);
}
END_TEST

/* ---- Side by side ---- */

#define TOGETHER 3
#define PATIENCE 20 /* seconds for what ends at once, unless it never does */

/* Each waits for all others, so that one after the other would never end; the second fails. */
static gboolean meet(gpointer data, guint index, GError **error) {
    const int *ends = data;
    struct pollfd pollers[TOGETHER];
    if (write(ends[2 * index + 1], "", 1) != 1)
        return FALSE;
    for (guint i = 0; i < TOGETHER; i++)
        pollers[i] = (struct pollfd){.fd = ends[2 * i], .events = POLLIN};
    for (guint i = 0; i < TOGETHER; i++)
        if (poll(&pollers[i], 1, PATIENCE * 1000) != 1) {
            g_set_error(error, PCA_ERROR, PCA_ERROR_TIMED_OUT, "%u did not come", i);
            return FALSE;
        }
    if (index != 1)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY, "the second one");
    return FALSE;
}

static guint count_own_fds(void) {
    g_auto(GStrv) names = pca_read_directory("/proc/self/fd");
    return g_strv_length(names);
}

static void assert_meeting(void) {
    int ends[2 * TOGETHER];
    GError *errors[TOGETHER] = {NULL};
    for (guint i = 0; i < TOGETHER; i++)
        ck_assert_int_eq(pipe2(&ends[2 * i], O_CLOEXEC), 0);
    guint fds = count_own_fds();
    kernel.ops->side_by_side(&kernel, meet, ends, TOGETHER, errors);
    ck_assert_uint_eq(count_own_fds(), fds);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_ptr_null(errors[0]);
    ck_assert(g_error_matches(errors[1], PCA_ERROR, PCA_ERROR_BUSY));
    ck_assert_str_eq(errors[1]->message, "the second one");
    ck_assert_ptr_null(errors[2]);
    g_clear_error(&errors[1]);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
        close(ends[i]);
}

START_TEST(all_are_at_work_at_the_same_time) {
    assert_meeting();
    /* As in the worker. */
    signal(SIGCHLD, SIG_IGN);
    assert_meeting();
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

static gboolean die_in_a_child(gpointer data, guint index, GError **error) {
    const pid_t *caller = data;
    if (getpid() != *caller)
        kill(getpid(), SIGKILL);
    g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED, "by the caller: %u", index);
    return FALSE;
}

/* With so many descriptors at most. */
static void assert_done_by_the_caller(rlim_t descriptors) {
    GError *errors[TOGETHER] = {NULL};
    pid_t self = getpid();
    struct rlimit limit, before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = (struct rlimit){MIN(before.rlim_cur, descriptors), before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    pca_side_by_side(die_in_a_child, &self, TOGETHER, errors);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (guint i = 0; i < TOGETHER; i++) {
        g_autofree char *expected = g_strdup_printf("by the caller: %u", i);
        ck_assert(g_error_matches(errors[i], PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED));
        ck_assert_str_eq(errors[i]->message, expected);
        g_clear_error(&errors[i]);
    }
}

START_TEST(what_a_child_died_over_the_caller_does) {
    assert_done_by_the_caller(RLIM_INFINITY);
}
END_TEST

START_TEST(without_children_the_caller_does_it_all) {
    assert_done_by_the_caller(0);
}
END_TEST

/* Holds a lock of the caller's, as long as it lives. */
static gboolean sleep_on(gpointer data, guint index, GError **error) {
    const int *told = data;
    if (write(*told, "", 1) == 1)
        sleep(PATIENCE);
    return TRUE;
}

START_TEST(children_die_with_the_caller_who_keeps_a_lock_until_then) {
    g_autofree char *path = path_of("lock");
    int ends[2], told = 0;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    PCA_AUTO_FD reader = ends[0], writer = ends[1];
    pid_t caller = fork();
    if (caller == 0) {
        GError *errors[TOGETHER] = {NULL};
        PCA_AUTO_FD lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        flock(lock, LOCK_EX);
        pca_side_by_side(sleep_on, &writer, TOGETHER, errors);
        _exit(0);
    }
    char byte;
    while (told < TOGETHER && read(reader, &byte, 1) == 1)
        told++;
    PCA_AUTO_FD lock = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(lock, 0);
    ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), -1);
    kill(caller, SIGKILL);
    ck_assert_int_eq(waitpid(caller, NULL, 0), caller);
    pca_fd_close(&writer);
    /* Once the last child has gone, which had the writing end. */
    struct pollfd poller = {.fd = reader, .events = POLLIN};
    ck_assert_int_eq(poll(&poller, 1, PATIENCE * 1000 / 2), 1);
    ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
}
END_TEST

static void add_case(Suite *suite, const char *name, const TTest *const tests[], gsize n) {
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (gsize i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

static void add_numbers(Suite *suite) {
    TCase *tcase = tcase_create("numbers");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, device_number, 0, G_N_ELEMENTS(numbers));
    tcase_add_loop_test(tcase, no_device_number, 0, G_N_ELEMENTS(no_numbers));
    suite_add_tcase(suite, tcase);
}

#define ADD_CASE(suite, name, ...)                                                                 \
    do {                                                                                           \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        add_case(suite, name, tests, G_N_ELEMENTS(tests));                                         \
    } while (0)

Suite *pca_suite(void) {
    Suite *suite = suite_create("kernel");
    ADD_CASE(suite, "directories", function_opens_through_its_link, function_names_are_addresses,
             function_stays_below_sysfs);
    add_numbers(suite);
    ADD_CASE(suite, "attributes", attribute_is_written_whole, attribute_names_stay_inside,
             some_attributes_are_never_written, attribute_that_is_a_link_is_refused,
             missing_attribute_or_device, write_errors_come_through, short_write_is_an_error,
             config_is_little_endian);
    ADD_CASE(suite, "nodes", node_opens_and_leaves_nothing, stale_nodes_go,
             foreign_directory_is_refused, workers_do_not_take_each_others_nodes,
             group_is_a_device_node);
    ADD_CASE(suite, "owners", owner_goes_round, owner_is_of_the_device_node_alone,
             labels_that_do_not_fit_are_none, labels_count_where_both_have_one);
    PCA_TABLE(suite, "owner texts", owner_is_read_back, owners);
    ADD_CASE(suite, "memlock", memlock_only_rises, what_is_no_disk_is_not_free,
             memlock_wants_a_pidfd);
    ADD_CASE(suite, "side by side", all_are_at_work_at_the_same_time,
             what_a_child_died_over_the_caller_does, without_children_the_caller_does_it_all,
             children_die_with_the_caller_who_keeps_a_lock_until_then);
    return suite;
}
