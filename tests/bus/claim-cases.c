/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a claim from its beginning to its end, and every wrong turn of Open and Release.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <fcntl.h>

static void expect_open_refused(GDBusConnection *c, const PcaHeld *held, const char *name) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) fds = pca_open_held(c, held, NULL, &error);
    ck_assert_msg(!fds, "Open succeeded, and should fail with %s", name);
    ck_assert_msg(pca_is_error(error, name), "%s instead of %s", error->message, name);
}

static void expect_entry(GVariant *entries, gsize i, const char *role, const char *name,
                         const char *address) {
    const char *r = NULL, *n = NULL, *a = "";
    gint32 index = -1;
    g_autoptr(GVariant) details = NULL;
    g_variant_get_child(entries, i, "(&s&sh@a{sv})", &r, &n, &index, &details);
    g_variant_lookup(details, "address", "&s", &a);
    ck_assert_str_eq(r, role);
    ck_assert_str_eq(n, name);
    ck_assert_str_eq(a, address);
    ck_assert_int_eq(index, (int)i);
}

START_TEST(whole_way) {
    guint before = pca_world_count_fds(world);
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu 01:00.0");
    g_autoptr(GVariant) entries = NULL;
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, &entries, NULL);
    ck_assert_uint_eq(g_variant_n_children(entries), 4);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 4);
    expect_entry(entries, 0, "iommufd", "", "");
    expect_entry(entries, 1, "device", "gpu", "0000:03:00.0");
    expect_entry(entries, 2, "device", "gpu", "0000:03:00.1");
    expect_entry(entries, 3, "device", "01:00.0", NIC);
    gint n_fds = 0;
    const int *numbers = g_unix_fd_list_peek_fds(fds, &n_fds);
    for (gint i = 0; i < n_fds; i++)
        ck_assert_int_eq(fcntl(numbers[i], F_GETFD), FD_CLOEXEC);
    pca_world_await_driver(world, NIC, "vfio-pci");
    pca_world_await_driver(world, "0000:03:00.1", "vfio-pci");
    g_autoptr(GVariant) described = pca_call(bus, held.path, "Claim.Describe", NULL, NULL);
    g_autofree char *text = g_variant_print(described, FALSE);
    ck_assert_ptr_nonnull(strstr(text, "'devices': <['0000:03:00.0', '0000:03:00.1', '" NIC "']>"));
    ck_assert_ptr_nonnull(strstr(text, "'state': <'ready'>"));
    ck_assert_ptr_nonnull(strstr(text, "50-test.conf:7'>"));
    g_clear_object(&fds);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, NIC, "e1000e");
    pca_world_await_driver(world, "0000:03:00.0", "nouveau");
    pca_world_await_driver(world, "0000:03:00.1", "snd_hda_intel");
    pca_world_await_no_claim(world);
    pca_refused(bus, held.path, "Claim.Describe", NULL, "org.freedesktop.DBus.Error.UnknownMethod");
    pca_fd_close(&held.lease);
    ck_assert(pca_world_await_fds(world, before));
}
END_TEST

/* By groups: one descriptor for both functions of one, and for one user at a time. */
START_TEST(by_groups) {
    g_auto(PcaHeld) held = pca_claim_with(bus, "gpu 01:00.0", "{'handoff': <'group'>}");
    g_autoptr(GVariant) entries = NULL;
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, &entries, NULL);
    ck_assert_uint_eq(g_variant_n_children(entries), 3);
    expect_entry(entries, 0, "container", "", "");
    expect_entry(entries, 1, "group", "gpu", "0000:03:00.0");
    expect_entry(entries, 2, "group", "01:00.0", NIC);
    expect_open_refused(bus, &held, "Busy");
    g_clear_object(&fds);
    g_autoptr(GUnixFDList) again = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(again), 3);
    /* Descriptors of groups do not hold up an unbind. */
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_await_all_back(world);
}
END_TEST

/* By path: no descriptor; the owner has the group's node until the release takes it. */
START_TEST(by_nodes) {
    g_auto(PcaHeld) held = pca_claim_with(bus, "gpu 01:00.0", "{'handoff': <'node'>}");
    g_autoptr(GVariant) entries = NULL;
    g_autofree char *give = g_strdup_printf("write_owner 2 %u:0:0600\n", (unsigned)getuid());
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, &entries, NULL);
    ck_assert_uint_eq(g_variant_n_children(entries), 0);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_await_all_back(world);
    g_autofree char *log = pca_world_log(world);
    const char *given = strstr(log, give);
    const char *taken = given ? strstr(given, "write_owner 2 0:0:0600\n") : NULL;
    const char *unbound = given ? strstr(given, "drivers/vfio-pci/unbind") : NULL;
    ck_assert_msg(taken && unbound && taken < unbound, "%s", log);
}
END_TEST

