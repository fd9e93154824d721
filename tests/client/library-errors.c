/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of libpcassign: every error that a service can send.
 * Thread: main, in a process for each test. Ownership: each test frees what it makes.
 */
#include "library.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* The enum is the service's table. */
START_TEST(table) {
    char device[256];
    ck_assert_int_eq(PCA_N_ERRORS, -PCASSIGN_ERR_NOT_FOUND);
    snprintf(device, sizeof device, PCA_ERROR_PREFIX "%s", pca_error_name(_i));
    ck_assert_str_eq(pcassign_error_name(-1 - _i), device);
    ck_assert_str_ne(pcassign_strerror(-1 - _i), pcassign_strerror(-1000));

    struct pcassign *p = library_connect();
    struct pcassign_device raise = {"raise", device};
    struct pcassign_claim *claim = NULL;
    library_expect(p, pcassign_claim(p, &raise, 1, NULL, &claim), -1 - _i, device);
    ck_assert_ptr_null(claim);
    pcassign_close(p);
}
END_TEST

START_TEST(names) {
    ck_assert_ptr_null(pcassign_error_name(0));
    ck_assert_ptr_null(pcassign_error_name(-1000));
    ck_assert_str_eq(pcassign_error_name(PCASSIGN_ERR_NO_SERVICE),
                     "org.freedesktop.DBus.Error.ServiceUnknown");
    ck_assert_str_eq(pcassign_strerror(0), "success");
    ck_assert_str_eq(pcassign_strerror(-1000), "unknown error");
}
END_TEST

static const struct {
    const char *name;
    int code;
} foreign[] = {
    {"org.freedesktop.DBus.Error.AccessDenied", PCASSIGN_ERR_NOT_PERMITTED},
    {"org.freedesktop.DBus.Error.InvalidArgs", PCASSIGN_ERR_INVALID_ARGUMENT},
    {"org.freedesktop.DBus.Error.UnknownMethod", PCASSIGN_ERR_UNSUPPORTED},
    {"org.freedesktop.DBus.Error.LimitsExceeded", PCASSIGN_ERR_LIMIT_EXCEEDED},
    {"org.freedesktop.DBus.Error.NoMemory", PCASSIGN_ERR_NO_MEMORY},
    {"org.freedesktop.DBus.Error.TimedOut", PCASSIGN_ERR_TIMED_OUT},
    {"org.freedesktop.DBus.Error.NoReply", PCASSIGN_ERR_NO_SERVICE},
    {"org.freedesktop.DBus.Error.Spawn.ChildExited", PCASSIGN_ERR_NO_SERVICE},
    {"org.freedesktop.systemd1.NoSuchUnit", PCASSIGN_ERR_NO_SERVICE},
    {"org.pcassign1.Error.OfTheFuture", PCASSIGN_ERR_FAILED},
    {"com.example.Whatever", PCASSIGN_ERR_FAILED},
};

START_TEST(foreign_errors) {
    struct pcassign *p = library_connect();
    struct pcassign_device raise = {"raise", foreign[_i].name};
    struct pcassign_claim *claim = NULL;
    library_expect(p, pcassign_claim(p, &raise, 1, NULL, &claim), foreign[_i].code,
                   foreign[_i].name);
    pcassign_close(p);
}
END_TEST

START_TEST(long_text_is_cut_at_a_character) {
    struct pcassign *p = library_connect();
    struct pcassign_claim *claim;
    ck_assert_int_eq(library_claim(p, "long_text", &claim), PCASSIGN_ERR_BUSY);
    size_t length = strlen(pcassign_last_error(p));
    ck_assert_int_ge((int)length, 1000);
    ck_assert_int_eq((int)length % 2, 1);
    library_expect(p, library_claim(p, "textless", &claim), PCASSIGN_ERR_BUSY,
                   "org.pcassign1.Error.Busy");
    pcassign_close(p);
}
END_TEST

void library_add_errors(Suite *suite) {
    TCase *tcase = tcase_create("errors");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, table, 0, PCA_N_ERRORS);
    tcase_add_test(tcase, names);
    tcase_add_loop_test(tcase, foreign_errors, 0, N_ELEMENTS(foreign));
    tcase_add_test(tcase, long_text_is_cut_at_a_character);
    suite_add_tcase(suite, tcase);
}
