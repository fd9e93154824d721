/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the keys of the policy do when a device is claimed and given back: MaxMemory,
 * PerUser, Reset, OnRelease, Driver.
 * Thread: main. Ownership: see cases.h.
 */
#include "admin.h"

#include <signal.h>

#include "support/modules.h"
#include "sys/root.h"

#define NIC_SECTION "[Device nic]\nPath=01.0/00.0\nAllowUser=65534 1\n"
#define BARE "0000:05:00.0"
#define BARE_PATH DEVICE_OF("0000_05_00_0")
#define GIB "1073741824"

/* In place of all the policy that there was. */
static void allow(const char *text) {
    g_autofree char *path = g_build_filename(world->tree, "policy.d", "50-test.conf", NULL);
    ck_assert(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.ReloadPolicy", NULL, NULL));
    g_autofree char *stale = pca_property(bus, ROOT_PATH, MANAGER, "PolicyStale");
    ck_assert_str_eq(stale, "false");
}

static void release(GDBusConnection *c, const PcaHeld *held) {
    g_variant_unref(pca_call(c, held->path, "Claim.Release", NULL, NULL));
}

static void refuses_claim(GDBusConnection *c, const char *words, const char *option,
                          const char *error, const char *told) {
    const char *message =
        pca_refused(c, ROOT_PATH, "Manager.Claim", pca_devices(words, option), error);
    ck_assert_msg(strstr(message, told), "\"%s\" lacks \"%s\"", message, told);
}

static char *read_attribute(const char *address, const char *name) {
    g_autofree char *directory =
        g_build_filename(world->tree, "sys/bus/pci/devices", address, NULL);
    return pca_read_text(directory, name, NULL);
}

static void expect_methods(const char *expected) {
    g_autofree char *now = read_attribute(NIC, "reset_method");
    ck_assert_str_eq(now, expected);
}

/* ---- MaxMemory, PerUser ---- */

static const struct {
    const char *devices, *memory, *told; /* NULL: it is allowed */
} memories[] = {
    {"nic", GIB, NULL},
    {"nic", "1073741825",
     "is for 1073741825 bytes of memory, and [Device nic] allows 1073741824 (MaxMemory, "},
    {"small", "4097", "[Device small] allows 4096 (MaxMemory, "},
    {"nic small", "8192", "[Device small] allows 4096"},
    {"nic small", "4096", NULL},
    {"free", "1099511627776", NULL},
};

static const char memory_policy[] = "[Device nic]\n"
                                    "Path=01.0/00.0\n"
                                    "AllowUser=65534\n"
                                    "MaxMemory=1G\n"
                                    "[Device small]\n"
                                    "Path=08.0/00.0\n"
                                    "AllowUser=65534\n"
                                    "MaxMemory=4096\n"
                                    "[Device free]\n"
                                    "Path=07.0/00.0\n"
                                    "AllowUser=65534\n";

START_TEST(memory) {
    if (!pca_become(0))
        return;
    allow(memory_policy);
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    for (gsize i = 0; i < G_N_ELEMENTS(memories); i++) {
        g_autofree char *option = g_strdup_printf("{'memory': <uint64 %s>}", memories[i].memory);
        if (memories[i].told) {
            refuses_claim(alice, memories[i].devices, option, "LimitExceeded", memories[i].told);
            continue;
        }
        g_auto(PcaHeld) held = pca_claim_with(alice, memories[i].devices, option);
        release(alice, &held);
    }
    /* The line of the key, and root, who needs no section. */
    refuses_claim(alice, "small", "{'memory': <uint64 5000>}", "LimitExceeded", "50-test.conf:8)");
    g_auto(PcaHeld) roots = pca_claim_with(bus, "small", "{'memory': <uint64 5000>}");
    release(bus, &roots);
}
END_TEST

static void add_pair(void) {
    pca_world_tell(world, "function 0000:0b:00.0 group=50 header=80 reset=flr");
    pca_world_tell(world, "function 0000:0b:00.1 group=51 header=80 reset=flr");
    pca_world_tell(world, "function 0000:0b:00.2 group=52 header=80 reset=flr");
}

START_TEST(per_user) {
    if (!pca_become(0))
        return;
    add_pair();
    allow("[Device ports]\nPath=0000:0b:00.0\nFunctions=all\nAllowUser=65534 1\nPerUser=2\n");
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    refuses_claim(alice, "ports", NULL, "LimitExceeded",
                  "would hold 3 functions of [Device ports], which allows 2 (PerUser, ");
    g_auto(PcaHeld) two = pca_claim_words(alice, "0b:00.0 0b:00.1");
    g_autofree char *id = g_path_get_basename(two.path);
    g_autofree char *told = g_strdup_printf("50-test.conf:5); held already: 0000:0b:00.0 by claim "
                                            "%s, 0000:0b:00.1 by claim %s",
                                            id, id);
    refuses_claim(alice, "0b:00.2", NULL, "LimitExceeded", told);
    g_auto(PcaHeld) bobs = pca_claim_words(bob, "0b:00.2");
    release(bob, &bobs);
    release(alice, &two);
    g_auto(PcaHeld) other = pca_claim_words(alice, "0b:00.1 0b:00.2");
    release(alice, &other);
}
END_TEST

/* ---- Reset ---- */

START_TEST(own_reset_methods) {
    allow(NIC_SECTION "Reset=pm bus\n");
    g_autoptr(GVariant) plan =
        pca_call(bus, ROOT_PATH, "Manager.Plan", pca_devices("nic", NULL), NULL);
    g_autofree char *text = g_variant_print(plan, FALSE);
    ck_assert_ptr_nonnull(strstr(text, "set reset_method to bus"));
    g_auto(PcaHeld) held = pca_claim_words(bus, "nic");
    expect_methods("bus");
    restart(SIGKILL);
    expect_methods("bus");
    release(bus, &held);
    expect_methods("flr bus");
    expect_state(NIC_PATH, "host", "e1000e");
    expect_logged("reset_method bus\nwrite " NIC "/reset 1\n", TRUE);
}
END_TEST

START_TEST(an_administrators_reset_by_the_section) {
    allow(NIC_SECTION "Reset=pm bus\n");
    g_variant_unref(
        pca_call(bus, NIC_PATH, "Device.Reserve", g_variant_new_parsed("(@a{sv} {},)"), NULL));
    g_variant_unref(
        pca_call(bus, NIC_PATH, "Device.Reset", g_variant_new_parsed("(@a{sv} {},)"), NULL));
    expect_logged("reset_method bus\nwrite " NIC "/reset 1\n", TRUE);
    expect_methods("bus");
    g_variant_unref(
        pca_call(bus, NIC_PATH, "Device.Unreserve", g_variant_new_parsed("(@a{sv} {},)"), NULL));
    expect_methods("flr bus");
}
END_TEST

START_TEST(no_such_reset_method) {
    allow(NIC_SECTION "Reset=pm acpi\n");
    refuses_claim(bus, "nic", NULL, "NoReset",
                  "has none of the reset methods of [Device nic]: pm acpi (Reset, ");
    refuses_claim(bus, "nic", NULL, "NoReset", "it has: flr bus");
}
END_TEST

static const char bare_policy[] = "[Device bare]\nPath=05.0/00.0\nAllowUser=65534 1\nReset=none\n";

START_TEST(never_reset) {
    if (!pca_become(0))
        return;
    allow(bare_policy);
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    for (int i = 0; i < 2; i++) {
        g_auto(PcaHeld) held = pca_claim_words(alice, "bare");
        expect_state(BARE_PATH, "claimed", "vfio-pci");
        restart(SIGKILL);
        release(alice, &held);
        expect_state(BARE_PATH, "quarantined", "vfio-pci");
        restart(SIGTERM);
        expect_state(BARE_PATH, "quarantined", "vfio-pci");
        refuses_claim(bob, "bare", NULL, "Quarantined", "not reset since another user had it");
        refuses_claim(bus, "bare", NULL, "Quarantined", "not reset since ");
    }
    /* Whatever the policy says by now. */
    allow("[Device bare]\nPath=05.0/00.0\nAllowUser=65534 1\n");
    refuses_claim(bob, "bare", NULL, "Quarantined", "not reset since another user had it");
    expect_logged(BARE "/reset 1", FALSE);
    refuses(BARE_PATH, "Device.Unreserve", "", "Quarantined", "--accept-risk");
    refuses(BARE_PATH, "Device.Reset", "", "NoReset", "has no reset method");
    refuses(BARE_PATH, "Device.Recover", "", "Quarantined", "nothing can prove that it is clean");
    refuses(BARE_PATH, "Device.Recover", "", "Quarantined", "--accept-risk");
    expect_state(BARE_PATH, "quarantined", "vfio-pci");
    does(BARE_PATH, "Device.Recover", "{'accept-risk': <true>}");
    expect_state(BARE_PATH, "host", "e1000e");
}
END_TEST

/* As soon as something resets it, it is clean. */
START_TEST(reset_by_an_administrator) {
    if (!pca_become(0))
        return;
    allow(NIC_SECTION "Reset=none\n");
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
    release(alice, &held);
    refuses_claim(bob, "nic", NULL, "Quarantined", "not reset");
    does(NIC_PATH, "Device.Reset", "");
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    g_auto(PcaHeld) bobs = pca_claim_words(bob, "nic");
    release(bob, &bobs);
    refuses_claim(alice, "nic", NULL, "Quarantined", "not reset");
    does(NIC_PATH, "Device.Recover", "{'accept-risk': <true>}");
    expect_state(NIC_PATH, "host", "e1000e");
}
END_TEST

/* ---- Resets of a bus ---- */

#define ON_BUS "0000:0b:00.0"
#define BESIDE "0000:0b:00.1"
#define SECTIONS(first, second)                                                                    \
    "[Device first]\nPath=0000:0b:00.0\nAllowUser=1\n" first                                       \
    "[Device second]\nPath=0000:0b:00.1\nAllowUser=1\n" second

/* Two groups on one bus, of which only a reset of that cleans the first. */
static const struct {
    const char *policy, *words;
    const char *told; /* NULL: it is granted */
} buses[] = {
    {SECTIONS("", ""), ON_BUS,
     "which would reach " BESIDE " too; claim both together: " ON_BUS " " BESIDE
     "; or an administrator can have the other kept from the host meanwhile: Siblings=stub in "
     "[Device first]"},
    {SECTIONS("", ""), ON_BUS " " BESIDE, NULL},
    {SECTIONS("", "Reset=flr\n"), ON_BUS " " BESIDE,
     "would reach " BESIDE " too, and that may not be reset so"},
    {SECTIONS("OnRelease=reserved\n", ""), ON_BUS " " BESIDE,
     ON_BUS " is reset only with all of its bus, so it cannot stay reserved (OnRelease, "},
    {SECTIONS("Siblings=stub\n", ""), ON_BUS, NULL},
};

START_TEST(terms_of_a_bus) {
    pca_world_tell(world, "function " ON_BUS " header=80 group=50 reset=bus");
    pca_world_tell(world, "function " BESIDE " header=80 group=51 reset=flr");
    for (gsize i = 0; i < G_N_ELEMENTS(buses); i++) {
        allow(buses[i].policy);
        if (buses[i].told) {
            refuses_claim(bus, buses[i].words, NULL, "NoReset", buses[i].told);
            continue;
        }
        g_auto(PcaHeld) held = pca_claim_words(bus, buses[i].words);
        release(bus, &held);
    }
    pca_world_tell(world, "delete sys/class/misc/vfio");
    allow(SECTIONS("", ""));
    refuses_claim(bus, ON_BUS " " BESIDE, NULL, "NoReset", "this kernel has none loaded");
}
END_TEST

/* ---- OnRelease ---- */

START_TEST(reserved_on_release) {
    allow(NIC_SECTION "OnRelease=reserved\n");
    for (int i = 0; i < 2; i++) {
        g_auto(PcaHeld) held = pca_claim_words(bus, "nic");
        expect_state(NIC_PATH, "claimed", "vfio-pci");
        release(bus, &held);
        expect_state(NIC_PATH, "reserved", "vfio-pci");
        restart(i == 0 ? SIGKILL : SIGTERM);
        expect_state(NIC_PATH, "reserved", "vfio-pci");
    }
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
    expect_property(NIC_PATH, DEVICE, "DriverOverride", "");
}
END_TEST

static void await_state(const char *path, const char *state) {
    for (int i = 0; i < 2000; i++) {
        g_autofree char *now = pca_property(bus, path, DEVICE, "State");
        if (g_strcmp0(now, state) == 0)
            return;
        g_usleep(5000);
    }
    expect_property(path, DEVICE, "State", state);
}

/* The worker at each of its operations, the daemon with it. */
START_TEST(killed_on_the_way_to_reserved) {
    allow(NIC_SECTION "OnRelease=reserved\nReset=bus\n");
    g_auto(PcaHeld) held = pca_claim_words(bus, "nic");
    pca_world_tell(world, "die-after %d", _i);
    pca_fd_close(&held.lease);
    restart(SIGKILL);
    await_state(NIC_PATH, "reserved");
    expect_state(NIC_PATH, "reserved", "vfio-pci");
    does(NIC_PATH, "Device.Unreserve", "");
    expect_state(NIC_PATH, "host", "e1000e");
    expect_methods("flr bus");
}
END_TEST

/* ---- Driver ---- */

START_TEST(kept_on_pci_stub) {
    allow(NIC_SECTION "Driver=pci-stub\n");
    g_autoptr(GError) error = NULL;
    g_auto(PcaHeld) held = pca_claim_words(bus, "nic");
    expect_state(NIC_PATH, "claimed", "pci-stub");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, &error);
    ck_assert_ptr_null(fds);
    ck_assert(pca_is_error(error, "Unsupported"));
    ck_assert_ptr_nonnull(strstr(error->message, NIC " is on pci-stub, as the policy says ("));
    release(bus, &held);
    expect_state(NIC_PATH, "host", "e1000e");
    expect_logged(NIC "/reset 1", TRUE);
}
END_TEST

