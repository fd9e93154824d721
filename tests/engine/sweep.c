/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: every operation of a claim with handoff "node" and of its release, in turn, fails, kills
 * the worker, loses its device, or loses it to another one (sweep-deaths.c has all but the first).
 * Whatever happens, a function is as it was or reported. Thread: main. Ownership: each test's own.
 */
#include "engine/scene.h"

#include <signal.h>
#include <sys/resource.h>

static const int errors[] = {EIO, EBUSY, ENODEV, EPERM, ENOSPC, EINTR};

/* ---- Faults ---- */

/* Runs with the k-th operation failing; FALSE once the plan has no k-th. */
static gboolean claim_with_fault(Scene *scene, guint k, int errnum) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    g_autoptr(GError) error = NULL;
    guint fds = count_fds();
    forget_the_journal(scene);
    pca_fake_kernel_fail(fake, k, errnum);
    gboolean ok = pca_run(kernel, scene->claim, scene->journal, residues, &error);
    ck_assert_uint_eq(count_fds(), fds);
    if (ok)
        return FALSE;
    ck_assert_ptr_nonnull(error);
    ck_assert_uint_eq(residues->len, 0);
    if (was_handed_out(scene)) {
        put_back(scene);
        return TRUE;
    }
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_UNDONE);
    assert_as_before(scene, NULL);
    return TRUE;
}

static int endless_error;

static void fail_everything(void) {
    pca_fake_kernel_fail_matching(fake, "*", endless_error, 0);
}

/* From the k-th operation on everything fails, the undo as well; then the undo is tried again. */
static gboolean claim_with_faults_from(Scene *scene, guint k, int errnum) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    Blow blow = {.k = k, .act = fail_everything};
    endless_error = errnum;
    guint fds = count_fds();
    forget_the_journal(scene);
    arm(&blow);
    gboolean ok = pca_run(kernel, scene->claim, scene->journal, residues, NULL);
    disarm();
    ck_assert_uint_eq(count_fds(), fds);
    if (ok)
        return FALSE;
    g_ptr_array_set_size(fake->faults, 0);
    if (was_handed_out(scene)) {
        ck_assert_uint_eq(residues->len, 0);
        put_back(scene);
        return TRUE;
    }
    assert_as_before(scene, residues);
    ck_assert_int_eq(journal_result(scene->journal),
                     residues->len ? PCA_JOURNAL_RESIDUE : PCA_JOURNAL_UNDONE);
    finish_undo(scene);
    return TRUE;
}

static gboolean is_ours(const Scene *scene, const char *driver) {
    for (guint i = 0; scene->set[i]; i++)
        if (g_str_equal(scene->devices[i].driver, driver))
            return TRUE;
    return FALSE;
}

/* The fault is told, the other functions go back; tried again, this one does, too. */
static gboolean release_with_fault(Scene *scene, guint k, int errnum) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    g_autoptr(GError) error = NULL;
    claim_well(scene);
    guint fds = count_fds(), struck = fake->n_operations + k;
    pca_fake_kernel_fail(fake, k, errnum);
    gboolean ok = pca_run(kernel, scene->release, scene->journal, residues, &error);
    ck_assert_uint_eq(count_fds(), fds);
    if (ok) {
        /* A node that could not be taken is gone all the same. */
        assert_as_before(scene, NULL);
        return fake->n_operations >= struck;
    }
    /* No errno alone makes a device gone: it is there, so it is told. */
    ck_assert_uint_ge(residues->len, 1);
    ck_assert_uint_le(residues->len, scene->devices[0].with_bus ? 2 : 1);
    const PcaResidue *residue = g_ptr_array_index(residues, 0);
    g_autofree char *driver = pca_tree_driver(tree, residue->device);
    ck_assert(!residue->quarantined || !driver || is_ours(scene, driver));
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_RESIDUE);
    assert_as_before(scene, residues);
    finish_release(scene);
    return TRUE;
}

