/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: how many calls one user may have pending.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "cases.h"

#include "auth/pending.h"
#include "base/error.h"

static void enter(PcaPending *pending, guint32 uid, guint n) {
    for (guint i = 0; i < n; i++)
        ck_assert(pca_pending_enter(pending, uid, NULL, NULL));
}

static void expect_refused(PcaPending *pending, guint32 uid, gboolean expected_first) {
    g_autoptr(GError) error = NULL;
    gboolean first = !expected_first;
    ck_assert(!pca_pending_enter(pending, uid, &first, &error));
    ck_assert(g_error_matches(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED));
    ck_assert_ptr_nonnull(strstr(error->message, "128 calls"));
    ck_assert_int_eq(first, expected_first);
}

START_TEST(one_user_s_limit) {
    PcaPending *pending = pca_pending_new();
    enter(pending, 1000, PCA_MAX_PENDING);
    expect_refused(pending, 1000, TRUE);
    expect_refused(pending, 1000, FALSE);
    enter(pending, 1001, PCA_MAX_PENDING);
    enter(pending, 0, 10 * PCA_MAX_PENDING);
    pca_pending_leave(pending, 1000);
    enter(pending, 1000, 1);
    expect_refused(pending, 1000, FALSE);
    for (guint i = 0; i < PCA_MAX_PENDING; i++)
        pca_pending_leave(pending, 1000);
    enter(pending, 1000, PCA_MAX_PENDING);
    expect_refused(pending, 1000, TRUE);
    pca_pending_free(pending);
}
END_TEST

TCase *pca_pending_cases(void) {
    TCase *tcase = tcase_create("pending calls");
    tcase_add_test(tcase, one_user_s_limit);
    return tcase;
}
