/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the fake kernel keeps the contract of the running one, and its faults, hooks, users and
 * clock do what fake-kernel.h says: what other tests rest on.
 * Thread: main. Ownership: the fixture owns the tree and the fake.
 */
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/fds.h"
#include "support/fake-kernel.h"
#include "support/kernel-contract.h"

#define NIC "0000:01:00.0"
#define NIC_GROUP 2
#define COMMAND 0x04

static PcaTree *tree;
static PcaFakeKernel *fake;
static PcaKernel *kernel;
static int nic = -1, bus = -1;

static void plug(void) {
    pca_tree_add(tree, &(PcaTreeFunction){.address = NIC,
                                          .below = "0000:00:01.0",
                                          .group = NIC_GROUP,
                                          .driver = "e1000e",
                                          .power = "on,1",
                                          .reset_method = "flr bus"});
}

static void make_machine(gboolean cdev) {
    tree = pca_tree_new();
    pca_tree_add_port(tree, "0000:00:01.0", 1);
    pca_tree_add_driver(tree, "vfio-pci");
    pca_tree_add_driver(tree, "pci-stub");
    plug();
    fake = pca_fake_kernel_new(tree, cdev);
    kernel = &fake->kernel;
}

static void set_up(void) {
    make_machine(TRUE);
    nic = pca_open_function(pca_tree_root(tree), NIC);
    bus = pca_open_pci_bus(pca_tree_root(tree));
    ck_assert(nic >= 0 && bus >= 0);
}

static void tear_down(void) {
    pca_fd_close(&nic);
    pca_fd_close(&bus);
    pca_fake_kernel_free(fake);
    pca_tree_free(tree);
}

static char *label_of(int fd) {
    return pca_fake_kernel_get_label(fake, fd);
}

static void prepare(PcaSubject *subject) {
    make_machine(TRUE);
    *subject = (PcaSubject){.kernel = kernel,
                            .address = NIC,
                            .host_driver = "e1000e",
                            .stand_ins = TRUE,
                            .label_of = label_of};
}

static void finish(PcaSubject *subject) {
    tear_down();
}

static int set(const char *name, const char *value) {
    return kernel->ops->write_attribute(kernel, nic, name, value);
}

static int probe(void) {
    return kernel->ops->write_attribute(kernel, bus, "drivers_probe", NIC);
}

static void to_vfio(void) {
    ck_assert_int_eq(set("driver_override", "vfio-pci"), 0);
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    ck_assert_int_eq(probe(), 0);
}

static dev_t cdev_number(void) {
    return pca_read_device_number(pca_tree_root(tree), "class/vfio-dev/vfio0/dev");
}

static int open_cdev(void) {
    int fd = kernel->ops->open_node(kernel, cdev_number(), NULL);
    ck_assert_int_ge(fd, 0);
    return fd;
}

#define assert_driver(expected)                                                                    \
    do {                                                                                           \
        g_autofree char *found = pca_tree_driver(tree, NIC);                                       \
        ck_assert_pstr_eq(found, expected);                                                        \
    } while (0)

#define assert_attribute(name, expected)                                                           \
    do {                                                                                           \
        g_autofree char *found = pca_tree_get(tree, NIC, name);                                    \
        ck_assert_pstr_eq(found, expected);                                                        \
    } while (0)

/* ---- The list of operations ---- */

START_TEST(operations_are_listed) {
    static const char expected[] = "write 0000:01:00.0/driver_override vfio-pci\n"
                                   "write 0000:01:00.0/driver/unbind 0000:01:00.0\n"
                                   "write bus/pci/drivers_probe 0000:01:00.0\n"
                                   "write 0000:01:00.0/driver_override \\n\n"
                                   "config 0000:01:00.0 0x04=0x0003\n"
                                   "open_group 2\n"
                                   "open_node 511:0\n"
                                   "open_node 10:126\n"
                                   "set_rlimit_mode";
    to_vfio();
    set("driver_override", "\n");
    kernel->ops->write_config16(kernel, nic, COMMAND, 3);
    PCA_AUTO_FD group = kernel->ops->open_group(kernel, NIC_GROUP);
    PCA_AUTO_FD cdev = open_cdev();
    PCA_AUTO_FD iommufd = kernel->ops->open_node(kernel, makedev(10, 126), NULL);
    ck_assert_int_eq(kernel->ops->set_rlimit_mode(kernel, iommufd), 0);
    g_auto(GStrv) lines = pca_fake_kernel_operations(fake);
    g_autofree char *text = g_strjoinv("\n", lines);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */driver_override *"), 2);
    pca_fake_kernel_forget(fake);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
}
END_TEST

