/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: recover, and what is left of an administrator's request when the daemon dies.
 * Thread: main. Ownership: see cases.h.
 */
#include "admin.h"

#include <signal.h>

static const char *const deaths[] = {"die", "die-after"};

START_TEST(daemon_dies_reserved) {
    does(NIC_PATH, "Device.Reserve", "");
    restart(SIGKILL);
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    restart(SIGTERM);
    expect_state(NIC_PATH, "claimed", "vfio-pci");
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    restart(SIGKILL);
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
    expect_property(NIC_PATH, DEVICE, "DriverOverride", "");
    pca_await_all_back(world);
}
END_TEST

static void ignore(GObject *source, GAsyncResult *result, gpointer data) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    ++*(guint *)data;
}

static const struct {
    const char *method, *options, *moment;
    gboolean reserved_before;
} interrupted[] = {
    {"Reserve", "", "*drivers/e1000e/unbind*", FALSE},
    {"Reserve", "", "*drivers_probe*", FALSE},
    {"Unreserve", "", "*drivers/vfio-pci/unbind*", TRUE},
    {"Unreserve", "", "*/reset 1", TRUE},
    {"Unreserve", "", "*driver_override e1000e", TRUE},
    {"Reset", "{'method': <'bus'>}", "*/reset 1", TRUE},
    {"Reset", "{'method': <'bus'>}", "*reset_method flr bus", TRUE},
};

/* The worker of before waits in the kernel while one daemon after the other dies. */
START_TEST(daemon_dies_at_work) {
    guint ended = 0;
    if (interrupted[_i].reserved_before)
        does(NIC_PATH, "Device.Reserve", "");
    pca_world_tell(world, "pause '%s'", interrupted[_i].moment);
    g_dbus_connection_call(bus, "org.pcassign1", NIC_PATH, DEVICE, interrupted[_i].method,
                           options(interrupted[_i].options), NULL, G_DBUS_CALL_FLAGS_NONE, 20000,
                           NULL, ignore, &ended);
    g_dbus_connection_flush_sync(bus, NULL, NULL);
    pca_world_await_paused(world);
    for (int i = 0; i < 2; i++)
        restart(SIGKILL);
    pca_world_tell(world, "resume");
    pca_await(&ended, 1);
    if (g_str_equal(interrupted[_i].method, "Reset")) {
        for (int i = 0; i < 500; i++) {
            g_autofree char *state = pca_property(bus, NIC_PATH, DEVICE, "State");
            g_autofree char *driver = pca_property(bus, NIC_PATH, DEVICE, "Driver");
            if (g_str_equal(state, "reserved") && g_str_equal(driver, "vfio-pci"))
                break;
            g_usleep(10000);
        }
        expect_state(NIC_PATH, "reserved", "vfio-pci");
        g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC, NULL), NULL));
        expect_property(NIC_PATH, DEVICE, "ResetMethods", "['flr', 'bus']");
        does(NIC_PATH, "Device.Unreserve", "");
    }
    pca_await_all_back(world);
}
END_TEST

/* ---- Recover ---- */

static void quarantine(void) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_world_tell(world, "fail */reset* 5");
    pca_refused(bus, held.path, "Claim.Release", NULL, "ResetFailed");
    expect_state(NIC_PATH, "quarantined", "");
}

START_TEST(recover_quarantined) {
    quarantine();
    const char *message =
        pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Quarantined");
    ck_assert_ptr_nonnull(strstr(message, "pcassignctl recover " NIC));
    refuses(NIC_PATH, "Device.Reserve", "", "Quarantined", "recover");
    refuses(NIC_PATH, "Device.Reset", "", "Quarantined", "recover");
    refuses(NIC_PATH, "Device.Recover", "", "ResetFailed", "reset failed");
    expect_state(NIC_PATH, "quarantined", "");
    restart(SIGTERM);
    refuses(NIC_PATH, "Device.Recover", "", "ResetFailed", "reset failed");
    pca_world_tell(world, "heal");
    does(NIC_PATH, "Device.Recover", "");
    expect_state(NIC_PATH, "host", "e1000e");
    pca_await_all_back(world);
    refuses(NIC_PATH, "Device.Recover", "", "NotFound", "nothing");
    restart(SIGTERM);
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
}
END_TEST