/* Binding makes a node anew: one that was found in other hands goes back into these. */
START_TEST(found_node) {
    pca_world_tell(world, "write dev/vfio/13 0:107:0660");
    g_auto(PcaHeld) held = pca_claim_words(bus, "07:00.0");
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_world_await_no_claim(world);
    g_autofree char *log = pca_world_log(world);
    const char *unbound = strstr(log, "drivers/vfio-pci/unbind 0000:07:00.0");
    ck_assert_msg(unbound && strstr(unbound, "write_owner 13 0:107:0660\n"), "%s", log);
}
END_TEST

/* Between two owners and before the host driver: unbound, bus mastering off, reset. */
START_TEST(order_of_release) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    g_autofree char *log = pca_world_log(world);
    const char *unbind = strstr(log, "drivers/vfio-pci/unbind");
    const char *reset = strstr(log, NIC "/reset 1");
    const char *bind = strstr(log, "driver_override e1000e");
    ck_assert_msg(unbind && reset && bind && unbind < reset && reset < bind, "%s", log);
}
END_TEST

START_TEST(lease_closed) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pca_fd_close(&held.lease);
    pca_world_await_driver(world, NIC, "e1000e");
    pca_world_await_no_claim(world);
}
END_TEST

/* A lease that was copied lives as long as the last copy, and what is written into it is ignored.
 */
START_TEST(lease_copied) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    PCA_AUTO_FD copy = fcntl(held.lease, F_DUPFD_CLOEXEC, 3);
    ck_assert_int_eq(write(copy, "junk", 4), 4);
    pca_fd_close(&held.lease);
    g_usleep(50000);
    pca_world_await_driver(world, NIC, "vfio-pci");
    pca_fd_close(&copy);
    pca_world_await_driver(world, NIC, "e1000e");
    pca_world_await_no_claim(world);
}
END_TEST

START_TEST(wrong_leases) {
    int pipes[2];
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_auto(PcaHeld) other = pca_claim_words(bus, NIC_2);
    ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
    PCA_AUTO_FD reader = pipes[0];
    PCA_AUTO_FD writer = pipes[1];
    PCA_AUTO_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
    PCA_AUTO_FD path = open("/", O_PATH | O_CLOEXEC);
    g_autofree char *fifo =
        g_strdup_printf("%s/run/claims/%s/lease", world->tree, strrchr(held.path, '/') + 1);
    PCA_AUTO_FD reading = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    PCA_AUTO_FD both = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    const int wrong[] = {reader, writer, null, path, reading, both, other.lease};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        const PcaHeld bad = {held.path, wrong[i]};
        expect_open_refused(bus, &bad, "NotPermitted");
    }
    const PcaHeld none = {held.path, -1};
    expect_open_refused(bus, &none, "InvalidArgument");
    pca_refused(bus, held.path, "Claim.Open", g_variant_new_parsed("(handle 0, {'x': <1>})"),
                "InvalidArgument");
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 2);
}
END_TEST

/* Indices that name no descriptor of the message, with and without one in it. */
START_TEST(wrong_index) {
    static const gint32 indices[] = {-1, 1, 2, 15, 16, 253, G_MAXINT32, G_MININT32};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    for (gsize i = 0; i < 2 * G_N_ELEMENTS(indices); i++) {
        g_autoptr(GError) error = NULL;
        int fd = i % 2 ? held.lease : -1;
        g_autoptr(GVariant) reply =
            pca_call_fds(bus, held.path, "Claim.Open",
                         g_variant_new("(ha{sv})", indices[i / 2], NULL), fd, NULL, &error);
        ck_assert_msg(!reply && pca_is_error(error, "InvalidArgument"), "%d: %s", indices[i / 2],
                      error ? error->message : "no error");
    }
}
END_TEST

START_TEST(after_release) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    expect_open_refused(bus, &held, "org.freedesktop.DBus.Error.UnknownMethod");
    g_auto(PcaHeld) again = pca_claim_words(bus, NIC);
    const PcaHeld stale = {again.path, held.lease};
    ck_assert_str_ne(again.path, held.path);
    expect_open_refused(bus, &stale, "NotPermitted");
}
END_TEST

START_TEST(second_claim) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    const char *message =
        pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices("nic", NULL), "Busy");
    ck_assert_msg(strstr(message, "held by root"), "%s", message);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC_2 " nic", NULL), "Busy");
    g_autofree char *driver = pca_world_driver(world, NIC_2);
    ck_assert_pstr_eq(driver, "e1000e");
}
END_TEST

/* Two calls of Open: both clients may have the device open, the barrier comes with the release. */
START_TEST(opened_twice) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autoptr(GUnixFDList) first = pca_open_held(bus, &held, NULL, NULL);
    g_autoptr(GUnixFDList) second = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(second), 2);
}
END_TEST