START_TEST(descriptors_say_what_they_are) {
    to_vfio();
    PCA_AUTO_FD group = kernel->ops->open_group(kernel, NIC_GROUP);
    PCA_AUTO_FD cdev = open_cdev();
    g_autofree char *group_text = pca_fake_kernel_describe_fd(fake, group);
    g_autofree char *cdev_text = pca_fake_kernel_describe_fd(fake, cdev);
    ck_assert_str_eq(group_text, "group 2");
    ck_assert_str_eq(cdev_text, "cdev " NIC);
    ck_assert_ptr_null(pca_fake_kernel_describe_fd(fake, nic));
    ck_assert_int_eq(set("driver_override", "\n"), 0);
    pca_fd_close(&cdev);
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    g_autofree char *dead = pca_fake_kernel_describe_fd(fake, group);
    ck_assert_str_eq(dead, "group 2");
}
END_TEST

START_TEST(never_written_attributes_are_refused) {
    static const char *const names[] = {"new_id", "remove_id", "bind"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *name = g_strdup_printf("drivers/vfio-pci/%s", names[i]);
        ck_assert_int_eq(kernel->ops->write_attribute(kernel, bus, name, "8086 10d3"), -EPERM);
    }
    ck_assert_int_eq(set("remove", "1"), -EPERM);
    ck_assert_int_eq(kernel->ops->write_attribute(kernel, bus, "rescan", "1"), -EPERM);
}
END_TEST

/* ---- Faults and hooks ---- */

START_TEST(kth_operation_fails_without_effect) {
    pca_fake_kernel_fail(fake, 2, EBUSY);
    ck_assert_int_eq(set("driver_override", "vfio-pci"), 0);
    ck_assert_int_eq(set("driver/unbind", NIC), -EBUSY);
    assert_driver("e1000e");
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
}
END_TEST

