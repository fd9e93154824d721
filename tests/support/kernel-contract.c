/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the contract of sys/kernel.h.
 * Thread: main. Ownership: descriptors that a test opens on nodes are held in a list, so that a
 * test that fails midway leaves none open: on the running kernel one would block the unbind.
 */
#include "support/kernel-contract.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <sys/wait.h>

#include "base/fds.h"

#define VFIO "vfio-pci"
#define COMMAND 0x04
#define COMMAND_BUS_MASTER 0x0004
#define NODE_WAIT 10000 /* microseconds */
#define NODE_WAITS 500  /* of them: 5 s */
#define NO_DRIVER "pcassign-no-such-driver"
#define NO_FUNCTION "0000:ff:1f.7"

static PcaSubject subject;
static void (*prepare_subject)(PcaSubject *subject);
static void (*finish_subject)(PcaSubject *subject);
static GArray *held;
static int function_fd = -1, bus_fd = -1;

static int hold(int fd) {
    if (fd >= 0)
        g_array_append_val(held, fd);
    return fd;
}

static void close_held(void) {
    for (guint i = 0; i < held->len; i++)
        close(g_array_index(held, int, i));
    g_array_set_size(held, 0);
}

/* ---- Short names for what the tests do ---- */

static int write_function(const char *name, const char *value) {
    return subject.kernel->ops->write_attribute(subject.kernel, function_fd, name, value);
}

static int write_bus(const char *name, const char *value) {
    return subject.kernel->ops->write_attribute(subject.kernel, bus_fd, name, value);
}

static char *function_path(void) {
    return g_build_filename(subject.kernel->root->sysfs, "bus/pci/devices", subject.address, NULL);
}

static char *driver(void) {
    g_autofree char *path = function_path();
    return pca_read_link_name(path, "driver");
}

static char * override(void) {
    g_autofree char *path = function_path();
    return pca_read_text(path, "driver_override", NULL);
}

#define assert_driver(expected)                                                                    \
    do {                                                                                           \
        g_autofree char *found = driver();                                                         \
        ck_assert_pstr_eq(found, expected);                                                        \
    } while (0)

#define assert_override(expected)                                                                  \
    do {                                                                                           \
        g_autofree char *found = override();                                                       \
        ck_assert_pstr_eq(found, expected);                                                        \
    } while (0)

static void to_vfio(void) {
    ck_assert_int_eq(write_function("driver_override", VFIO), 0);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    ck_assert_int_eq(write_bus("drivers_probe", subject.address), 0);
    assert_driver(VFIO);
}

/* Also the way back after a failure: FALSE when there is none. */
static gboolean to_host(void) {
    write_function("driver_override", "\n");
    g_autofree char *bound = driver();
    if (bound && !g_str_equal(bound, subject.host_driver))
        write_function("driver/unbind", subject.address);
    write_bus("drivers_probe", subject.address);
    g_autofree char *now = driver();
    return g_strcmp0(now, subject.host_driver) == 0;
}

static int group(void) {
    g_autofree char *path = function_path();
    g_autofree char *name = pca_read_link_name(path, "iommu_group");
    ck_assert_ptr_nonnull(name);
    return atoi(name);
}

static dev_t iommu_number(void) {
    return pca_read_device_number(subject.kernel->root, "class/misc/iommu/dev");
}

/* TRUE, said aloud, on a kernel without CONFIG_IOMMUFD. */
static gboolean without_cdev(void) {
    if (iommu_number() != 0)
        return FALSE;
    printf("skipped: this kernel has no /dev/iommu and no VFIO cdevs\n");
    return TRUE;
}