/* The spoilt card was replaced by one of another make, which the host has. */
START_TEST(recover_replaced) {
    quarantine();
    pca_world_tell(world, "heal");
    pca_world_tell(world, "unplug " NIC);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC, NULL), &error);
    pca_world_tell(world, "function " NIC " below=0000:00:01.0 id=8086:1572 group=2 driver=i40e "
                          "reset=flr");
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC, NULL), NULL));
    expect_state(NIC_PATH, "quarantined", "i40e");
    pca_world_tell(world, "forget");
    does(NIC_PATH, "Device.Recover", "");
    expect_state(NIC_PATH, "host", "i40e");
    expect_logged("write", FALSE);
    pca_world_await_no_claim(world);
}
END_TEST

START_TEST(recover_at_risk) {
    quarantine();
    pca_world_tell(world, "forget");
    does(NIC_PATH, "Device.Recover", "{'accept-risk': <true>}");
    expect_state(NIC_PATH, "host", "e1000e");
    expect_logged("/reset", FALSE);
    pca_await_all_back(world);
}
END_TEST

/* What is clean needs no other reset, only its driver. */
START_TEST(recover_degraded) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_world_tell(world, "refuse " NIC " e1000e");
    pca_refused(bus, held.path, "Claim.Release", NULL, "BindFailed");
    expect_state(NIC_PATH, "degraded", "");
    pca_world_tell(world, "forget");
    refuses(NIC_PATH, "Device.Recover", "", "BindFailed", "did not bind");
    restart(SIGKILL);
    expect_state(NIC_PATH, "degraded", "");
    pca_world_tell(world, "refuse " NIC " -");
    does(NIC_PATH, "Device.Recover", "");
    expect_state(NIC_PATH, "host", "e1000e");
    expect_logged("/reset", FALSE);
    pca_await_all_back(world);
}
END_TEST

/* One function of a claim of two: the other one is back already, and at work for the host. */
START_TEST(recover_one_of_two) {
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu");
    pca_world_tell(world, "fail *03:00.1/reset* 5");
    pca_refused(bus, held.path, "Claim.Release", NULL, "ResetFailed");
    expect_state(GPU_PATH, "host", "nouveau");
    expect_state(SOUND_PATH, "quarantined", "");
    refuses(GPU_PATH, "Device.Recover", "", "NotFound", "nothing");
    refuses(SOUND_PATH, "Device.Recover", "", "ResetFailed", "03:00.1");
    pca_world_tell(world, "heal");
    pca_world_tell(world, "forget");
    restart(SIGKILL);
    does(SOUND_PATH, "Device.Recover", "");
    expect_state(SOUND_PATH, "host", "snd_hda_intel");
    expect_logged("0000:03:00.0", FALSE);
    pca_await_all_back(world);
}
END_TEST

/* Of a reserved function: it goes back to where the claim had found it. */
START_TEST(recover_reserved) {
    does(NIC_PATH, "Device.Reserve", "");
    quarantine();
    refuses(NIC_PATH, "Device.Unreserve", "", "Quarantined", "recover");
    pca_world_tell(world, "heal");
    does(NIC_PATH, "Device.Recover", "");
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
    pca_await_all_back(world);
}
END_TEST

START_TEST(worker_dies_in_recover) {
    for (int k = 1; k <= 4; k++) {
        quarantine();
        pca_world_tell(world, "heal");
        pca_world_tell(world, "%s %d", deaths[_i], k);
        does(NIC_PATH, "Device.Recover", "");
        expect_state(NIC_PATH, "host", "e1000e");
        pca_await_all_back(world);
    }
}
END_TEST

START_TEST(daemon_dies_in_recover) {
    guint ended = 0;
    quarantine();
    pca_world_tell(world, "heal");
    pca_world_tell(world, "pause *driver_override*");
    pca_world_tell(world, "forget");
    g_dbus_connection_call(bus, "org.pcassign1", NIC_PATH, DEVICE, "Recover", options(""), NULL,
                           G_DBUS_CALL_FLAGS_NONE, 20000, NULL, ignore, &ended);
    g_dbus_connection_flush_sync(bus, NULL, NULL);
    await_logged(NIC "/reset 1");
    restart(SIGKILL);
    refuses(NIC_PATH, "Device.Recover", "", "Busy", "is still at work on 0000:01:00.0");
    pca_world_tell(world, "resume");
    pca_await(&ended, 1);
    pca_await_all_back(world);
}
END_TEST

/* Somebody holds the device: the worker is in the kernel and goes on by itself. */
START_TEST(recover_stuck_at_work) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    pca_refused(bus, held.path, "Claim.Release", NULL, "UnbindTimeout");
    expect_property(NIC_PATH, DEVICE, "State", "stuck");
    refuses(NIC_PATH, "Device.Recover", "", "Busy", "the worker (process ");
    g_clear_object(&fds);
    pca_await_all_back(world);
}
END_TEST

