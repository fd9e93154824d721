/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a function's disks while it loses its driver.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/run-support.h"

#include <errno.h>

#define HOLD "hold_disk 259:0"
#define UNBIND "write bus/pci/drivers/nvme/unbind " DISK

static const char *const disk[] = {DISK, NULL};

static void add_disk(void) {
    pca_tree_add_disk(tree, DISK, "nvme/nvme0", "nvme0n1", "259:0");
    pca_tree_add_partition(tree, "nvme0n1", "nvme0n1p1", "259:1");
}

static Run claim_disk(void) {
    Run run = run_new(disk);
    claim(&run);
    return run;
}

/* The place of the only such operation. */
static guint place_of(const char *operation) {
    g_auto(GStrv) lines = pca_fake_kernel_operations(fake);
    guint i = 0;
    while (lines[i] && !g_str_equal(lines[i], operation))
        i++;
    ck_assert_uint_eq(pca_fake_kernel_count(fake, operation), 1);
    return i;
}

START_TEST(each_whole_disk_is_held) {
    add_disk();
    AUTO_RUN run = claim_disk();
    ck_assert(run.ok);
    ck_assert_uint_lt(place_of(HOLD), place_of(UNBIND));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "hold_disk *"), 1);
}
END_TEST

static void expect_refused(int answer, PcaError code, const char *says) {
    add_disk();
    g_autofree char *before = machine_bindings(disk);
    pca_fake_kernel_fail_matching(fake, HOLD, answer, 0);
    AUTO_RUN run = claim_disk();
    ck_assert(!run.ok);
    g_autofree char *after = machine_bindings(disk);
    ck_assert_str_eq(after, before);
    ck_assert_msg(g_error_matches(run.error, PCA_ERROR, code), "%s", run.error->message);
    ck_assert_msg(strstr(run.error->message, says), "%s", run.error->message);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, UNBIND), 0);
    assert_result(&run, PCA_JOURNAL_UNDONE);
}

START_TEST(a_disk_that_has_come_into_use_keeps_its_driver) {
    expect_refused(EBUSY, PCA_ERROR_IN_USE, "disk nvme0n1 of " DISK " has come into use");
}
END_TEST

START_TEST(a_disk_that_cannot_be_asked_keeps_its_driver) {
    expect_refused(EIO, PCA_ERROR_FAILED, "opening disk nvme0n1");
}
END_TEST

START_TEST(a_drive_without_a_medium_is_nobodys) {
    add_disk();
    pca_fake_kernel_fail_matching(fake, HOLD, ENOMEDIUM, 0);
    AUTO_RUN run = claim_disk();
    ck_assert(run.ok);
}
END_TEST

START_TEST(which_disks_there_are_has_to_be_known) {
    pca_tree_delete(tree, "sys/class/block");
    pca_tree_write(tree, "sys/class/block", "%s", "");
    AUTO_RUN run = claim_disk();
    ck_assert(!run.ok);
    ck_assert_msg(strstr(run.error->message, "class/block"), "%s", run.error->message);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, UNBIND), 0);
}
END_TEST

/* Nor is a release held up by what there is to hold. */
START_TEST(on_vfio_a_function_has_none) {
    AUTO_RUN run = claim_disk();
    pca_tree_delete(tree, "sys/class/block");
    pca_tree_write(tree, "sys/class/block", "%s", "");
    release(&run);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
}
END_TEST

void add_disks(Suite *suite) {
    ADD_CASE(suite, "disks", each_whole_disk_is_held,
             a_disk_that_has_come_into_use_keeps_its_driver,
             a_disk_that_cannot_be_asked_keeps_its_driver, a_drive_without_a_medium_is_nobodys,
             which_disks_there_are_has_to_be_known, on_vfio_a_function_has_none);
}
