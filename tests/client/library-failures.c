/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of libpcassign: channels, answers that are not as they should be, silence, and the
 * other side going away; after each failure the process has the descriptors that it had before.
 * Thread: main, in a process for each test. Ownership: each test frees what it makes.
 */
#include "library.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CHANNEL PCASSIGN_OPEN_CHANNEL

static const struct {
    const char *id;
    unsigned flags;
    int code;
    const char *text;
} opens[] = {
    {"strings", 0, PCASSIGN_ERR_PROTOCOL, "(as)"},
    {"no_details", 0, PCASSIGN_ERR_PROTOCOL, "(a(ssh))"},
    {"naked", 0, PCASSIGN_ERR_PROTOCOL, "(h)"},
    {"nothing", 0, PCASSIGN_ERR_PROTOCOL, "()"},
    {"refused", 0, PCASSIGN_ERR_REVOKED, "taken back by root"},
    {"gone", 0, PCASSIGN_ERR_NOT_FOUND, "does not exist"},
    {"fine", 4, PCASSIGN_ERR_INVALID_ARGUMENT, "0x4"},
    {"short", CHANNEL, PCASSIGN_ERR_PROTOCOL, "too early"},
    {"two_fds", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"twenty_fds", CHANNEL, PCASSIGN_ERR_LIMIT_EXCEEDED, ""},
    {"no_fd", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"two_strings", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"four_strings", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"unfinished", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"blank", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"end_fd", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"endless", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"long", CHANNEL, PCASSIGN_ERR_PROTOCOL, "malformed"},
    {"refused", CHANNEL, PCASSIGN_ERR_REVOKED, "taken back by root"},
    {"unknown", CHANNEL, PCASSIGN_ERR_INVALID_ARGUMENT, "knows no option"},
};

/* That what failed has left no descriptor, and the connection as good as before. */
static void expect_intact(struct pcassign_claim *claim, int fds) {
    ck_assert_int_eq(library_count_fds(), fds);
    ck_assert_int_eq(pcassign_claim_status(claim, NULL, NULL), 0);
}

START_TEST(open_fails) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, opens[_i].id);
    struct pcassign_claim *probe = library_adopt(p, "lease");
    struct pcassign_fds *fds = NULL;
    int before = library_count_fds();
    library_expect(p, pcassign_open(claim, opens[_i].flags, &fds), opens[_i].code, opens[_i].text);
    ck_assert_ptr_null(fds);
    expect_intact(probe, before);
    pcassign_claim_free(claim);
    pcassign_claim_free(probe);
    pcassign_close(p);
}
END_TEST

static const char *const claims[] = {"string", "nothing", "leaseless", "elsewhere", "below"};

START_TEST(claim_fails) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *probe = library_adopt(p, "lease"), *claim = NULL;
    int before = library_count_fds();
    library_expect(p, library_claim(p, claims[_i], &claim), PCASSIGN_ERR_PROTOCOL, "");
    ck_assert_ptr_null(claim);
    expect_intact(probe, before);
    pcassign_claim_free(probe);
    pcassign_close(p);
}
END_TEST

static const char *const descriptions[] = {"stateless", "mistyped", "void", "string"};

START_TEST(status_fails) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, descriptions[_i]);
    const char *state = NULL;
    library_expect(p, pcassign_claim_status(claim, &state, NULL), PCASSIGN_ERR_PROTOCOL,
                   "Describe");
    ck_assert_ptr_null(state);
    pcassign_claim_free(claim);
    claim = library_adopt(p, "string");
    library_expect(p, pcassign_release(claim), PCASSIGN_ERR_PROTOCOL, "Release");
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

static const char *const good_channels[] = {"answer_first", "empty", "many"};

START_TEST(channel) {
    static const size_t counts[] = {4, 0, 300};
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, good_channels[_i]);
    struct pcassign_claim *seen = library_adopt(p, "seen");
    struct pcassign_fds *fds;
    const char *reason;
    char expected[64];
    int before = library_count_fds();
    ck_assert_int_eq(pcassign_open(claim, CHANNEL, &fds), 0);
    ck_assert_uint_eq(pcassign_fds_count(fds), counts[_i]);
    ck_assert_int_eq(library_count_fds(), before + (int)counts[_i]);
    pcassign_fds_free(fds);
    expect_intact(seen, before);
    ck_assert_int_eq(pcassign_claim_status(seen, NULL, &reason), 0);
    snprintf(expected, sizeof expected, "peer %d", getpid());
    ck_assert_str_eq(reason, expected);
    pcassign_claim_free(claim);
    pcassign_claim_free(seen);
    pcassign_close(p);
}
END_TEST