/* The number of the function's cdev once it appears; 0 when it does not. */
static dev_t wait_for_cdev(void) {
    g_autofree char *path = function_path();
    g_autofree char *parent = g_build_filename(path, "vfio-dev", NULL);
    for (int i = 0; i < NODE_WAITS; i++) {
        g_auto(GStrv) names = pca_read_directory(parent);
        g_autofree char *file = g_strdup_printf("bus/pci/devices/%s/vfio-dev/%s/dev",
                                                subject.address, names[0] ? names[0] : "");
        dev_t number = names[0] ? pca_read_device_number(subject.kernel->root, file) : 0;
        if (number != 0)
            return number;
        subject.kernel->ops->sleep(subject.kernel, NODE_WAIT);
    }
    return 0;
}

static int open_group(void) {
    return hold(subject.kernel->ops->open_group(subject.kernel, group()));
}

static int open_node(dev_t number) {
    return hold(subject.kernel->ops->open_node(subject.kernel, number, NULL));
}

static guint16 read_command(void) {
    guint16 little = 0;
    PCA_AUTO_FD fd = openat(function_fd, "config", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &little, sizeof little, COMMAND), sizeof little);
    return GUINT16_FROM_LE(little);
}

static void assert_fresh_node(int fd, dev_t number) {
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    g_autofree char *private = g_build_filename(subject.kernel->root->dev, "pcassign", NULL);
    g_auto(GStrv) left = pca_read_directory(private);
    ck_assert_pstr_eq(left[0], NULL);
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    if (subject.stand_ins)
        return;
    ck_assert(S_ISCHR(status.st_mode));
    ck_assert_uint_eq(status.st_rdev, number);
    ck_assert_uint_eq(status.st_nlink, 0);
}

/* ---- Binding ---- */

START_TEST(binds_vfio_by_override) {
    to_vfio();
    assert_override(VFIO);
}
END_TEST

static void assert_control(const char *expected) {
    g_autofree char *path = function_path();
    g_autofree char *control = pca_read_text(path, "power/control", NULL);
    ck_assert_pstr_eq(control, expected);
}

/* So it is held after the bind, and put back after the unbind. */
START_TEST(vfio_lets_it_sleep_while_it_is_bound) {
    to_vfio();
    assert_control("auto");
    ck_assert_int_eq(write_function("power/control", "on"), 0);
    ck_assert_int_eq(write_function("d3cold_allowed", "0"), 0);
    assert_control("on");
    ck_assert_int_eq(write_function("power/control", "auto"), 0);
    ck_assert_int_eq(write_function("d3cold_allowed", "1"), 0);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    assert_control("on");
}
END_TEST

START_TEST(unbind_leaves_no_driver) {
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    assert_driver(NULL);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), -ENOENT);
}
END_TEST

START_TEST(unbind_through_the_driver) {
    g_autofree char *own = g_strdup_printf("drivers/%s/unbind", subject.host_driver);
    ck_assert_int_eq(write_bus("drivers/" VFIO "/unbind", subject.address), -ENODEV);
    assert_driver(subject.host_driver);
    ck_assert_int_eq(write_bus(own, subject.address), 0);
    assert_driver(NULL);
}
END_TEST

START_TEST(newline_clears_the_override) {
    ck_assert_int_eq(write_function("driver_override", VFIO), 0);
    assert_override(VFIO);
    ck_assert_int_eq(write_function("driver_override", ""), -EINVAL);
    assert_override(VFIO);
    ck_assert_int_eq(write_function("driver_override", "\n"), 0);
    assert_override("(null)");
}
END_TEST

START_TEST(probe_succeeds_though_nobody_takes_it) {
    ck_assert_int_eq(write_function("driver_override", NO_DRIVER), 0);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    ck_assert_int_eq(write_bus("drivers_probe", subject.address), 0);
    assert_driver(NULL);
}
END_TEST

START_TEST(probe_leaves_a_bound_function_alone) {
    ck_assert_int_eq(write_function("driver_override", VFIO), 0);
    ck_assert_int_eq(write_bus("drivers_probe", subject.address), 0);
    assert_driver(subject.host_driver);
}
END_TEST

