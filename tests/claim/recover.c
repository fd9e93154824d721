/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a daemon takes up that another one left: by journal, lock and lease.
 * Thread: main; former workers are children. Ownership: each test its claim on disk.
 */
#include "claim/support.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "claim/lease.h"
#include "claim/records.h"
#include "claim/store.h"
#include "engine/run.h"

static const char *const pair[] = {NIC, BARE, NULL};
static char *found;

/* A claim on disk as a daemon leaves it that dies; its journal and its lease are open here. */
typedef struct {
    PcaClaim *claim;
    GPtrArray *functions;
    int journal;
    int lease;
} Left;

static Left left_new(void) {
    Left left = {.claim = claim_new(pair), .lease = -1};
    g_autofree char *path = pca_store_path(state_directory, left.claim->id, "lease");
    PCA_AUTO_FD reader = -1;
    g_free(found);
    found = machine_bindings(pair);
    left.functions = pca_claim_functions(left.claim);
    ck_assert(pca_store_create(state_directory, left.claim, BOOT_ID, NULL));
    ck_assert(pca_lease_create(path, &reader, &left.lease, NULL));
    left.journal = pca_store_open_journal(state_directory, left.claim->id, NULL);
    return left;
}

static void left_free(Left *left) {
    pca_claim_unref(left->claim);
    g_ptr_array_unref(left->functions);
    pca_fd_close(&left->journal);
    pca_fd_close(&left->lease);
    g_clear_pointer(&found, g_free);
}

#define AUTO_LEFT __attribute__((cleanup(left_free))) Left

static void run_plan(Left *left, PcaPlanKind kind) {
    g_autoptr(PcaPlan) plan = kind == PCA_PLAN_CLAIM ? pca_plan_claim(left->functions, on_vfio)
                                                     : pca_plan_release(left->functions, on_vfio);
    g_autoptr(GPtrArray) residues = pca_residues_new();
    pca_run(kernel, plan, left->journal, residues, NULL);
}

static void die(PcaFakeKernel *machine, const char *line, gpointer glob) {
    if (g_pattern_match_simple(glob, line))
        raise(SIGKILL);
}