START_TEST(matching_operations_fail) {
    pca_fake_kernel_fail_matching(fake, "write */reset *", EIO, 2);
    pca_fake_kernel_fail_matching(fake, "open_*", EMFILE, 0);
    ck_assert_int_eq(set("reset", "1"), -EIO);
    ck_assert_int_eq(set("reset", "1"), -EIO);
    ck_assert_int_eq(set("reset", "1"), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(kernel->ops->open_node(kernel, makedev(10, 126), NULL), -EMFILE);
}
END_TEST

START_TEST(refused_probe_is_silent) {
    pca_fake_kernel_refuse(fake, NIC, "vfio-pci");
    to_vfio();
    assert_driver(NULL);
    ck_assert_int_eq(set("driver_override", "\n"), 0);
    ck_assert_int_eq(probe(), 0);
    assert_driver("e1000e");
}
END_TEST

START_TEST(what_an_override_bound_is_not_native) {
    ck_assert_int_eq(set("driver_override", "pci-stub"), 0);
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    ck_assert_int_eq(probe(), 0);
    assert_driver("pci-stub");
    ck_assert_int_eq(set("driver_override", "\n"), 0);
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    ck_assert_int_eq(probe(), 0);
    assert_driver("e1000e");
    pca_fake_kernel_set_native(fake, NIC, NULL);
    ck_assert_int_eq(set("driver_override", "e1000e"), 0);
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    ck_assert_int_eq(set("driver_override", "\n"), 0);
    ck_assert_int_eq(probe(), 0);
    assert_driver(NULL);
}
END_TEST

static void die_at_probe(PcaFakeKernel *kernel_of, const char *line, gpointer data) {
    if (g_str_has_prefix(line, "write bus/pci/drivers_probe"))
        raise(SIGKILL);
}

START_TEST(a_killed_worker_leaves_what_it_did) {
    pid_t pid = fork();
    if (pid == 0) {
        fake->before = die_at_probe;
        set("driver_override", "vfio-pci");
        set("driver/unbind", NIC);
        probe();
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 3);
    assert_attribute("driver_override", "vfio-pci");
    assert_driver(NULL);
    /* What the other process's kernel learnt is known here too. */
    ck_assert_int_eq(set("driver_override", "\n"), 0);
    ck_assert_int_eq(probe(), 0);
    assert_driver("e1000e");
}
END_TEST

static void count_calls(PcaFakeKernel *kernel_of, const char *line, gpointer data) {
    ++*(int *)data;
}

START_TEST(after_hook_sees_failures_too) {
    int calls = 0;
    fake->after = count_calls;
    fake->data = &calls;
    pca_fake_kernel_fail(fake, 1, EIO);
    ck_assert_int_eq(set("reset", "1"), -EIO);
    ck_assert_int_eq(set("reset", "1"), 0);
    ck_assert_int_eq(calls, 2);
}
END_TEST

/* ---- Users ---- */

START_TEST(a_user_blocks_the_unbind) {
    to_vfio();
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    ck_assert_int_eq(kernel->ops->open_group(kernel, NIC_GROUP), -EBUSY);
    ck_assert_int_eq(set("driver/unbind", NIC), -EINTR);
    /* As in the kernel: the blocked unbind has already taken the links and nodes away. */
    assert_driver(NULL);
    ck_assert_uint_eq(cdev_number(), 0);
    pca_fd_close(&user);
    ck_assert_int_eq(probe(), 0);
    PCA_AUTO_FD group = kernel->ops->open_group(kernel, NIC_GROUP);
    ck_assert_int_ge(group, 0);
}
END_TEST

static void close_it(PcaFakeKernel *kernel_of, const char *address, gpointer data) {
    ck_assert_str_eq(address, NIC);
    pca_fd_close(data);
}

START_TEST(the_last_close_ends_the_wait) {
    to_vfio();
    PCA_AUTO_FD cdev = open_cdev();
    fake->blocked = close_it;
    fake->data = &cdev;
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    ck_assert_int_eq(cdev, -1);
}
END_TEST

static void queue_fd(int socket, int fd) {
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(socket, &message, 0), 1);
}

START_TEST(a_queued_descriptor_blocks_too) {
    to_vfio();
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    int cdev = open_cdev();
    queue_fd(pair[0], cdev);
    pca_fd_close(&cdev);
    ck_assert_int_eq(set("driver/unbind", NIC), -EINTR);
    pca_fd_close(&pair[1]);
    pca_fd_close(&pair[0]);
    ck_assert_int_eq(probe(), 0);
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
}
END_TEST

/* ---- Reset and config space ---- */

START_TEST(reset_cleans) {
    pca_fake_kernel_set_secret(fake, NIC, "alice's");
    to_vfio();
    g_autofree char *kept = pca_fake_kernel_get_secret(fake, NIC);
    ck_assert_str_eq(kept, "alice's");
    ck_assert_int_eq(set("reset", "1"), 0);
    ck_assert_ptr_null(pca_fake_kernel_get_secret(fake, NIC));
}
END_TEST

START_TEST(reset_obeys_its_methods) {
    ck_assert_int_eq(set("reset", "0"), -EINVAL);
    ck_assert_int_eq(set("reset_method", "flr pm"), -EINVAL);
    ck_assert_int_eq(set("reset_method", "bus"), 0);
    assert_attribute("reset_method", "bus");
    ck_assert_int_eq(set("reset_method", "default"), 0);
    assert_attribute("reset_method", "flr bus");
    pca_tree_set(tree, NIC, "reset_method", "%s", "");
    ck_assert_int_eq(set("reset", "1"), -ENOTTY);
    pca_tree_unset(tree, NIC, "reset_method");
    ck_assert_int_eq(set("reset", "1"), -ENOENT);
    ck_assert_int_eq(set("reset_method", "flr"), -ENOENT);
}
END_TEST