START_TEST(probe_of_no_function) {
    ck_assert_int_eq(write_bus("drivers_probe", NO_FUNCTION), -ENODEV);
    ck_assert_int_eq(pca_open_function(subject.kernel->root, NO_FUNCTION), -ENOENT);
}
END_TEST

START_TEST(no_such_attribute) {
    ck_assert_int_eq(write_function("pcassign_no_such_attribute", "1"), -ENOENT);
    ck_assert_int_eq(write_bus("drivers/" NO_DRIVER "/unbind", subject.address), -ENOENT);
}
END_TEST

START_TEST(returns_to_the_host_driver) {
    to_vfio();
    ck_assert_int_eq(write_function("driver_override", "\n"), 0);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    ck_assert_int_eq(write_bus("drivers_probe", subject.address), 0);
    assert_driver(subject.host_driver);
    assert_override("(null)");
}
END_TEST

/* ---- Nodes ---- */

START_TEST(cdev_appears_and_opens) {
    if (without_cdev())
        return;
    to_vfio();
    dev_t number = wait_for_cdev();
    ck_assert_uint_ne(number, 0);
    assert_fresh_node(open_node(number), number);
    /* More than one may have it open: opening says nothing about its being free. */
    assert_fresh_node(open_node(number), number);
}
END_TEST

START_TEST(cdev_goes_with_the_driver) {
    if (without_cdev())
        return;
    to_vfio();
    dev_t number = wait_for_cdev();
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    ck_assert_int_eq(open_node(number), -ENXIO);
    g_autofree char *path = function_path();
    g_autofree char *parent = g_build_filename(path, "vfio-dev", NULL);
    g_auto(GStrv) left = pca_read_directory(parent);
    ck_assert_pstr_eq(left[0], NULL);
}
END_TEST

START_TEST(group_node_has_a_number) {
    to_vfio();
    g_autofree char *file = g_strdup_printf("class/vfio/%d/dev", group());
    dev_t number = pca_read_device_number(subject.kernel->root, file);
    ck_assert_uint_ne(number, 0);
    assert_fresh_node(open_node(number), number);
    ck_assert_int_eq(open_group(), -EBUSY);
}
END_TEST

START_TEST(group_is_busy_while_open) {
    ck_assert_int_eq(open_group(), -ENOENT);
    to_vfio();
    ck_assert_int_ge(open_group(), 0);
    ck_assert_int_eq(open_group(), -EBUSY);
    close_held();
    ck_assert_int_ge(open_group(), 0);
}
END_TEST

START_TEST(open_group_does_not_block_unbind) {
    to_vfio();
    ck_assert_int_ge(open_group(), 0);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    assert_driver(NULL);
    /* The old descriptor is dead, and in nobody's way. */
    ck_assert_int_eq(write_bus("drivers_probe", subject.address), 0);
    assert_driver(VFIO);
    ck_assert_int_ge(open_group(), 0);
}
END_TEST

#define assert_owner(expected)                                                                     \
    do {                                                                                           \
        PcaOwner now;                                                                              \
        ck_assert_int_eq(subject.kernel->ops->read_owner(subject.kernel, group(), &now), 0);       \
        g_autofree char *found = pca_owner_format(&now);                                           \
        ck_assert_str_eq(found, expected);                                                         \
    } while (0)

static int write_owner(uid_t uid, gid_t gid, mode_t mode) {
    const PcaOwner owner = {uid, gid, mode, ""};
    return subject.kernel->ops->write_owner(subject.kernel, group(), &owner);
}

START_TEST(group_node_changes_hands) {
    to_vfio();
    assert_owner("0:0:0600");
    ck_assert_int_eq(write_owner(1000, 0, 0600), 0);
    assert_owner("1000:0:0600");
    ck_assert_int_eq(write_owner(1000, 0, 0600), 0);
    ck_assert_int_eq(write_owner(1001, 100, 0660), 0);
    assert_owner("1001:100:0660");
    ck_assert_int_eq(write_owner(0, 100, 0640), 0);
    assert_owner("0:100:0640");
    ck_assert_int_eq(write_owner(0, 0, 0600), 0);
    assert_owner("0:0:0600");
}
END_TEST

