/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tests of the error table, the findings and the descriptors.
 * Thread: main. Ownership: each test frees its own.
 */
#include "base/error.h"
#include "base/fds.h"
#include "base/finding.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>

static const struct {
    PcaError code;
    const char *name;
    int exit_status;
} errors[] = {
    {PCA_ERROR_FAILED, "Failed", 1},
    {PCA_ERROR_UNSUPPORTED, "Unsupported", 1},
    {PCA_ERROR_LIMIT_EXCEEDED, "LimitExceeded", 1},
    {PCA_ERROR_REVOKED, "Revoked", 1},
    {PCA_ERROR_INVALID_ARGUMENT, "InvalidArgument", 2},
    {PCA_ERROR_TIMED_OUT, "TimedOut", 3},
    {PCA_ERROR_UNBIND_TIMEOUT, "UnbindTimeout", 3},
    {PCA_ERROR_NOT_PERMITTED, "NotPermitted", 4},
    {PCA_ERROR_IDENTITY_MISMATCH, "IdentityMismatch", 4},
    {PCA_ERROR_NOT_ISOLATED, "NotIsolated", 5},
    {PCA_ERROR_GROUP_INCOMPLETE, "GroupIncomplete", 5},
    {PCA_ERROR_IN_USE, "InUse", 6},
    {PCA_ERROR_BUSY, "Busy", 6},
    {PCA_ERROR_NO_RESET, "NoReset", 7},
    {PCA_ERROR_RESET_FAILED, "ResetFailed", 7},
    {PCA_ERROR_BIND_FAILED, "BindFailed", 7},
    {PCA_ERROR_QUARANTINED, "Quarantined", 7},
    {PCA_ERROR_NOT_FOUND, "NotFound", 10},
};
G_STATIC_ASSERT(G_N_ELEMENTS(errors) == PCA_N_ERRORS);

START_TEST(error_row) {
    g_autofree char *full = g_strconcat(PCA_ERROR_PREFIX, errors[_i].name, NULL);
    ck_assert_str_eq(pca_error_name((int)errors[_i].code), errors[_i].name);
    ck_assert_int_eq(pca_error_from_name(errors[_i].name), (int)errors[_i].code);
    ck_assert_int_eq(pca_error_from_name(full), (int)errors[_i].code);
    ck_assert_int_eq(pca_error_exit_status((int)errors[_i].code), errors[_i].exit_status);
}
END_TEST

static const char *const unknown_names[] = {
    "", "failed", "Fail", "Failed ", PCA_ERROR_PREFIX, "org.freedesktop.DBus.Error.Failed"};

START_TEST(error_unknown_name) {
    ck_assert_int_eq(pca_error_from_name(unknown_names[_i]), -1);
}
END_TEST

START_TEST(error_unknown_code) {
    ck_assert_ptr_null(pca_error_name(-1));
    ck_assert_ptr_null(pca_error_name(PCA_N_ERRORS));
    ck_assert_int_eq(pca_error_exit_status(-1), 1);
    ck_assert_int_eq(pca_error_exit_status(PCA_N_ERRORS), 1);
}
END_TEST

START_TEST(error_set_errno) {
    g_autoptr(GError) error = NULL;
    g_autofree char *expected = g_strdup_printf("unbind 0000:01:00.0: %s", g_strerror(EIO));
    pca_error_set_errno(&error, PCA_ERROR_BIND_FAILED, EIO, "unbind %s", "0000:01:00.0");
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_BIND_FAILED));
    ck_assert_str_eq(error->message, expected);
    pca_error_set_errno(NULL, PCA_ERROR_FAILED, EIO, "nobody asks");
}
END_TEST

static const char *const check_names[] = {"exists",     "iommu",  "policy",    "identity",
                                          "busy",       "in-use", "isolation", "group",
                                          "interrupts", "driver", "sriov",     "reset"};

static const char *name_at(PcaFindings *findings, guint index) {
    return ((const PcaFinding *)g_ptr_array_index(findings, index))->name;
}

START_TEST(findings_sort) {
    g_autoptr(GPtrArray) findings = pca_findings_new();
    for (gsize i = G_N_ELEMENTS(check_names); i > 0; i--)
        pca_findings_pass(findings, check_names[i - 1], "first");
    pca_findings_pass(findings, "exists", "second");
    pca_findings_sort(findings);
    const PcaFinding *first = g_ptr_array_index(findings, 0);
    const PcaFinding *second = g_ptr_array_index(findings, 1);
    ck_assert_str_eq(first->text, "first");
    ck_assert_str_eq(second->text, "second");
    for (guint i = 0; i < G_N_ELEMENTS(check_names); i++)
        ck_assert_str_eq(name_at(findings, i + 1), check_names[i]);
}
END_TEST

