/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the contract's part about resets, bus mastering and config space.
 * Thread: main. Ownership: none.
 */
#include "support/kernel-contract-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fds.h"

#define COMMAND 0x04
#define COMMAND_BUS_MASTER 0x0004

/* ---- Reset and bus mastering ---- */

static guint16 read_command(void) {
    guint16 little = 0;
    PCA_AUTO_FD fd = openat(function_fd, "config", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &little, sizeof little, COMMAND), sizeof little);
    return GUINT16_FROM_LE(little);
}

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

void contract_add_config(TCase *contract) {
    tcase_add_test(contract, reset_succeeds);
    tcase_add_test(contract, a_bus_is_reset_through_vfio);
    tcase_add_test(contract, bus_master_goes_off_and_stays_off);
    tcase_add_test(contract, config_reads_as_whoever_opened_it_could);
}