START_TEST(a_device_may_die_at_reset) {
    pca_fake_kernel_die_at_reset(fake, NIC);
    ck_assert_int_eq(set("reset", "1"), 0);
    ck_assert_uint_eq(pca_tree_get_config16(tree, NIC, 0), 0xffff);
    ck_assert_int_eq(kernel->ops->write_config16(kernel, nic, COMMAND, 0), 0);
    ck_assert_uint_eq(pca_tree_get_config16(tree, NIC, COMMAND), 0xffff);
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    ck_assert_uint_eq(pca_tree_get_config16(tree, NIC, COMMAND), 0xffff);
    assert_attribute("vendor", "0x8086");
}
END_TEST

START_TEST(bus_master_follows_the_driver) {
    ck_assert_int_ne(pca_tree_get_config16(tree, NIC, COMMAND) & 4, 0);
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    ck_assert_int_eq(pca_tree_get_config16(tree, NIC, COMMAND) & 4, 0);
    ck_assert_int_eq(probe(), 0);
    ck_assert_int_ne(pca_tree_get_config16(tree, NIC, COMMAND) & 4, 0);
    fake->keeps_bus_master = TRUE;
    ck_assert_int_eq(set("driver/unbind", NIC), 0);
    ck_assert_int_ne(pca_tree_get_config16(tree, NIC, COMMAND) & 4, 0);
}
END_TEST

/* ---- What vfio-pci takes ---- */

START_TEST(vfio_refuses_some_functions) {
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:02.0", .group = 5, .total_vfs = 2});
    pca_tree_add(tree,
                 &(PcaTreeFunction){.address = "0000:00:02.1", .group = 6, .pf = "0000:00:02.0"});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:00:03.0"});
    static const char *const refused[] = {"0000:00:01.0", "0000:00:02.0", "0000:00:03.0"};
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        pca_tree_unbind(tree, refused[i]);
        pca_tree_set(tree, refused[i], "driver_override", "vfio-pci");
        kernel->ops->write_attribute(kernel, bus, "drivers_probe", refused[i]);
        g_autofree char *driver = pca_tree_driver(tree, refused[i]);
        ck_assert_pstr_eq(driver, NULL);
    }
    pca_tree_set(tree, "0000:00:02.1", "driver_override", "vfio-pci");
    kernel->ops->write_attribute(kernel, bus, "drivers_probe", "0000:00:02.1");
    g_autofree char *driver = pca_tree_driver(tree, "0000:00:02.1");
    ck_assert_pstr_eq(driver, "vfio-pci");
}
END_TEST

START_TEST(a_kernel_without_cdevs) {
    tear_down();
    make_machine(FALSE);
    nic = pca_open_function(pca_tree_root(tree), NIC);
    bus = pca_open_pci_bus(pca_tree_root(tree));
    to_vfio();
    assert_driver("vfio-pci");
    ck_assert_uint_eq(cdev_number(), 0);
    ck_assert_uint_eq(pca_read_device_number(pca_tree_root(tree), "class/misc/iommu/dev"), 0);
    ck_assert_uint_eq(pca_read_device_number(pca_tree_root(tree), "class/vfio/2/dev"),
                      makedev(PCA_FAKE_GROUP_MAJOR, 2));
    PCA_AUTO_FD group = kernel->ops->open_group(kernel, NIC_GROUP);
    ck_assert_int_ge(group, 0);
}
END_TEST

/* ---- Unplug ---- */

static void pull(PcaFakeKernel *kernel_of, const char *line, gpointer data) {
    if (pca_tree_has(tree, NIC))
        pca_fake_kernel_unplug(kernel_of, NIC);
}