/* In a process of its own, which the journal then names. */
static void run_elsewhere(Left *left, PcaPlanKind kind) {
    pid_t pid = fork();
    if (pid == 0) {
        run_plan(left, kind);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void run_and_die(Left *left, PcaPlanKind kind, const char *glob) {
    pid_t pid = fork();
    if (pid == 0) {
        fake->before = die;
        fake->data = (gpointer)glob;
        run_plan(left, kind);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
}

static PcaClaim *taken_up(Left *left) {
    return pca_claims_find(claims, left->claim->id);
}

/* Until the claim is over; at once when it was over before anybody could look. */
static void await_end(Left *left) {
    while (taken_up(left))
        g_main_context_iteration(NULL, TRUE);
}

static void assert_as_found(void) {
    g_autofree char *now = machine_bindings(pair);
    ck_assert_str_eq(now, found);
}

static const PcaClaimResidue *residue_of(Left *left, guint index) {
    return pca_claims_residue(claims, &pca_claim_device(left->claim, index)->function->address);
}

static void assert_gone(Left *left) {
    assert_as_found();
    ck_assert(!residue_of(left, 0) && !residue_of(left, 1));
    ck_assert_uint_eq(count_stored(), 0);
    pca_claims_recover(claims);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 0);
}

/* What the files tell whoever looks at them is what a daemon makes of them; and looking changes
 * nothing. */
static void recover(Left *left) {
    g_autoptr(PcaRecords) records = pca_records_read(state_directory, BOOT_ID, TRUE, NULL);
    const PcaClaim *seen = NULL;
    pca_claims_recover(claims);
    const PcaClaim *claim = taken_up(left);
    for (guint i = 0; i < records->claims->len; i++) {
        const PcaClaim *one = g_ptr_array_index(records->claims, i);
        if (g_str_equal(one->id, left->claim->id))
            seen = one;
    }
    if (!claim && seen)
        ck_assert_str_eq(seen->reason, "nothing was done to its devices yet");
    else
        ck_assert(!claim == !seen);
    if (claim)
        ck_assert((claim->state == PCA_CLAIM_READY) == (seen->state == PCA_CLAIM_READY));
    if (claim && claim->state == PCA_CLAIM_STUCK)
        ck_assert(g_hash_table_contains(records->at_work, claim->id));
    for (guint i = 0; i < left->claim->devices->len; i++) {
        const PcaAddress *address = &pca_claim_device(left->claim, i)->function->address;
        const PcaClaimResidue *told = pca_claims_residue(claims, address);
        const PcaClaimResidue *read = pca_records_residue(records, address);
        ck_assert(!told == !read);
        ck_assert(!told ||
                  (told->quarantined == read->quarantined && g_str_equal(told->text, read->text) &&
                   g_str_equal(told->id, read->id)));
    }
}

/* ---- By the journal ---- */

START_TEST(an_empty_journal_is_the_end) {
    AUTO_LEFT left = left_new();
    recover(&left);
    ck_assert_ptr_null(taken_up(&left));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    assert_gone(&left);
}
END_TEST

START_TEST(a_claim_plan_without_an_end_is_undone) {
    AUTO_LEFT left = left_new();
    run_and_die(&left, PCA_PLAN_CLAIM, "write bus/pci/drivers_probe " BARE);
    recover(&left);
    ck_assert_ptr_nonnull(taken_up(&left));
    await_end(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_prepared_claim_with_a_live_lease_is_ready) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    recover(&left);
    PcaClaim *claim = taken_up(&left);
    ck_assert_ptr_nonnull(claim);
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    ck_assert(pca_lease_proves(claim->lease, left.lease));
    pca_fd_close(&left.lease);
    await_end(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_prepared_claim_whose_lease_ended_is_released) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pca_fake_kernel_set_secret(fake, NIC, "alice's");
    pca_fd_close(&left.lease);
    recover(&left);
    ck_assert_str_eq(taken_up(&left)->reason, "the lease ended while the service was down");
    await_end(&left);
    ck_assert_ptr_null(pca_fake_kernel_get_secret(fake, NIC));
    assert_gone(&left);
}
END_TEST

START_TEST(a_prepared_claim_without_a_lease_is_released) {
    AUTO_LEFT left = left_new();
    g_autofree char *path = pca_store_path(state_directory, left.claim->id, "lease");
    run_plan(&left, PCA_PLAN_CLAIM);
    ck_assert_int_eq(g_unlink(path), 0);
    recover(&left);
    await_end(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(an_undone_claim_is_the_end) {
    AUTO_LEFT left = left_new();
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    run_plan(&left, PCA_PLAN_CLAIM);
    recover(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_release_without_an_end_goes_on) {
    static const char *const moments[] = {"write */unbind *", "write " BARE "/reset *",
                                          "write bus/pci/drivers_probe " NIC};
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        AUTO_LEFT left = left_new();
        run_plan(&left, PCA_PLAN_CLAIM);
        run_and_die(&left, PCA_PLAN_RELEASE, moments[i]);
        recover(&left);
        ck_assert_int_eq(taken_up(&left)->state, PCA_CLAIM_RELEASING);
        await_end(&left);
        assert_gone(&left);
    }
}
END_TEST

START_TEST(a_finished_release_is_the_end) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    run_plan(&left, PCA_PLAN_RELEASE);
    recover(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_half_undone_claim_is_not_ready) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    ck_assert_int_gt(dprintf(left.journal, "run 1 1\nundo 0\n"), 0);
    recover(&left);
    ck_assert_int_ne(taken_up(&left)->state, PCA_CLAIM_READY);
    await_end(&left);
    assert_gone(&left);
}
END_TEST

/* ---- What could not be put right ---- */

/* Recovered twice, it is told the same each time, and kept on disk. */
static void assert_told(Left *left, guint index, gboolean quarantined, const char *text) {
    for (int i = 0; i < 2; i++) {
        daemon_restart();
        recover(left);
        ck_assert_ptr_null(taken_up(left));
        const PcaClaimResidue *residue = residue_of(left, index);
        ck_assert_ptr_nonnull(residue);
        ck_assert_int_eq(residue->quarantined, quarantined);
        ck_assert_msg(strstr(residue->text, text), "%s", residue->text);
        ck_assert_uint_eq(count_stored(), 1);
    }
}

START_TEST(the_residue_of_a_claim_is_told_again) {
    AUTO_LEFT left = left_new();
    pca_fake_kernel_fail_matching(fake, "write bus/pci/drivers_probe " NIC, EIO, 0);
    run_plan(&left, PCA_PLAN_CLAIM);
    assert_told(&left, 0, FALSE, "writing drivers_probe");
    ck_assert_ptr_null(residue_of(&left, 1));
}
END_TEST

START_TEST(the_residue_of_a_release_is_told_again) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pca_fake_kernel_fail_matching(fake, "write " NIC "/reset *", EIO, 0);
    run_plan(&left, PCA_PLAN_RELEASE);
    assert_told(&left, 0, TRUE, "reset failed");
    ck_assert_ptr_null(residue_of(&left, 1));
}
END_TEST

START_TEST(a_failed_restore_is_told_as_degraded) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pca_fake_kernel_refuse(fake, NIC, "e1000e");
    run_plan(&left, PCA_PLAN_RELEASE);
    assert_told(&left, 0, FALSE, "did not bind to e1000e");
}
END_TEST

START_TEST(a_device_that_went_is_no_residue) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pca_fake_kernel_unplug(fake, NIC);
    pca_fake_kernel_fail_matching(fake, "write " BARE "/reset *", EIO, 0);
    run_plan(&left, PCA_PLAN_RELEASE);
    assert_told(&left, 1, TRUE, "reset failed");
    ck_assert_ptr_null(residue_of(&left, 0));
}
END_TEST

