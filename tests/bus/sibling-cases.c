/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what happens to others of a claimed function's IOMMU group: refused, kept from the host
 * by pci-stub, or claimed as well.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <signal.h>

#define FIRST "0000:0b:00.0"
#define SECOND "0000:0b:00.1"
#define BOTH_FIRST "0000:0c:00.0"
#define BOTH_SECOND "0000:0c:00.1"

/* Groups of two: the policy stubs the second function of one, and claims that of the other. */
static void plug(void) {
    pca_world_tell(world, "function " FIRST " header=80 group=50 driver=e1000e reset=flr");
    pca_world_tell(world, "function " SECOND " header=80 group=50 driver=e1000e");
    pca_world_tell(world, "function " BOTH_FIRST " header=80 group=51 driver=e1000e reset=flr");
    pca_world_tell(world, "function " BOTH_SECOND " header=80 group=51 driver=e1000e reset=flr");
}

static char *describe(const PcaHeld *held) {
    g_autoptr(GVariant) described = pca_call(bus, held->path, "Claim.Describe", NULL, NULL);
    return g_variant_print(described, FALSE);
}

static void expect_text(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "no %s in %s", part, text);
}

START_TEST(kept_by_a_stub) {
    plug();
    g_auto(PcaHeld) held = pca_claim_words(bus, FIRST);
    g_autofree char *text = describe(&held);
    expect_text(text, "'devices': <['" FIRST "']>");
    expect_text(text, "'stubbed': <['" SECOND "']>");
    g_autofree char *stubbed = pca_property(bus, held.path, CLAIM, "Stubbed");
    ck_assert_str_eq(stubbed, "['" ROOT_PATH "/device/0000_0b_00_1']");
    pca_world_await_driver(world, FIRST, "vfio-pci");
    pca_world_await_driver(world, SECOND, "pci-stub");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 2);
    g_clear_object(&fds);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(SECOND, NULL), "Busy");
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, FIRST, "e1000e");
    pca_world_await_driver(world, SECOND, "e1000e");
    pca_world_await_no_claim(world);
    g_autofree char *log = pca_world_log(world);
    expect_text(log, "write " FIRST "/reset 1");
    ck_assert_msg(!strstr(log, "write " SECOND "/reset"), "a stub was reset: %s", log);
}
END_TEST

START_TEST(check_and_plan_tell) {
    plug();
    gboolean ok = FALSE;
    g_autoptr(GVariant) checked =
        pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(FIRST, NULL), NULL);
    g_autoptr(GVariant) planned =
        pca_call(bus, ROOT_PATH, "Manager.Plan", pca_devices(FIRST, NULL), NULL);
    g_autofree char *checks = g_variant_print(checked, FALSE);
    g_autofree char *steps = g_variant_print(planned, FALSE);
    g_variant_get_child(checked, 0, "b", &ok);
    ck_assert_msg(ok, "%s", checks);
    expect_text(checks, SECOND " of its IOMMU group is bound to pci-stub meanwhile");
    expect_text(steps, "bind to pci-stub, check it");
    pca_world_tell(world, "delete sys/bus/pci/drivers/pci-stub");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(FIRST, NULL), "Unsupported");
}
END_TEST

/* The guard holds for siblings too. */
START_TEST(one_in_use_is_not_stubbed) {
    plug();
    pca_world_tell(world, "interface " SECOND " eth9 9");
    pca_world_tell(world, "route eth9");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(FIRST, NULL), "InUse");
    pca_world_await_driver(world, SECOND, "e1000e");
}
END_TEST

START_TEST(found_alone_a_sibling_has_its_own_terms) {
    plug();
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(SECOND, NULL), "GroupIncomplete");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(BOTH_SECOND, NULL), "GroupIncomplete");
}
END_TEST

START_TEST(claimed_as_well) {
    plug();
    g_auto(PcaHeld) held = pca_claim_words(bus, BOTH_FIRST);
    g_autofree char *text = describe(&held);
    expect_text(text, "'devices': <['" BOTH_FIRST "', '" BOTH_SECOND "']>");
    expect_text(text, "'stubbed': <@as []>");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 3);
    g_clear_object(&fds);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, BOTH_SECOND, "e1000e");
    pca_world_await_no_claim(world);
}
END_TEST

/* Two groups on one bus: only a reset of that cleans the first, and the second has none at all. */
static void plug_bus(void) {
    pca_world_tell(world, "function " FIRST " header=80 group=50 driver=e1000e reset=bus");
    pca_world_tell(world, "function " SECOND " header=80 group=51 driver=e1000e");
}

