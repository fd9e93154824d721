/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of libpcassign: what it hands out (descriptors, leases, claims, connections), and
 * how long that lives.
 * Thread: main, in a process for each test. Ownership: each test frees what it makes.
 */
#include "library.h"

#include <dbus/dbus.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

START_TEST(descriptors) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim;
    struct pcassign_fds *fds;
    const char *role, *name, *address;
    ck_assert_int_eq(library_claim(p, "fine", &claim), 0);
    int before = library_count_fds();
    ck_assert_int_eq(pcassign_open(claim, _i ? PCASSIGN_OPEN_CHANNEL : 0, &fds), 0);
    ck_assert_int_eq((int)pcassign_fds_count(fds), 4);
    ck_assert_int_eq(library_count_fds(), before + 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(fcntl(pcassign_fds_get(fds, i, NULL, NULL, NULL), F_GETFD), FD_CLOEXEC);
    ck_assert_int_ge(pcassign_fds_get(fds, 2, &role, &name, &address), 0);
    ck_assert_str_eq(role, "device");
    ck_assert_str_eq(name, "gpu");
    ck_assert_str_eq(address, "0000:02:00.1");
    pcassign_fds_get(fds, 0, &role, &name, &address);
    ck_assert_str_eq(role, "iommufd");
    ck_assert_str_eq(name, "");
    ck_assert_str_eq(address, "");
    pcassign_fds_free(fds);
    ck_assert_int_eq(library_count_fds(), before);
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

START_TEST(find_and_steal) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, "fine");
    struct pcassign_fds *fds;
    ck_assert_int_eq(pcassign_open(claim, 0, &fds), 0);
    ck_assert_int_eq(pcassign_fds_find(fds, "iommufd", NULL, 0), 0);
    ck_assert_int_eq(pcassign_fds_find(fds, "device", NULL, 2), 3);
    ck_assert_int_eq(pcassign_fds_find(fds, "device", "gpu", 1), 2);
    ck_assert_int_eq(pcassign_fds_find(fds, NULL, "nic", 0), 3);
    ck_assert_int_eq(pcassign_fds_find(fds, "device", "gpu", 2), PCASSIGN_ERR_NOT_FOUND);
    ck_assert_int_eq(pcassign_fds_find(fds, "group", NULL, 0), PCASSIGN_ERR_NOT_FOUND);
    ck_assert_int_eq(pcassign_fds_get(fds, PCASSIGN_ERR_NOT_FOUND, NULL, NULL, NULL),
                     PCASSIGN_ERR_NOT_FOUND);
    ck_assert_int_eq(pcassign_fds_steal(fds, 4), PCASSIGN_ERR_INVALID_ARGUMENT);
    int borrowed = pcassign_fds_get(fds, 3, NULL, NULL, NULL);
    int stolen = pcassign_fds_steal(fds, 3);
    ck_assert_int_eq(stolen, borrowed);
    ck_assert_int_eq(pcassign_fds_get(fds, 3, NULL, NULL, NULL), -1);
    ck_assert_int_eq(pcassign_fds_steal(fds, 3), -1);
    pcassign_fds_free(fds);
    ck_assert_int_eq(fcntl(stolen, F_GETFD), FD_CLOEXEC);
    close(stolen);
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

START_TEST(lists) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *empty = library_adopt(p, "empty");
    struct pcassign_claim *addressless = library_adopt(p, "addressless");
    struct pcassign_fds *fds;
    const char *address;
    ck_assert_int_eq(pcassign_open(empty, 0, &fds), 0);
    ck_assert_int_eq((int)pcassign_fds_count(fds), 0);
    ck_assert_int_eq(pcassign_fds_get(fds, 0, NULL, NULL, NULL), PCASSIGN_ERR_INVALID_ARGUMENT);
    pcassign_fds_free(fds);
    ck_assert_int_eq(pcassign_open(addressless, 0, &fds), 0);
    pcassign_fds_get(fds, 0, NULL, NULL, &address);
    ck_assert_str_eq(address, "");
    pcassign_fds_free(fds);
    pcassign_claim_free(empty);
    pcassign_claim_free(addressless);
    pcassign_close(p);
}
END_TEST

