/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of libpcassign against stand-ins for service and bus; test-libpcassign starts
 * them. Thread: main, in a process for each test. Ownership: each test frees what it makes.
 */
#include "library.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_USEC (2 * 1000 * 1000)

struct pcassign *library_connect(void) {
    struct pcassign *p = NULL;
    int code = pcassign_connect(&p);
    ck_assert_msg(code == 0, "%s", pcassign_last_error(NULL));
    ck_assert_int_eq(pcassign_set_timeout(p, TIMEOUT_USEC), 0);
    return p;
}

void library_use_bus(const char *name) {
    const char *work = getenv("LIBRARY_WORK");
    char address[512];
    ck_assert_ptr_nonnull(work);
    snprintf(address, sizeof address, "unix:path=%s/%s", work, name);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
}

struct pcassign_claim *library_adopt(struct pcassign *p, const char *id) {
    struct pcassign_claim *claim = NULL;
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    ck_assert_int_eq(pcassign_claim_adopt(p, id, ends[1], &claim), 0);
    return claim;
}

int library_claim(struct pcassign *p, const char *device, struct pcassign_claim **ret) {
    struct pcassign_device devices[] = {{.name = device}};
    struct pcassign_claim_options options = PCASSIGN_CLAIM_OPTIONS_INIT;
    options.wait_usec = 1;
    return pcassign_claim(p, devices, 1, &options, ret);
}

int library_count_fds(void) {
    DIR *directory = opendir("/proc/self/fd");
    int n = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(directory))
            continue;
        n++;
    }
    closedir(directory);
    return n;
}

void library_expect(struct pcassign *p, int got, int code, const char *text) {
    ck_assert_msg(got == code, "%d instead of %d: %s", got, code, pcassign_last_error(p));
    ck_assert_msg(strstr(pcassign_last_error(p), text) != NULL, "\"%s\" is not about \"%s\"",
                  pcassign_last_error(p), text);
}

void library_expect_lease(struct pcassign *p, const char *expected) {
    struct pcassign_claim *probe = library_adopt(p, "lease");
    const char *reason;
    ck_assert_int_eq(pcassign_claim_status(probe, NULL, &reason), 0);
    ck_assert_str_eq(reason, expected);
    pcassign_claim_free(probe);
}

int main(void) {
    Suite *suite = suite_create("libpcassign");
    library_add_calls(suite);
    library_add_errors(suite);
    library_add_handles(suite);
    library_add_channels(suite);
    library_add_failures(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
