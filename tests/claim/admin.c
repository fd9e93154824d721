/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what an administrator does: reservations, resets, and another try at what is left over.
 * Thread: main; the worker is a child. Ownership: each test its claims.
 */
#include "claim/support.h"

#include "claim/store.h"
#include "engine/plan.h"

#define WAIT (60 * G_USEC_PER_SEC)

static const char *const nic[] = {NIC, NULL};
static const char *const bare[] = {BARE, NULL};
static const char *const pair[] = {NIC, BARE, NULL};
static const char *const slot[] = {DISK, TWIN, NULL};

static PcaAddress address_of(const char *text) {
    PcaAddress address;
    ck_assert(pca_address_parse(text, &address));
    return address;
}

static char *identity_of(const char *text) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){text, NULL});
    return pca_function_identity(g_ptr_array_index(functions, 0));
}

static PcaClaim *prepared(const char *const *set, PcaClaimKind kind, Answer *answer) {
    PcaClaim *claim = claim_new(set);
    claim->kind = kind;
    pca_claims_prepare(claims, claim, WAIT, on_answer, answer);
    await_answer(answer);
    return claim;
}

static PcaClaim *reserved(const char *const *set) {
    AUTO_ANSWER answer = {0};
    PcaClaim *claim = prepared(set, PCA_KIND_RESERVATION, &answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    return claim;
}

static const PcaClaimResidue *residue(const char *text) {
    PcaAddress address = address_of(text);
    return pca_claims_residue(claims, &address);
}

static void retry(const char *text, gboolean accept_risk, Answer *answer) {
    PcaAddress address = address_of(text);
    g_autofree char *identity = identity_of(text);
    pca_claims_retry(claims, &address, identity, accept_risk, "tried again", on_answer, answer);
    await_answer(answer);
}

static void on_retry(PcaClaim *claim, const GError *error, gpointer data) {
    Answer *answer = data;
    answer->calls++;
    answer->error = error ? g_error_copy(error) : NULL;
}

static void retry_fails(const char *text, PcaError code, const char *words) {
    AUTO_ANSWER answer = {0};
    PcaAddress address = address_of(text);
    g_autofree char *identity = identity_of(text);
    pca_claims_retry(claims, &address, identity, FALSE, "tried again", on_retry, &answer);
    await_answer(&answer);
    assert_error(answer.error, code);
    ck_assert_msg(strstr(answer.error->message, words), "%s", answer.error->message);
}

/* ---- Reservations ---- */

START_TEST(a_reservation_stands_in_nobodys_way) {
    PcaAddress address = address_of(NIC);
    g_autoptr(PcaClaim) reservation = reserved(nic);
    g_autoptr(GPtrArray) list = pca_claims_list(claims);
    g_autoptr(GHashTable) unreadable = pca_claims_unreadable(claims);
    ck_assert_ptr_null(pca_claims_find_device(claims, &address));
    ck_assert_ptr_null(pca_claims_find_group(claims, NIC_GROUP));
    ck_assert_ptr_eq(pca_claims_reservation(claims, &address), reservation);
    ck_assert_uint_eq(list->len, 0);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 0);
    ck_assert_uint_eq(g_hash_table_size(unreadable), 0);
    ck_assert_int_eq(reservation->lease_writer, -1);
    release_well(reservation);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " NIC "/reset *"), 1);
    ck_assert_ptr_null(pca_claims_reservation(claims, &address));
}
END_TEST

START_TEST(a_reserved_function_may_sleep) {
    pca_tree_set(tree, NIC, "power/control", "on");
    pca_tree_set(tree, NIC, "d3cold_allowed", "1");
    g_autoptr(PcaClaim) reservation = reserved(nic);
    g_autofree char *control = pca_tree_get(tree, NIC, "power/control");
    g_autofree char *cold = pca_tree_get(tree, NIC, "d3cold_allowed");
    ck_assert_str_eq(control, "auto");
    ck_assert_str_eq(cold, "1");
    release_well(reservation);
    g_autofree char *after = pca_tree_get(tree, NIC, "power/control");
    ck_assert_str_eq(after, "on");
}
END_TEST