static void sweep(gboolean (*attempt)(Scene *scene, guint k, int errnum), int errnum) {
    for (guint i = 0; i < n_settings; i++) {
        AUTO_SCENE scene = scene_new(settings[i].set, settings[i].devices);
        guint k = 1;
        while (attempt(&scene, k, errnum))
            ck_assert_uint_lt(k++, MAX_OPERATIONS);
        ck_assert_uint_gt(k, 2);
    }
}

START_TEST(a_claim_with_any_fault_is_undone) {
    sweep(claim_with_fault, errors[_i]);
}
END_TEST

START_TEST(an_undo_that_fails_too_is_reported) {
    sweep(claim_with_faults_from, errors[_i]);
}
END_TEST

START_TEST(a_release_with_any_fault_is_reported) {
    sweep(release_with_fault, errors[_i]);
}
END_TEST

/* ---- No room for the journal ---- */

/* Runs the plan with room for so many bytes in any file, of which the journal is the longest; no
 * assertion meanwhile, which check writes into a file as well. */
static gboolean run_within(Scene *scene, const PcaPlan *plan, rlim_t bytes, PcaResidues *residues) {
    struct rlimit limit = {bytes, RLIM_INFINITY};
    pca_fake_kernel_forget(fake);
    int set = setrlimit(RLIMIT_FSIZE, &limit);
    gboolean ok = pca_run(kernel, plan, scene->journal, residues, NULL);
    limit.rlim_cur = RLIM_INFINITY;
    int unset = setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(set == 0 && unset == 0);
    journal_result(scene->journal);
    return ok;
}

static rlim_t journal_size(Scene *scene) {
    return (rlim_t)lseek(scene->journal, 0, SEEK_END);
}

#define EMPTY_SPACE 350 /* bytes that the machine's own files need */
#define STRIDE 5

START_TEST(a_claim_whose_journal_is_full_is_undone) {
    AUTO_SCENE scene = scene_new(sets[0], on_vfio);
    signal(SIGXFSZ, SIG_IGN);
    gboolean ok = FALSE;
    for (rlim_t bytes = EMPTY_SPACE; !ok; bytes += STRIDE) {
        g_autoptr(GPtrArray) residues = pca_residues_new();
        forget_the_journal(&scene);
        ok = run_within(&scene, scene.claim, bytes, residues);
        ck_assert_uint_eq(residues->len, 0);
        if (!ok && was_handed_out(&scene))
            put_back(&scene);
        else if (!ok)
            assert_as_before(&scene, NULL);
    }
    ck_assert_uint_gt(journal_size(&scene), EMPTY_SPACE + 80);
}
END_TEST

START_TEST(a_release_whose_journal_is_full_can_be_done_again) {
    AUTO_SCENE scene = scene_new(sets[0], on_vfio);
    signal(SIGXFSZ, SIG_IGN);
    gboolean ok = FALSE;
    for (rlim_t more = 0; !ok; more += STRIDE) {
        g_autoptr(GPtrArray) residues = pca_residues_new();
        claim_well(&scene);
        ok = run_within(&scene, scene.release, journal_size(&scene) + more, residues);
        if (!ok)
            finish_release(&scene);
    }
    assert_as_before(&scene, NULL);
}
END_TEST

Suite *pca_suite(void) {
    Suite *suite = suite_create("sweep");
    sweep_add_table(suite, "claim faults", a_claim_with_any_fault_is_undone, G_N_ELEMENTS(errors));
    sweep_add_table(suite, "undo faults", an_undo_that_fails_too_is_reported, G_N_ELEMENTS(errors));
    sweep_add_table(suite, "release faults", a_release_with_any_fault_is_reported,
                    G_N_ELEMENTS(errors));
    sweep_add_table(suite, "full journal", a_claim_whose_journal_is_full_is_undone, 1);
    sweep_add_table(suite, "full release journal",
                    a_release_whose_journal_is_full_can_be_done_again, 1);
    add_deaths(suite);
    return suite;
}
