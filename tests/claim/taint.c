/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what belongs to its owner alone until the next boot, since it is never reset.
 * Thread: main; the worker is a child. Ownership: each test its claims.
 */
#include "claim/keeping.h"


#include "claim/store.h"
#include "engine/run.h"

static const char *const nic[] = {NIC, NULL};
static const char *const bare[] = {BARE, NULL};

static const PcaTaint *taint_of(const char *address) {
    g_autoptr(PcaFunction) function = function_of(address);
    return pca_claims_taint(claims, function);
}

static void assert_tainted(const char *address, guint32 uid) {
    const PcaTaint *taint = taint_of(address);
    ck_assert_ptr_nonnull(taint);
    ck_assert(taint->known);
    ck_assert_uint_eq(taint->uid, uid);
}

static void had_by(const char *const *set, guint32 uid) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = keeping(set, TRUE);
    claim->uid = uid;
    ready(claim, &lease);
    assert_tainted(set[0], uid);
    release_well(claim);
}

static void refuse(const char *const *set, guint32 uid, gboolean never_reset) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = keeping(set, TRUE);
    claim->uid = uid;
    if (!never_reset)
        g_clear_pointer(&pca_claim_device(claim, 0)->methods, g_free);
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    ck_assert_uint_eq(answer.calls, 1);
    assert_error(answer.error, PCA_ERROR_QUARANTINED);
}

START_TEST(without_a_reset_there_is_one_owner) {
    had_by(bare, 1000);
    assert_binding(BARE, KEPT);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " BARE "/reset *"), 0);
    for (int i = 0; i < 2; i++) {
        assert_tainted(BARE, 1000);
        refuse(bare, 1001, TRUE);
        refuse(bare, 0, TRUE);
        restart();
    }
    ck_assert_uint_eq(count_stored(), 1);
    had_by(bare, 1000);
}
END_TEST

START_TEST(a_taint_is_no_other_functions) {
    had_by(nic, 1000);
    ck_assert_ptr_null(taint_of(BARE));
    machine_replace(NIC);
    ck_assert_ptr_null(taint_of(NIC));
}
END_TEST

START_TEST(a_reset_ends_the_taint) {
    AUTO_ANSWER answer = {0};
    had_by(bare, 1000);
    g_autoptr(PcaClaim) reset = claim_new(bare);
    reset->kind = PCA_KIND_RESET;
    pca_claims_prepare(claims, reset, WAIT, on_answer, &answer);
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
    ck_assert_ptr_null(taint_of(BARE));
    restart();
    ck_assert_ptr_null(taint_of(BARE));
    ck_assert_ptr_nonnull(reservation_of(BARE));
}
END_TEST

START_TEST(a_release_with_a_reset_ends_the_taint) {
    PCA_AUTO_FD lease = -1;
    had_by(bare, 1000);
    g_autoptr(PcaClaim) claim = ready(claim_new(bare), &lease);
    assert_tainted(BARE, 1000);
    release_well(claim);
    ck_assert_ptr_null(taint_of(BARE));
}
END_TEST

START_TEST(a_claim_that_failed_leaves_no_taint) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = keeping(bare, TRUE);
    worker_fail_at("write bus/pci/drivers_probe *");
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    ck_assert_ptr_nonnull(answer.error);
    ck_assert_ptr_null(taint_of(BARE));
    restart();
    ck_assert_ptr_null(taint_of(BARE));
}
END_TEST

/* It was prepared all right, but nobody waited any more. */
START_TEST(what_nobody_had_goes_back) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = keeping(nic, TRUE);
    worker_hold_at("write bus/pci/drivers_probe *");
    pca_claims_prepare(claims, claim, 1, on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_TIMED_OUT);
    worker_let_go();
    await_state(claim, PCA_CLAIM_ENDED);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert(!taint_of(NIC) && !reservation_of(NIC));
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

/* Of an earlier claim of the same owner. */
START_TEST(a_claim_that_failed_leaves_the_taint_that_was) {
    AUTO_ANSWER answer = {0};
    had_by(bare, 1000);
    g_autoptr(PcaClaim) claim = keeping(bare, TRUE);
    worker_fail_at("write bus/pci/drivers_probe *");
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    ck_assert_ptr_nonnull(answer.error);
    assert_tainted(BARE, 1000);
}
END_TEST