START_TEST(a_reservation_that_is_worked_on_counts) {
    PcaAddress address = address_of(NIC);
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) reservation = reserved(nic);
    worker_hold_at("write " NIC "/reset *");
    pca_claims_release(claims, reservation, "enough", on_answer, &answer);
    ck_assert_ptr_eq(pca_claims_find_device(claims, &address), reservation);
    ck_assert_ptr_eq(pca_claims_find_group(claims, NIC_GROUP), reservation);
    ck_assert_ptr_null(pca_claims_reservation(claims, &address));
    worker_let_go();
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
}
END_TEST

START_TEST(a_claim_of_it_gives_it_back_reserved) {
    PcaAddress address = address_of(NIC);
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) reservation = reserved(nic);
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    ck_assert_ptr_eq(pca_claims_find_device(claims, &address), claim);
    release_well(claim);
    assert_binding(NIC, "driver=vfio-pci override=vfio-pci");
    ck_assert_ptr_eq(pca_claims_reservation(claims, &address), reservation);
    release_well(reservation);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(a_reservation_outlives_the_daemon) {
    PcaAddress address = address_of(NIC);
    g_autoptr(PcaClaim) before = reserved(nic);
    daemon_restart();
    pca_claims_recover(claims);
    PcaClaim *after = pca_claims_reservation(claims, &address);
    ck_assert_ptr_nonnull(after);
    ck_assert_str_eq(after->id, before->id);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 0);
    g_autoptr(PcaClaim) held = pca_claim_ref(after);
    release_well(held);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(a_forgotten_reservation_leaves_all_as_it_is) {
    PcaAddress address = address_of(NIC);
    g_autoptr(PcaClaim) reservation = reserved(nic);
    pca_fake_kernel_forget(fake);
    pca_claims_forget(claims, reservation, "somebody bound it");
    ck_assert_ptr_null(pca_claims_reservation(claims, &address));
    ck_assert_uint_eq(count_stored(), 0);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    /* Of another one, or twice, nothing happens. */
    pca_claims_forget(claims, reservation, "somebody bound it");
}
END_TEST

START_TEST(the_list_of_reservations) {
    g_autoptr(PcaClaim) first = reserved(nic);
    g_autoptr(PcaClaim) second = reserved(bare);
    g_autoptr(GPtrArray) list = pca_claims_reservations(claims);
    ck_assert_uint_eq(list->len, 2);
    release_well(first);
    release_well(second);
}
END_TEST

static const struct {
    const char *kind;
    gboolean known;
} kinds[] = {{"claim", TRUE},     {"reservation", TRUE}, {"reset", TRUE},
             {"recovery", FALSE}, {"", FALSE},           {"bargain", FALSE}};

START_TEST(a_kind_is_kept_on_disk) {
    daemon_set_up();
    {
        g_autoptr(PcaClaim) claim = claim_new(nic);
        g_autoptr(GError) error = NULL;
        ck_assert(pca_store_create(state_directory, claim, BOOT_ID, NULL));
        g_autofree char *path = pca_store_path(state_directory, claim->id, "claim");
        g_autoptr(GKeyFile) file = g_key_file_new();
        ck_assert(g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL));
        g_key_file_set_string(file, "Claim", "Kind", kinds[_i].kind);
        ck_assert(g_key_file_save_to_file(file, path, NULL));
        g_autoptr(PcaClaim) loaded = pca_store_load(state_directory, claim->id, BOOT_ID, &error);
        if (kinds[_i].known)
            ck_assert_str_eq(pca_claim_kind_name(loaded->kind), kinds[_i].kind);
        else
            assert_error(error, PCA_ERROR_UNSUPPORTED);
    }
    daemon_tear_down();
}
END_TEST

/* ---- Resets ---- */

START_TEST(a_reset_ends_by_itself) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) reset = prepared(bare, PCA_KIND_RESET, &answer);
    ck_assert_ptr_null(answer.error);
    ck_assert_int_eq(reset->state, PCA_CLAIM_ENDED);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " BARE "/reset 1"), 1);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */driver_override *"), 0);
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(a_reset_that_fails_leaves_nothing_behind) {
    AUTO_ANSWER answer = {0};
    worker_fail_at("write " BARE "/reset *");
    g_autoptr(PcaClaim) reset = prepared(bare, PCA_KIND_RESET, &answer);
    assert_error(answer.error, PCA_ERROR_RESET_FAILED);
    ck_assert_ptr_null(residue(BARE));
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

/* ---- Another try ---- */

static void quarantine(const char *const *set, const char *glob) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_ready(set, &lease);
    worker_fail_at(glob);
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_RESET_FAILED);
    ck_assert_uint_eq(count_stored(), 1);
}