START_TEST(group_node_is_made_anew_with_the_driver) {
    PcaOwner owner;
    ck_assert_int_eq(subject.kernel->ops->read_owner(subject.kernel, group(), &owner), -ENOENT);
    ck_assert_int_eq(write_owner(1000, 0, 0600), -ENOENT);
    to_vfio();
    ck_assert_int_eq(write_owner(1000, 100, 0660), 0);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    ck_assert_int_eq(write_owner(1000, 0, 0600), -ENOENT);
    ck_assert_int_eq(write_bus("drivers_probe", subject.address), 0);
    assert_owner("0:0:0600");
}
END_TEST

static int write_file_owner(const char *name, uid_t uid, gid_t gid, mode_t mode) {
    const PcaOwner owner = {uid, gid, mode, ""};
    PCA_AUTO_FD fd = pca_open_function(subject.kernel->root, subject.address);
    return subject.kernel->ops->write_file_owner(subject.kernel, fd, name, &owner);
}

static int read_file_owner(const char *name, PcaOwner *owner) {
    PCA_AUTO_FD fd = pca_open_function(subject.kernel->root, subject.address);
    return subject.kernel->ops->read_file_owner(subject.kernel, fd, name, owner);
}

static void assert_config(const char *expected) {
    PcaOwner now;
    ck_assert_int_eq(read_file_owner("config", &now), 0);
    g_autofree char *found = pca_owner_format(&now);
    ck_assert_str_eq(found, expected);
}

/* Also over a binding, which makes none of the function's own files anew. */
START_TEST(files_change_hands) {
    PcaOwner found;
    ck_assert_int_eq(read_file_owner("config", &found), 0);
    ck_assert_int_eq(write_file_owner("config", 1000, found.gid, 0644), 0);
    to_vfio();
    ck_assert_int_eq(write_file_owner("config", 1001, 100, 0660), 0);
    assert_config("1001:100:0660");
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    assert_config("1001:100:0660");
    ck_assert_int_eq(write_file_owner("config", found.uid, found.gid, found.mode), 0);
    g_autofree char *before = pca_owner_format(&found);
    assert_config(before);
}
END_TEST

START_TEST(no_file_but_the_functions_own) {
    PcaOwner owner;
    ck_assert_int_eq(read_file_owner("nothing", &owner), -ENOENT);
    ck_assert_int_eq(read_file_owner("../config", &owner), -EINVAL);
    ck_assert_int_eq(read_file_owner("iommu_group", &owner), -ENOTTY);
    ck_assert_int_eq(write_file_owner("nothing", 1000, 0, 0600), -ENOENT);
    ck_assert_int_eq(write_file_owner(".", 1000, 0, 0600), -EINVAL);
    /* What does something when it is written to is nobody's but root's. */
    ck_assert_int_eq(write_file_owner("driver_override", 1000, 0, 0600), -EPERM);
    ck_assert_int_eq(read_file_owner("vendor", &owner), -EPERM);
}
END_TEST

/* ---- Labels ---- */

#define LABEL "system_u:object_r:pcassign_device_t:s0:c1,c2"
#define OTHER_LABEL "system_u:object_r:pcassign_device_t:s0:c3,c4"

static char *label_of(int fd) {
    if (subject.label_of)
        return subject.label_of(fd);
    char *label = g_malloc0(PCA_LABEL_SIZE);
    ck_assert_int_ge(fgetxattr(fd, XATTR_NAME_SELINUX, label, PCA_LABEL_SIZE - 1), 0);
    return label;
}