/* Beside one that has a descriptor. */
START_TEST(one_of_two_on_pci_stub) {
    allow(NIC_SECTION "Driver=pci-stub\n[Device other]\nPath=08.0/00.0\nAllowUser=65534\n");
    g_auto(PcaHeld) held = pca_claim_words(bus, "nic other");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 2);
    g_clear_object(&fds);
    release(bus, &held);
}
END_TEST

START_TEST(a_variant_that_is_named) {
    allow(NIC_SECTION "Driver=acme_vfio_pci\n");
    refuses_claim(bus, "nic", NULL, "Unsupported",
                  "the driver acme_vfio_pci, which [Device nic] names (Driver, ");
    expect_state(NIC_PATH, "host", "e1000e");
    pca_world_tell(world, "driver acme_vfio_pci");
    g_auto(PcaHeld) held = pca_claim_words(bus, "nic");
    expect_state(NIC_PATH, "claimed", "acme_vfio_pci");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 2);
    g_clear_object(&fds);
    release(bus, &held);
    expect_state(NIC_PATH, "host", "e1000e");
}
END_TEST

/* ---- A systemd that loads modules ---- */

static const char systemd_xml[] =
    "<node><interface name='org.freedesktop.systemd1.Manager'><method name='StartUnit'>"
    "<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='o' direction='out'/>"
    "</method></interface></node>";

