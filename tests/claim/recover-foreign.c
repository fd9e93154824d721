/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what becomes of claims that another version wrote, or that are damaged.
 * Thread: main. Ownership: each test its claim on disk.
 */
#include "claim/left.h"

#include "claim/store.h"

static const struct {
    const char *file;      /* of the claim's directory */
    const char *from, *to; /* what is changed of it; NULL: all of it */
    const char *told;
} foreign[] = {
    {"claim", "Format=1", "Format=2", "its format is 2, this version knows 1"},
    {"claim", "[Claim]", "[Lease]", "format"},
    {"claim", "Uid=1000", "Uid=many", "claim: "},
    {"claim", NULL, "\x01 garbage", "claim: "},
    {"claim", NULL, "", "claim: "},
    {"journal", "journal 1", "journal 2", "its format is 2, this version knows 1"},
    {"journal", NULL, "garbage\n", "line 1 of the journal is malformed"},
};

static char *write_foreign(Left *left, int i, gsize *size) {
    g_autofree char *path = pca_store_path(state_directory, left->claim->id, foreign[i].file);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) parts = g_strsplit(text, foreign[i].from ? foreign[i].from : text, 2);
    ck_assert_uint_eq(g_strv_length(parts), 2);
    char *edited = g_strjoinv(foreign[i].to, parts);
    *size = strlen(edited);
    ck_assert(g_file_set_contents(path, edited, -1, NULL));
    return edited;
}

static void assert_unchanged(Left *left, int i, const char *text, gsize size) {
    g_autofree char *path = pca_store_path(state_directory, left->claim->id, foreign[i].file);
    g_autofree char *now = NULL;
    gsize length;
    ck_assert(g_file_get_contents(path, &now, &length, NULL));
    ck_assert_uint_eq(length, size);
    ck_assert_mem_eq(now, text, size);
}

static void on_retried(PcaClaim *claim, const GError *error, gpointer data) {
    ck_assert_ptr_nonnull(error);
    *(gboolean *)data = TRUE;
}

/* Not even for an administrator; but a journal that is only damaged proves nothing against a reset.
 */
static void assert_no_retry(Left *left, int i) {
    const PcaFunction *function = pca_claim_device(left->claim, 0)->function;
    g_autofree char *identity = pca_function_identity(function);
    gboolean answered = FALSE;
    if (g_str_equal(foreign[i].file, "journal") && !foreign[i].from)
        return;
    pca_claims_retry(claims, &function->address, identity, TRUE, "test", on_retried, &answered);
    ck_assert(answered);
}

static void assert_kept(Left *left, int i) {
    gsize size;
    run_plan(left, PCA_PLAN_CLAIM);
    g_autofree char *bound = machine_bindings(pair);
    g_autofree char *text = write_foreign(left, i, &size);
    for (int times = 0; times < 2; times++) {
        recover(left);
        ck_assert_ptr_null(taken_up(left));
        for (guint k = 0; k < 2; k++) {
            const PcaClaimResidue *residue = residue_of(left, k);
            ck_assert_ptr_nonnull(residue);
            ck_assert(residue->quarantined);
            ck_assert_msg(strstr(residue->text, foreign[i].told) &&
                              strstr(residue->text, left->claim->id),
                          "%s", residue->text);
        }
        assert_no_retry(left, i);
        assert_unchanged(left, i, text, size);
        daemon_restart();
    }
    g_autofree char *now = machine_bindings(pair);
    ck_assert_str_eq(now, bound);
    ck_assert_uint_eq(count_stored(), 1);
}

START_TEST(what_is_not_understood_is_quarantined_and_kept) {
    daemon_set_up();
    {
        AUTO_LEFT left = left_new();
        assert_kept(&left, _i);
    }
    daemon_tear_down();
}
END_TEST

/* The title is its owner's word. */
START_TEST(a_title_names_no_function) {
    AUTO_LEFT left = left_new();
    g_autofree char *path = pca_store_path(state_directory, left.claim->id, "claim");
    static const char text[] = "[Claim]\nFormat=2\nTitle=" NIC "\nWhat=x" NIC " " NIC "1\n";
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    recover(&left);
    ck_assert(!residue_of(&left, 0) && !residue_of(&left, 1));
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

void add_recover_foreign(Suite *suite) {
    PCA_TABLE(suite, "other versions", what_is_not_understood_is_quarantined_and_kept, foreign);
    ADD_DAEMON_CASE(suite, "titles", a_title_names_no_function);
}