/* What is opened afterwards by the same number has the label that it is given then. */
START_TEST(node_has_its_label_when_it_is_opened) {
    static const char *const labels[] = {LABEL, OTHER_LABEL};
    to_vfio();
    g_autofree char *file = g_strdup_printf("class/vfio/%d/dev", group());
    dev_t number = pca_read_device_number(subject.kernel->root, file);
    for (gsize i = 0; i < G_N_ELEMENTS(labels); i++) {
        int fd = hold(subject.kernel->ops->open_node(subject.kernel, number, labels[i]));
        assert_fresh_node(fd, number);
        g_autofree char *found = label_of(fd);
        ck_assert_str_eq(found, labels[i]);
        close_held();
    }
    ck_assert_int_eq(subject.kernel->ops->open_node(subject.kernel, number, "a label"), -EINVAL);
}
END_TEST

/* An owner as it is told once it was given a label. */
static char *labelled(const char *owner, const char *label) {
    return g_strconcat(owner, subject.without_labels ? "" : ":",
                       subject.without_labels ? "" : label, NULL);
}

static void assert_labelled_owner(const char *owner, const char *label) {
    g_autofree char *expected = labelled(owner, label);
    assert_owner(expected);
}

static void assert_labelled_config(const char *owner, const char *label) {
    g_autofree char *expected = labelled(owner, label);
    assert_config(expected);
}

static int write_labelled(uid_t uid, const char *label) {
    PcaOwner owner = {uid, 0, 0600, ""};
    ck_assert(pca_owner_set_label(&owner, label));
    return subject.kernel->ops->write_owner(subject.kernel, group(), &owner);
}

START_TEST(group_node_changes_its_label) {
    to_vfio();
    ck_assert_int_eq(write_labelled(1000, LABEL), 0);
    assert_labelled_owner("1000:0:0600", LABEL);
    ck_assert_int_eq(write_labelled(1000, OTHER_LABEL), 0);
    assert_labelled_owner("1000:0:0600", OTHER_LABEL);
    ck_assert_int_eq(write_labelled(0, NULL), 0);
    assert_labelled_owner("0:0:0600", OTHER_LABEL);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    ck_assert_int_eq(write_bus("drivers_probe", subject.address), 0);
    PcaOwner anew;
    ck_assert_int_eq(subject.kernel->ops->read_owner(subject.kernel, group(), &anew), 0);
    ck_assert_str_ne(anew.label, OTHER_LABEL);
}
END_TEST

static int write_file_labelled(const char *label, uid_t uid) {
    PcaOwner owner = {uid, 0, 0644, ""};
    ck_assert(pca_owner_set_label(&owner, label));
    PCA_AUTO_FD fd = pca_open_function(subject.kernel->root, subject.address);
    return subject.kernel->ops->write_file_owner(subject.kernel, fd, "config", &owner);
}

/* A label of sysfs outlives a binding. */
START_TEST(file_changes_its_label) {
    PcaOwner found;
    ck_assert_int_eq(read_file_owner("config", &found), 0);
    ck_assert_int_eq(write_file_labelled(LABEL, 1000), 0);
    to_vfio();
    assert_labelled_config("1000:0:0644", LABEL);
    ck_assert_int_eq(write_file_labelled(OTHER_LABEL, 1000), 0);
    assert_labelled_config("1000:0:0644", OTHER_LABEL);
    ck_assert_int_eq(write_file_owner("config", found.uid, found.gid, found.mode), 0);
    if (*found.label)
        ck_assert_int_eq(write_file_labelled(found.label, found.uid), 0);
}
END_TEST

START_TEST(rlimit_mode_of_a_fresh_iommufd) {
    if (without_cdev())
        return;
    int iommufd = open_node(iommu_number());
    assert_fresh_node(iommufd, iommu_number());
    ck_assert_int_eq(subject.kernel->ops->set_rlimit_mode(subject.kernel, iommufd), 0);
}
END_TEST

