/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the objects on the bus: devices, properties, introspection, changes. That the kernel's
 * uevents bring a look at the hardware is proved in the lab: here a Check of the function does.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"
#include "support/interface.h"

#define NIC_PATH ROOT_PATH "/device/0000_01_00_0"

static GVariant *managed_objects(void) {
    GVariant *reply = g_dbus_connection_call_sync(
        bus, "org.pcassign1", ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
        NULL, G_VARIANT_TYPE("(a{oa{sa{sv}}})"), G_DBUS_CALL_FLAGS_NONE, 5000, NULL, NULL);
    ck_assert_ptr_nonnull(reply);
    GVariant *objects = g_variant_get_child_value(reply, 0);
    g_variant_unref(reply);
    return objects;
}

static const struct {
    const char *name, *value;
} nic_properties[] = {
    {"Address", NIC},
    {"Vendor", "8086"},
    {"Device", "10d3"},
    {"Class", "020000"},
    {"HeaderType", "0"},
    {"Driver", "e1000e"},
    {"DriverOverride", ""},
    {"IommuGroup", "2"},
    {"NumaNode", "-1"},
    {"Path", "0000:00:01.0/00.0"},
    {"Name", "nic"},
    {"State", "host"},
    {"StateSince", "0"},
    {"StateReason", ""},
    {"ResetMethods", "['flr', 'bus']"},
};

START_TEST(devices) {
    g_autoptr(GVariant) objects = managed_objects();
    /* Every function and port, and their groups; no claim, and not the manager. */
    ck_assert_uint_eq(g_variant_n_children(objects), 11 + 12 + 21);
    for (gsize i = 0; i < G_N_ELEMENTS(nic_properties); i++) {
        g_autofree char *value = pca_property(bus, NIC_PATH, DEVICE, nic_properties[i].name);
        ck_assert_pstr_eq(value, nic_properties[i].value);
    }
}
END_TEST

START_TEST(manager) {
    g_autofree char *version = pca_property(bus, ROOT_PATH, MANAGER, "Version");
    g_autofree char *backends = pca_property(bus, ROOT_PATH, MANAGER, "Backends");
    g_autofree char *generation = pca_property(bus, ROOT_PATH, MANAGER, "PolicyGeneration");
    g_autofree char *stale = pca_property(bus, ROOT_PATH, MANAGER, "PolicyStale");
    ck_assert_pstr_eq(version, VERSION);
    ck_assert_pstr_eq(backends, "['cdev', 'group', 'node']");
    ck_assert_pstr_eq(generation, "1");
    ck_assert_pstr_eq(stale, "false");
}
END_TEST

/* No property can be written. */
START_TEST(read_only) {
    static const char *const places[][3] = {{ROOT_PATH, MANAGER, "Version"},
                                            {NIC_PATH, DEVICE, "Name"}};
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
            bus, "org.pcassign1", places[i][0], "org.freedesktop.DBus.Properties", "Set",
            g_variant_new("(ssv)", places[i][1], places[i][2], g_variant_new_string("x")), NULL,
            G_DBUS_CALL_FLAGS_NONE, 5000, NULL, &error);
        ck_assert(g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS) ||
                  g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_PROPERTY_READ_ONLY));
    }
}
END_TEST

static GDBusNodeInfo *introspect(const char *path) {
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        bus, "org.pcassign1", path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL,
        G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NONE, 5000, NULL, NULL);
    const char *xml = NULL;
    ck_assert_ptr_nonnull(reply);
    g_variant_get(reply, "(&s)", &xml);
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, NULL);
    ck_assert_ptr_nonnull(node);
    return node;
}

static void expect_same(GDBusNodeInfo *installed, const char *path, const char *name) {
    g_autoptr(GDBusNodeInfo) node = introspect(path);
    GDBusInterfaceInfo *live = g_dbus_node_info_lookup_interface(node, name);
    GDBusInterfaceInfo *written = g_dbus_node_info_lookup_interface(installed, name);
    ck_assert_msg(live && written, "%s at %s", name, path);
    for (guint i = 0; written->methods && written->methods[i]; i++)
        ck_assert_ptr_nonnull(g_dbus_interface_info_lookup_method(live, written->methods[i]->name));
    for (guint i = 0; written->properties && written->properties[i]; i++)
        ck_assert_ptr_nonnull(
            g_dbus_interface_info_lookup_property(live, written->properties[i]->name));
}