START_TEST(a_malformed_journal_quarantines_all) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    ck_assert_int_gt(dprintf(left.journal, "nonsense\n"), 0);
    assert_told(&left, 0, TRUE, "malformed");
    ck_assert(residue_of(&left, 1)->quarantined);
}
END_TEST

START_TEST(a_missing_journal_quarantines_all) {
    AUTO_LEFT left = left_new();
    g_autofree char *path = pca_store_path(state_directory, left.claim->id, "journal");
    run_plan(&left, PCA_PLAN_CLAIM);
    ck_assert_int_eq(g_unlink(path), 0);
    assert_told(&left, 0, TRUE, "journal");
}
END_TEST

/* ---- Directories that are no claims ---- */

START_TEST(a_directory_without_its_claim_is_removed) {
    AUTO_LEFT left = left_new();
    g_autofree char *path = pca_store_path(state_directory, left.claim->id, "claim");
    ck_assert_int_eq(g_unlink(path), 0);
    recover(&left);
    assert_gone(&left);
}
END_TEST

START_TEST(a_record_of_another_boot_is_left_alone) {
    AUTO_LEFT left = left_new();
    ck_assert(pca_store_update(state_directory, left.claim, "another", NULL));
    recover(&left);
    ck_assert_ptr_null(taken_up(&left));
    ck_assert(!residue_of(&left, 0) && !residue_of(&left, 1));
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

/* ---- What another version wrote ---- */

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

/* ---- Workers of before ---- */

static void wait_for_ever(PcaFakeKernel *machine, const char *line, gpointer glob) {
    while (g_pattern_match_simple(glob, line))
        pause();
}

/* A worker that holds the lock and has come to the operation. */
static pid_t former_worker(Left *left, PcaPlanKind kind, const char *glob) {
    guint before = pca_fake_kernel_count(fake, glob);
    pid_t pid = fork();
    if (pid == 0) {
        /* An open file of its own: this process's must not share the lock. */
        pca_fd_close(&left->journal);
        pca_fd_close(&left->lease);
        left->journal = pca_store_open_journal(state_directory, left->claim->id, NULL);
        flock(left->journal, LOCK_EX);
        fake->before = wait_for_ever;
        fake->data = (gpointer)glob;
        run_plan(left, kind);
        _exit(0);
    }
    await_operation(glob, before);
    return pid;
}

START_TEST(a_worker_of_before_is_awaited_and_its_plan_undone) {
    AUTO_LEFT left = left_new();
    pid_t pid = former_worker(&left, PCA_PLAN_CLAIM, "write bus/pci/drivers_probe " NIC);
    recover(&left);
    ck_assert_int_eq(taken_up(&left)->state, PCA_CLAIM_STUCK);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 1);
    await_end(&left);
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_gone(&left);
}
END_TEST

