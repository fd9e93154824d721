/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: directories of functions, device numbers and attributes, on plain files.
 * Thread: main. Ownership: the fixture's.
 */
#include "sys/kernel-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "base/fds.h"

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

static void add_numbers(Suite *suite) {
    TCase *tcase = tcase_create("numbers");
    kernel_add_fixture(tcase);
    tcase_add_loop_test(tcase, device_number, 0, G_N_ELEMENTS(numbers));
    tcase_add_loop_test(tcase, no_device_number, 0, G_N_ELEMENTS(no_numbers));
    suite_add_tcase(suite, tcase);
}

void add_kernel_files(Suite *suite) {
    ADD_CASE(suite, "directories", function_opens_through_its_link, function_names_are_addresses,
             function_stays_below_sysfs);
    add_numbers(suite);
    ADD_CASE(suite, "attributes", attribute_is_written_whole, attribute_names_stay_inside,
             some_attributes_are_never_written, attribute_that_is_a_link_is_refused,
             missing_attribute_or_device, write_errors_come_through, short_write_is_an_error,
             config_is_little_endian);
}
