/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims and releases by the interpreter, and what came of them.
 * Thread: main. Ownership: see the header.
 */
#include "engine/run-support.h"

const char *const nic[] = {NIC, NULL};

Run run_new(const char *const *set) {
    return new_run(machine_functions(set));
}

static void do_plan(Run *run, PcaPlanKind kind) {
    g_autoptr(PcaPlan) plan = kind == PCA_PLAN_CLAIM ? pca_plan_claim(run->functions, on_vfio)
                                                     : pca_plan_release(run->functions, on_vfio);
    run_plan(run, plan);
}

void claim(Run *run) {
    do_plan(run, PCA_PLAN_CLAIM);
}

void release(Run *run) {
    do_plan(run, PCA_PLAN_RELEASE);
}

void assert_result(Run *run, PcaJournalResult result) {
    g_autoptr(PcaJournal) journal = pca_journal_read(run->journal, NULL);
    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(journal->result, result);
}

Run claimed(const char *const *set) {
    Run run = run_new(set);
    claim(&run);
    ck_assert(run.ok);
    return run;
}

void assert_residue(Run *run, const char *device, gboolean quarantined, const char *text) {
    ck_assert_uint_eq(run->residues->len, 1);
    const PcaResidue *residue = g_ptr_array_index(run->residues, 0);
    ck_assert_str_eq(residue->device, device);
    ck_assert_int_eq(residue->quarantined, quarantined);
    ck_assert_msg(strstr(residue->text, text), "\"%s\" lacks \"%s\"", residue->text, text);
}
