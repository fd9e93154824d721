/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: several claims of one virtual machine, and parts of a claim that are given back.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

/* Claim with join and join-lease, `lease` the only descriptor; NULL with *error. */
static gboolean try_join(GDBusConnection *c, const char *words, const char *path, int lease,
                         const char *more, PcaHeld *held, GError **error) {
    g_autofree char *options = g_strdup_printf(
        "{'join': <objectpath '%s'>, 'join-lease': <handle 0>%s}", path, more ? more : "");
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = pca_call_fds(c, ROOT_PATH, "Manager.Claim",
                                             pca_devices(words, options), lease, &fds, error);
    gint32 index;
    if (!reply)
        return FALSE;
    g_variant_get(reply, "(oh)", &held->path, &index);
    held->lease = g_unix_fd_list_get(fds, index, NULL);
    return TRUE;
}

static PcaHeld join_held(const char *words, const PcaHeld *joined) {
    PcaHeld held = {NULL, -1};
    ck_assert(try_join(bus, words, joined->path, joined->lease, NULL, &held, NULL));
    return held;
}

static void expect_join_refused(GDBusConnection *c, const char *path, int lease, const char *more,
                                const char *name) {
    g_autoptr(GError) error = NULL;
    g_auto(PcaHeld) held = {NULL, -1};
    ck_assert_msg(!try_join(c, NIC_2, path, lease, more, &held, &error),
                  "joined, and should fail with %s", name);
    ck_assert_msg(pca_is_error(error, name), "%s instead of %s", error->message, name);
}

/* The roles of what Open gives, such as "iommufd device". */
static char *opened_roles(const PcaHeld *held) {
    g_autoptr(GVariant) entries = NULL;
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, held, &entries, NULL);
    GString *roles = g_string_new(NULL);
    for (gsize i = 0; fds && i < g_variant_n_children(entries); i++) {
        const char *role;
        g_variant_get_child(entries, i, "(&s&sh@a{sv})", &role, NULL, NULL, NULL);
        g_string_append_printf(roles, "%s%s", i ? " " : "", role);
    }
    return g_string_free(roles, FALSE);
}

static void expect_roles(const PcaHeld *held, const char *wanted) {
    g_autofree char *roles = opened_roles(held);
    ck_assert_str_eq(roles, wanted);
}

static char *describe(const char *path) {
    g_autoptr(GVariant) described = pca_call(bus, path, "Claim.Describe", NULL, NULL);
    return g_variant_print(described, FALSE);
}

