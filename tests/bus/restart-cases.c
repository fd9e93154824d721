/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: daemons that die or stop at any moment, and what the next one finds and puts right.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <signal.h>
#include <unistd.h>

START_TEST(daemon_dies_ready) {
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu 01:00.0");
    g_autoptr(GUnixFDList) kept = pca_open_held(bus, &held, NULL, NULL);
    pca_world_end_daemon(world, SIGKILL);
    pca_world_start_daemon(world);
    g_autofree char *state = pca_property(bus, held.path, CLAIM, "State");
    ck_assert_pstr_eq(state, "ready");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Busy");
    g_autoptr(GVariant) entries = NULL;
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, &entries, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 4);
    g_clear_object(&fds);
    g_clear_object(&kept);
    pca_fd_close(&held.lease);
    pca_await_all_back(world);
}
END_TEST

START_TEST(daemon_stops_ready) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_world_end_daemon(world, SIGTERM);
    g_usleep(50000);
    g_autofree char *driver = pca_world_driver(world, NIC);
    ck_assert_pstr_eq(driver, "vfio-pci");
    pca_world_start_daemon(world);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_await_all_back(world);
}
END_TEST

START_TEST(lease_ends_meanwhile) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_world_end_daemon(world, SIGKILL);
    pca_fd_close(&held.lease);
    pca_world_start_daemon(world);
    pca_await_all_back(world);
    g_autofree char *log = pca_world_log(world);
    ck_assert_ptr_nonnull(strstr(log, NIC "/reset 1"));
}
END_TEST

static const char *const claim_moments[] = {"*driver_override vfio-pci", "*drivers/e1000e/unbind*",
                                            "*drivers_probe*"};

/* The worker of before is still at work when the next daemon starts, which is killed as well. */
START_TEST(daemon_dies_in_claim) {
    guint ended = 0;
    pca_world_tell(world, "pause '%s'", claim_moments[_i]);
    g_autoptr(GDBusConnection) c = pca_begin_claim(world, NIC, &ended);
    pca_world_await_paused(world);
    for (int i = 0; i < 3; i++) {
        pca_world_end_daemon(world, SIGKILL);
        pca_world_start_daemon(world);
    }
    pca_world_tell(world, "resume");
    pca_await_all_back(world);
    pca_await(&ended, 1);
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
}
END_TEST

static const char *const release_moments[] = {"*drivers/vfio-pci/unbind*", "*/reset 1",
                                              "*driver_override e1000e", "*drivers_probe*"};

START_TEST(daemon_dies_in_release) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_world_tell(world, "pause '%s'", release_moments[_i]);
    pca_fd_close(&held.lease);
    pca_world_await_paused(world);
    for (int i = 0; i < 3; i++) {
        pca_world_end_daemon(world, SIGKILL);
        pca_world_start_daemon(world);
    }
    pca_world_tell(world, "resume");
    pca_await_all_back(world);
    g_autofree char *log = pca_world_log(world);
    ck_assert_ptr_nonnull(strstr(log, NIC "/reset 1"));
}
END_TEST

/* A device descriptor that outlives the daemon blocks the release that follows, and no other. */
START_TEST(held_over_restart) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    pca_world_end_daemon(world, SIGKILL);
    pca_fd_close(&held.lease);
    pca_world_start_daemon(world);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Busy");
    g_auto(PcaHeld) other = pca_claim_words(bus, NIC_2);
    g_clear_object(&fds);
    pca_fd_close(&other.lease);
    pca_await_all_back(world);
}
END_TEST

/* A device that does not answer its reset is given to nobody. */
START_TEST(quarantine) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_world_tell(world, "dead-reset " NIC);
    pca_refused(bus, held.path, "Claim.Release", NULL, "ResetFailed");
    g_autofree char *state = pca_property(bus, ROOT_PATH "/device/0000_01_00_0", DEVICE, "State");
    ck_assert_pstr_eq(state, "quarantined");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Quarantined");
    g_autofree char *driver = pca_world_driver(world, NIC);
    ck_assert_ptr_null(driver);
    /* Nor after a restart. */
    pca_world_end_daemon(world, SIGTERM);
    pca_world_start_daemon(world);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Quarantined");
}
END_TEST

/* A daemon that starts with a broken policy answers, and grants nothing. */
START_TEST(broken_from_the_start) {
    if (!pca_become(0))
        return;
    pca_world_end_daemon(world, SIGTERM);
    g_autofree char *path = g_build_filename(world->tree, "policy.d/60-more.conf", NULL);
    ck_assert(g_file_set_contents_full(path, "nonsense\n", -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
                                       NULL));
    pca_world_start_daemon(world);
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autofree char *stale = pca_property(bus, ROOT_PATH, MANAGER, "PolicyStale");
    ck_assert_pstr_eq(stale, "true");
    pca_refused(alice, ROOT_PATH, "Manager.Claim", pca_devices("nic", NULL), "NotFound");
    pca_refused(alice, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "NotPermitted");
}
END_TEST