START_TEST(recover_stuck) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_world_tell(world, "deaf");
    pca_refused(bus, held.path, "Claim.Release", NULL, "Failed");
    expect_property(NIC_PATH, DEVICE, "State", "stuck");
    pca_world_tell(world, "listen");
    does(NIC_PATH, "Device.Recover", "");
    expect_state(NIC_PATH, "host", "e1000e");
    pca_await_all_back(world);
}
END_TEST

static void replace_in(const char *path, const char *from, const char *to) {
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) parts = g_strsplit(text, from, 2);
    ck_assert_uint_eq(g_strv_length(parts), 2);
    g_autofree char *edited = g_strjoinv(to, parts);
    ck_assert(g_file_set_contents(path, edited, -1, NULL));
}

static const struct {
    const char *file, *from, *to;
} newer[] = {
    {"claim", "Format=1", "Format=2"},
    {"journal", "pcassign-journal 1", "pcassign-journal 2"},
};

/* As after a downgrade: nobody gets what the newer one had given away, and nothing is done to it;
 * with the version of before everything is as it was. */
START_TEST(newer_format_is_kept) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    const char *id = strrchr(held.path, '/') + 1;
    g_autofree char *path = g_strdup_printf("%s/run/claims/%s/%s", world->tree, id, newer[_i].file);
    g_autofree char *after = NULL;
    replace_in(path, newer[_i].from, newer[_i].to);
    g_autofree char *before = NULL;
    ck_assert(g_file_get_contents(path, &before, NULL, NULL));
    pca_world_tell(world, "forget");
    restart(SIGKILL);
    expect_state(NIC_PATH, "quarantined", "vfio-pci");
    g_autofree char *reason = pca_property(bus, NIC_PATH, DEVICE, "StateReason");
    ck_assert_msg(strstr(reason, path) && strstr(reason, "its format is 2"), "%s", reason);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Quarantined");
    refuses(NIC_PATH, "Device.Recover", "", "Unsupported", path);
    refuses(NIC_PATH, "Device.Recover", "{'accept-risk': <true>}", "Unsupported", path);
    ck_assert(g_file_get_contents(path, &after, NULL, NULL));
    ck_assert_str_eq(before, after);
    expect_logged("write", FALSE);
    replace_in(path, newer[_i].to, newer[_i].from);
    restart(SIGTERM);
    expect_state(NIC_PATH, "claimed", "vfio-pci");
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_await_all_back(world);
}
END_TEST

START_TEST(groups_come_and_go) {
    g_autoptr(GError) error = NULL;
    expect_property(ROOT_PATH "/group/16", GROUP, "Viable", "false");
    pca_world_tell(world, "unplug " NIC_2);
    g_autoptr(GVariant) reply =
        pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC_2, NULL), &error);
    expect_property(ROOT_PATH "/group/16", GROUP, "Viable", NULL);
    pca_world_tell(world, "function " NIC_2 " below=0000:00:08.0 group=40 driver=e1000e reset=flr");
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(NIC_2, NULL), NULL));
    expect_property(ROOT_PATH "/group/40", GROUP, "Devices", "['" DEVICE_OF("0000_08_00_0") "']");
}
END_TEST

TCase *pca_recover_cases(void) {
    TCase *tcase = pca_patient_case_new("recover");
    tcase_add_test(tcase, daemon_dies_reserved);
    tcase_add_loop_test(tcase, daemon_dies_at_work, 0, G_N_ELEMENTS(interrupted));
    tcase_add_test(tcase, recover_quarantined);
    tcase_add_test(tcase, recover_replaced);
    tcase_add_test(tcase, recover_at_risk);
    tcase_add_test(tcase, recover_degraded);
    tcase_add_test(tcase, recover_one_of_two);
    tcase_add_test(tcase, recover_reserved);
    tcase_add_loop_test(tcase, worker_dies_in_recover, 0, G_N_ELEMENTS(deaths));
    tcase_add_test(tcase, daemon_dies_in_recover);
    tcase_add_test(tcase, recover_stuck);
    tcase_add_loop_test(tcase, newer_format_is_kept, 0, G_N_ELEMENTS(newer));
    tcase_add_test(tcase, groups_come_and_go);
    return tcase;
}

TCase *pca_stuck_cases(void) {
    TCase *tcase = pca_case_new("stuck");
    tcase_add_test(tcase, recover_stuck_at_work);
    return tcase;
}