START_TEST(rlimit_mode_of_something_else) {
    PCA_AUTO_FD fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(subject.kernel->ops->set_rlimit_mode(subject.kernel, fd), -ENOTTY);
}
END_TEST

/* ---- Reset and bus mastering ---- */

START_TEST(reset_succeeds) {
    to_vfio();
    ck_assert_int_eq(write_function("reset", "1"), 0);
    assert_driver(VFIO);
}
END_TEST

START_TEST(a_bus_is_reset_through_vfio) {
    to_vfio();
    dev_t number = pca_read_device_number(subject.kernel->root, "class/misc/vfio/dev");
    int container = open_node(number), own = open_group();
    ck_assert(container >= 0 && own >= 0);
    ck_assert_int_eq(
        subject.kernel->ops->hot_reset(subject.kernel, container, &own, 1, subject.address), 0);
    close_held();
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    assert_driver(NULL);
}
END_TEST

START_TEST(bus_master_goes_off_and_stays_off) {
    to_vfio();
    PcaKernel *kernel = subject.kernel;
    guint16 command = read_command();
    ck_assert_int_eq(
        kernel->ops->write_config16(kernel, function_fd, COMMAND, command | COMMAND_BUS_MASTER), 0);
    ck_assert_int_ne(read_command() & COMMAND_BUS_MASTER, 0);
    ck_assert_int_eq(
        kernel->ops->write_config16(kernel, function_fd, COMMAND, command & ~COMMAND_BUS_MASTER),
        0);
    ck_assert_int_eq(read_command(), command & ~COMMAND_BUS_MASTER);
    ck_assert_int_eq(write_function("reset", "1"), 0);
    ck_assert_int_eq(read_command() & COMMAND_BUS_MASTER, 0);
    ck_assert_int_eq(kernel->ops->write_config16(kernel, function_fd, COMMAND + 1, 0), -EINVAL);
}
END_TEST

/* ---- Config space ---- */

#define HEADER 64

static ssize_t read_beyond(int fd) {
    char byte;
    return pread(fd, &byte, 1, HEADER);
}

START_TEST(config_reads_as_whoever_opened_it_could) {
    PcaKernel *kernel = subject.kernel;
    int whole = hold(kernel->ops->open_config(kernel, function_fd));
    ck_assert_int_ge(whole, 0);
    ck_assert_int_eq(fcntl(whole, F_GETFL) & O_ACCMODE, O_RDONLY);
    ck_assert_int_ne(fcntl(whole, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(read_beyond(whole), 1);
    /* Each test is a process of its own. */
    ck_assert_int_eq(kernel->ops->renounce(kernel), 0);
    ck_assert_int_eq(kernel->ops->renounce(kernel), 0);
    int header = hold(kernel->ops->open_config(kernel, function_fd));
    ck_assert_int_ge(header, 0);
    ck_assert_int_eq(read_beyond(header), 0);
    ck_assert_int_eq(read_beyond(whole), 1);
}
END_TEST

/* ---- Locked memory ---- */

static pid_t start_sleeper(int *pidfd) {
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        while (TRUE)
            pause();
    }
    *pidfd = pidfd_open(pid, 0);
    ck_assert_int_ge(*pidfd, 0);
    return pid;
}

START_TEST(memlock_rises_for_the_living_only) {
    PcaKernel *kernel = subject.kernel;
    PCA_AUTO_FD pidfd = -1;
    pid_t pid = start_sleeper(&pidfd);
    struct rlimit before, after;
    int got_before = prlimit(pid, RLIMIT_MEMLOCK, NULL, &before);
    guint64 more = before.rlim_max == RLIM_INFINITY ? RLIM_INFINITY : before.rlim_max + (1 << 30);
    int raised = kernel->ops->raise_memlock(kernel, pidfd, more);
    int lowered = kernel->ops->raise_memlock(kernel, pidfd, 4096);
    int got_after = prlimit(pid, RLIMIT_MEMLOCK, NULL, &after);
    kill(pid, SIGKILL);
    siginfo_t ended;
    waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT);
    int zombie = kernel->ops->raise_memlock(kernel, pidfd, more);
    waitpid(pid, NULL, 0);
    ck_assert(got_before == 0 && got_after == 0);
    ck_assert_int_eq(raised, 0);
    ck_assert_int_eq(lowered, 0);
    if (!subject.stand_ins) {
        ck_assert_uint_eq(after.rlim_cur, more);
        ck_assert_uint_eq(after.rlim_max, more);
    }
    ck_assert_int_eq(zombie, -ESRCH);
    ck_assert_int_eq(kernel->ops->raise_memlock(kernel, pidfd, more), -ESRCH);
}
END_TEST