START_TEST(join) {
    g_auto(PcaHeld) first = pca_claim_words(bus, "gpu");
    g_auto(PcaHeld) second = join_held(NIC, &first);
    g_auto(PcaHeld) third = join_held(NIC_2, &second);
    expect_roles(&first, "iommufd device device");
    expect_roles(&second, "device");
    expect_roles(&third, "device");
    g_autofree char *text = describe(second.path);
    g_autofree char *joined = g_strdup_printf("'joined': <'%s'>", strrchr(first.path, '/') + 1);
    ck_assert_msg(strstr(text, joined) && strstr(text, "'handoff': <'cdev'>"), "%s", text);
    /* Each has a life of its own. */
    g_variant_unref(pca_call(bus, first.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, "0000:03:00.0", "nouveau");
    expect_roles(&second, "device");
    pca_fd_close(&second.lease);
    pca_world_await_driver(world, NIC, "e1000e");
    expect_roles(&third, "device");
}
END_TEST

START_TEST(join_by_groups) {
    g_auto(PcaHeld) first = pca_claim_with(bus, NIC, "{'handoff': <'group'>}");
    g_auto(PcaHeld) second = {NULL, -1};
    expect_join_refused(bus, first.path, first.lease, ", 'handoff': <'cdev'>", "InvalidArgument");
    ck_assert(
        try_join(bus, NIC_2, first.path, first.lease, ", 'handoff': <'group'>", &second, NULL));
    expect_roles(&first, "container group");
    expect_roles(&second, "group");
}
END_TEST

START_TEST(join_by_nodes) {
    g_auto(PcaHeld) first = pca_claim_with(bus, NIC, "{'handoff': <'node'>}");
    g_auto(PcaHeld) second = {NULL, -1};
    g_autofree char *give = g_strdup_printf("write_owner 16 %u:0:0600\n", (unsigned)getuid());
    expect_join_refused(bus, first.path, first.lease, ", 'handoff': <'group'>", "InvalidArgument");
    ck_assert(
        try_join(bus, NIC_2, first.path, first.lease, ", 'handoff': <'node'>", &second, NULL));
    expect_roles(&second, "");
    g_variant_unref(pca_call(bus, first.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, NIC, "e1000e");
    g_autofree char *log = pca_world_log(world);
    const char *given = strstr(log, give);
    ck_assert_msg(given && !strstr(given + 1, "write_owner 16"), "%s", log);
}
END_TEST

START_TEST(join_refused) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_auto(PcaHeld) other = pca_claim_words(bus, "gpu");
    expect_join_refused(bus, held.path, other.lease, NULL, "NotPermitted");
    expect_join_refused(bus, held.path, -1, NULL, "InvalidArgument");
    expect_join_refused(bus, held.path, held.lease, ", 'handoff': <'group'>", "InvalidArgument");
    expect_join_refused(bus, ROOT_PATH "/claim/00112233445566778899aabbccddeeff", held.lease, NULL,
                        "NotFound");
    /* What another claim has stays its own: joining shares no device. */
    g_autoptr(GError) error = NULL;
    g_auto(PcaHeld) none = {NULL, -1};
    ck_assert(!try_join(bus, "03:00.1", held.path, held.lease, NULL, &none, &error));
    ck_assert_msg(pca_is_error(error, "Busy"), "%s", error->message);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    expect_join_refused(bus, held.path, held.lease, NULL, "NotFound");
    g_autofree char *driver = pca_world_driver(world, NIC_2);
    ck_assert_pstr_eq(driver, "e1000e");
}
END_TEST

/* A claim that is blocked in its release is not one to join. */
START_TEST(join_stuck) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    pca_refused(bus, held.path, "Claim.Release", NULL, "UnbindTimeout");
    expect_join_refused(bus, held.path, held.lease, NULL, "Revoked");
}
END_TEST

/* The lease alone is not enough, nor is being root. */
START_TEST(join_as_another) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
    expect_join_refused(bob, held.path, held.lease, NULL, "NotPermitted");
    expect_join_refused(bus, held.path, held.lease, NULL, "NotPermitted");
    /* She may join, but gets no more than the policy grants. */
    g_autoptr(GError) error = NULL;
    g_auto(PcaHeld) none = {NULL, -1};
    ck_assert(!try_join(alice, NIC_2, held.path, held.lease, NULL, &none, &error));
    ck_assert_msg(pca_is_error(error, "NotPermitted"), "%s", error->message);
    g_auto(PcaHeld) second = {NULL, -1};
    ck_assert(try_join(alice, "gpu", held.path, held.lease, NULL, &second, NULL));
}
END_TEST

/* MaxMemory= holds for the machine that a device joins. */
START_TEST(join_with_too_much_memory) {
    if (!pca_become(0))
        return;
    static const char text[] = "[Device nic]\nPath=01.0/00.0\nAllowUser=65534\n"
                               "[Device small]\nPath=08.0/00.0\nAllowUser=65534\nMaxMemory=1M\n";
    g_autofree char *path = g_build_filename(world->tree, "policy.d", "50-test.conf", NULL);
    ck_assert(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
    g_variant_unref(pca_call(bus, ROOT_PATH, "Manager.ReloadPolicy", NULL, NULL));
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    for (int large = 0; large <= 1; large++) {
        g_auto(PcaHeld) held = pca_claim_with(
            alice, "nic", large ? "{'memory': <uint64 1048577>}" : "{'memory': <uint64 1048576>}");
        g_auto(PcaHeld) second = {NULL, -1};
        g_autoptr(GError) error = NULL;
        gboolean ok = try_join(alice, "small", held.path, held.lease, NULL, &second, &error);
        ck_assert_int_eq(ok, !large);
        ck_assert(ok || pca_is_error(error, "LimitExceeded"));
        if (ok)
            g_variant_unref(pca_call(alice, second.path, "Claim.Release", NULL, NULL));
        g_variant_unref(pca_call(alice, held.path, "Claim.Release", NULL, NULL));
    }
}
END_TEST

static void on_claimed(GObject *source, GAsyncResult *result, gpointer data) {
    GError **error = data;
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &fds, result, error);
    ck_assert_ptr_null(reply);
}

