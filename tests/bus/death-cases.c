/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: clients and workers that die at any moment: in the end every device is back on its host
 * driver, no claim is left, and the daemon holds no descriptor more than before.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

static const char *const claimed[] = {NIC, NIC_2, "gpu", "07:00.0"};

/* ---- Clients ---- */

static void vanish_after(gulong microseconds) {
    GDBusConnection *clients[G_N_ELEMENTS(claimed)];
    guint ended = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(claimed); i++)
        clients[i] = pca_begin_claim(world, claimed[i], &ended);
    g_usleep(microseconds);
    for (gsize i = 0; i < G_N_ELEMENTS(claimed); i++)
        g_dbus_connection_close_sync(clients[i], NULL, NULL);
    pca_await(&ended, G_N_ELEMENTS(claimed));
    for (gsize i = 0; i < G_N_ELEMENTS(claimed); i++)
        g_object_unref(clients[i]);
}

/* Whatever call of theirs was still on its way, in the end somebody else can have the device. */
static void expect_claimable(const char *words) {
    gint64 end = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
    for (;;) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) reply =
            pca_call(bus, ROOT_PATH, "Manager.Claim", pca_devices(words, NULL), &error);
        if (reply)
            return;
        ck_assert_msg(pca_is_error(error, "Busy") && g_get_monotonic_time() < end, "%s: %s", words,
                      error->message);
        g_usleep(20000);
    }
}

/* 51 moments and 4 clients: 204 disconnections. */
START_TEST(client_vanishes) {
    guint before = pca_world_count_fds(world);
    pca_world_tell(world, "slow 1500");
    for (gulong milliseconds = 0; milliseconds <= 50; milliseconds++) {
        vanish_after(milliseconds * 1000);
        pca_await_all_back(world);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(claimed); i++)
        expect_claimable(claimed[i]);
    pca_await_all_back(world);
    ck_assert_msg(pca_world_await_fds(world, before), "%u descriptors, %u before",
                  pca_world_count_fds(world), before);
}
END_TEST

/* A message that forbids an answer leaves nobody to hold the lease. */
START_TEST(no_answer_wanted) {
    g_autoptr(GDBusMessage) message =
        g_dbus_message_new_method_call("org.pcassign1", ROOT_PATH, MANAGER, "Claim");
    g_dbus_message_set_body(message, pca_devices(NIC, NULL));
    g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
    ck_assert(
        g_dbus_connection_send_message(bus, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL));
    for (int i = 0; i < 5000; i++) {
        g_autofree char *log = pca_world_log(world);
        if (strstr(log, NIC "/reset 1"))
            break;
        g_usleep(2000);
    }
    pca_await_all_back(world);
    g_autofree char *log = pca_world_log(world);
    ck_assert_msg(strstr(log, NIC "/reset 1"), "it was not claimed: %s", log);
}
END_TEST

/* ---- Workers ---- */

static const char *const deaths[] = {"die", "die-after"};

/* Its two functions take three operations each. */
START_TEST(worker_dies_in_claim) {
    for (int k = 1; k <= 6; k++) {
        g_autoptr(GError) error = NULL;
        pca_world_tell(world, "%s %d", deaths[_i], k);
        g_autoptr(GVariant) reply =
            pca_call(bus, ROOT_PATH, "Manager.Claim", pca_devices("gpu", NULL), &error);
        ck_assert_msg(!reply && pca_is_error(error, "Failed"), "operation %d: %s", k,
                      error ? error->message : "no error");
        pca_await_all_back(world);
    }
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu");
}
END_TEST

START_TEST(worker_dies_in_release) {
    for (int k = 1; k <= 10; k++) {
        g_auto(PcaHeld) held = pca_claim_words(bus, "gpu");
        pca_world_tell(world, "%s %d", deaths[_i], k);
        pca_fd_close(&held.lease);
        pca_await_all_back(world);
    }
    g_autofree char *log = pca_world_log(world);
    ck_assert_ptr_nonnull(strstr(log, "0000:03:00.0/reset 1"));
}
END_TEST

/* Killed from outside while it waits for a host driver; another one undoes what it did. */
START_TEST(worker_killed) {
    guint ended = 0;
    pca_world_tell(world, "pause *drivers_probe*");
    g_autoptr(GDBusConnection) c = pca_begin_claim(world, NIC, &ended);
    pca_world_await_driver(world, NIC, NULL);
    pca_world_tell(world, "resume");
    pca_world_tell(world, "kill");
    pca_await(&ended, 1);
    /* Killed before the bind or after it, the client has its answer; now it goes. */
    g_dbus_connection_close_sync(c, NULL, NULL);
    pca_await_all_back(world);
}
END_TEST

/* Nothing was touched, and nothing is touched later: the device has its host driver all the time.
 */
START_TEST(worker_unreachable) {
    pca_world_tell(world, "deaf");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Failed");
    pca_world_tell(world, "listen");
    g_autoptr(GVariant) reply = pca_call(bus, ROOT_PATH, "Manager.ListClaims", NULL, NULL);
    g_autoptr(GVariant) claims = g_variant_get_child_value(reply, 0);
    if (g_variant_n_children(claims) > 0) {
        const char *path = NULL;
        g_autoptr(GError) ignored = NULL;
        g_variant_get_child(claims, 0, "(&oa{sv})", &path, NULL);
        g_autoptr(GVariant) released = pca_call(bus, path, "Claim.Release", NULL, &ignored);
    }
    g_autofree char *log = pca_world_log(world);
    ck_assert_msg(!strstr(log, "reset") && !strstr(log, "config"), "%s", log);
    pca_await_all_back(world);
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
}
END_TEST

TCase *pca_death_cases(void) {
    TCase *tcase = pca_shared_case_new("deaths");
    tcase_add_test(tcase, client_vanishes);
    tcase_add_test(tcase, no_answer_wanted);
    tcase_add_loop_test(tcase, worker_dies_in_claim, 0, G_N_ELEMENTS(deaths));
    tcase_add_loop_test(tcase, worker_dies_in_release, 0, G_N_ELEMENTS(deaths));
    tcase_add_test(tcase, worker_killed);
    tcase_add_test(tcase, worker_unreachable);
    return tcase;
}