/* ---- The case ---- */

static void set_up(void) {
    held = g_array_new(FALSE, FALSE, sizeof(int));
    prepare_subject(&subject);
    function_fd = pca_open_function(subject.kernel->root, subject.address);
    bus_fd = pca_open_pci_bus(subject.kernel->root);
    ck_assert_int_ge(function_fd, 0);
    ck_assert_int_ge(bus_fd, 0);
    assert_driver(subject.host_driver);
}

static void tear_down(void) {
    close_held();
    gboolean back = to_host();
    pca_fd_close(&function_fd);
    pca_fd_close(&bus_fd);
    finish_subject(&subject);
    g_array_unref(held);
    ck_assert_msg(back, "the subject is not back on its host driver");
}

static void add_tests(TCase *contract) {
    tcase_add_test(contract, binds_vfio_by_override);
    tcase_add_test(contract, vfio_lets_it_sleep_while_it_is_bound);
    tcase_add_test(contract, unbind_leaves_no_driver);
    tcase_add_test(contract, unbind_through_the_driver);
    tcase_add_test(contract, newline_clears_the_override);
    tcase_add_test(contract, probe_succeeds_though_nobody_takes_it);
    tcase_add_test(contract, probe_leaves_a_bound_function_alone);
    tcase_add_test(contract, probe_of_no_function);
    tcase_add_test(contract, no_such_attribute);
    tcase_add_test(contract, returns_to_the_host_driver);
    tcase_add_test(contract, cdev_appears_and_opens);
    tcase_add_test(contract, cdev_goes_with_the_driver);
    tcase_add_test(contract, group_node_has_a_number);
    tcase_add_test(contract, group_is_busy_while_open);
    tcase_add_test(contract, open_group_does_not_block_unbind);
    tcase_add_test(contract, group_node_changes_hands);
    tcase_add_test(contract, group_node_is_made_anew_with_the_driver);
    tcase_add_test(contract, files_change_hands);
    tcase_add_test(contract, no_file_but_the_functions_own);
    tcase_add_test(contract, node_has_its_label_when_it_is_opened);
    tcase_add_test(contract, group_node_changes_its_label);
    tcase_add_test(contract, file_changes_its_label);
    tcase_add_test(contract, rlimit_mode_of_a_fresh_iommufd);
    tcase_add_test(contract, rlimit_mode_of_something_else);
    tcase_add_test(contract, reset_succeeds);
    tcase_add_test(contract, a_bus_is_reset_through_vfio);
    tcase_add_test(contract, bus_master_goes_off_and_stays_off);
    tcase_add_test(contract, config_reads_as_whoever_opened_it_could);
    tcase_add_test(contract, memlock_rises_for_the_living_only);
}

TCase *pca_kernel_contract(void (*prepare)(PcaSubject *subject),
                           void (*finish)(PcaSubject *subject)) {
    prepare_subject = prepare;
    finish_subject = finish;
    TCase *contract = tcase_create("kernel-contract");
    tcase_add_checked_fixture(contract, set_up, tear_down);
    tcase_set_timeout(contract, 60);
    add_tests(contract);
    return contract;
}
