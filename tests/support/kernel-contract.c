/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the contract of sys/kernel.h: its case, its subject, and what all its files use.
 * Thread: main. Ownership: descriptors that a test opens on nodes are held in a list, so that a
 * test that fails midway leaves none open.
 */
#include "support/kernel-contract-internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fds.h"

#define NODE_WAIT 10000 /* microseconds */
#define NODE_WAITS 500  /* of them: 5 s */

PcaSubject subject;
int function_fd = -1, bus_fd = -1;
static void (*prepare_subject)(PcaSubject *subject);
static void (*finish_subject)(PcaSubject *subject);
static GArray *held;

int hold(int fd) {
    if (fd >= 0)
        g_array_append_val(held, fd);
    return fd;
}

void close_held(void) {
    for (guint i = 0; i < held->len; i++)
        close(g_array_index(held, int, i));
    g_array_set_size(held, 0);
}

int write_function(const char *name, const char *value) {
    return subject.kernel->ops->write_attribute(subject.kernel, function_fd, name, value);
}

int write_bus(const char *name, const char *value) {
    return subject.kernel->ops->write_attribute(subject.kernel, bus_fd, name, value);
}

char *function_path(void) {
    return g_build_filename(subject.kernel->root->sysfs, "bus/pci/devices", subject.address, NULL);
}

char *driver(void) {
    g_autofree char *path = function_path();
    return pca_read_link_name(path, "driver");
}

char * override(void) {
    g_autofree char *path = function_path();
    return pca_read_text(path, "driver_override", NULL);
}

void to_vfio(void) {
    ck_assert_int_eq(write_function("driver_override", VFIO), 0);
    ck_assert_int_eq(write_function("driver/unbind", subject.address), 0);
    ck_assert_int_eq(write_bus("drivers_probe", subject.address), 0);
    assert_driver(VFIO);
}

int group(void) {
    g_autofree char *path = function_path();
    g_autofree char *name = pca_read_link_name(path, "iommu_group");
    ck_assert_ptr_nonnull(name);
    return atoi(name);
}

dev_t iommu_number(void) {
    return pca_read_device_number(subject.kernel->root, "class/misc/iommu/dev");
}

gboolean without_cdev(void) {
    if (iommu_number() != 0)
        return FALSE;
    printf("skipped: this kernel has no /dev/iommu and no VFIO cdevs\n");
    return TRUE;
}

dev_t wait_for_cdev(void) {
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

int open_group(void) {
    return hold(subject.kernel->ops->open_group(subject.kernel, group()));
}

int open_node(dev_t number) {
    return hold(subject.kernel->ops->open_node(subject.kernel, number, NULL));
}

void assert_fresh_node(int fd, dev_t number) {
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

/* ---- The case ---- */

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

TCase *pca_kernel_contract(void (*prepare)(PcaSubject *subject),
                           void (*finish)(PcaSubject *subject)) {
    prepare_subject = prepare;
    finish_subject = finish;
    TCase *contract = tcase_create("kernel-contract");
    tcase_add_checked_fixture(contract, set_up, tear_down);
    tcase_set_timeout(contract, 60);
    contract_add_binding(contract);
    contract_add_nodes(contract);
    contract_add_config(contract);
    contract_add_memory(contract);
    return contract;
}