START_TEST(lease_is_stolen) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim, *again;
    struct pcassign_fds *fds;
    ck_assert_int_eq(library_claim(p, "fine", &claim), 0);
    int lease = pcassign_claim_steal_lease(claim);
    ck_assert_int_ge(lease, 0);
    ck_assert_int_eq(pcassign_claim_lease(claim), -1);
    ck_assert_int_eq(pcassign_claim_steal_lease(claim), -1);
    library_expect(p, pcassign_open(claim, 0, &fds), PCASSIGN_ERR_INVALID_ARGUMENT, "lease");
    pcassign_claim_free(claim);
    library_expect_lease(p, "held");
    fcntl(lease, F_SETFD, 0);
    ck_assert_int_eq(pcassign_claim_adopt(p, "fine", lease, &again), 0);
    ck_assert_int_eq(fcntl(lease, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(pcassign_open(again, 0, &fds), 0);
    pcassign_fds_free(fds);
    pcassign_claim_free(again);
    library_expect_lease(p, "over");
    pcassign_close(p);
}
END_TEST

START_TEST(adopt_refuses) {
    static const char *const ids[] = {"", "a/b", "a-b", "..", "ä", "x y"};
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = NULL;
    int ends[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    for (size_t i = 0; i < N_ELEMENTS(ids); i++)
        library_expect(p, pcassign_claim_adopt(p, ids[i], ends[1], &claim),
                       PCASSIGN_ERR_INVALID_ARGUMENT, "id");
    library_expect(p, pcassign_claim_adopt(p, NULL, ends[1], &claim), PCASSIGN_ERR_INVALID_ARGUMENT,
                   "id");
    library_expect(p, pcassign_claim_adopt(p, "fine", ends[0], &claim),
                   PCASSIGN_ERR_INVALID_ARGUMENT, "not a lease");
    library_expect(p, pcassign_claim_adopt(p, "fine", null, &claim), PCASSIGN_ERR_INVALID_ARGUMENT,
                   "not a lease");
    library_expect(p, pcassign_claim_adopt(p, "fine", -1, &claim), PCASSIGN_ERR_INVALID_ARGUMENT,
                   "not a lease");
    ck_assert_ptr_null(claim);
    close(ends[0]);
    ck_assert_int_eq(close(ends[1]), 0);
    close(null);
    pcassign_close(p);
}
END_TEST

START_TEST(status) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, "reasonless");
    const char *state, *reason;
    ck_assert_int_eq(pcassign_claim_status(claim, &state, &reason), 0);
    ck_assert_str_eq(state, "stuck");
    ck_assert_str_eq(reason, "");
    ck_assert_int_eq(pcassign_claim_status(claim, NULL, NULL), 0);
    pcassign_claim_free(claim);
    claim = library_adopt(p, "gone");
    library_expect(p, pcassign_claim_status(claim, &state, NULL), PCASSIGN_ERR_NOT_FOUND, "object");
    pcassign_claim_free(claim);
    claim = library_adopt(p, "held_up");
    library_expect(p, pcassign_release(claim), PCASSIGN_ERR_UNBIND_TIMEOUT, "qemu (4242)");
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

START_TEST(release_requested) {
    struct pcassign *p = library_connect();
    static const char *const ids[] = {"reasonless", "mistyped_deadline", "void"};
    struct pcassign_claim *claim;
    const char *reason = "unchanged";
    uint64_t deadline = 1;
    for (size_t i = 0; i < N_ELEMENTS(ids); i++) {
        claim = library_adopt(p, ids[i]);
        ck_assert_int_eq(pcassign_claim_release_requested(claim, &reason, &deadline), 0);
        pcassign_claim_free(claim);
    }
    ck_assert_str_eq(reason, "unchanged");
    ck_assert_uint_eq(deadline, 1);
    claim = library_adopt(p, "wanted");
    ck_assert_int_eq(pcassign_claim_release_requested(claim, &reason, &deadline), 1);
    ck_assert_str_eq(reason, "taken back by uid 0");
    ck_assert_uint_eq(deadline, (UINT64_C(1) << 63) + 5);
    ck_assert_int_eq(pcassign_claim_release_requested(claim, NULL, NULL), 1);
    pcassign_claim_free(claim);
    claim = library_adopt(p, "gone");
    library_expect(p, pcassign_claim_release_requested(claim, NULL, NULL), PCASSIGN_ERR_NOT_FOUND,
                   "object");
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

/* A signal makes it readable, and the question makes it quiet again. */
START_TEST(descriptor_to_poll) {
    struct pcassign *p = library_connect();
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *other = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error);
    dbus_connection_set_exit_on_disconnect(other, FALSE);
    struct pcassign_claim *claim = library_adopt(p, "wanted");
    struct pollfd poller = {pcassign_get_fd(p), POLLIN, 0};
    ck_assert_int_ge(poller.fd, 0);
    ck_assert_int_eq(pcassign_claim_release_requested(claim, NULL, NULL), 1);
    ck_assert_int_eq(poll(&poller, 1, 0), 0);
    DBusMessage *signal = dbus_message_new_signal("/org/pcassign1/claim/wanted",
                                                  "org.pcassign1.Claim", "ReleaseRequested");
    /* The library does not tell the name of its connection, so everybody on this bus gets one. */
    char name[32];
    for (int i = 0; i < 512; i++) {
        snprintf(name, sizeof name, ":1.%d", i);
        dbus_message_set_destination(signal, name);
        DBusMessage *copy = dbus_message_copy(signal);
        dbus_connection_send(other, copy, NULL);
        dbus_message_unref(copy);
    }
    dbus_connection_flush(other);
    ck_assert_int_eq(poll(&poller, 1, 10000), 1);
    ck_assert_int_eq(pcassign_claim_release_requested(claim, NULL, NULL), 1);
    ck_assert_int_eq(poll(&poller, 1, 0), 0);
    dbus_message_unref(signal);
    dbus_connection_close(other);
    dbus_connection_unref(other);
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

/* A claim lives on its lease, whatever becomes of the handle. */
START_TEST(handle_is_closed_first) {
    int before = library_count_fds();
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim;
    const char *reason;
    ck_assert_int_eq(library_claim(p, "fine", &claim), 0);
    pcassign_close(p);
    ck_assert_int_eq(pcassign_claim_status(claim, NULL, &reason), 0);
    ck_assert_str_eq(reason, "held");
    pcassign_claim_free(claim);
    ck_assert_int_eq(library_count_fds(), before);
}
END_TEST

START_TEST(borrowed_connection) {
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *bus = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error);
    struct pcassign *p;
    struct pcassign_claim *claim;
    dbus_connection_set_exit_on_disconnect(bus, FALSE);
    ck_assert_int_eq(pcassign_connect_bus(bus, &p), 0);
    ck_assert_int_eq(library_claim(p, "fine", &claim), 0);
    pcassign_claim_free(claim);
    pcassign_close(p);
    ck_assert(dbus_connection_get_is_connected(bus));
    /* NameAcquired, which is not the library's to take away. */
    DBusMessage *message = dbus_connection_pop_message(bus);
    ck_assert_ptr_nonnull(message);
    dbus_message_unref(message);
    dbus_connection_close(bus);
    ck_assert_int_eq(pcassign_connect_bus(bus, &p), PCASSIGN_ERR_NO_SERVICE);
    ck_assert_ptr_nonnull(strstr(pcassign_last_error(NULL), "closed"));
    dbus_connection_unref(bus);
}
END_TEST

START_TEST(sigpipe_is_left_alone) {
    struct sigaction action;
    signal(SIGPIPE, SIG_DFL);
    struct pcassign *p = library_connect();
    ck_assert_int_eq(sigaction(SIGPIPE, NULL, &action), 0);
    ck_assert(action.sa_handler == SIG_DFL);
    pcassign_close(p);
}
END_TEST

void library_add_handles(Suite *suite) {
    TCase *tcase = tcase_create("handles");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, descriptors, 0, 2);
    tcase_add_test(tcase, find_and_steal);
    tcase_add_test(tcase, lists);
    tcase_add_test(tcase, lease_is_stolen);
    tcase_add_test(tcase, adopt_refuses);
    tcase_add_test(tcase, status);
    tcase_add_test(tcase, release_requested);
    tcase_add_test(tcase, descriptor_to_poll);
    tcase_add_test(tcase, handle_is_closed_first);
    tcase_add_test(tcase, borrowed_connection);
    tcase_add_test(tcase, sigpipe_is_left_alone);
    suite_add_tcase(suite, tcase);
}