/* It ends while the devices that were to join it are prepared. */
START_TEST(join_what_ends) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autofree char *options =
        g_strdup_printf("{'join': <objectpath '%s'>, 'join-lease': <handle 0>}", held.path);
    g_autoptr(GUnixFDList) sent = g_unix_fd_list_new();
    g_autoptr(GError) error = NULL;
    g_unix_fd_list_append(sent, held.lease, NULL);
    pca_world_tell(world, "pause '*drivers_probe " NIC_2 "'");
    g_dbus_connection_call_with_unix_fd_list(
        bus, "org.pcassign1", ROOT_PATH, MANAGER, "Claim", pca_devices(NIC_2, options), NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, sent, NULL, on_claimed, &error);
    g_dbus_connection_flush_sync(bus, NULL, NULL);
    pca_world_await_driver(world, NIC_2, NULL);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_world_tell(world, "resume");
    while (!error)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_msg(pca_is_error(error, "NotFound"), "%s", error->message);
    pca_world_await_driver(world, NIC_2, "e1000e");
}
END_TEST

/* ---- ReleaseDevices ---- */

/* (ao) of words: "01_00_0" after the domain, or whole paths. */
static GVariant *paths_of(const char *words) {
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    GVariantBuilder paths;
    g_variant_builder_init(&paths, G_VARIANT_TYPE("ao"));
    for (char **word = list; *word && **word; word++) {
        g_autofree char *path = g_strconcat(ROOT_PATH "/device/0000_", *word, NULL);
        g_variant_builder_add(&paths, "o", **word == '/' ? *word : path);
    }
    return g_variant_new("(ao)", &paths);
}

static void expect_devices(const PcaHeld *held, const char *wanted) {
    g_autofree char *devices = pca_property(bus, held->path, CLAIM, "Devices");
    ck_assert_pstr_eq(devices, wanted);
}

static void on_changed(GDBusConnection *c, const char *sender, const char *path,
                       const char *interface, const char *signal, GVariant *args, gpointer data) {
    g_autofree char *text = g_variant_print(args, FALSE);
    g_string_append_printf(data, "%s\n", text);
}

START_TEST(give_one_back) {
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu " NIC);
    g_autoptr(GString) changes = g_string_new(NULL);
    guint id = g_dbus_connection_signal_subscribe(
        bus, "org.pcassign1", "org.freedesktop.DBus.Properties", "PropertiesChanged", held.path,
        NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_changed, changes, NULL);
    g_variant_unref(pca_call(bus, held.path, "Claim.ReleaseDevices", paths_of("01_00_0"), NULL));
    g_autofree char *driver = pca_world_driver(world, NIC);
    ck_assert_pstr_eq(driver, "e1000e");
    expect_devices(&held,
                   "['" ROOT_PATH "/device/0000_03_00_0', '" ROOT_PATH "/device/0000_03_00_1']");
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    ck_assert_msg(strstr(changes->str, "'Devices'") && !strstr(changes->str, "0000_01_00_0"), "%s",
                  changes->str);
    g_dbus_connection_signal_unsubscribe(bus, id);
    g_autofree char *state = pca_property(bus, held.path, CLAIM, "State");
    ck_assert_pstr_eq(state, "ready");
    expect_roles(&held, "iommufd device device");
    g_auto(PcaHeld) again = join_held(NIC, &held);
    expect_roles(&again, "device");
}
END_TEST

START_TEST(give_one_back_by_groups) {
    g_auto(PcaHeld) held = pca_claim_with(bus, "gpu " NIC, "{'handoff': <'group'>}");
    g_variant_unref(pca_call(bus, held.path, "Claim.ReleaseDevices", paths_of("01_00_0"), NULL));
    pca_world_await_driver(world, NIC, "e1000e");
    expect_roles(&held, "container group");
    g_autofree char *text = describe(held.path);
    ck_assert_msg(strstr(text, "'handoff': <'group'>") && !strstr(text, NIC), "%s", text);
}
END_TEST