/* Descriptors of which the kernel has dropped some are not taken for fewer. */
START_TEST(too_many_descriptors) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, _i ? "many" : "fine");
    struct pcassign_fds *fds = NULL;
    int before = library_count_fds(), top = dup(0);
    close(top);
    struct rlimit limit = {(rlim_t)top + 3, (rlim_t)top + 3};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int code = pcassign_open(claim, _i ? CHANNEL : 0, &fds);
    /* On the bus it is libdbus that drops the connection. */
    ck_assert_msg(code == PCASSIGN_ERR_LIMIT_EXCEEDED || (!_i && code == PCASSIGN_ERR_NO_SERVICE),
                  "%d: %s", code, pcassign_last_error(p));
    ck_assert_ptr_null(fds);
    ck_assert_int_le(library_count_fds(), before);
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(silence) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, "silent"), *other;
    struct pcassign_fds *fds = NULL;
    double start = seconds();
    ck_assert_int_eq(pcassign_set_timeout(p, 200 * 1000), 0);
    library_expect(p, pcassign_claim_status(claim, NULL, NULL), PCASSIGN_ERR_TIMED_OUT, "in time");
    library_expect(p, pcassign_open(claim, CHANNEL, &fds), PCASSIGN_ERR_TIMED_OUT, "in time");
    if (_i == 0)
        library_expect(p, pcassign_open(claim, 0, &fds), PCASSIGN_ERR_TIMED_OUT, "in time");
    else
        library_expect(p, library_claim(p, "silent", &other), PCASSIGN_ERR_TIMED_OUT, "in time");
    ck_assert(seconds() - start >= 0.6 && seconds() - start < 10);
    library_expect(p, pcassign_claim_status(claim, NULL, NULL), PCASSIGN_ERR_NO_SERVICE, "closed");
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

/* An answer that comes too late must not keep the devices for as long as the handle lives. */
START_TEST(late_claim_ends) {
    struct pcassign *late = library_connect(), *p = library_connect();
    struct pcassign_claim *probe = library_adopt(p, "lease"), *claim;
    const char *reason = "";
    ck_assert_int_eq(pcassign_set_timeout(late, 100 * 1000), 0);
    library_expect(late, library_claim(late, "late", &claim), PCASSIGN_ERR_TIMED_OUT, "in time");
    usleep(600 * 1000);
    for (int i = 0; i < 100 && strcmp(reason, "over") != 0; i++, usleep(50 * 1000))
        ck_assert_int_eq(pcassign_claim_status(probe, NULL, &reason), 0);
    ck_assert_str_eq(reason, "over");
    pcassign_claim_free(probe);
    pcassign_close(late);
    pcassign_close(p);
}
END_TEST

static const struct {
    const char *bus;
    int code;
} buses[] = {
    {"index", PCASSIGN_ERR_PROTOCOL},   {"few", PCASSIGN_ERR_NO_SERVICE},
    {"half", PCASSIGN_ERR_NO_SERVICE},  {"garbage", PCASSIGN_ERR_NO_SERVICE},
    {"close", PCASSIGN_ERR_NO_SERVICE},
};

START_TEST(bus_misbehaves) {
    int before = library_count_fds();
    signal(SIGPIPE, SIG_DFL);
    library_use_bus(buses[_i].bus);
    for (unsigned flags = 0; flags <= CHANNEL; flags++) {
        struct pcassign *p = library_connect();
        struct pcassign_claim *claim = library_adopt(p, "fine");
        struct pcassign_fds *fds = NULL;
        int code = pcassign_open(claim, flags, &fds);
        ck_assert_msg(code == (flags && _i == 0 ? PCASSIGN_ERR_PROTOCOL : buses[_i].code),
                      "%u %d: %s", flags, code, pcassign_last_error(p));
        ck_assert_ptr_null(fds);
        library_expect(p, pcassign_claim_status(claim, NULL, NULL), PCASSIGN_ERR_NO_SERVICE, "");
        pcassign_claim_free(claim);
        pcassign_close(p);
    }
    ck_assert_int_eq(library_count_fds(), before);
}
END_TEST