/* Nor to root, who needs no Allow, but a policy that could deny. */
START_TEST(nothing_for_root) {
    pca_world_end_daemon(world, SIGTERM);
    g_autofree char *path = g_build_filename(world->tree, "policy.d/60-more.conf", NULL);
    ck_assert(g_file_set_contents_full(path, "nonsense\n", -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
                                       NULL));
    pca_world_start_daemon(world);
    const char *message =
        pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "NotPermitted");
    ck_assert_msg(strstr(message, "none was read before"), "%s", message);
    ck_assert_int_eq(unlink(path), 0);
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.ReloadPolicy", NULL, NULL));
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
}
END_TEST

static GVariant *nic_path(void) {
    return g_variant_new_parsed("([objectpath '" ROOT_PATH "/device/0000_01_00_0'],)");
}

static void on_given_back(GObject *source, GAsyncResult *result, gpointer data) {
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
    (*(guint *)data)++;
}

/* Two go on, one goes back: the daemon dies three times meanwhile. */
START_TEST(daemon_dies_giving_back) {
    guint ended = 0;
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu " NIC);
    pca_world_tell(world, "pause '%s'", release_moments[_i]);
    g_dbus_connection_call(bus, "org.pcassign1", held.path, CLAIM, "ReleaseDevices", nic_path(),
                           NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_given_back, &ended);
    g_dbus_connection_flush_sync(bus, NULL, NULL);
    pca_world_await_paused(world);
    for (int i = 0; i < 3; i++) {
        pca_world_end_daemon(world, SIGKILL);
        pca_world_start_daemon(world);
        g_autofree char *state = pca_property(bus, held.path, CLAIM, "State");
        ck_assert_pstr_eq(state, "ready");
    }
    pca_await(&ended, 1);
    pca_world_tell(world, "resume");
    pca_world_await_driver(world, NIC, "e1000e");
    g_autofree char *devices = pca_property(bus, held.path, CLAIM, "Devices");
    ck_assert_msg(!strstr(devices, "0000_01_00_0"), "%s", devices);
    g_autofree char *gpu = pca_world_driver(world, "0000:03:00.0");
    ck_assert_pstr_eq(gpu, "vfio-pci");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 3);
    g_clear_object(&fds);
    pca_fd_close(&held.lease);
    pca_await_all_back(world);
}
END_TEST

/* A claim that joined another one is as good after a restart. */
START_TEST(daemon_dies_joined) {
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu");
    g_autofree char *options =
        g_strdup_printf("{'join': <objectpath '%s'>, 'join-lease': <handle 0>}", held.path);
    g_autoptr(GUnixFDList) got = NULL;
    g_autoptr(GVariant) reply = pca_call_fds(bus, ROOT_PATH, "Manager.Claim",
                                             pca_devices(NIC, options), held.lease, &got, NULL);
    g_auto(PcaHeld) second = {NULL, -1};
    g_variant_get(reply, "(oh)", &second.path, NULL);
    second.lease = g_unix_fd_list_get(got, 0, NULL);
    pca_world_end_daemon(world, SIGKILL);
    pca_world_start_daemon(world);
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &second, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 1);
    g_clear_object(&fds);
    pca_fd_close(&held.lease);
    pca_fd_close(&second.lease);
    g_clear_object(&got);
    pca_await_all_back(world);
}
END_TEST

/* What is in its place when the daemon is back is another one, which nobody touches. */
START_TEST(unplugged_while_the_daemon_is_away) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC " " NIC_2);
    pca_world_end_daemon(world, SIGTERM);
    pca_world_tell(world, "unplug " NIC);
    pca_world_start_daemon(world);
    g_autofree char *devices = NULL;
    for (guint i = 0; g_strcmp0(devices, "['" ROOT_PATH "/device/0000_08_00_0']") != 0; i++) {
        ck_assert_msg(i < 5000, "%s", devices);
        g_usleep(2000);
        g_free(devices);
        devices = pca_property(bus, held.path, CLAIM, "Devices");
    }
    pca_world_end_daemon(world, SIGTERM);
    pca_world_tell(world, "unplug " NIC_2);
    pca_world_start_daemon(world);
    pca_world_await_no_claim(world);
}
END_TEST

TCase *pca_restart_cases(void) {
    TCase *tcase = pca_case_new("restarts");
    tcase_add_test(tcase, daemon_dies_ready);
    tcase_add_test(tcase, daemon_stops_ready);
    tcase_add_test(tcase, lease_ends_meanwhile);
    tcase_add_loop_test(tcase, daemon_dies_in_claim, 0, G_N_ELEMENTS(claim_moments));
    tcase_add_loop_test(tcase, daemon_dies_in_release, 0, G_N_ELEMENTS(release_moments));
    tcase_add_test(tcase, held_over_restart);
    tcase_add_test(tcase, quarantine);
    tcase_add_test(tcase, broken_from_the_start);
    tcase_add_test(tcase, nothing_for_root);
    tcase_add_loop_test(tcase, daemon_dies_giving_back, 0, G_N_ELEMENTS(release_moments));
    tcase_add_test(tcase, daemon_dies_joined);
    tcase_add_test(tcase, unplugged_while_the_daemon_is_away);
    return tcase;
}
