/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the contract's part about the nodes of VFIO and the files of functions: when they come
 * and go, who they belong to, and their labels.
 * Thread: main. Ownership: none.
 */
#include "support/kernel-contract-internal.h"

#include <errno.h>
#include <linux/xattr.h>
#include <sys/xattr.h>

#include "base/fds.h"

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

void contract_add_nodes(TCase *contract) {
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
}
