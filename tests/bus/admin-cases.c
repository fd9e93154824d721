/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reserve, unreserve and reset, each refusal of them, and workers that die in them; the
 * objects of the groups.
 * Thread: main. Ownership: see cases.h.
 */
#include "admin.h"

/* ---- Reserve, unreserve ---- */

START_TEST(reserve_and_back) {
    does(NIC_PATH, "Device.Reserve", "");
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    expect_property(NIC_PATH, DEVICE, "DriverOverride", "vfio-pci");
    does(NIC_PATH, "Device.Reserve", "");
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
    expect_property(NIC_PATH, DEVICE, "DriverOverride", "");
    expect_logged(NIC "/reset 1", TRUE);
    refuses(NIC_PATH, "Device.Unreserve", "", "NotFound", "is not reserved (its state: host)");
}
END_TEST

/* The claim finds it on vfio-pci, and so gives it back. */
START_TEST(reserved_is_claimed) {
    does(NIC_PATH, "Device.Reserve", "");
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    expect_state(NIC_PATH, "claimed", "vfio-pci");
    refuses(NIC_PATH, "Device.Unreserve", "", "Busy", "(the claim is ready)");
    refuses(NIC_PATH, "Device.Reserve", "", "Busy", "(the claim is ready)");
    refuses(NIC_PATH, "Device.Reset", "", "Busy", "(the claim is ready)");
    refuses(NIC_PATH, "Device.Recover", "", "Busy", "is held by a claim that is ready");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_ptr_nonnull(fds);
    g_clear_object(&fds);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
}
END_TEST

START_TEST(reserve_what_is_on_vfio) {
    expect_state(FREE_PATH, "free", "vfio-pci");
    does(FREE_PATH, "Device.Reserve", "");
    expect_state(FREE_PATH, "reserved", "vfio-pci");
    does(FREE_PATH, "Device.Unreserve", "");
    expect_state(FREE_PATH, "free", "vfio-pci");
}
END_TEST

/* It is not listed among the claims, and its uid has all its claims left. */
START_TEST(reservations_are_no_claims) {
    does(NIC_PATH, "Device.Reserve", "");
    g_autoptr(GVariant) reply = pca_call(bus, ROOT_PATH, "Manager.ListClaims", NULL, NULL);
    g_autoptr(GVariant) claims = g_variant_get_child_value(reply, 0);
    ck_assert_uint_eq(g_variant_n_children(claims), 0);
    does(NIC_PATH, "Device.Unreserve", "");
}
END_TEST

static const struct {
    const char *path, *method, *options, *error, *words;
} refusals[] = {
    {DEVICE_OF("0000_02_00_0"), "Device.Reserve", "", "InUse", "mounted on /"},
    {DEVICE_OF("0000_0a_00_0"), "Device.Reserve", "", "InUse", "default route"},
    {DEVICE_OF("0000_00_01_0"), "Device.Reserve", "", "InUse", "is a bridge"},
    {DEVICE_OF("0000_04_00_0"), "Device.Reserve", "", "NotIsolated", "no IOMMU"},
    {DEVICE_OF("0000_05_00_0"), "Device.Reserve", "", "NoReset", "no reset method"},
    {DEVICE_OF("0000_06_00_0"), "Device.Reserve", "", "Busy", "othertool"},
    {NIC_PATH, "Device.Reserve", "{'x': <1>}", "InvalidArgument", "it knows none"},
    {NIC_PATH, "Device.Unreserve", "{'x': <1>}", "InvalidArgument", "it knows none"},
    {NIC_PATH, "Device.Unreserve", "", "NotFound", "is not reserved"},
    {NIC_PATH, "Device.Reset", "", "InUse", "host driver e1000e"},
    {DEVICE_OF("0000_02_00_0"), "Device.Reset", "", "InUse", "mounted on /"},
    {DEVICE_OF("0000_00_01_0"), "Device.Reset", "", "InUse", "is a bridge"},
    {FREE_PATH, "Device.Reset", "{'method': <'pm'>}", "InvalidArgument",
     "no reset method \"pm\"; it has: flr"},
    {FREE_PATH, "Device.Reset", "{'method': <7>}", "InvalidArgument", "it knows method"},
    {FREE_PATH, "Device.Reset", "{'way': <'flr'>}", "InvalidArgument", "it knows method"},
    {NIC_PATH, "Device.Recover", "", "NotFound", "nothing of 0000:01:00.0 is left"},
    {NIC_PATH, "Device.Recover", "{'accept-risk': <1>}", "InvalidArgument", "accept-risk"},
};

START_TEST(refusal) {
    refuses(refusals[_i].path, refusals[_i].method, refusals[_i].options, refusals[_i].error,
            refusals[_i].words);
    expect_logged("write", FALSE);
}
END_TEST