START_TEST(claim_without_its_lease) {
    int before = library_count_fds();
    library_use_bus("claim_index");
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = NULL;
    library_expect(p, library_claim(p, "fine", &claim), PCASSIGN_ERR_PROTOCOL, "not come with it");
    ck_assert_ptr_null(claim);
    pcassign_close(p);
    ck_assert_int_eq(library_count_fds(), before);
}
END_TEST

static const struct {
    const char *bus;
    int code;
    const char *text;
} no_buses[] = {
    {"fdless", PCASSIGN_ERR_UNSUPPORTED, "descriptors"},
    {"not-there", PCASSIGN_ERR_NO_SERVICE, "not-there"},
};

START_TEST(connect_fails) {
    int before = library_count_fds();
    struct pcassign *p = NULL;
    library_use_bus(no_buses[_i].bus);
    library_expect(NULL, pcassign_connect(&p), no_buses[_i].code, no_buses[_i].text);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(library_count_fds(), before);
}
END_TEST

/* The last three, in this order: the service goes, is not there, the bus goes. */
START_TEST(service_goes) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, "vanish");
    library_expect(p, pcassign_claim_status(claim, NULL, NULL), PCASSIGN_ERR_NO_SERVICE, "");
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

START_TEST(no_service) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, "fine"), *other = NULL;
    struct pcassign_fds *fds = NULL;
    int before = library_count_fds();
    library_expect(p, library_claim(p, "fine", &other), PCASSIGN_ERR_NO_SERVICE, "org.pcassign1");
    library_expect(p, pcassign_open(claim, 0, &fds), PCASSIGN_ERR_NO_SERVICE, "org.pcassign1");
    library_expect(p, pcassign_open(claim, CHANNEL, &fds), PCASSIGN_ERR_NO_SERVICE,
                   "org.pcassign1");
    ck_assert_int_eq(library_count_fds(), before);
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

START_TEST(bus_goes) {
    struct pcassign *p = library_connect(), *other = NULL;
    struct pcassign_claim *claim = library_adopt(p, "fine");
    struct pcassign_fds *fds = NULL;
    const char *pid = getenv("LIBRARY_BUS_PID");
    int before = library_count_fds();
    ck_assert_ptr_nonnull(pid);
    signal(SIGPIPE, SIG_DFL);
    ck_assert_int_eq(kill(atoi(pid), SIGKILL), 0);
    usleep(100 * 1000);
    library_expect(p, pcassign_open(claim, CHANNEL, &fds), PCASSIGN_ERR_NO_SERVICE, "");
    library_expect(p, pcassign_open(claim, 0, &fds), PCASSIGN_ERR_NO_SERVICE, "closed");
    ck_assert_int_ge(pcassign_claim_lease(claim), 0);
    ck_assert_int_le(library_count_fds(), before);
    library_expect(NULL, pcassign_connect(&other), PCASSIGN_ERR_NO_SERVICE, "system bus");
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

void library_add_channels(Suite *suite) {
    TCase *tcase = tcase_create("channels");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, channel, 0, N_ELEMENTS(good_channels));
    /* valgrind has limits of its own. */
    if (!getenv("LIBRARY_VALGRIND"))
        tcase_add_loop_test(tcase, too_many_descriptors, 0, 2);
    suite_add_tcase(suite, tcase);
}

void library_add_failures(Suite *suite) {
    TCase *tcase = tcase_create("failures");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, open_fails, 0, N_ELEMENTS(opens));
    tcase_add_loop_test(tcase, claim_fails, 0, N_ELEMENTS(claims));
    tcase_add_loop_test(tcase, status_fails, 0, N_ELEMENTS(descriptions));
    tcase_add_loop_test(tcase, silence, 0, 2);
    tcase_add_test(tcase, late_claim_ends);
    tcase_add_loop_test(tcase, bus_misbehaves, 0, N_ELEMENTS(buses));
    tcase_add_test(tcase, claim_without_its_lease);
    tcase_add_loop_test(tcase, connect_fails, 0, N_ELEMENTS(no_buses));
    tcase_add_test(tcase, service_goes);
    tcase_add_test(tcase, no_service);
    tcase_add_test(tcase, bus_goes);
    suite_add_tcase(suite, tcase);
}
