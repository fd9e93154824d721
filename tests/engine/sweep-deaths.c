/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: at every operation the worker is killed, and killed again in what mends that; or its
 * device goes, or another one takes its address.
 * Thread: main; what is killed is a child. Ownership: each test's own.
 */
#include "engine/scene.h"

#include <signal.h>
#include <sys/wait.h>

/* ---- Kills ---- */

static void die(void) {
    raise(SIGKILL);
}

typedef void (*Work)(Scene *scene);

static void do_claim(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    pca_run(kernel, scene->claim, scene->journal, residues, NULL);
}

static void do_release(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    pca_run(kernel, scene->release, scene->journal, residues, NULL);
}

static void do_undo(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    pca_run_undo(kernel, scene->journal, residues, NULL);
}

/* Does the work in a child that dies at its k-th operation; FALSE when it has no k-th. */
static gboolean killed_at(Scene *scene, Work work, guint k, gboolean after) {
    Blow blow = {.k = k, .after = after, .act = die};
    pid_t pid = fork();
    if (pid == 0) {
        arm(&blow);
        work(scene);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) || WTERMSIG(status) == SIGKILL);
    return WIFSIGNALED(status);
}

/* Kills the work at its k-th operation, the second attempt at each in turn, and finishes. */
static gboolean kill_twice(Scene *scene, guint k, gboolean after, gboolean release) {
    gboolean killed = TRUE;
    for (guint again = 0; killed; again++) {
        if (release)
            claim_well(scene);
        else
            forget_the_journal(scene);
        if (!killed_at(scene, release ? do_release : do_claim, k, after))
            return FALSE;
        gboolean handed_out = !release && was_handed_out(scene);
        if (handed_out)
            leave_traces(scene);
        killed = again == 0 ||
                 killed_at(scene, release || handed_out ? do_release : do_undo, again, !after);
        if (release)
            finish_release(scene);
        else if (handed_out)
            finish_handed_out(scene);
        else
            finish_undo(scene);
        ck_assert_uint_lt(again, MAX_OPERATIONS);
    }
    return TRUE;
}

static const struct {
    gboolean release, after;
} kills[] = {{FALSE, FALSE}, {FALSE, TRUE}, {TRUE, FALSE}, {TRUE, TRUE}};

START_TEST(a_killed_worker_is_recovered_even_when_killed_again) {
    for (guint i = 0; i < n_settings; i++) {
        if (settings[i].is_long)
            continue;
        AUTO_SCENE scene = scene_new(settings[i].set, settings[i].devices);
        guint k = 1;
        while (kill_twice(&scene, k, kills[_i].after, kills[_i].release))
            ck_assert_uint_lt(k++, MAX_OPERATIONS);
        ck_assert_uint_gt(k, 2);
    }
}
END_TEST

/* ---- Devices that go ---- */

static void unplug_nic(void) {
    if (pca_tree_has(tree, NIC))
        pca_fake_kernel_unplug(fake, NIC);
}

static void replace_nic(void) {
    machine_replace(NIC);
    pca_fake_kernel_forget(fake);
}

static const char *const with_nic[] = {BARE, NIC, SPARE, NULL};

typedef void (*Look)(Scene *scene, PcaResidues *residues, gboolean ok);

/* Strikes the NIC at the k-th operation; FALSE when there is no k-th. */
static gboolean strike(Blow *blow, gboolean release, Look look) {
    AUTO_SCENE scene = scene_new(with_nic, on_vfio);
    g_autoptr(GPtrArray) residues = pca_residues_new();
    if (release)
        claim_well(&scene);
    guint fds = count_fds();
    arm(blow);
    gboolean ok =
        pca_run(kernel, release ? scene.release : scene.claim, scene.journal, residues, NULL);
    ck_assert_uint_eq(count_fds(), fds);
    if (blow->count < blow->k)
        return FALSE;
    disarm();
    if (!ok && !release && was_handed_out(&scene))
        pca_run(kernel, scene.release, scene.journal, residues, NULL);
    look(&scene, residues, ok);
    return TRUE;
}

static void assert_others_as_before(Scene *scene, gboolean ok) {
    if (!ok) {
        assert_binding(BARE, scene->before[0]);
        assert_binding(SPARE, scene->before[2]);
    }
    journal_result(scene->journal);
}

static void look_at_the_others(Scene *scene, PcaResidues *residues, gboolean ok) {
    assert_others_as_before(scene, ok);
    ck_assert_uint_eq(residues->len, 0);
}

/* Nothing but what was under way reaches the newcomer. */
static void look_at_the_newcomer(Scene *scene, PcaResidues *residues, gboolean ok) {
    assert_others_as_before(scene, ok);
    /* Met for the first time in this run, it is told to be another one. */
    for (guint i = 0; i < residues->len; i++) {
        const PcaResidue *residue = g_ptr_array_index(residues, i);
        ck_assert_ptr_nonnull(strstr(residue->text, "is now 10de:2204"));
    }
    assert_binding(NIC, "driver=other override=");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*" NIC "*"), 0);
}

START_TEST(an_unplugged_device_leaves_no_residue) {
    guint k = 1;
    for (Blow blow;; k++) {
        blow = (Blow){.k = k, .after = kills[_i].after, .act = unplug_nic};
        if (!strike(&blow, kills[_i].release, look_at_the_others))
            break;
    }
    ck_assert_uint_gt(k, 5);
}
END_TEST

START_TEST(a_device_that_takes_the_address_over_is_not_touched) {
    guint k = 1;
    for (Blow blow;; k++) {
        blow = (Blow){.k = k, .after = kills[_i].after, .act = replace_nic};
        if (!strike(&blow, kills[_i].release, look_at_the_newcomer))
            break;
    }
    ck_assert_uint_gt(k, 5);
}
END_TEST

void add_deaths(Suite *suite) {
    sweep_add_table(suite, "kills", a_killed_worker_is_recovered_even_when_killed_again,
                    G_N_ELEMENTS(kills));
    sweep_add_table(suite, "unplug", an_unplugged_device_leaves_no_residue, G_N_ELEMENTS(kills));
    sweep_add_table(suite, "takeover", a_device_that_takes_the_address_over_is_not_touched,
                    G_N_ELEMENTS(kills));
}