START_TEST(introspection) {
    g_autoptr(GDBusNodeInfo) installed = pca_read_interface();
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    expect_same(installed, ROOT_PATH, MANAGER);
    expect_same(installed, NIC_PATH, DEVICE);
    expect_same(installed, ROOT_PATH "/group/2", "org.pcassign1.Group");
    expect_same(installed, held.path, CLAIM);
}
END_TEST

/* What a watcher hears: "+path", "-path", "path: Property=value". */
static GPtrArray *heard;

static void on_signal(GDBusConnection *c, const char *sender, const char *path,
                      const char *interface, const char *signal, GVariant *args, gpointer data) {
    if (g_str_equal(signal, "PropertiesChanged")) {
        g_autoptr(GVariant) changed = g_variant_get_child_value(args, 1);
        g_autofree char *text = g_variant_print(changed, FALSE);
        g_ptr_array_add(heard, g_strdup_printf("%s %s", path, text));
        return;
    }
    const char *object = NULL;
    g_variant_get_child(args, 0, "&o", &object);
    g_ptr_array_add(
        heard, g_strdup_printf("%s%s", g_str_equal(signal, "InterfacesAdded") ? "+" : "-", object));
}

static void listen(void) {
    heard = g_ptr_array_new_with_free_func(g_free);
    g_dbus_connection_signal_subscribe(bus, "org.pcassign1", NULL, NULL, NULL, NULL,
                                       G_DBUS_SIGNAL_FLAGS_NONE, on_signal, NULL, NULL);
    g_autofree char *version = pca_property(bus, ROOT_PATH, MANAGER, "Version");
    ck_assert_ptr_nonnull(version);
}

static gboolean has_heard(const char *begin, const char *part) {
    for (guint i = 0; i < heard->len; i++) {
        const char *text = g_ptr_array_index(heard, i);
        if (g_str_has_prefix(text, begin) && strstr(text, part))
            return TRUE;
    }
    return FALSE;
}

static gboolean on_tick(gpointer data) {
    return G_SOURCE_CONTINUE;
}

static void expect_heard(const char *begin, const char *part) {
    gint64 end = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
    guint tick = g_timeout_add(20, on_tick, NULL);
    while (!has_heard(begin, part) && g_get_monotonic_time() < end)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(tick);
    g_ptr_array_add(heard, NULL);
    g_autofree char *all = g_strjoinv("\n", (char **)heard->pdata);
    g_ptr_array_set_size(heard, (int)heard->len - 1);
    ck_assert_msg(has_heard(begin, part), "%s ... %s was not among:\n%s", begin, part, all);
}

static void look_at(const char *address) {
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.Check", pca_devices(address, NULL), NULL));
}

START_TEST(plugging) {
    listen();
    pca_world_tell(world, "unplug " NIC_2);
    look_at(NIC_2);
    expect_heard("-" ROOT_PATH "/device/0000_08_00_0", "");
    pca_world_tell(world, "function " NIC_2 " below=0000:00:08.0 group=16 driver=e1000e reset=flr");
    look_at(NIC_2);
    expect_heard("+" ROOT_PATH "/device/0000_08_00_0", "");
    g_autofree char *name = pca_property(bus, ROOT_PATH "/device/0000_08_00_0", DEVICE, "Name");
    ck_assert_pstr_eq(name, "second-nic");
}
END_TEST