/* A held descriptor blocks the release: it counts as stuck, and goes on once it is closed. */
START_TEST(blocked_release) {
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    pca_refused(bus, held.path, "Claim.Release", NULL, "UnbindTimeout");
    g_autofree char *state = pca_property(bus, held.path, CLAIM, "State");
    g_autofree char *device = pca_property(bus, ROOT_PATH "/device/0000_01_00_0", DEVICE, "State");
    ck_assert_pstr_eq(state, "stuck");
    ck_assert_pstr_eq(device, "stuck");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Busy");
    expect_open_refused(bus, &held, "Revoked");
    /* Meanwhile others are served. */
    g_auto(PcaHeld) other = pca_claim_words(bus, NIC_2);
    g_clear_object(&fds);
    pca_world_await_driver(world, NIC, "e1000e");
    pca_fd_close(&other.lease);
    pca_world_await_no_claim(world);
}
END_TEST

/* A host driver that does not let go: the claim fails within `wait`, the rest follows by itself. */
START_TEST(blocked_claim) {
    pca_world_tell(world, "use " NIC);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, "{'wait': <uint64 100000>}"),
                "TimedOut");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(NIC, NULL), "Busy");
    pca_world_tell(world, "unuse " NIC);
    pca_world_await_no_claim(world);
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

START_TEST(bind_refused) {
    pca_world_tell(world, "refuse 0000:03:00.1 vfio-pci");
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices("gpu", NULL), "BindFailed");
    pca_world_await_driver(world, "0000:03:00.0", "nouveau");
    pca_world_await_driver(world, "0000:03:00.1", "snd_hda_intel");
    pca_world_await_no_claim(world);
    pca_world_tell(world, "refuse 0000:03:00.1 -");
    g_auto(PcaHeld) held = pca_claim_words(bus, "gpu");
}
END_TEST

/* What was on vfio before goes back there. */
START_TEST(vfio_before) {
    g_auto(PcaHeld) held = pca_claim_words(bus, "07:00.0");
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
    pca_world_await_driver(world, "0000:07:00.0", "vfio-pci");
    g_autofree char *log = pca_world_log(world);
    ck_assert_ptr_nonnull(strstr(log, "drivers/vfio-pci/unbind 0000:07:00.0"));
}
END_TEST

/* Plugs or unplugs fourteen functions with a group each; their addresses. */
static char *plug_many(gboolean plug) {
    g_autoptr(GString) words = g_string_new(NULL);
    for (int i = 0; i < 14; i++) {
        g_autofree char *address = g_strdup_printf("0000:20:%02x.0", i);
        if (plug)
            pca_world_tell(world, "function %s group=%d driver=virtio-pci reset=flr", address,
                           50 + i);
        else
            pca_world_tell(world, "unplug %s", address);
        g_string_append_printf(words, "%s%s", i ? " " : "", address);
    }
    return g_string_free(g_steal_pointer(&words), FALSE);
}

/* dbus-daemon drops whoever sends more than sixteen descriptors: that must not be the service. */
START_TEST(many_descriptors) {
    g_autofree char *fourteen = plug_many(TRUE);
    g_autofree char *thirteen = g_strndup(fourteen, (gsize)(strrchr(fourteen, ' ') - fourteen));
    g_auto(PcaHeld) held = pca_claim_words(bus, thirteen);
    g_autoptr(GUnixFDList) fds = pca_open_held(bus, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 14);
    g_clear_object(&fds);
    pca_fd_close(&held.lease);
    pca_world_await_no_claim(world);
    pca_refused(bus, ROOT_PATH, "Manager.Claim", pca_devices(fourteen, NULL), "LimitExceeded");
    g_autofree char *version = pca_property(bus, ROOT_PATH, MANAGER, "Version");
    ck_assert_ptr_nonnull(version);
    g_autofree char *gone = plug_many(FALSE);
}
END_TEST

TCase *pca_claim_cases(void) {
    TCase *tcase = pca_shared_case_new("claims");
    tcase_add_test(tcase, whole_way);
    tcase_add_test(tcase, by_groups);
    tcase_add_test(tcase, by_nodes);
    tcase_add_test(tcase, found_node);
    tcase_add_test(tcase, order_of_release);
    tcase_add_test(tcase, lease_closed);
    tcase_add_test(tcase, lease_copied);
    tcase_add_test(tcase, wrong_leases);
    tcase_add_test(tcase, wrong_index);
    tcase_add_test(tcase, after_release);
    tcase_add_test(tcase, second_claim);
    tcase_add_test(tcase, opened_twice);
    tcase_add_test(tcase, blocked_release);
    tcase_add_test(tcase, blocked_claim);
    tcase_add_test(tcase, bind_refused);
    tcase_add_test(tcase, vfio_before);
    tcase_add_test(tcase, many_descriptors);
    return tcase;
}