/* Another program drives it through VFIO: an unbind would take it away from it. */
START_TEST(used_through_vfio) {
    pca_world_tell(world, "use " FREE);
    refuses(FREE_PATH, "Device.Reserve", "", "InUse", "driven through VFIO");
    refuses(FREE_PATH, "Device.Reset", "", "InUse", "driven through VFIO");
    pca_world_tell(world, "unuse " FREE);
    does(FREE_PATH, "Device.Reserve", "");
    pca_world_tell(world, "use " FREE);
    refuses(FREE_PATH, "Device.Unreserve", "", "InUse", "driven through VFIO");
    pca_world_tell(world, "unuse " FREE);
    does(FREE_PATH, "Device.Unreserve", "");
}
END_TEST

START_TEST(for_root_alone) {
    static const char *const methods[] = {"Device.Reserve", "Device.Unreserve", "Device.Reset",
                                          "Device.Recover"};
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
        const char *message = pca_refused(alice, NIC_PATH, methods[i], options(""), "NotPermitted");
        ck_assert_ptr_nonnull(strstr(message, "only root may"));
    }
    expect_logged("write", FALSE);
}
END_TEST

/* Somebody bound it to its host driver by hand: nothing is reset under that driver. */
START_TEST(rebound_by_hand) {
    does(NIC_PATH, "Device.Reserve", "");
    /* Its last look was before there is no such function for a moment. */
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    pca_world_tell(world, "unplug " NIC);
    pca_world_tell(world, "function " NIC " below=0000:00:01.0 id=8086:10d3 group=2 driver=e1000e "
                          "reset=flr,bus");
    pca_world_tell(world, "forget");
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
    expect_logged("write", FALSE);
    refuses(NIC_PATH, "Device.Unreserve", "", "NotFound", "is not reserved");
}
END_TEST

START_TEST(removed_while_reserved) {
    does(NIC_PATH, "Device.Reserve", "");
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    pca_world_tell(world, "unplug " NIC);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC, NULL), &error);
    pca_world_await_no_claim(world);
    pca_world_tell(world, "function " NIC " below=0000:00:01.0 id=8086:10d3 group=2 driver=e1000e "
                          "reset=flr,bus");
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC, NULL), NULL));
    expect_state(NIC_PATH, "host", "e1000e");
}
END_TEST

/* A look at it may fail, for want of a descriptor; it is there all the same. */
START_TEST(unreadable_while_reserved) {
    does(NIC_PATH, "Device.Reserve", "");
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    pca_world_tell(world, "set " NIC " vendor unreadable");
    g_autoptr(GVariant) reply =
        pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC, NULL), NULL);
    g_autofree char *text = g_variant_print(reply, FALSE);
    ck_assert_ptr_nonnull(strstr(text, "there is no PCI function"));
    pca_world_tell(world, "set " NIC " vendor 0x8086");
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC, NULL), NULL));
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
}
END_TEST

/* ---- Reset ---- */

START_TEST(reset_free) {
    pca_world_tell(world, "forget");
    does(FREE_PATH, "Device.Reset", "");
    expect_state(FREE_PATH, "free", "vfio-pci");
    expect_logged(FREE "/reset 1", TRUE);
    expect_logged("reset_method", FALSE);
    pca_world_await_no_claim(world);
}
END_TEST

START_TEST(reset_by_method) {
    does(NIC_PATH, "Device.Reserve", "");
    does(NIC_PATH, "Device.Reset", "{'method': <'bus'>}");
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    expect_property(NIC_PATH, DEVICE, "ResetMethods", "['flr', 'bus']");
    expect_logged("write " NIC "/reset_method bus\nwrite " NIC "/reset 1\nwrite " NIC
                  "/reset_method flr bus\n",
                  TRUE);
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
}
END_TEST

START_TEST(reset_reaches_nobody_else) {
    does(GPU_PATH, "Device.Reserve", "");
    refuses(GPU_PATH, "Device.Reset", "{'method': <'bus'>}", "InUse",
            "would reach 0000:03:00.1 as well, which is snd_hda_intel");
    refuses(GPU_PATH, "Device.Reset", "", "InUse", "would reach 0000:03:00.1");
    does(GPU_PATH, "Device.Unreserve", "");
}
END_TEST

/* A reset that fails leaves the function as it was found. */
START_TEST(reset_fails) {
    pca_world_tell(world, "set " FREE " reset_method flr");
    pca_world_tell(world, "fail */reset* 5");
    refuses(FREE_PATH, "Device.Reset", "", "ResetFailed", "reset failed");
    pca_world_tell(world, "heal");
    expect_state(FREE_PATH, "free", "vfio-pci");
    does(FREE_PATH, "Device.Reset", "{'method': <'flr'>}");
}
END_TEST

