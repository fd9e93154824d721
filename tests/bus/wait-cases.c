/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims that wait for a device that is being released, and claims that are answered
 * before they are ready. Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <signal.h>

#define LONG_GRACE 20000 /* milliseconds: no release of these tests gets stuck by itself */
#define A_WHILE 60000    /* microseconds */

static void use_grace(guint milliseconds) {
    pca_world_end_daemon(world, SIGTERM);
    world->grace_ms = milliseconds;
    pca_world_start_daemon(world);
}

static void await_state(const char *path, const char *interface, const char *wanted) {
    for (gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC; g_get_monotonic_time() < end;
         g_usleep(2000)) {
        g_autofree char *state = pca_property(bus, path, interface, "State");
        if (g_strcmp0(state, wanted) == 0)
            return;
    }
    ck_abort_msg("%s does not come to be %s", path, wanted ? wanted : "gone");
}

static void await_nic(const char *state) {
    await_state(ROOT_PATH "/device/0000_01_00_0", DEVICE, state);
}

/* ---- Waiting for a release ---- */

typedef struct {
    guint ended;
    GError *error;
    PcaHeld held;
} Waited;

static void waited_clear(Waited *waited) {
    g_clear_error(&waited->error);
    pca_held_clear(&waited->held);
}

#define AUTO_WAITED __attribute__((cleanup(waited_clear))) Waited

static void on_waited(GObject *source, GAsyncResult *result, gpointer data) {
    Waited *waited = data;
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &fds, result, &waited->error);
    gint32 index;
    waited->ended++;
    if (!reply)
        return;
    g_variant_get(reply, "(oh)", &waited->held.path, &index);
    waited->held.lease = g_unix_fd_list_get(fds, index, NULL);
}

/* Claims `words`, and sees that there is no answer for a while. */
static void begin_waiting(const char *words, const char *options, Waited *waited) {
    waited->held.lease = -1;
    g_dbus_connection_call_with_unix_fd_list(
        bus, "org.pcassign1", ROOT_PATH, MANAGER, "Claim", pca_devices(words, options), NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, on_waited, waited);
    g_dbus_connection_flush_sync(bus, NULL, NULL);
    g_usleep(A_WHILE);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

static void release_slowly(PcaHeld *held) {
    pca_world_tell(world, "pause '*/reset 1'");
    pca_fd_close(&held->lease);
    await_nic("releasing");
}

START_TEST(waits_and_gets_it) {
    use_grace(LONG_GRACE);
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    AUTO_WAITED first = {0}, second = {0};
    release_slowly(&held);
    begin_waiting(NIC, NULL, &first);
    begin_waiting(NIC " " NIC_2, "{'wait': <uint64 600000000>}", &second);
    ck_assert_uint_eq(first.ended + second.ended, 0);
    pca_world_tell(world, "resume");
    pca_await(&first.ended, 1);
    pca_await(&second.ended, 1);
    /* One of them: what the other then waits for is no release. On a busy machine the first one may
     * be examined after the second. */
    const Waited *winner = first.error ? &second : &first;
    const Waited *loser = first.error ? &first : &second;
    ck_assert_msg(!winner->error, "%s", winner->error ? winner->error->message : "");
    ck_assert_msg(pca_is_error(loser->error, "Busy"), "%s", loser->error->message);
    await_state(winner->held.path, CLAIM, "ready");
}
END_TEST

START_TEST(waits_in_vain) {
    use_grace(LONG_GRACE);
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    AUTO_WAITED waited = {0};
    release_slowly(&held);
    gint64 began = g_get_monotonic_time();
    begin_waiting(NIC, "{'wait': <uint64 300000>}", &waited);
    pca_await(&waited.ended, 1);
    ck_assert_int_ge(g_get_monotonic_time() - began, 300000);
    ck_assert_msg(pca_is_error(waited.error, "Busy"), "%s", waited.error->message);
    ck_assert_msg(strstr(waited.error->message, "is releasing"), "%s", waited.error->message);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, "{'wait': <uint64 0>}"), "Busy");
    pca_world_tell(world, "resume");
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

/* Who waits for what has got stuck is told at once. */
START_TEST(waits_for_what_gets_stuck) {
    use_grace(1000);
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    AUTO_WAITED waited = {0};
    pca_fd_close(&held.lease);
    await_nic("releasing");
    begin_waiting(NIC, "{'wait': <uint64 600000000>}", &waited);
    pca_await(&waited.ended, 1);
    ck_assert_msg(pca_is_error(waited.error, "Busy"), "%s", waited.error->message);
    ck_assert_msg(strstr(waited.error->message, "is stuck"), "%s", waited.error->message);
}
END_TEST

/* What does not wait: another fault beside it, and a claim that is not being released. */
START_TEST(does_not_wait) {
    use_grace(LONG_GRACE);
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_auto(PcaHeld) other = pca_claim_words(bus, NIC_2);
    release_slowly(&held);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC " 05:00.0", NULL), "Busy");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC " " NIC_2, NULL), "Busy");
    pca_world_tell(world, "resume");
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