static void restart_daemon(void) {
    daemon_restart();
    pca_claims_recover(claims);
}

START_TEST(the_second_try_puts_it_right) {
    AUTO_ANSWER answer = {0};
    quarantine(nic, "write */reset *");
    worker_let_go();
    retry(NIC, FALSE, &answer);
    ck_assert_ptr_null(answer.error);
    ck_assert_ptr_null(residue(NIC));
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(a_second_try_that_fails_is_remembered_as_well) {
    AUTO_ANSWER answer = {0};
    quarantine(nic, "write */reset *");
    retry(NIC, FALSE, &answer);
    assert_error(answer.error, PCA_ERROR_RESET_FAILED);
    ck_assert(residue(NIC)->quarantined);
    ck_assert_uint_eq(count_stored(), 1);
    restart_daemon();
    ck_assert(residue(NIC)->quarantined);
    retry_fails(NIC, PCA_ERROR_RESET_FAILED, "reset failed");
}
END_TEST

START_TEST(at_ones_own_risk_nothing_is_reset) {
    AUTO_ANSWER answer = {0};
    quarantine(nic, "write */reset *");
    worker_let_go();
    pca_fake_kernel_forget(fake);
    retry(NIC, TRUE, &answer);
    ck_assert_ptr_null(answer.error);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */reset *"), 0);
    ck_assert_ptr_null(residue(NIC));
}
END_TEST

/* The other one of the claim is back and at work: it is neither looked at nor counted as held. */
START_TEST(only_what_is_left_is_tried) {
    PcaAddress other = address_of(NIC);
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    quarantine(pair, "write " BARE "/reset *");
    ck_assert_ptr_null(residue(NIC));
    restart_daemon();
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    worker_let_go();
    worker_hold_at("write " BARE "/reset *");
    PcaAddress address = address_of(BARE);
    g_autofree char *identity = identity_of(BARE);
    pca_claims_retry(claims, &address, identity, FALSE, "tried again", on_answer, &answer);
    ck_assert_ptr_eq(pca_claims_find_device(claims, &other), claim);
    worker_let_go();
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
    assert_binding(BARE, "driver= override=");
    assert_binding(NIC, "driver=vfio-pci override=vfio-pci");
    ck_assert_uint_eq(count_stored(), 1);
    release_well(claim);
}
END_TEST

/* Somebody has the other one of its group by now. */
START_TEST(a_group_that_is_held_is_left_alone) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    quarantine((const char *[]){DISK, NULL}, "write " DISK "/reset *");
    worker_let_go();
    g_autoptr(PcaClaim) claim = claim_ready((const char *[]){TWIN, NULL}, &lease);
    pca_fake_kernel_forget(fake);
    retry_fails(DISK, PCA_ERROR_BUSY, "IOMMU group 3 of " DISK " is held by a claim that is ready");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    release_well(claim);
    retry(DISK, FALSE, &answer);
    ck_assert_ptr_null(answer.error);
    assert_binding(DISK, "driver=nvme override=nvme");
}
END_TEST

/* The next try begins with taking the group's node back as well, should the first have died before
 * it could. */
