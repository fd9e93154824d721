/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the contract's part about binding: override, unbind, probe, and the way back.
 * Thread: main. Ownership: none.
 */
#include "support/kernel-contract-internal.h"

#include <errno.h>

#define NO_DRIVER "pcassign-no-such-driver"
#define NO_FUNCTION "0000:ff:1f.7"

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

void contract_add_binding(TCase *contract) {
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
}
