/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassignd on a bus and a fake host, seen by third parties.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

PcaWorld *world;
GDBusConnection *bus;

static void make_world(void) {
    world = pca_world_new();
}

static void end_world(void) {
    pca_world_free(world);
}

static guint descriptors; /* of the daemon, before the test */

static void enter(void) {
    static const char *const usual[] = {"slow 0", "heal", "resume", "forget"};
    bus = pca_world_connect(world);
    /* The answer comes when the daemon has all config spaces, some of which it keeps open. */
    g_variant_unref(pca_call(bus, ROOT_PATH "/device/0000_01_00_0", "Device.Explain", NULL, NULL));
    descriptors = pca_world_count_fds(world);
    for (gsize i = 0; i < G_N_ELEMENTS(usual); i++)
        pca_world_tell(world, "%s", usual[i]);
}

static void leave(void) {
    if (geteuid() != 0)
        pca_become(0);
    g_object_unref(bus);
    pca_world_await_no_claim(world);
    ck_assert_msg(pca_world_await_fds(world, descriptors), "the daemon has %u descriptors, not %u",
                  pca_world_count_fds(world), descriptors);
}

static void set_up(void) {
    make_world();
    bus = pca_world_connect(world);
}

static void tear_down(void) {
    g_object_unref(bus);
    end_world();
}

static TCase *add_own_world(TCase *tcase) {
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    return tcase;
}

static TCase *add_shared_world(TCase *tcase) {
    tcase_add_unchecked_fixture(tcase, make_world, end_world);
    tcase_add_checked_fixture(tcase, enter, leave);
    tcase_set_timeout(tcase, 60);
    return tcase;
}

TCase *pca_case_new(const char *name) {
    return add_own_world(tcase_create(name));
}

TCase *pca_shared_case_new(const char *name) {
    return add_shared_world(tcase_create(name));
}

static void be_patient(void) {
    pca_world_grace = 20000;
}

static void be_as_usual(void) {
    pca_world_grace = PCA_WORLD_GRACE;
}

static TCase *patient_case_new(const char *name) {
    TCase *tcase = tcase_create(name);
    tcase_add_unchecked_fixture(tcase, be_patient, be_as_usual);
    return tcase;
}

TCase *pca_patient_case_new(const char *name) {
    return add_own_world(patient_case_new(name));
}

TCase *pca_patient_shared_case_new(const char *name) {
    return add_shared_world(patient_case_new(name));
}

Suite *pca_suite(void) {
    pca_play_root();
    Suite *suite = suite_create("bus");
    suite_add_tcase(suite, pca_object_cases());
    suite_add_tcase(suite, pca_check_cases());
    suite_add_tcase(suite, pca_hardware_cases());
    suite_add_tcase(suite, pca_unopened_cases());
    suite_add_tcase(suite, pca_claim_cases());
    suite_add_tcase(suite, pca_channel_cases());
    suite_add_tcase(suite, pca_sibling_cases());
    suite_add_tcase(suite, pca_sriov_cases());
    suite_add_tcase(suite, pca_join_cases());
    suite_add_tcase(suite, pca_wait_cases());
    suite_add_tcase(suite, pca_revoke_cases());
    suite_add_tcase(suite, pca_user_cases());
    suite_add_tcase(suite, pca_death_cases());
    suite_add_tcase(suite, pca_restart_cases());
    suite_add_tcase(suite, pca_admin_cases());
    suite_add_tcase(suite, pca_recover_cases());
    suite_add_tcase(suite, pca_stuck_cases());
    suite_add_tcase(suite, pca_terms_cases());
    suite_add_tcase(suite, pca_gate_cases());
    suite_add_tcase(suite, pca_audit_cases());
    suite_add_tcase(suite, pca_flood_cases());
    return suite;
}
