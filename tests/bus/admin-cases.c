/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the administrator's methods of Device, each refusal of them, and what is left of them
 * when the daemon or the worker dies; the objects of the groups.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <signal.h>

#define DEVICE_OF(name) ROOT_PATH "/device/" name
#define NIC_PATH DEVICE_OF("0000_01_00_0")
#define FREE "0000:07:00.0"
#define FREE_PATH DEVICE_OF("0000_07_00_0")
#define GPU_PATH DEVICE_OF("0000_03_00_0")
#define SOUND_PATH DEVICE_OF("0000_03_00_1")

/* (a{sv}) of a text such as "{'method': <'flr'>}". */
static GVariant *options(const char *text) {
    GVariant *dictionary = g_variant_new_parsed(*text ? text : "@a{sv} {}");
    return g_variant_new("(@a{sv})", dictionary);
}

static void does(const char *path, const char *method, const char *text) {
    g_variant_unref(pca_call(bus, path, method, options(text), NULL));
}

static void refuses(const char *path, const char *method, const char *text, const char *error,
                    const char *words) {
    const char *message = pca_refused(bus, path, method, options(text), error);
    ck_assert_msg(strstr(message, words), "\"%s\" lacks \"%s\"", message, words);
}

static void expect_property(const char *path, const char *interface, const char *name,
                            const char *value) {
    g_autofree char *now = pca_property(bus, path, interface, name);
    ck_assert_msg(g_strcmp0(now, value) == 0, "%s of %s is %s, not %s", name, path, now, value);
}

static void expect_state(const char *path, const char *state, const char *driver) {
    expect_property(path, DEVICE, "State", state);
    expect_property(path, DEVICE, "Driver", driver);
}

static void expect_logged(const char *words, gboolean wanted) {
    g_autofree char *log = pca_world_log(world);
    ck_assert_msg((strstr(log, words) != NULL) == wanted, "%s%s in:\n%s", words,
                  wanted ? " is not" : " is", log);
}

static void await_logged(const char *words) {
    for (int i = 0; i < 2000; i++) {
        g_autofree char *log = pca_world_log(world);
        if (strstr(log, words))
            return;
        g_usleep(5000);
    }
    expect_logged(words, TRUE);
}

static void restart(int signal) {
    pca_world_end_daemon(world, signal);
    pca_world_start_daemon(world);
}

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
        ck_assert_ptr_nonnull(strstr(message, "administrator"));
    }
    expect_logged("write", FALSE);
}
END_TEST

/* Somebody bound it to its host driver by hand: nothing is reset under that driver. */
START_TEST(rebound_by_hand) {
    does(NIC_PATH, "Device.Reserve", "");
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
    g_usleep(100000);
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

/* ---- Groups ---- */

#define GROUP "org.pcassign1.Group"
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
    tcase_add_test(tcase, groups_come_and_go);
    return tcase;
}

TCase *pca_stuck_cases(void) {
    TCase *tcase = pca_case_new("stuck");
    tcase_add_test(tcase, recover_stuck_at_work);
    return tcase;
}