typedef struct {
    GMainContext *context;
    GMainLoop *loop;
    GThread *thread;
    GDBusConnection *bus;
    const char *driver; /* that a module registers; NULL: it fails */
    gint asked;
} Systemd;

static void on_start(GDBusConnection *c, const char *sender, const char *path,
                     const char *interface, const char *method, GVariant *args,
                     GDBusMethodInvocation *invocation, gpointer data) {
    Systemd *systemd = data;
    const char *unit;
    g_variant_get(args, "(&ss)", &unit, NULL);
    g_atomic_int_add(&systemd->asked, g_str_equal(unit, "modprobe@acme_vfio_pci.service"));
    if (systemd->driver)
        pca_world_tell(world, "driver %s", systemd->driver);
    /* The job is over by the time that somebody asks. */
    g_dbus_method_invocation_return_value(invocation,
                                          g_variant_new("(o)", "/org/freedesktop/systemd1/job/1"));
}

static gpointer run_systemd(gpointer data) {
    Systemd *systemd = data;
    g_main_context_push_thread_default(systemd->context);
    g_main_loop_run(systemd->loop);
    g_main_context_pop_thread_default(systemd->context);
    return NULL;
}

static void systemd_start(Systemd *systemd) {
    static const GDBusInterfaceVTable table = {.method_call = on_start};
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(systemd_xml, NULL);
    systemd->context = g_main_context_new();
    systemd->loop = g_main_loop_new(systemd->context, FALSE);
    g_main_context_push_thread_default(systemd->context);
    systemd->bus = pca_world_connect(world);
    g_dbus_connection_register_object(systemd->bus, "/org/freedesktop/systemd1",
                                      node->interfaces[0], &table, systemd, NULL, NULL);
    g_main_context_pop_thread_default(systemd->context);
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        systemd->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "RequestName", g_variant_new("(su)", "org.freedesktop.systemd1", 0), NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
    ck_assert_ptr_nonnull(reply);
    systemd->thread = g_thread_new("systemd", run_systemd, systemd);
}