START_TEST(states) {
    listen();
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autofree char *path = g_strdup(held.path);
    expect_heard(path, "'State': <'ready'>");
    expect_heard(NIC_PATH, "'State': <'claimed'>");
    expect_heard(NIC_PATH, "'Driver': <'vfio-pci'>");
    g_autofree char *state = pca_property(bus, path, CLAIM, "State");
    g_autofree char *list = pca_property(bus, path, CLAIM, "Devices");
    ck_assert_pstr_eq(state, "ready");
    ck_assert_pstr_eq(list, "['" NIC_PATH "']");
    g_ptr_array_set_size(heard, 0);
    pca_fd_close(&held.lease);
    expect_heard(path, "'State': <'releasing'>");
    expect_heard(path, "'State': <'ended'>");
    expect_heard(NIC_PATH, "'State': <'host'>");
    expect_heard(NIC_PATH, "'Driver': <'e1000e'>");
    g_autofree char *gone = pca_property(bus, path, CLAIM, "State");
    ck_assert_ptr_null(gone);
    ck_assert(!has_heard(path, "uid") && !has_heard(path, "itle"));
}
END_TEST

static void plug(const char *options) {
    pca_world_tell(world,
                   "function " NIC " below=0000:00:01.0 %s group=2 driver=e1000e reset=flr,bus",
                   options);
    look_at(NIC);
}

static char *log_of(const char *address) {
    g_autofree char *log = pca_world_log(world);
    g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
    GString *its = g_string_new(NULL);
    for (char **line = lines; *line; line++)
        if (strstr(*line, address))
            g_string_append_printf(its, "%s\n", *line);
    return g_string_free(its, FALSE);
}

/* The claim ends with its device, and what is put in its place, alike or not, is another one. */
START_TEST(unplugged_while_claimed) {
    static const char *const next[] = {"id=8086:10d3", "id=8086:10fb"};
    listen();
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autofree char *path = g_strdup(held.path);
    pca_world_tell(world, "unplug " NIC);
    look_at(NIC);
    expect_heard(NIC_PATH, "'State': <'gone'>");
    expect_heard("-" NIC_PATH, "");
    expect_heard(path, "'State': <'ended'>");
    pca_world_await_no_claim(world);
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, &error);
    ck_assert(!fds);
    pca_world_tell(world, "forget");
    plug(next[_i]);
    g_autofree char *state = pca_property(bus, NIC_PATH, DEVICE, "State");
    ck_assert_str_eq(state, "host");
    pca_fd_close(&held.lease);
    look_at(NIC);
    g_autofree char *log = log_of(NIC);
    ck_assert_str_eq(log, "");
    pca_world_tell(world, "unplug " NIC);
    plug("id=8086:10d3");
}
END_TEST

/* Exchanged between two looks, for one of another make. */
START_TEST(exchanged_while_claimed) {
    listen();
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_world_tell(world, "unplug " NIC);
    pca_world_tell(world, "forget");
    plug("id=8086:10fb");
    expect_heard(held.path, "'State': <'ended'>");
    g_autofree char *state = pca_property(bus, NIC_PATH, DEVICE, "State");
    ck_assert_str_eq(state, "host");
    g_autofree char *log = log_of(NIC);
    ck_assert_str_eq(log, "");
    pca_world_tell(world, "unplug " NIC);
    plug("id=8086:10d3");
}
END_TEST

START_TEST(one_of_two_unplugged) {
    listen();
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC " " NIC_2);
    pca_world_tell(world, "unplug " NIC);
    look_at(NIC);
    expect_heard(held.path, "'Devices': <[objectpath '" ROOT_PATH "/device/0000_08_00_0']>");
    g_autofree char *state = pca_property(bus, held.path, CLAIM, "State");
    ck_assert_str_eq(state, "ready");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 2);
    g_clear_object(&fds);
    plug("id=8086:10d3");
    pca_fd_close(&held.lease);
    pca_world_await_no_claim(world);
    pca_await_all_back(world);
}
END_TEST

TCase *pca_object_cases(void) {
    TCase *tcase = pca_shared_case_new("objects");
    tcase_add_test(tcase, devices);
    tcase_add_test(tcase, manager);
    tcase_add_test(tcase, read_only);
    tcase_add_test(tcase, introspection);
    tcase_add_test(tcase, plugging);
    tcase_add_test(tcase, states);
    tcase_add_loop_test(tcase, unplugged_while_claimed, 0, 2);
    tcase_add_test(tcase, exchanged_while_claimed);
    tcase_add_test(tcase, one_of_two_unplugged);
    return tcase;
}
