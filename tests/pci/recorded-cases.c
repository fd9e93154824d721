/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the reader of recorded hosts, and that what it says can differ. The hosts themselves are
 * judged by tests/pci/judge.
 * Thread: main. Ownership: each test frees its own.
 */
#include "pci/cases.h"
#include "pci/recorded.h"

#include <glib/gstdio.h>
#include <string.h>

static RecordedHost *read_text(const char *text, GError **error) {
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("pcassign-host-XXXXXX", &path, NULL);
    ck_assert_int_ge(fd, 0);
    g_close(fd, NULL);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    RecordedHost *host = recorded_host_read(path, error);
    g_unlink(path);
    return host;
}

/* Two root ports, of which the second has no ACS, and a function below each. */
#define PORTS                                                                                      \
    "# a note\n"                                                                                   \
    "group 1 DMA-FQ 0xfee00000-0xfeefffff:msi\n"                                                   \
    "function 0000:00:01.0 below=pci0000:00 group=1 vendor=0x1b36 device=0x000c\n"                 \
    "config 4096\n"                                                                                \
    " 000: 361b0c00 00001000 00000406 00000100\n"                                                  \
    " 030: 00000000 40000000 00000000 00000000\n"                                                  \
    " 040: 10004200 00000000 00000000 00000000\n"                                                  \
    " 100: 0d000100 1f001d00 00000000 00000000\n"                                                  \
    "function 0000:00:02.0 below=pci0000:00 group=2 vendor=0x1b36 device=0x000c\n"                 \
    "config 4096 like 0000:00:01.0\n"                                                              \
    " 100: 00000000 00000000 00000000 00000000\n"                                                  \
    "function 0000:01:00.0 below=0000:00:01.0 group=3 vendor=0x1af4 device=0x1041\n"               \
    "resource 13\n"                                                                                \
    " 1: 0xfe000000 0xfe000fff 0x40200\n"                                                          \
    "config 4096\n"                                                                                \
    " 000: f41a4110 00001000 00000002 00000000\n"                                                  \
    " 010: 00000000 000000fe 00000000 00000000\n"                                                  \
    " 030: 00000000 40000000 00000000 00000000\n"                                                  \
    " 040: 10000200 00000000 00000000 00000000\n"                                                  \
    "function 0000:02:00.0 below=0000:00:02.0 group=%d vendor=0x1af4 device=0x1041\n"              \
    "config 4096 like 0000:01:00.0\n"

START_TEST(host_agrees) {
    guint disagreements = 0;
    g_autofree char *text = g_strdup_printf(PORTS, 2);
    g_autoptr(RecordedHost) host = read_text(text, NULL);
    ck_assert_ptr_nonnull(host);
    ck_assert_uint_eq(host->functions->len, 4);
    g_autofree char *differences = recorded_host_differences(host, &disagreements);
    ck_assert_str_eq(differences, "");
    ck_assert_uint_eq(disagreements, 0);
    const RecordedFunction *endpoint = g_ptr_array_index(host->functions, 2);
    const PcaBar *bar = &g_array_index(endpoint->config->bars, PcaBar, 0);
    ck_assert_uint_eq(bar->index, 1);
    ck_assert_uint_eq(bar->size, 4096);
}
END_TEST

START_TEST(host_disagrees) {
    guint disagreements = 0;
    g_autofree char *text = g_strdup_printf(PORTS, 4);
    g_autoptr(RecordedHost) host = read_text(text, NULL);
    ck_assert_ptr_nonnull(host);
    g_autofree char *differences = recorded_host_differences(host, &disagreements);
    ck_assert_uint_eq(disagreements, 2);
    ck_assert_str_eq(differences, " 0000:00:02.0\n  computed: 0000:00:02.0 0000:02:00.0\n"
                                  "  kernel: 0000:00:02.0\n"
                                  " 0000:02:00.0\n  computed: 0000:00:02.0 0000:02:00.0\n"
                                  "  kernel: 0000:02:00.0\n");
}
END_TEST

#define FUNCTION "function 0000:00:01.0\n"

static const char *const unreadable[] = {
    "sentence",
    " 0: 0x0 0x0 0x0",
    "resource 13",
    "config 256",
    "function",
    "function 0000:00:01",
    "function 0000:00:01.0 below",
    "function 0000:00:01.0 physfn=none",
    FUNCTION "resource x",
    FUNCTION "resource 1\n 1: 0x0 0x0 0x0",
    FUNCTION "resource 1\n 0: 0x0 0x0",
    FUNCTION " 0: 0x0 0x0 0x0",
    FUNCTION "config 4097",
    FUNCTION "config 256 like 0000:00:02.0",
    FUNCTION "config 256 unlike 0000:00:01.0",
    FUNCTION "config 16\n 000: 0",
    FUNCTION "config 16\n 000: 0g",
    FUNCTION "config 16\n 00f: 0000",
    FUNCTION "config 16\n 000 00",
};

START_TEST(host_unreadable) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("# a note\n%s\n", unreadable[_i]);
    ck_assert_msg(!read_text(text, &error), "taken: %s", unreadable[_i]);
    ck_assert_msg(strstr(error->message, _i < 8 ? ":2 is not" : " is not of a host") != NULL, "%s",
                  error->message);
}
END_TEST

START_TEST(host_not_there) {
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(recorded_host_read("/nonexistent/a.host", &error));
    ck_assert_ptr_nonnull(strstr(error->message, "/nonexistent/a.host"));
    g_autoptr(GPtrArray) none = recorded_hosts_in("/nonexistent");
    ck_assert_uint_eq(none->len, 0);
}
END_TEST

void add_recorded_cases(Suite *suite) {
    TCase *hosts = tcase_create("recorded hosts");
    tcase_add_test(hosts, host_agrees);
    tcase_add_test(hosts, host_disagrees);
    tcase_add_loop_test(hosts, host_unreadable, 0, G_N_ELEMENTS(unreadable));
    tcase_add_test(hosts, host_not_there);
    suite_add_tcase(suite, hosts);
}