/* A group goes to one owner, whichever of its members was asked for. */
START_TEST(member_of_a_held_group) {
    pca_world_tell(world, "function 0000:20:00.0 group=50 reset=flr");
    pca_world_tell(world, "function 0000:20:00.1 group=50 reset=flr");
    g_auto(PcaHeld) held = pca_claim_words(bus, "20:00.0");
    const char *message =
        pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices("20:00.1", NULL), "Busy");
    ck_assert_msg(strstr(message, "a member of IOMMU group 50 of 0000:20:00.1 is held"), "%s",
                  message);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    g_auto(PcaHeld) other = pca_claim_words(bus, "20:00.1");
}
END_TEST

/* ---- Answered early ---- */

static const char async[] = "{'async': <true>}";

static void expect_not_opened(const PcaHeld *held, const char *text) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, held, NULL, &error);
    ck_assert_msg(!fds && pca_is_error(error, "Revoked") && strstr(error->message, text), "%s",
                  error ? error->message : "opened");
}

static void expect_described(const PcaHeld *held, const char *part) {
    g_autoptr(GVariant) described = pca_call(bus, held->path, "Claim.Describe", NULL, NULL);
    g_autofree char *text = g_variant_print(described, FALSE);
    ck_assert_msg(strstr(text, part) != NULL, "%s", text);
}

START_TEST(async_ready) {
    pca_world_tell(world, "pause '*drivers_probe*'");
    g_auto(PcaHeld) held = pca_claim_with(bus, NIC, async);
    await_state(held.path, CLAIM, "preparing");
    await_nic("claimed");
    expect_not_opened(&held, "not ready yet");
    pca_world_tell(world, "resume");
    await_state(held.path, CLAIM, "ready");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 2);
    g_clear_object(&fds);
    pca_fd_close(&held.lease);
    pca_world_await_driver(world, NIC, "e1000e");
    await_state(held.path, CLAIM, NULL);
}
END_TEST

START_TEST(async_failed) {
    pca_world_tell(world, "refuse " NIC " vfio-pci");
    g_auto(PcaHeld) held = pca_claim_with(bus, NIC, async);
    await_state(held.path, CLAIM, "ended");
    pca_world_tell(world, "refuse " NIC " -");
    pca_world_await_no_claim(world);
    await_nic("host");
    expect_described(&held, "'error': <'BindFailed'>");
    expect_described(&held, "'reason': <'" NIC " did not bind");
    expect_not_opened(&held, "did not bind");
    g_autoptr(GVariant) reply = pca_call(bus, ROOT_PATH, "Manager.ListClaims", NULL, NULL);
    g_autofree char *list = g_variant_print(reply, FALSE);
    ck_assert_str_eq(list, "([],)");
    g_auto(PcaHeld) again = pca_claim_words(bus, NIC);
    await_state(held.path, CLAIM, "ended");
    pca_fd_close(&held.lease);
    await_state(held.path, CLAIM, NULL);
    await_state(again.path, CLAIM, "ready");
}
END_TEST

/* Refused is refused at once. */
START_TEST(async_refused) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, async), "Busy");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices("02:00.0", async), "InUse");
}
END_TEST

START_TEST(async_abandoned) {
    pca_world_tell(world, "pause '*drivers_probe*'");
    g_auto(PcaHeld) held = pca_claim_with(bus, NIC, async);
    pca_world_await_driver(world, NIC, NULL);
    pca_fd_close(&held.lease);
    g_usleep(A_WHILE);
    pca_world_tell(world, "resume");
    await_state(held.path, CLAIM, NULL);
    pca_await_all_back(world);
}
END_TEST

START_TEST(async_without_time) {
    pca_world_tell(world, "pause '*drivers_probe*'");
    g_auto(PcaHeld) held = pca_claim_with(bus, NIC, "{'async': <true>, 'wait': <uint64 0>}");
    await_state(held.path, CLAIM, "stuck");
    pca_world_tell(world, "resume");
    await_state(held.path, CLAIM, "ended");
    expect_described(&held, "'error': <'TimedOut'>");
}
END_TEST

START_TEST(async_over_a_restart) {
    pca_world_tell(world, "pause '*drivers_probe*'");
    g_auto(PcaHeld) held = pca_claim_with(bus, NIC, async);
    pca_world_await_driver(world, NIC, NULL);
    pca_world_end_daemon(world, SIGKILL);
    pca_world_start_daemon(world);
    pca_world_tell(world, "resume");
    pca_await_all_back(world);
    await_state(held.path, CLAIM, NULL);
}
END_TEST

TCase *pca_wait_cases(void) {
    TCase *tcase = pca_case_new("waits");
    tcase_add_test(tcase, waits_and_gets_it);
    tcase_add_test(tcase, waits_in_vain);
    tcase_add_test(tcase, waits_for_what_gets_stuck);
    tcase_add_test(tcase, does_not_wait);
    tcase_add_test(tcase, member_of_a_held_group);
    tcase_add_test(tcase, async_ready);
    tcase_add_test(tcase, async_failed);
    tcase_add_test(tcase, async_refused);
    tcase_add_test(tcase, async_abandoned);
    tcase_add_test(tcase, async_without_time);
    tcase_add_test(tcase, async_over_a_restart);
    return tcase;
}