START_TEST(a_node_that_was_given_away_is_taken_back) {
    AUTO_ANSWER answer = {0}, again = {0};
    g_autoptr(PcaClaim) claim = claim_new(nic);
    g_autofree char *text = NULL;
    claim->handoff = g_strdup("node");
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    worker_fail_at("write */reset *");
    pca_claims_release(claims, claim, "enough", NULL, NULL);
    await_state(claim, PCA_CLAIM_ENDED);
    worker_fail_at("write " NIC "/driver_override e1000e");
    retry(NIC, TRUE, &again);
    ck_assert(!residue(NIC)->quarantined);
    g_autofree char *journal = pca_store_path(state_directory, residue(NIC)->id, "journal");
    ck_assert(g_file_get_contents(journal, &text, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(g_strrstr(text, "\nplan "), "'take'"));
}
END_TEST

/* Both of one claim: the daemon after this one must still know of the one that was not named. */
START_TEST(what_else_is_left_is_not_forgotten) {
    AUTO_ANSWER answer = {0};
    quarantine(pair, "write */reset *");
    worker_let_go();
    worker_fail_at("write " BARE "/reset *");
    retry(NIC, FALSE, &answer);
    ck_assert_ptr_null(residue(NIC));
    ck_assert(residue(BARE)->quarantined);
    restart_daemon();
    ck_assert_ptr_null(residue(NIC));
    ck_assert(residue(BARE)->quarantined);
}
END_TEST

/* One of two that are reset with their bus, which did not answer in time; the other one is with the
 * host by now. */
static void quarantine_one_of_a_bus(void) {
    AUTO_ANSWER prepare = {0}, release = {0};
    g_autoptr(PcaClaim) claim = claim_new(slot);
    guint16 config[128];
    for (guint i = 0; i < G_N_ELEMENTS(config); i++)
        config[i] = pca_tree_get_config16(tree, DISK, 2 * i);
    for (guint i = 0; slot[i]; i++)
        pca_claim_device(claim, i)->with_bus = TRUE;
    pca_claims_prepare(claims, claim, WAIT, on_answer, &prepare);
    await_answer(&prepare);
    ck_assert_ptr_null(prepare.error);
    pca_fake_kernel_die_at_reset(fake, DISK);
    pca_claims_release(claims, claim, "enough", on_answer, &release);
    await_answer(&release);
    ck_assert_ptr_nonnull(release.error);
    ck_assert(residue(DISK)->quarantined);
    ck_assert_ptr_null(residue(TWIN));
    assert_binding(TWIN, "driver=e1000e override=");
    for (guint i = 0; i < G_N_ELEMENTS(config); i++)
        pca_tree_set_config16(tree, DISK, 2 * i, config[i]);
    pca_fake_kernel_forget(fake);
}

START_TEST(a_bus_with_others_on_it_is_not_reset_again) {
    AUTO_ANSWER answer = {0};
    quarantine_one_of_a_bus();
    retry_fails(DISK, PCA_ERROR_BUSY, "would reach " TWIN " as well");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    ck_assert(residue(DISK)->quarantined);
    /* As the message says. */
    pca_fake_kernel_unplug(fake, TWIN);
    retry(DISK, FALSE, &answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "hot_reset *"), 1);
    assert_binding(DISK, "driver=nvme override=nvme");
}
END_TEST

START_TEST(a_bus_with_others_on_it_may_be_accepted_as_it_is) {
    AUTO_ANSWER answer = {0};
    quarantine_one_of_a_bus();
    retry(DISK, TRUE, &answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "hot_reset *"), 0);
    assert_binding(DISK, "driver=nvme override=nvme");
}
END_TEST

/* The spoilt one was pulled and another one put into its place, which the host has. */
START_TEST(of_what_was_replaced_nothing_is_left) {
    AUTO_ANSWER answer = {0};
    PcaAddress address = address_of(NIC);
    quarantine(nic, "write */reset *");
    worker_let_go();
    machine_replace(NIC);
    pca_fake_kernel_forget(fake);
    g_autofree char *identity = identity_of(NIC);
    pca_claims_retry(claims, &address, identity, FALSE, "tried again", on_retry, &answer);
    await_answer(&answer);
    ck_assert_ptr_null(answer.error);
    ck_assert_ptr_null(residue(NIC));
    ck_assert_uint_eq(count_stored(), 0);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
}
END_TEST

static const char *const moments[] = {"write " NIC "/reset *",
                                      "write " NIC "/driver_override e1000e",
                                      "write bus/pci/drivers_probe " NIC};

START_TEST(a_worker_killed_in_the_second_try_is_followed_by_another) {
    daemon_set_up();
    {
        AUTO_ANSWER answer = {0};
        quarantine(nic, "write */reset *");
        worker_let_go();
        worker_kill_at(moments[_i], FALSE);
        retry(NIC, FALSE, &answer);
        ck_assert_ptr_null(answer.error);
        assert_binding(NIC, "driver=e1000e override=");
        ck_assert_uint_eq(count_stored(), 0);
    }
    daemon_tear_down();
}
END_TEST

