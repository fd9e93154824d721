/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims that come to nothing after their owner could reach something of them: by the node
 * of a group, or by files in sysfs. Whoever is quick has had it, and the functions go the way that
 * they go after any owner.
 * Thread: main; the worker is a child. Ownership: each test its claims.
 */
#include "claim/support.h"

#include "claim/store.h"
#include "engine/handover.h"

#define WAIT (60 * G_USEC_PER_SEC)
#define KEPT "driver=vfio-pci override=vfio-pci"

static const char *const nic[] = {NIC, NULL};
static const char *const pair[] = {NIC, BARE, NULL};

/* By its node. */
static PcaClaim *with_nodes(const char *const *set) {
    PcaClaim *claim = claim_new(set);
    claim->handoff = g_strdup(PCA_HANDOFF_NODE);
    return claim;
}

/* Its files are lent. */
static PcaClaim *with_files(void) {
    PcaClaim *claim = claim_new(nic);
    g_autofree char *found = pca_owner_list_files(kernel->root, NIC);
    pca_claim_device(claim, 0)->files = g_strconcat("1000 ", found, NULL);
    pca_claim_device(claim, 0)->keep = TRUE;
    return claim;
}

static PcaClaim *with_nodes_never_reset(void) {
    PcaClaim *claim = with_nodes(nic);
    pca_claim_device(claim, 0)->methods = g_strdup("");
    pca_claim_device(claim, 0)->keep = TRUE;
    return claim;
}

static void await_end(void) {
    for (;;) {
        g_autoptr(GPtrArray) list = pca_claims_list(claims);
        if (list->len == 0)
            return;
        g_main_context_iteration(NULL, TRUE);
    }
}

static void assert_clean(const char *const *set) {
    for (guint i = 0; set[i]; i++) {
        g_autofree char *secret = pca_fake_kernel_get_secret(fake, set[i]);
        g_autofree char *reset = g_strdup_printf("write %s/reset 1", set[i]);
        ck_assert_ptr_null(secret);
        ck_assert_uint_eq(pca_fake_kernel_count(fake, reset), 1);
        assert_node(set[i], "none");
    }
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(count_stored(), 0);
}

/* It stays from the host, and from everybody else. */
static void assert_uncleaned(void) {
    g_autoptr(GPtrArray) functions = machine_functions(nic);
    const PcaFunction *function = g_ptr_array_index(functions, 0);
    const PcaTaint *taint = pca_claims_taint(claims, function);
    assert_binding(NIC, KEPT);
    ck_assert_ptr_nonnull(pca_claims_reservation(claims, &function->address));
    ck_assert(taint && taint->known && taint->uid == 1000);
}

/* The node of the first group was the owner's by then; it is enough to change its mode to make the
 * rest fail. */
static const struct {
    const char *glob;
    gboolean kill;
} moments[] = {
    {"write_owner 5 1000*", FALSE},
    {"read_owner 2", FALSE},
    {"write_owner 5 1000*", TRUE},
    {"read_owner 5", TRUE},
};

START_TEST(a_given_node_makes_a_failure_a_release) {
    daemon_set_up();
    {
        AUTO_ANSWER answer = {0};
        g_autoptr(PcaClaim) claim = with_nodes(pair);
        if (moments[_i].kill)
            worker_kill_at(moments[_i].glob, FALSE);
        else
            worker_fail_at(moments[_i].glob);
        pca_fake_kernel_set_secret(fake, NIC, "alice's");
        pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
        await_answer(&answer);
        assert_error(answer.error, PCA_ERROR_FAILED);
        ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
        assert_clean(pair);
        ck_assert_str_eq(changes->str, "preparing releasing ended ");
    }
    daemon_tear_down();
}
END_TEST

START_TEST(one_that_was_not_given_yet_is_undone) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = with_nodes(pair);
    worker_kill_at("write bus/pci/drivers_probe " BARE, FALSE);
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    ck_assert_ptr_nonnull(answer.error);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */reset *"), 0);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

static PcaClaim *(*const uncleaned[])(void) = {with_files, with_nodes_never_reset};

/* Whoever claims can have it time out. */
START_TEST(nobody_else_gets_what_timed_out_and_no_reset_cleans) {
    daemon_set_up();
    {
        AUTO_ANSWER answer = {0};
        g_autoptr(PcaClaim) claim = uncleaned[_i]();
        worker_hold_at("write bus/pci/drivers_probe *");
        pca_claims_prepare(claims, claim, 1, on_answer, &answer);
        await_answer(&answer);
        assert_error(answer.error, PCA_ERROR_TIMED_OUT);
        worker_let_go();
        await_state(claim, PCA_CLAIM_ENDED);
        assert_uncleaned();
    }
    daemon_tear_down();
}
END_TEST

/* The last thing that the worker does for it. */
START_TEST(nobody_else_gets_what_failed_and_no_reset_cleans) {
    daemon_set_up();
    {
        AUTO_ANSWER answer = {0};
        g_autoptr(PcaClaim) claim = uncleaned[_i]();
        worker_fail_at(claim->handoff ? "read_owner 2" : "write_file_owner *");
        pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
        await_answer(&answer);
        ck_assert_ptr_nonnull(answer.error);
        worker_let_go();
        ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
        assert_uncleaned();
    }
    daemon_tear_down();
}
END_TEST

/* As the worker leaves it that dies, with the daemon, before it could say that it was through. */
static void cut_off(const PcaClaim *claim) {
    g_autofree char *path = pca_store_path(state_directory, claim->id, "journal");
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    *strstr(text, "end done") = '\0';
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void prepare_and_die(PcaClaim *claim) {
    AUTO_ANSWER answer = {0};
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
    daemon_restart();
    cut_off(claim);
    pca_claims_recover(claims);
    await_end();
}

START_TEST(a_given_node_makes_a_recovery_a_release) {
    g_autoptr(PcaClaim) claim = with_nodes(nic);
    pca_fake_kernel_set_secret(fake, NIC, "alice's");
    prepare_and_die(claim);
    assert_clean(nic);
}
END_TEST

START_TEST(what_no_reset_cleans_is_no_cleaner_by_a_recovery) {
    daemon_set_up();
    {
        g_autoptr(PcaClaim) claim = uncleaned[_i]();
        prepare_and_die(claim);
        assert_uncleaned();
    }
    daemon_tear_down();
}
END_TEST

void add_handed_out(Suite *suite) {
    PCA_TABLE(suite, "given nodes", a_given_node_makes_a_failure_a_release, moments);
    ADD_DAEMON_CASE(suite, "handed out", one_that_was_not_given_yet_is_undone,
                    a_given_node_makes_a_recovery_a_release);
    PCA_TABLE(suite, "timed out", nobody_else_gets_what_timed_out_and_no_reset_cleans, uncleaned);
    PCA_TABLE(suite, "failed", nobody_else_gets_what_failed_and_no_reset_cleans, uncleaned);
    PCA_TABLE(suite, "cut off", what_no_reset_cleans_is_no_cleaner_by_a_recovery, uncleaned);
}
