/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims that a daemon left when it died.
 * Thread: main; former workers are children. Ownership: see the header.
 */
#include "claim/left.h"

#include <signal.h>
#include <sys/wait.h>

#include "claim/lease.h"
#include "claim/records.h"
#include "claim/store.h"
#include "engine/run.h"

const char *const pair[] = {NIC, BARE, NULL};
static char *found;

Left left_new(void) {
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

void left_free(Left *left) {
    pca_claim_unref(left->claim);
    g_ptr_array_unref(left->functions);
    pca_fd_close(&left->journal);
    pca_fd_close(&left->lease);
    g_clear_pointer(&found, g_free);
}

void run_plan(Left *left, PcaPlanKind kind) {
    g_autoptr(PcaPlan) plan = kind == PCA_PLAN_CLAIM ? pca_plan_claim(left->functions, on_vfio)
                                                     : pca_plan_release(left->functions, on_vfio);
    g_autoptr(GPtrArray) residues = pca_residues_new();
    pca_run(kernel, plan, left->journal, residues, NULL);
}

static void die(PcaFakeKernel *machine, const char *line, gpointer glob) {
    if (g_pattern_match_simple(glob, line))
        raise(SIGKILL);
}

void run_elsewhere(Left *left, PcaPlanKind kind) {
    pid_t pid = fork();
    if (pid == 0) {
        run_plan(left, kind);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

void run_and_die(Left *left, PcaPlanKind kind, const char *glob) {
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

PcaClaim *taken_up(Left *left) {
    return pca_claims_find(claims, left->claim->id);
}

void await_end(Left *left) {
    while (taken_up(left))
        g_main_context_iteration(NULL, TRUE);
}

static void assert_as_found(void) {
    g_autofree char *now = machine_bindings(pair);
    ck_assert_str_eq(now, found);
}

const PcaClaimResidue *residue_of(Left *left, guint index) {
    return pca_claims_residue(claims, &pca_claim_device(left->claim, index)->function->address);
}

void assert_gone(Left *left) {
    assert_as_found();
    ck_assert(!residue_of(left, 0) && !residue_of(left, 1));
    ck_assert_uint_eq(count_stored(), 0);
    pca_claims_recover(claims);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 0);
}

void recover(Left *left) {
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