static void systemd_stop(Systemd *systemd) {
    g_dbus_connection_close_sync(systemd->bus, NULL, NULL);
    g_main_loop_quit(systemd->loop);
    g_thread_join(systemd->thread);
    g_object_unref(systemd->bus);
    g_main_loop_unref(systemd->loop);
    g_main_context_unref(systemd->context);
}

START_TEST(a_module_is_loaded_for_who_may_have_the_device) {
    if (!pca_become(0))
        return;
    Systemd systemd = {.driver = NULL};
    allow("[Device nic]\nPath=01.0/00.0\nAllowUser=65534\nDriver=acme_vfio_pci\n");
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    systemd_start(&systemd);
    refuses_claim(alice, "nic", NULL, "Unsupported", "is not loaded; modprobe acme_vfio_pci");
    ck_assert_int_eq(g_atomic_int_get(&systemd.asked), 1);
    systemd.driver = "acme_vfio_pci";
    refuses_claim(bob, "nic", NULL, "NotPermitted", "is not for");
    g_variant_unref(pca_call(alice, ROOT_PATH, "Manager.Check", pca_devices("nic", NULL), NULL));
    ck_assert_int_eq(g_atomic_int_get(&systemd.asked), 1);
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
    expect_state(NIC_PATH, "claimed", "acme_vfio_pci");
    ck_assert_int_eq(g_atomic_int_get(&systemd.asked), 2);
    release(alice, &held);
    systemd_stop(&systemd);
}
END_TEST

