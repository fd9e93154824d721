/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of libpcassign: each call as it should go, its options and its arguments.
 * Thread: main, in a process for each test. Ownership: each test frees what it makes.
 */
#include "library.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void expect_seen(struct pcassign *p, const char *expected) {
    struct pcassign_claim *probe = library_adopt(p, "seen");
    const char *reason;
    ck_assert_int_eq(pcassign_claim_status(probe, NULL, &reason), 0);
    ck_assert_str_eq(reason, expected);
    pcassign_claim_free(probe);
}

START_TEST(life) {
    int before = library_count_fds();
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim;
    const char *state, *reason;
    ck_assert_int_eq(library_claim(p, "fine", &claim), 0);
    ck_assert_str_eq(pcassign_claim_id(claim), "fine");
    ck_assert_int_eq(fcntl(pcassign_claim_lease(claim), F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(pcassign_claim_status(claim, &state, &reason), 0);
    ck_assert_str_eq(state, "ready");
    ck_assert_str_eq(reason, "held");
    ck_assert_int_eq(pcassign_release(claim), 0);
    ck_assert_str_eq(pcassign_last_error(p), "");
    library_expect_lease(p, "held");
    pcassign_claim_free(claim);
    library_expect_lease(p, "over");
    pcassign_close(p);
    ck_assert_int_eq(library_count_fds(), before);
}
END_TEST

START_TEST(options) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim;
    struct pcassign_device devices[] = {{"fine", NULL}, {"02:00.0", "gpu"}};
    struct pcassign_claim_options all = PCASSIGN_CLAIM_OPTIONS_INIT;
    all.title = "win ü";
    all.memory = 1ull << 40;
    all.viommu = 2;
    all.handoff = "cdev";
    all.wait_usec = 5000000;
    ck_assert_int_eq(pcassign_claim(p, devices, 2, &all, &claim), 0);
    pcassign_claim_free(claim);
    expect_seen(p, "fine=; 02:00.0=gpu; handoff=cdev; memory=1099511627776; title=win ü; viommu=1; "
                   "wait=5000000");
    ck_assert_int_eq(pcassign_claim(p, devices, 1, NULL, &claim), 0);
    pcassign_claim_free(claim);
    expect_seen(p, "fine=");
    pcassign_close(p);
}
END_TEST

START_TEST(join) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *first, *second = NULL;
    struct pcassign_device device = {.name = "fine"};
    struct pcassign_claim_options wanted = PCASSIGN_CLAIM_OPTIONS_INIT;
    ck_assert_int_eq(library_claim(p, "fine", &first), 0);
    int before = library_count_fds();
    wanted.join = first;
    wanted.async = 1;
    ck_assert_int_eq(pcassign_claim(p, &device, 1, &wanted, &second), 0);
    expect_seen(p, "fine=; async=1; join=/org/pcassign1/claim/fine; join-lease=fifo");
    pcassign_claim_free(second);
    ck_assert_int_eq(library_count_fds(), before);
    close(pcassign_claim_steal_lease(first));
    library_expect(p, pcassign_claim(p, &device, 1, &wanted, &second),
                   PCASSIGN_ERR_INVALID_ARGUMENT, "taken out of the claim to join");
    pcassign_claim_free(first);
    pcassign_close(p);
}
END_TEST

START_TEST(release_devices) {
    static const char *const addresses[] = {"0000:02:00.1", "10000:AB:1f.7"};
    static const char *const bad[] = {NULL,
                                      "",
                                      "02:00.0",
                                      "gpu-a",
                                      "0000:02:00.8",
                                      "0000:02:00.00",
                                      "0000:02:00.0/",
                                      "000g:02:00.0",
                                      "0000:2:00.0",
                                      "0000_02_00_0",
                                      "000000000:02:00.0"};
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = library_adopt(p, "fine");
    ck_assert_int_eq(pcassign_release_devices(claim, addresses, 2), 0);
    ck_assert_str_eq(pcassign_last_error(p), "");
    expect_seen(p, "/org/pcassign1/device/0000_02_00_1 /org/pcassign1/device/10000_ab_1f_7");
    for (size_t i = 0; i < N_ELEMENTS(bad); i++)
        library_expect(p, pcassign_release_devices(claim, &bad[i], 1),
                       PCASSIGN_ERR_INVALID_ARGUMENT, "device 0 is not");
    library_expect(p, pcassign_release_devices(claim, addresses, 0), PCASSIGN_ERR_INVALID_ARGUMENT,
                   "not 0");
    library_expect(p, pcassign_release_devices(claim, NULL, 1), PCASSIGN_ERR_INVALID_ARGUMENT,
                   "not 0");
    pcassign_claim_free(claim);
    claim = library_adopt(p, "grouped");
    library_expect(p, pcassign_release_devices(claim, addresses, 1), PCASSIGN_ERR_INVALID_ARGUMENT,
                   "0000:02:00.1");
    pcassign_claim_free(claim);
    claim = library_adopt(p, "held_up");
    library_expect(p, pcassign_release_devices(claim, addresses, 1), PCASSIGN_ERR_UNBIND_TIMEOUT,
                   "qemu (4242)");
    pcassign_claim_free(claim);
    claim = library_adopt(p, "string");
    library_expect(p, pcassign_release_devices(claim, addresses, 1), PCASSIGN_ERR_PROTOCOL,
                   "ReleaseDevices");
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

/* A program that was built before there was anything to join. */
START_TEST(options_of_an_older_version) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = NULL;
    struct pcassign_device device = {.name = "fine"};
    struct pcassign_claim_options older = PCASSIGN_CLAIM_OPTIONS_INIT;
    memset(&older.join, 0xff, sizeof older - offsetof(struct pcassign_claim_options, join));
    older.size = offsetof(struct pcassign_claim_options, join);
    ck_assert_int_eq(pcassign_claim(p, &device, 1, &older, &claim), 0);
    expect_seen(p, "fine=");
    pcassign_claim_free(claim);
    pcassign_close(p);
}
END_TEST