/* ---- Deaths ---- */

static const char *const deaths[] = {"die", "die-after"};

START_TEST(worker_dies_in_reserve) {
    for (int k = 1; k <= 3; k++) {
        pca_world_tell(world, "%s %d", deaths[_i], k);
        refuses(NIC_PATH, "Device.Reserve", "", "Failed", "did not answer");
        expect_state(NIC_PATH, "host", "e1000e");
        pca_await_all_back(world);
    }
    does(NIC_PATH, "Device.Reserve", "");
    does(NIC_PATH, "Device.Unreserve", "");
}
END_TEST

START_TEST(worker_dies_in_unreserve) {
    /* The first two operations are the guard's: does the group open, whose is its node. */
    for (int k = 3; k <= 7; k++) {
        does(NIC_PATH, "Device.Reserve", "");
        pca_world_tell(world, "%s %d", deaths[_i], k);
        does(NIC_PATH, "Device.Unreserve", "");
        expect_state(NIC_PATH, "host", "e1000e");
        pca_await_all_back(world);
    }
}
END_TEST

START_TEST(worker_dies_in_reset) {
    does(NIC_PATH, "Device.Reserve", "");
    for (int k = 3; k <= 8; k++) {
        g_autoptr(GError) error = NULL;
        pca_world_tell(world, "%s %d", deaths[_i], k);
        g_autoptr(GVariant) reply =
            pca_call(bus, NIC_PATH, "Device.Reset", options("{'method': <'bus'>}"), &error);
        ck_assert_msg(!reply && pca_is_error(error, "Failed"), "operation %d: %s", k,
                      error ? error->message : "no error");
        expect_state(NIC_PATH, "reserved", "vfio-pci");
        expect_property(NIC_PATH, DEVICE, "ResetMethods", "['flr', 'bus']");
    }
    does(NIC_PATH, "Device.Unreserve", "");
}
END_TEST

/* ---- Groups ---- */

#define GPU_GROUP ROOT_PATH "/group/6"

START_TEST(groups) {
    expect_property(GPU_GROUP, GROUP, "Devices", "['" GPU_PATH "', '" SOUND_PATH "']");
    expect_property(GPU_GROUP, GROUP, "Viable", "false");
    expect_property(GPU_GROUP, GROUP, "Blockers",
                    "[('" GPU_PATH "', 'nouveau'), ('" SOUND_PATH "', 'snd_hda_intel')]");
    expect_property(ROOT_PATH "/group/1", GROUP, "Viable", "true");  /* a port */
    expect_property(ROOT_PATH "/group/13", GROUP, "Viable", "true"); /* on vfio-pci */
    does(GPU_PATH, "Device.Reserve", "");
    expect_property(GPU_GROUP, GROUP, "Blockers", "[('" SOUND_PATH "', 'snd_hda_intel')]");
    does(SOUND_PATH, "Device.Reserve", "");
    expect_property(GPU_GROUP, GROUP, "Viable", "true");
    expect_property(GPU_GROUP, GROUP, "Blockers", "[]");
    does(GPU_PATH, "Device.Unreserve", "");
    expect_property(GPU_GROUP, GROUP, "Viable", "false");
    does(SOUND_PATH, "Device.Unreserve", "");
}
END_TEST

TCase *pca_admin_cases(void) {
    TCase *tcase = pca_patient_shared_case_new("admin");
    tcase_add_test(tcase, reserve_and_back);
    tcase_add_test(tcase, reserved_is_claimed);
    tcase_add_test(tcase, reserve_what_is_on_vfio);
    tcase_add_test(tcase, reservations_are_no_claims);
    tcase_add_loop_test(tcase, refusal, 0, G_N_ELEMENTS(refusals));
    tcase_add_test(tcase, used_through_vfio);
    tcase_add_test(tcase, for_root_alone);
    tcase_add_test(tcase, rebound_by_hand);
    tcase_add_test(tcase, removed_while_reserved);
    tcase_add_test(tcase, unreadable_while_reserved);
    tcase_add_test(tcase, reset_free);
    tcase_add_test(tcase, reset_by_method);
    tcase_add_test(tcase, reset_reaches_nobody_else);
    tcase_add_test(tcase, reset_fails);
    tcase_add_loop_test(tcase, worker_dies_in_reserve, 0, G_N_ELEMENTS(deaths));
    tcase_add_loop_test(tcase, worker_dies_in_unreserve, 0, G_N_ELEMENTS(deaths));
    tcase_add_loop_test(tcase, worker_dies_in_reset, 0, G_N_ELEMENTS(deaths));
    tcase_add_test(tcase, groups);
    return tcase;
}