/* What the modules' index has for a device is taken by itself, once it is loaded. */
START_TEST(a_variant_of_the_index) {
    static const char *const variant[] = {"vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*", NULL};
    pca_modules_begin(world->tree);
    pca_modules_add(world->tree, "mlx5-vfio-pci", variant);
    if (!pca_modules_index(world->tree))
        return;
    pca_world_tell(world, "function 0000:0b:00.0 id=15b3:101e group=50 reset=flr");
    static const char *const drivers[] = {"vfio-pci", "mlx5_vfio_pci", "vfio-pci"};
    for (gsize i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (i == 1)
            pca_world_tell(world, "driver mlx5_vfio_pci");
        if (i == 2)
            allow("[Device staged]\nPath=0000:0b:00.0\nDriver=vfio-pci\nAllowUser=65534\n");
        g_auto(PcaHeld) held = pca_claim_words(bus, "0b:00.0 " NIC);
        expect_state(DEVICE_OF("0000_0b_00_0"), "claimed", drivers[i]);
        expect_state(NIC_PATH, "claimed", "vfio-pci");
        release(bus, &held);
    }
}
END_TEST

/* ---- SysfsFiles ---- */

/* What has been opened of them stays open: a reset does not make it anybody's again. */
START_TEST(files_in_sysfs) {
    if (!pca_become(0))
        return;
    allow(NIC_SECTION "SysfsFiles=yes\n");
    pca_world_tell(world, "set " NIC " resource0 x");
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    for (int i = 0; i < 2; i++) {
        g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
        restart(SIGKILL);
        release(alice, &held);
        expect_state(NIC_PATH, "quarantined", "vfio-pci");
        refuses_claim(bob, "nic", NULL, "Quarantined", "may have them open still");
        does(NIC_PATH, "Device.Reset", "");
        refuses_claim(bob, "nic", NULL, "Quarantined", "may have them open still");
    }
    g_autofree char *path = g_build_filename(world->tree, "fake/log", NULL);
    g_autofree char *log = NULL;
    ck_assert(g_file_get_contents(path, &log, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(log, "write_file_owner " NIC "/config 65534:"));
    ck_assert_ptr_nonnull(strstr(log, "write_file_owner " NIC "/resource0 65534:"));
    ck_assert_ptr_nonnull(strstr(log, "write_file_owner " NIC "/resource0 0:"));
    refuses(NIC_PATH, "Device.Unreserve", "", "Quarantined", "may have its files in sysfs open");
    does(NIC_PATH, "Device.Recover", "{'accept-risk': <true>}");
    expect_state(NIC_PATH, "host", "e1000e");
    g_auto(PcaHeld) roots = pca_claim_words(bus, "nic");
    release(bus, &roots);
    expect_state(NIC_PATH, "host", "e1000e");
}
END_TEST

TCase *pca_terms_cases(void) {
    TCase *tcase = pca_patient_case_new("terms");
    tcase_add_test(tcase, memory);
    tcase_add_test(tcase, per_user);
    tcase_add_test(tcase, own_reset_methods);
    tcase_add_test(tcase, an_administrators_reset_by_the_section);
    tcase_add_test(tcase, no_such_reset_method);
    tcase_add_test(tcase, never_reset);
    tcase_add_test(tcase, reset_by_an_administrator);
    tcase_add_test(tcase, terms_of_a_bus);
    tcase_add_test(tcase, reserved_on_release);
    tcase_add_loop_test(tcase, killed_on_the_way_to_reserved, 1, 9);
    tcase_add_test(tcase, kept_on_pci_stub);
    tcase_add_test(tcase, one_of_two_on_pci_stub);
    tcase_add_test(tcase, a_variant_that_is_named);
    tcase_add_test(tcase, a_module_is_loaded_for_who_may_have_the_device);
    tcase_add_test(tcase, a_variant_of_the_index);
    tcase_add_test(tcase, files_in_sysfs);
    return tcase;
}