/* The undo of a prepare that failed: the bind went wrong, and then the way back as well. */
START_TEST(a_failed_undo_is_tried_again) {
    AUTO_ANSWER answer = {0}, again = {0};
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    worker_fail_at("write " NIC "/driver_override e1000e");
    g_autoptr(PcaClaim) claim = prepared(nic, PCA_KIND_CLAIM, &answer);
    assert_error(answer.error, PCA_ERROR_BIND_FAILED);
    ck_assert(!residue(NIC)->quarantined);
    worker_let_go();
    restart_daemon();
    retry(NIC, FALSE, &again);
    ck_assert_ptr_null(again.error);
    ck_assert_ptr_null(residue(NIC));
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

/* Nothing is known of it but that it was claimed: all of the proof is asked for. */
START_TEST(a_malformed_journal_needs_the_whole_proof) {
    AUTO_ANSWER answer = {0};
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    g_autofree char *journal = g_strdup_printf("claims/%s/journal", claim->id);
    pca_tree_write(tree, journal, "nonsense\n");
    restart_daemon();
    ck_assert(residue(NIC)->quarantined);
    pca_fake_kernel_forget(fake);
    retry(NIC, FALSE, &answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " NIC "/reset 1"), 1);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(without_a_journal_it_stays_as_it_is) {
    quarantine(nic, "write */reset *");
    g_autofree char *journal = g_strdup_printf("claims/%s/journal", residue(NIC)->id);
    pca_tree_delete(tree, journal);
    retry_fails(NIC, PCA_ERROR_FAILED, "opening");
    ck_assert(residue(NIC)->quarantined);
}
END_TEST

START_TEST(what_is_well_is_not_recovered) {
    PCA_AUTO_FD lease = -1;
    retry_fails(NIC, PCA_ERROR_NOT_FOUND, "nothing of " NIC " is left");
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    retry_fails(NIC, PCA_ERROR_BUSY, "held by a claim that is ready");
    release_well(claim);
}
END_TEST

START_TEST(a_worker_at_work_is_named) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0};
    daemon_set_grace(50000);
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    worker_hold_at("write " NIC "/reset *");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_UNBIND_TIMEOUT);
    retry_fails(NIC, PCA_ERROR_BUSY, "the worker (process ");
    worker_let_go();
    await_state(claim, PCA_CLAIM_ENDED);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(what_is_stuck_without_a_worker_is_tried_again) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0}, again = {0};
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    worker_kill_at("write " NIC "/reset *", TRUE);
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    ck_assert_int_eq(claim->state, PCA_CLAIM_STUCK);
    worker_let_go();
    retry(NIC, FALSE, &again);
    ck_assert_ptr_null(again.error);
    ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

void add_admin(Suite *suite) {
    ADD_DAEMON_CASE(suite, "reservations", a_reservation_stands_in_nobodys_way,
                    a_reserved_function_may_sleep, a_reservation_that_is_worked_on_counts,
                    a_claim_of_it_gives_it_back_reserved, a_reservation_outlives_the_daemon,
                    a_forgotten_reservation_leaves_all_as_it_is, the_list_of_reservations);
    PCA_TABLE(suite, "kinds", a_kind_is_kept_on_disk, kinds);
    ADD_DAEMON_CASE(suite, "resets", a_reset_ends_by_itself,
                    a_reset_that_fails_leaves_nothing_behind);
    ADD_DAEMON_CASE(suite, "second tries", the_second_try_puts_it_right,
                    a_second_try_that_fails_is_remembered_as_well,
                    a_group_that_is_held_is_left_alone, a_node_that_was_given_away_is_taken_back,
                    at_ones_own_risk_nothing_is_reset, only_what_is_left_is_tried,
                    what_else_is_left_is_not_forgotten, a_bus_with_others_on_it_is_not_reset_again,
                    a_bus_with_others_on_it_may_be_accepted_as_it_is, a_failed_undo_is_tried_again,
                    of_what_was_replaced_nothing_is_left, a_malformed_journal_needs_the_whole_proof,
                    without_a_journal_it_stays_as_it_is, what_is_well_is_not_recovered,
                    a_worker_at_work_is_named, what_is_stuck_without_a_worker_is_tried_again);
    PCA_TABLE(suite, "deaths in second tries",
              a_worker_killed_in_the_second_try_is_followed_by_another, moments);
}