START_TEST(a_device_may_go_in_the_midst) {
    to_vfio();
    fake->before = pull;
    ck_assert_int_eq(set("reset", "1"), -ENODEV);
    ck_assert_int_eq(probe(), -ENODEV);
    ck_assert_int_eq(kernel->ops->write_config16(kernel, nic, COMMAND, 0), -ENODEV);
    ck_assert_int_eq(kernel->ops->open_group(kernel, NIC_GROUP), -ENOENT);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write (gone)/*"), 0);
    ck_assert_int_eq(set("reset", "1"), -ENODEV);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write (gone)/reset 1"), 1);
}
END_TEST

START_TEST(the_next_device_at_the_address_is_another) {
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    pca_fake_kernel_set_secret(fake, NIC, "alice's");
    pca_fake_kernel_unplug(fake, NIC);
    plug();
    ck_assert_int_eq(set("driver_override", "vfio-pci"), -ENODEV);
    ck_assert_ptr_null(pca_fake_kernel_get_secret(fake, NIC));
    pca_fd_close(&nic);
    nic = pca_open_function(pca_tree_root(tree), NIC);
    to_vfio();
    assert_driver("vfio-pci");
}
END_TEST

/* ---- Time ---- */

START_TEST(nodes_may_be_late) {
    fake->node_delay = 50000;
    to_vfio();
    assert_driver("vfio-pci");
    ck_assert_uint_eq(cdev_number(), 0);
    kernel->ops->sleep(kernel, 49999);
    ck_assert_int_eq(kernel->ops->open_group(kernel, NIC_GROUP), -ENOENT);
    kernel->ops->sleep(kernel, 1);
    ck_assert_uint_eq(cdev_number(), makedev(PCA_FAKE_CDEV_MAJOR, 0));
    ck_assert_int_eq(fake->now, 50000);
}
END_TEST

static void write_down(PcaFakeKernel *kernel_of, const char *what, gpointer data) {
    g_string_append_printf(data, "%s at %d; ", what, (int)kernel_of->now);
    if (g_str_equal(what, "first"))
        pca_fake_kernel_later(kernel_of, 5, write_down, "within", data);
}

START_TEST(events_come_in_order) {
    g_autoptr(GString) text = g_string_new(NULL);
    pca_fake_kernel_later(fake, 20, write_down, "second", text);
    pca_fake_kernel_later(fake, 10, write_down, "first", text);
    pca_fake_kernel_later(fake, 1000, write_down, "never", text);
    kernel->ops->sleep(kernel, 100);
    ck_assert_str_eq(text->str, "first at 10; within at 15; second at 20; ");
    ck_assert_int_eq(fake->now, 100);
}
END_TEST

#define ADD_CASE(suite, name, ...)                                                                 \
    do {                                                                                           \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        add_case(suite, name, tests, G_N_ELEMENTS(tests));                                         \
    } while (0)

static void add_case(Suite *suite, const char *name, const TTest *const tests[], gsize n) {
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (gsize i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

Suite *pca_suite(void) {
    Suite *suite = suite_create("fake kernel");
    suite_add_tcase(suite, pca_kernel_contract(prepare, finish));
    ADD_CASE(suite, "log", operations_are_listed, descriptors_say_what_they_are,
             never_written_attributes_are_refused);
    ADD_CASE(suite, "faults", kth_operation_fails_without_effect, matching_operations_fail,
             refused_probe_is_silent, what_an_override_bound_is_not_native,
             a_killed_worker_leaves_what_it_did, after_hook_sees_failures_too);
    ADD_CASE(suite, "users", a_user_blocks_the_unbind, the_last_close_ends_the_wait,
             a_queued_descriptor_blocks_too);
    ADD_CASE(suite, "reset", reset_cleans, reset_obeys_its_methods, a_device_may_die_at_reset,
             bus_master_follows_the_driver);
    ADD_CASE(suite, "vfio", vfio_refuses_some_functions, a_kernel_without_cdevs);
    ADD_CASE(suite, "unplug", a_device_may_go_in_the_midst,
             the_next_device_at_the_address_is_another);
    ADD_CASE(suite, "time", nodes_may_be_late, events_come_in_order);
    return suite;
}
