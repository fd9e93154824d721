/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a physical function and its virtual functions never have different owners.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <signal.h>

#define PF "0000:0b:00.0"
#define VF "0000:0b:00.1"
#define PF_PATH ROOT_PATH "/device/0000_0b_00_0"

static void plug_pf(const char *driver) {
    pca_world_tell(world, "function " PF " group=50 driver=%s reset=flr total-vfs=2", driver);
}

static void enable_vf(const char *words) {
    pca_world_tell(world, "function " VF " group=51 pf=" PF " reset=flr %s", words);
}

/* As the kernel does first when it removes them, before it waits for who has one. */
static void begin_removal(void) {
    pca_world_tell(world, "unset " PF " virtfn0");
    pca_world_tell(world, "unset " VF " physfn");
}

static void refuses(const char *devices, const char *name, const char *part) {
    const char *text =
        pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(devices, NULL), name);
    ck_assert_msg(strstr(text, part) != NULL, "no %s in %s", part, text);
}

START_TEST(vf_out_pf_stays) {
    plug_pf("e1000e");
    enable_vf("");
    g_auto(PcaHeld) held = pca_claim_words(bus, VF);
    refuses(PF, "Busy", VF ", a virtual function of " PF ", is held by ");
    pca_refused(bus, PF_PATH, "Device.Reserve", g_variant_new_parsed("(@a{sv} {},)"), "Busy");
    begin_removal();
    refuses(PF, "Busy", VF ", a virtual function of " PF ", is held by ");
    pca_world_end_daemon(world, SIGKILL);
    pca_world_start_daemon(world);
    refuses(PF, "Busy", VF ", a virtual function of " PF ", is held by ");
    pca_world_await_driver(world, PF, "e1000e");
    pca_fd_close(&held.lease);
    pca_world_await_no_claim(world);
    pca_world_tell(world, "set " PF " sriov_numvfs 0");
    g_auto(PcaHeld) now = pca_claim_words(bus, PF);
    ck_assert_ptr_nonnull(now.path);
}
END_TEST

/* The kernel binds what a physical function on vfio-pci brings forth to vfio-pci as well. */
START_TEST(pf_out_no_vf) {
    plug_pf("e1000e");
    g_auto(PcaHeld) held = pca_claim_words(bus, PF);
    enable_vf("driver=vfio-pci override=vfio-pci");
    refuses(VF, "Busy", PF ", the physical function of " VF ", is held by ");
}
END_TEST

START_TEST(pf_with_another_tool_no_vf) {
    plug_pf("vfio-pci");
    enable_vf("driver=vfio-pci override=vfio-pci");
    refuses(VF, "InUse", PF ", the physical function of " VF ", is on vfio-pci");
    const char *text =
        pca_refused(bus, PF_PATH, "Device.Reset", g_variant_new_parsed("(@a{sv} {},)"), "InUse");
    ck_assert_msg(strstr(text, "has 1 virtual functions enabled") != NULL, "%s", text);
    g_autofree char *log = pca_world_log(world);
    ck_assert_str_eq(log, "");
}
END_TEST

START_TEST(pf_reserved_no_vf) {
    plug_pf("e1000e");
    /* So that it is looked for. */
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(PF, NULL), NULL));
    g_variant_unref(
        pca_call(bus, PF_PATH, "Device.Reserve", g_variant_new_parsed("(@a{sv} {},)"), NULL));
    enable_vf("driver=vfio-pci override=vfio-pci");
    refuses(VF, "InUse", PF ", the physical function of " VF ", is on vfio-pci");
}
END_TEST

/* Nothing tells who drives it. */
START_TEST(pf_unreadable_no_vf) {
    plug_pf("vfio-pci");
    enable_vf("driver=vfio-pci override=vfio-pci");
    pca_world_tell(world, "set " PF " vendor unreadable");
    refuses(VF, "InUse", PF ", the physical function of " VF ", cannot be read");
}
END_TEST

TCase *pca_sriov_cases(void) {
    TCase *tcase = pca_case_new("physical and virtual functions");
    tcase_add_test(tcase, vf_out_pf_stays);
    tcase_add_test(tcase, pf_out_no_vf);
    tcase_add_test(tcase, pf_with_another_tool_no_vf);
    tcase_add_test(tcase, pf_reserved_no_vf);
    tcase_add_test(tcase, pf_unreadable_no_vf);
    return tcase;
}