START_TEST(options_of_another_version) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = NULL;
    struct pcassign_device device = {.name = "fine"};
    struct {
        struct pcassign_claim_options known;
        uint64_t more;
    } larger = {.known = PCASSIGN_CLAIM_OPTIONS_INIT};
    larger.known.size = sizeof larger;
    ck_assert_int_eq(pcassign_claim(p, &device, 1, &larger.known, &claim), 0);
    pcassign_claim_free(claim);
    larger.more = 1;
    library_expect(p, pcassign_claim(p, &device, 1, &larger.known, &claim),
                   PCASSIGN_ERR_UNSUPPORTED, "does not know");
    larger.known.size = 0;
    library_expect(p, pcassign_claim(p, &device, 1, &larger.known, &claim),
                   PCASSIGN_ERR_INVALID_ARGUMENT, "size");
    pcassign_close(p);
}
END_TEST

/* What would make libdbus abort, or the bus disconnect us, does not get that far. */
START_TEST(arguments) {
    static char huge[10000];
    static const struct pcassign_device bad[] = {
        {NULL, NULL}, {"\xff", NULL}, {"fine", "\xc3"}, {huge, NULL}, {"fine", huge},
    };
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim = NULL;
    struct pcassign_claim_options text = PCASSIGN_CLAIM_OPTIONS_INIT;
    struct pcassign_device fine = {.name = "fine"};
    int before = library_count_fds();
    memset(huge, 'x', sizeof huge - 1);
    for (size_t i = 0; i < N_ELEMENTS(bad); i++)
        library_expect(p, pcassign_claim(p, &bad[i], 1, NULL, &claim),
                       PCASSIGN_ERR_INVALID_ARGUMENT, "device 0");
    library_expect(p, pcassign_claim(p, &fine, 0, NULL, &claim), PCASSIGN_ERR_INVALID_ARGUMENT,
                   "0");
    library_expect(p, pcassign_claim(p, &fine, 1u << 20, NULL, &claim),
                   PCASSIGN_ERR_INVALID_ARGUMENT, "1048576");
    library_expect(p, pcassign_claim(p, NULL, 1, NULL, &claim), PCASSIGN_ERR_INVALID_ARGUMENT, "0");
    library_expect(p, pcassign_claim(p, &fine, 1, NULL, NULL), PCASSIGN_ERR_INVALID_ARGUMENT, "");
    text.title = "\xff";
    library_expect(p, pcassign_claim(p, &fine, 1, &text, &claim), PCASSIGN_ERR_INVALID_ARGUMENT,
                   "title");
    library_expect(p, pcassign_set_timeout(p, 0), PCASSIGN_ERR_INVALID_ARGUMENT, "0");
    ck_assert_int_eq(pcassign_connect(NULL), PCASSIGN_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(pcassign_connect_bus(NULL, &p), PCASSIGN_ERR_INVALID_ARGUMENT);
    ck_assert_ptr_null(claim);
    ck_assert_int_eq(library_count_fds(), before);
    pcassign_close(p);
    pcassign_close(NULL);
    pcassign_claim_free(NULL);
    pcassign_fds_free(NULL);
}
END_TEST

void library_add_calls(Suite *suite) {
    TCase *tcase = tcase_create("calls");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, life);
    tcase_add_test(tcase, options);
    tcase_add_test(tcase, join);
    tcase_add_test(tcase, release_devices);
    tcase_add_test(tcase, options_of_an_older_version);
    tcase_add_test(tcase, options_of_another_version);
    tcase_add_test(tcase, arguments);
    suite_add_tcase(suite, tcase);
}