static const struct {
    const char *words, *part;
} wrong_devices[] = {
    {"", "no device"},
    {"08_00_0", "0000:08:00.0 is not a device of the claim"},
    {"03_00_0", "0000:03:00.1 is in the same IOMMU group"},
    {"01_00_0 03_00_1", "0000:03:00.0 is in the same IOMMU group"},
    {"01_00", "not the path of a device"},
    {"1_0_0", "not the path of a device"},
    {ROOT_PATH, "not the path of a device"},
    {ROOT_PATH "/device/0000_01_00_0/x", "not the path of a device"},
};

START_TEST(give_back_wrong) {
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu " NIC);
    for (gsize i = 0; i < G_N_ELEMENTS(wrong_devices); i++) {
        const char *message = pca_refused(bus, held.path, "Claim.ReleaseDevices",
                                          paths_of(wrong_devices[i].words), "InvalidArgument");
        ck_assert_msg(strstr(message, wrong_devices[i].part), "%s", message);
    }
    g_autoptr(GString) many = g_string_new("01_00_0");
    for (int i = 0; i < 64; i++)
        g_string_append(many, " 01_00_0");
    pca_refused(bus, held.path, "Claim.ReleaseDevices", paths_of(many->str), "InvalidArgument");
    expect_roles(&held, "iommufd device device device");
    /* Naming it twice is no harm, naming all ends the claim. */
    g_variant_unref(
        pca_call(bus, held.path, "Claim.ReleaseDevices", paths_of("01_00_0 01_00_0"), NULL));
    g_variant_unref(
        pca_call(bus, held.path, "Claim.ReleaseDevices", paths_of("03_00_0 03_00_1"), NULL));
    pca_refused(bus, held.path, "Claim.Describe", NULL, "org.freedesktop.DBus.Error.UnknownMethod");
}
END_TEST

START_TEST(give_back_of_another) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic gpu");
    pca_refused(bob, held.path, "Claim.ReleaseDevices", paths_of("01_00_0"), "NotPermitted");
    g_variant_unref(pca_call(alice, held.path, "Claim.ReleaseDevices", paths_of("01_00_0"), NULL));
    g_variant_unref(
        pca_call(bus, held.path, "Claim.ReleaseDevices", paths_of("03_00_0 03_00_1"), NULL));
}
END_TEST

/* Whoever still holds the device holds up its return, not the rest of the claim. */
START_TEST(give_back_held) {
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu");
    g_auto(PcaHeld) both = pca_claim_words(bus, NIC " " NIC_2);
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &both, NULL, NULL);
    pca_refused(bus, both.path, "Claim.ReleaseDevices", paths_of("01_00_0"), "UnbindTimeout");
    g_autofree char *state = pca_property(bus, ROOT_PATH "/device/0000_01_00_0", DEVICE, "State");
    g_autofree char *other = pca_property(bus, ROOT_PATH "/device/0000_08_00_0", DEVICE, "State");
    ck_assert_pstr_eq(state, "stuck");
    ck_assert_pstr_eq(other, "claimed");
    pca_refused(bus, both.path, "Claim.ReleaseDevices", paths_of("01_00_0"), "InvalidArgument");
    g_autoptr(GVariant) reply = pca_call(bus, ROOT_PATH, "Manager.ListClaims", NULL, NULL);
    g_autofree char *list = g_variant_print(reply, FALSE);
    g_autofree char *from = g_strdup_printf("'split_from': <'%s'>", strrchr(both.path, '/') + 1);
    ck_assert_msg(strstr(list, from) != NULL, "%s", list);
    expect_roles(&both, "iommufd device");
    g_clear_object(&fds);
    pca_world_await_driver(world, NIC, "e1000e");
    expect_roles(&both, "iommufd device");
}
END_TEST

TCase *pca_join_cases(void) {
    TCase *tcase = pca_shared_case_new("join");
    tcase_add_test(tcase, join);
    tcase_add_test(tcase, join_by_groups);
    tcase_add_test(tcase, join_by_nodes);
    tcase_add_test(tcase, join_refused);
    tcase_add_test(tcase, join_stuck);
    tcase_add_test(tcase, join_as_another);
    tcase_add_test(tcase, join_what_ends);
    tcase_add_test(tcase, give_one_back);
    tcase_add_test(tcase, give_one_back_by_groups);
    tcase_add_test(tcase, give_back_wrong);
    tcase_add_test(tcase, give_back_of_another);
    tcase_add_test(tcase, give_back_held);
    /* Leaves another policy. */
    tcase_add_test(tcase, join_with_too_much_memory);
    return tcase;
}