START_TEST(a_release_of_before_is_awaited_and_goes_on) {
    AUTO_LEFT left = left_new();
    run_plan(&left, PCA_PLAN_CLAIM);
    pid_t pid = former_worker(&left, PCA_PLAN_RELEASE, "write " NIC "/reset *");
    recover(&left);
    ck_assert_int_eq(taken_up(&left)->state, PCA_CLAIM_STUCK);
    await_end(&left);
    waitpid(pid, NULL, 0);
    assert_gone(&left);
}
END_TEST

/* Somebody who holds the lock, but whom the journal does not name. */
static pid_t hold_the_lock(Left *left) {
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int own = pca_store_open_journal(state_directory, left->claim->id, NULL);
        pca_fd_close(&left->journal);
        pca_fd_close(&left->lease);
        flock(own, LOCK_EX);
        /* No assertion in a child: its message would get into those of the parent. */
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static gboolean end_process(gpointer pid) {
    kill(GPOINTER_TO_INT(pid), SIGKILL);
    waitpid(GPOINTER_TO_INT(pid), NULL, 0);
    return G_SOURCE_REMOVE;
}

START_TEST(an_unknown_holder_of_the_lock_is_waited_for) {
    AUTO_LEFT left = left_new();
    pid_t pid = hold_the_lock(&left);
    recover(&left);
    ck_assert_int_eq(taken_up(&left)->state, PCA_CLAIM_STUCK);
    g_timeout_add(10, end_process, GINT_TO_POINTER(pid));
    await_end(&left);
    assert_gone(&left);
}
END_TEST

/* Whoever released is told that it takes longer, and it ends with the process that holds the lock.
 */
static void expect_blocked_until_end(Left *left, Answer *answer, pid_t holder) {
    await_answer(answer);
    assert_error(answer->error, PCA_ERROR_UNBIND_TIMEOUT);
    end_process(GINT_TO_POINTER(holder));
    await_end(left);
    assert_gone(left);
}

/* The node has gone with the begin of the unbind: only what the daemon of before wrote down tells
 * who has it. */
START_TEST(who_holds_up_a_worker_of_before_is_named) {
    daemon_set_grace(20 * G_TIME_SPAN_MILLISECOND);
    AUTO_LEFT left = left_new();
    AUTO_ANSWER answer = {0};
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    struct stat st;
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    guint64 number = st.st_rdev;
    g_array_append_val(numbers, number);
    ck_assert(pca_store_save_nodes(state_directory, left.claim->id, numbers, NULL));
    make_holder();
    pca_tree_delete(tree, HELD_NODE);
    run_elsewhere(&left, PCA_PLAN_CLAIM);
    run_and_die(&left, PCA_PLAN_RELEASE, "write bus/pci/drivers/vfio-pci/unbind *");
    pid_t pid = hold_the_lock(&left);
    recover(&left);
    PcaClaim *claim = taken_up(&left);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    await_reason(claim, "still held open by qemu (process 4242 of uid ");
    ck_assert_uint_eq(g_variant_n_children(claim->holders), 1);
    /* Nor is what was seen once told for ever. */
    pca_tree_delete(tree, "proc/4242");
    await_reason(claim, "no process is seen that does");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    expect_blocked_until_end(&left, &answer, pid);
}
END_TEST

START_TEST(released_while_the_lock_is_held_it_is_not_ready_again) {
    AUTO_LEFT left = left_new();
    AUTO_ANSWER early = {0};
    run_elsewhere(&left, PCA_PLAN_CLAIM);
    pid_t pid = hold_the_lock(&left);
    recover(&left);
    pca_claims_release(claims, taken_up(&left), "enough", on_answer, &early);
    ck_assert_uint_eq(early.calls, 0);
    end_process(GINT_TO_POINTER(pid));
    await_answer(&early);
    ck_assert_ptr_null(early.error);
    assert_gone(&left);
}
END_TEST

START_TEST(a_release_that_waits_for_the_lock_is_told_so) {
    daemon_set_grace(20 * G_TIME_SPAN_MILLISECOND);
    AUTO_LEFT left = left_new();
    AUTO_ANSWER answer = {0};
    pid_t pid = hold_the_lock(&left);
    recover(&left);
    pca_claims_release(claims, taken_up(&left), "enough", on_answer, &answer);
    expect_blocked_until_end(&left, &answer, pid);
}
END_TEST

START_TEST(several_are_taken_up_each_by_its_own) {
    PCA_AUTO_FD lease = -1, disk_lease = -1;
    g_autoptr(PcaClaim) ended = claim_ready((const char *[]){NIC, NULL}, &lease);
    g_autoptr(PcaClaim) alive = claim_ready((const char *[]){DISK, NULL}, &disk_lease);
    g_autofree char *ended_id = g_strdup(ended->id);
    g_autofree char *alive_id = g_strdup(alive->id);
    g_clear_pointer(&ended, pca_claim_unref);
    g_clear_pointer(&alive, pca_claim_unref);
    daemon_restart();
    pca_fd_close(&lease);
    pca_claims_recover(claims);
    ck_assert_int_eq(pca_claims_find(claims, alive_id)->state, PCA_CLAIM_READY);
    while (pca_claims_find(claims, ended_id))
        g_main_context_iteration(NULL, TRUE);
    assert_binding(NIC, "driver=e1000e override=");
    assert_binding(DISK, "driver=vfio-pci override=vfio-pci");
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

void add_recover(Suite *suite) {
    ADD_DAEMON_CASE(
        suite, "recovery", an_empty_journal_is_the_end, a_claim_plan_without_an_end_is_undone,
        a_prepared_claim_with_a_live_lease_is_ready, a_prepared_claim_whose_lease_ended_is_released,
        a_prepared_claim_without_a_lease_is_released, an_undone_claim_is_the_end,
        a_release_without_an_end_goes_on, a_finished_release_is_the_end,
        a_half_undone_claim_is_not_ready, several_are_taken_up_each_by_its_own);
    ADD_DAEMON_CASE(suite, "residue", the_residue_of_a_claim_is_told_again,
                    the_residue_of_a_release_is_told_again, a_failed_restore_is_told_as_degraded,
                    a_device_that_went_is_no_residue, a_malformed_journal_quarantines_all,
                    a_missing_journal_quarantines_all);
    PCA_TABLE(suite, "other versions", what_is_not_understood_is_quarantined_and_kept, foreign);
    ADD_DAEMON_CASE(suite, "no claims", a_directory_without_its_claim_is_removed,
                    a_record_of_another_boot_is_left_alone, a_title_names_no_function);
    ADD_DAEMON_CASE(suite, "former workers", a_worker_of_before_is_awaited_and_its_plan_undone,
                    a_release_of_before_is_awaited_and_goes_on,
                    an_unknown_holder_of_the_lock_is_waited_for,
                    who_holds_up_a_worker_of_before_is_named,
                    released_while_the_lock_is_held_it_is_not_ready_again,
                    a_release_that_waits_for_the_lock_is_told_so);
}