/* What a daemon takes up whose claim was at work, and whose claim was undone already. */
static const struct { gboolean undone; } unused[] = {{FALSE}, {TRUE}};

static void make_unfinished(const PcaClaim *claim, gboolean undone) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    g_autofree char *path = pca_store_path(state_directory, claim->id, "journal");
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    *strstr(text, "end done") = '\0';
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    PCA_AUTO_FD journal = pca_store_open_journal(state_directory, claim->id, NULL);
    if (undone)
        ck_assert(pca_run_undo(kernel, journal, residues, NULL));
}

START_TEST(an_undone_claim_of_before_leaves_no_taint) {
    daemon_set_up();
    {
        PCA_AUTO_FD lease = -1;
        g_autoptr(PcaClaim) claim = ready(keeping(bare, TRUE), &lease);
        daemon_restart();
        make_unfinished(claim, unused[_i].undone);
        assert_tainted(BARE, 1000);
        pca_claims_recover(claims);
        await_rest();
        ck_assert_ptr_null(taint_of(BARE));
        assert_binding(BARE, "driver= override=");
    }
    daemon_tear_down();
}
END_TEST

/* What was opened of files that were lent outlives any reset. */
START_TEST(a_reset_does_not_end_the_taint_of_files) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1, second = -1;
    had_by(bare, 1000);
    g_autofree char *found = pca_owner_list_files(kernel->root, BARE);
    g_autoptr(PcaClaim) claim = claim_new(bare);
    pca_claim_device(claim, 0)->files = g_strconcat("1000 ", found, NULL);
    ready(claim, &lease);
    release_well(claim);
    restart();
    assert_tainted(BARE, 1000);
    ck_assert(taint_of(BARE)->lent);
    g_autoptr(PcaClaim) reset = claim_new(bare);
    reset->kind = PCA_KIND_RESET;
    pca_claims_prepare(claims, reset, WAIT, on_answer, &answer);
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
    g_autoptr(PcaClaim) usual = ready(claim_new(bare), &second);
    release_well(usual);
    assert_tainted(BARE, 1000);
    refuse(bare, 1001, FALSE);
}
END_TEST

static void retry(gboolean accept_risk, Answer *answer) {
    g_autoptr(PcaFunction) function = function_of(BARE);
    g_autofree char *identity = pca_function_identity(function);
    pca_claims_retry(claims, &function->address, identity, accept_risk, "tried", on_answer, answer);
    await_answer(answer);
}

static void on_refusal(PcaClaim *claim, const GError *error, gpointer data) {
    ck_assert_ptr_null(claim);
    *(GError **)data = g_error_copy(error);
}