START_TEST(reset_with_the_bus) {
    plug_bus();
    g_auto(PcaHeld) held = pca_claim_words(bus, FIRST " " NIC);
    g_autofree char *text = describe(&held);
    expect_text(text, "'stubbed': <['" SECOND "']>");
    pca_world_await_driver(world, SECOND, "pci-stub");
    g_variant_unref(pca_call(
        bus, held.path, "Claim.ReleaseDevices",
        g_variant_new_parsed("([objectpath '" ROOT_PATH "/device/0000_01_00_0'],)"), NULL));
    pca_world_await_driver(world, NIC, "e1000e");
    pca_world_await_driver(world, SECOND, "pci-stub");
    pca_world_end_daemon(world, SIGKILL);
    pca_world_start_daemon(world);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, FIRST, "e1000e");
    pca_world_await_driver(world, SECOND, "e1000e");
    pca_world_await_no_claim(world);
    g_autofree char *log = pca_world_log(world);
    expect_text(log, "hot_reset " FIRST " group 50 group 51");
    ck_assert_msg(!strstr(log, "write " FIRST "/reset"), "%s", log);
}
END_TEST

START_TEST(reset_with_the_bus_of_ones_own) {
    pca_world_tell(world, "function " BOTH_FIRST " header=80 group=50 driver=e1000e reset=bus");
    pca_world_tell(world, "function " BOTH_SECOND " header=80 group=51 driver=e1000e reset=flr");
    g_auto(PcaHeld) held = pca_claim_words(bus, BOTH_FIRST);
    g_autofree char *text = describe(&held);
    expect_text(text, "'devices': <['" BOTH_FIRST "', '" BOTH_SECOND "']>");
    pca_refused(bus, held.path, "Claim.ReleaseDevices",
                g_variant_new_parsed("([objectpath '" ROOT_PATH "/device/0000_0c_00_0'],)"),
                "InvalidArgument");
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, BOTH_SECOND, "e1000e");
    pca_world_await_no_claim(world);
    g_autofree char *log = pca_world_log(world);
    expect_text(log, "hot_reset " BOTH_FIRST " group 50 group 51");
}
END_TEST

START_TEST(bus_of_another_owner) {
    plug_bus();
    pca_world_tell(world, "set " SECOND " reset_method flr");
    g_auto(PcaHeld) held = pca_claim_words(bus, SECOND);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(FIRST, NULL), "Busy");
}
END_TEST

/* What nobody grants them, they do not get by the way. */
START_TEST(claiming_siblings_takes_a_grant) {
    plug();
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    pca_refused(alice, ROOT_PATH, "Manager.Claim", pca_devices(BOTH_FIRST, NULL), "NotPermitted");
    g_auto(PcaHeld) held = pca_claim_words(alice, FIRST);
    ck_assert_ptr_nonnull(held.path);
}
END_TEST

/* A stub goes back with the last of its group, never alone. */
START_TEST(given_back_in_part) {
    plug();
    g_auto(PcaHeld) held = pca_claim_words(bus, FIRST " " NIC);
    pca_refused(bus, held.path, "Claim.ReleaseDevices",
                g_variant_new_parsed("([objectpath '" ROOT_PATH "/device/0000_0b_00_1'],)"),
                "InvalidArgument");
    g_variant_unref(pca_call(
        bus, held.path, "Claim.ReleaseDevices",
        g_variant_new_parsed("([objectpath '" ROOT_PATH "/device/0000_0b_00_0'],)"), NULL));
    pca_world_await_driver(world, FIRST, "e1000e");
    pca_world_await_driver(world, SECOND, "e1000e");
    pca_world_await_driver(world, NIC, "vfio-pci");
    g_autofree char *text = describe(&held);
    expect_text(text, "'stubbed': <@as []>");
}
END_TEST

START_TEST(kept_over_a_restart) {
    plug();
    g_auto(PcaHeld) held = pca_claim_words(bus, FIRST);
    pca_world_end_daemon(world, SIGKILL);
    pca_world_start_daemon(world);
    g_autofree char *text = describe(&held);
    expect_text(text, "'stubbed': <['" SECOND "']>");
    pca_fd_close(&held.lease);
    pca_world_await_driver(world, SECOND, "e1000e");
    pca_world_await_no_claim(world);
}
END_TEST

TCase *pca_sibling_cases(void) {
    TCase *tcase = pca_case_new("siblings");
    tcase_add_test(tcase, kept_by_a_stub);
    tcase_add_test(tcase, check_and_plan_tell);
    tcase_add_test(tcase, one_in_use_is_not_stubbed);
    tcase_add_test(tcase, found_alone_a_sibling_has_its_own_terms);
    tcase_add_test(tcase, claimed_as_well);
    tcase_add_test(tcase, reset_with_the_bus);
    tcase_add_test(tcase, reset_with_the_bus_of_ones_own);
    tcase_add_test(tcase, bus_of_another_owner);
    tcase_add_test(tcase, claiming_siblings_takes_a_grant);
    tcase_add_test(tcase, given_back_in_part);
    tcase_add_test(tcase, kept_over_a_restart);
    return tcase;
}