START_TEST(findings_first_error) {
    g_autoptr(GPtrArray) findings = pca_findings_new();
    g_autoptr(GError) error = NULL;
    pca_findings_pass(findings, "exists", "it is there");
    ck_assert(pca_findings_to_error(findings, &error));
    ck_assert_ptr_null(error);
    pca_findings_fail(findings, "reset", PCA_ERROR_NO_RESET, NULL, NULL, "no way to reset it");
    pca_findings_fail(findings, "policy", PCA_ERROR_NOT_PERMITTED, "gpu-a", "ask the admin",
                      "uid %d is not listed", 7);
    pca_findings_fail(findings, "busy", PCA_ERROR_BUSY, NULL, NULL, "held");
    ck_assert(!pca_findings_to_error(findings, &error));
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED));
    ck_assert_str_eq(error->message, "uid 7 is not listed; ask the admin");
}
END_TEST

/* To whoever decides, what is not known is a refusal. */
START_TEST(findings_doubt) {
    g_autoptr(GPtrArray) findings = pca_findings_new();
    g_autoptr(GError) error = NULL;
    pca_findings_doubt(findings, "busy", PCA_ERROR_BUSY, "x", "look", "cannot tell %s", "who");
    const PcaFinding *finding = g_ptr_array_index(findings, 0);
    ck_assert(finding->unknown && !finding->ok);
    ck_assert_str_eq(finding->culprit, "x");
    ck_assert(pca_findings_failed(findings, "busy"));
    ck_assert(!pca_findings_to_error(findings, &error));
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_BUSY));
    ck_assert_str_eq(error->message, "cannot tell who; look");
}
END_TEST

START_TEST(findings_failed) {
    g_autoptr(GPtrArray) findings = pca_findings_new();
    ck_assert(!pca_findings_failed(findings, NULL));
    pca_findings_pass(findings, "iommu", "there is one");
    ck_assert(!pca_findings_failed(findings, NULL));
    ck_assert(!pca_findings_failed(findings, "iommu"));
    pca_findings_fail(findings, "group", PCA_ERROR_GROUP_INCOMPLETE, NULL, NULL, "half a group");
    ck_assert(pca_findings_failed(findings, NULL));
    ck_assert(pca_findings_failed(findings, "group"));
    ck_assert(!pca_findings_failed(findings, "iommu"));
}
END_TEST

static int open_null(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static gboolean is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(fds_close_what_they_own) {
    int kept = open_null(), stolen = open_null();
    PcaFds *fds = pca_fds_new();
    pca_fds_consume(fds, "device", "gpu-a", "0000:01:00.0", kept);
    pca_fds_consume(fds, "iommufd", "", "", stolen);
    ck_assert_uint_eq(fds->len, 2);
    ck_assert_str_eq(pca_fds_get(fds, 0)->role, "device");
    ck_assert_str_eq(pca_fds_get(fds, 0)->name, "gpu-a");
    ck_assert_str_eq(pca_fds_get(fds, 0)->address, "0000:01:00.0");
    ck_assert_int_eq(pca_fd_steal(&pca_fds_get(fds, 1)->fd), stolen);
    g_ptr_array_unref(fds);
    ck_assert(!is_open(kept));
    ck_assert(is_open(stolen));
    pca_fd_close(&stolen);
    ck_assert_int_eq(stolen, -1);
    pca_fd_close(&stolen);
}
END_TEST

START_TEST(fds_auto_close) {
    int number;
    {
        PCA_AUTO_FD fd = open_null();
        number = fd;
    }
    ck_assert(!is_open(number));
}
END_TEST

Suite *pca_suite(void) {
    Suite *suite = suite_create("base");
    PCA_TABLE(suite, "error rows", error_row, errors);
    PCA_TABLE(suite, "error unknown names", error_unknown_name, unknown_names);
    TCase *rest = tcase_create("rest");
    tcase_add_test(rest, error_unknown_code);
    tcase_add_test(rest, error_set_errno);
    tcase_add_test(rest, findings_sort);
    tcase_add_test(rest, findings_first_error);
    tcase_add_test(rest, findings_doubt);
    tcase_add_test(rest, findings_failed);
    tcase_add_test(rest, fds_close_what_they_own);
    tcase_add_test(rest, fds_auto_close);
    suite_add_tcase(suite, rest);
    return suite;
}