START_TEST(an_administrators_word_gives_it_back) {
    AUTO_ANSWER answer = {0};
    g_autoptr(GError) refusal = NULL;
    had_by(bare, 1000);
    g_autoptr(PcaFunction) function = function_of(BARE);
    g_autofree char *identity = pca_function_identity(function);
    pca_claims_retry(claims, &function->address, identity, FALSE, "x", on_refusal, &refusal);
    assert_error(refusal, PCA_ERROR_QUARANTINED);
    retry(TRUE, &answer);
    ck_assert_ptr_null(answer.error);
    ck_assert_ptr_null(taint_of(BARE));
    assert_binding(BARE, "driver= override=");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " BARE "/reset *"), 0);
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

static char *taint_path(void) {
    return g_build_filename(state_directory, "tainted", BARE, NULL);
}

static const struct {
    const char *from, *to;
    gboolean tainted;
} edits[] = {
    {"Uid=1000", "Uid=1000", TRUE},         {"Uid=1000", "Uid=0day", TRUE},
    {"Uid=1000", "Uid=4294967295", TRUE},   {"Uid=1000", "", TRUE},
    {"Identity=", "Nothing=", TRUE},        {"[Taint]", "[Taint", TRUE},
    {"BootId=", "BootId=another ", FALSE},  {"BootId=", "Nothing=", TRUE},
    {"Identity=", "Identity=8086:", FALSE},
};

START_TEST(what_cannot_be_read_taints_for_everybody) {
    daemon_set_up();
    {
        had_by(bare, 1000);
        g_autofree char *path = taint_path();
        g_autofree char *text = NULL;
        ck_assert(g_file_get_contents(path, &text, NULL, NULL));
        g_auto(GStrv) parts = g_strsplit(text, edits[_i].from, 2);
        g_autofree char *edited = g_strjoinv(edits[_i].to, parts);
        ck_assert(g_file_set_contents(path, edited, -1, NULL));
        restart();
        const PcaTaint *taint = taint_of(BARE);
        ck_assert_int_eq(taint != NULL, edits[_i].tainted);
        if (taint)
            ck_assert_int_eq(taint->known, _i == 0);
        if (taint && _i > 0)
            refuse(bare, 1000, TRUE);
    }
    daemon_tear_down();
}
END_TEST

/* Nor does an administrator's word remove what a newer version wrote. */
START_TEST(a_taint_of_another_version_stays) {
    had_by(bare, 1000);
    g_autofree char *path = taint_path();
    g_autofree char *other = g_strconcat(path, "@2", NULL);
    g_autofree char *attempt = g_strconcat(path, ".ABC123", NULL);
    static const char text[] = "[Taint]\nFormat=2\nBootId=another\n";
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    ck_assert(g_file_set_contents(other, "", -1, NULL));
    ck_assert(g_file_set_contents(attempt, "", -1, NULL));
    daemon_restart();
    const PcaTaint *taint = taint_of(BARE);
    ck_assert(taint && taint->foreign && !taint->known);
    refuse(bare, 1000, TRUE);
    g_autoptr(PcaFunction) function = function_of(BARE);
    g_autofree char *identity = pca_function_identity(function);
    g_autoptr(GError) refusal = NULL;
    pca_claims_retry(claims, &function->address, identity, TRUE, "x", on_refusal, &refusal);
    assert_error(refusal, PCA_ERROR_UNSUPPORTED);
    g_autofree char *now = NULL;
    ck_assert(g_file_get_contents(path, &now, NULL, NULL));
    ck_assert_str_eq(now, text);
    ck_assert(g_file_test(other, G_FILE_TEST_EXISTS) && !g_file_test(attempt, G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST(unreadable_taints_taint_everything) {
    g_autofree char *path = g_build_filename(state_directory, "tainted", NULL);
    ck_assert(g_file_set_contents(path, "not a directory", -1, NULL));
    daemon_restart();
    ck_assert_ptr_nonnull(taint_of(NIC));
    refuse(nic, 1000, TRUE);
}
END_TEST

START_TEST(a_taint_that_cannot_be_written_refuses_the_claim) {
    AUTO_ANSWER answer = {0};
    g_autofree char *path = g_build_filename(state_directory, "tainted", NULL);
    ck_assert(g_file_set_contents(path, "not a directory", -1, NULL));
    g_autoptr(PcaClaim) claim = keeping(bare, TRUE);
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    ck_assert_uint_eq(answer.calls, 1);
    ck_assert_ptr_nonnull(answer.error);
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

void add_taint(Suite *suite) {
    ADD_DAEMON_CASE(suite, "never reset", without_a_reset_there_is_one_owner,
                    a_taint_is_no_other_functions, a_reset_ends_the_taint,
                    a_release_with_a_reset_ends_the_taint, a_claim_that_failed_leaves_no_taint,
                    what_nobody_had_goes_back, a_claim_that_failed_leaves_the_taint_that_was,
                    a_reset_does_not_end_the_taint_of_files, an_administrators_word_gives_it_back,
                    a_taint_of_another_version_stays, unreadable_taints_taint_everything,
                    a_taint_that_cannot_be_written_refuses_the_claim);
    PCA_TABLE(suite, "taints of nothing", an_undone_claim_of_before_leaves_no_taint, unused);
    PCA_TABLE(suite, "taints on disk", what_cannot_be_read_taints_for_everybody, edits);
}
