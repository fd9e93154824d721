/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: giving back some of a claim's devices, at every moment at which daemon or worker may
 * die. Thread: main; workers are children. Ownership: each test its claims.
 */
#include "claim/support.h"

#include <glib/gstdio.h>
#include <sys/syscall.h>

#include "claim/store.h"

#define HELD "driver=vfio-pci override=vfio-pci"
#define SOON (20 * G_TIME_SPAN_MILLISECOND)

static const char *const pair[] = {NIC, BARE, NULL};
static const char *const trio[] = {DISK, TWIN, NIC, NULL};

static GArray *addresses_of(const char *words) {
    GArray *addresses = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    for (char **word = list; *word && **word; word++) {
        PcaAddress address;
        ck_assert(pca_address_parse(*word, &address));
        g_array_append_val(addresses, address);
    }
    return addresses;
}

static void begin_give_back(PcaClaim *claim, const char *words, Answer *answer) {
    g_autoptr(GArray) addresses = addresses_of(words);
    pca_claims_release_devices(claims, claim, addresses, "no longer needed", on_answer, answer);
}

static void give_back_well(PcaClaim *claim, const char *words) {
    AUTO_ANSWER answer = {0};
    begin_give_back(claim, words, &answer);
    await_answer(&answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    ck_assert_int_eq(answer.state, PCA_CLAIM_ENDED);
}

static void assert_devices(const PcaClaim *claim, const char *words) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < claim->devices->len; i++) {
        g_autofree char *address =
            pca_address_format(&pca_claim_device(claim, i)->function->address);
        g_string_append_printf(text, "%s%s", i ? " " : "", address);
    }
    ck_assert_str_eq(text->str, words);
}

/* The claim in memory and on disk: ready, with these devices. */
static void assert_ready_with(PcaClaim *claim, const char *words) {
    g_autoptr(PcaClaim) stored = pca_store_load(state_directory, claim->id, BOOT_ID, NULL);
    ck_assert_ptr_nonnull(stored);
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    assert_devices(claim, words);
    assert_devices(stored, words);
}

/* The claim that holds the device now. */
static PcaClaim *holder_of(const char *word) {
    g_autoptr(GArray) addresses = addresses_of(word);
    return pca_claims_find_device(claims, &g_array_index(addresses, PcaAddress, 0));
}

static void await_free(const char *word) {
    while (holder_of(word))
        g_main_context_iteration(NULL, TRUE);
}

/* After a restart it is the registry's alone. */
static void release_found(const char *id) {
    g_autoptr(PcaClaim) claim = pca_claim_ref(pca_claims_find(claims, id));
    release_well(claim);
}

/* ---- The good way ---- */

START_TEST(one_goes_and_the_other_stays) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    give_back_well(claim, NIC);
    assert_binding(NIC, "driver=e1000e override=");
    assert_binding(BARE, HELD);
    assert_ready_with(claim, BARE);
    ck_assert_uint_eq(count_stored(), 1);
    ck_assert_ptr_null(holder_of(NIC));
    ck_assert_ptr_eq(holder_of(BARE), claim);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*" BARE "/reset*"), 0);
    release_well(claim);
    assert_binding(BARE, "driver= override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(what_is_left_can_be_opened_and_claimed_again) {
    PCA_AUTO_FD lease = -1, other_lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    give_back_well(claim, NIC);
    g_autoptr(PcaClaim) other = claim_ready((const char *[]){NIC, NULL}, &other_lease);
    ck_assert_ptr_eq(holder_of(NIC), other);
    pca_fd_close(&lease);
    await_state(claim, PCA_CLAIM_ENDED);
    ck_assert_int_eq(other->state, PCA_CLAIM_READY);
    assert_binding(NIC, HELD);
    release_well(other);
}
END_TEST

START_TEST(all_of_them_is_the_whole_claim) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    give_back_well(claim, BARE " " NIC);
    ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(one_after_the_other) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER first = {0}, second = {0};
    g_autoptr(PcaClaim) claim = claim_ready((const char *[]){NIC, SPARE, BARE, NULL}, &lease);
    begin_give_back(claim, NIC, &first);
    begin_give_back(claim, SPARE, &second);
    assert_ready_with(claim, BARE);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 3);
    ck_assert_str_eq(holder_of(NIC)->split_from, claim->id);
    await_answer(&first);
    await_answer(&second);
    ck_assert(!first.error && !second.error);
    assert_binding(SPARE, HELD);
    assert_binding(NIC, "driver=e1000e override=");
    release_well(claim);
}
END_TEST

/* ---- Refusals ---- */

static const struct {
    const char *words, *message;
} refusals[] = {
    {"", "no device is named"},
    {SPARE, SPARE " is not a device of the claim"},
    {NIC " " SPARE, SPARE " is not a device of the claim"},
    {DISK, TWIN " is in the same IOMMU group"},
    {TWIN " " NIC, DISK " is in the same IOMMU group"},
};

START_TEST(a_wrong_choice_changes_nothing) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(trio, &lease);
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        AUTO_ANSWER answer = {0};
        begin_give_back(claim, refusals[i].words, &answer);
        ck_assert_uint_eq(answer.calls, 1);
        assert_error(answer.error, PCA_ERROR_INVALID_ARGUMENT);
        ck_assert_msg(g_str_has_prefix(answer.error->message, refusals[i].message), "%s",
                      answer.error->message);
    }
    assert_ready_with(claim, DISK " " TWIN " " NIC);
    ck_assert_uint_eq(count_stored(), 1);
    give_back_well(claim, TWIN " " DISK);
    assert_ready_with(claim, NIC);
}
END_TEST

START_TEST(what_is_not_ready_gives_nothing_back) {
    AUTO_ANSWER prepared = {0}, early = {0}, released = {0}, late = {0};
    g_autoptr(PcaClaim) claim = claim_new(pair);
    pca_claims_prepare(claims, claim, G_USEC_PER_SEC * 60, on_answer, &prepared);
    begin_give_back(claim, NIC, &early);
    assert_error(early.error, PCA_ERROR_REVOKED);
    await_answer(&prepared);
    pca_claims_release(claims, claim, "enough", on_answer, &released);
    begin_give_back(claim, NIC, &late);
    assert_error(late.error, PCA_ERROR_REVOKED);
    await_answer(&released);
}
END_TEST

/* The record cannot be replaced: nothing has happened. */
START_TEST(what_cannot_be_written_changes_nothing) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    g_autofree char *path = pca_store_path(state_directory, claim->id, "claim");
    ck_assert_int_eq(g_unlink(path), 0);
    ck_assert_int_eq(g_mkdir(path, 0700), 0);
    begin_give_back(claim, NIC, &answer);
    ck_assert_ptr_nonnull(answer.error);
    ck_assert_uint_eq(count_stored(), 1);
    assert_devices(claim, NIC " " BARE);
    ck_assert_ptr_eq(holder_of(NIC), claim);
    ck_assert_int_eq(g_rmdir(path), 0);
    release_well(claim);
}
END_TEST

/* ---- What goes wrong on the way back ---- */

START_TEST(a_user_holds_up_its_device_alone) {
    daemon_set_grace(SOON);
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, NIC);
    begin_give_back(claim, NIC, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_UNBIND_TIMEOUT);
    ck_assert_int_eq(holder_of(NIC)->state, PCA_CLAIM_STUCK);
    assert_ready_with(claim, BARE);
    pca_fd_close(&lease);
    await_state(claim, PCA_CLAIM_ENDED);
    assert_binding(BARE, "driver= override=");
    ck_assert_ptr_nonnull(holder_of(NIC));
    pca_fd_close(&user);
    await_free(NIC);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(a_failed_reset_quarantines_it_alone) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    g_autoptr(GArray) nic = addresses_of(NIC);
    const PcaAddress *address = &g_array_index(nic, PcaAddress, 0);
    worker_fail_at("write */reset *");
    begin_give_back(claim, NIC, &answer);
    await_answer(&answer);
    worker_let_go();
    assert_error(answer.error, PCA_ERROR_RESET_FAILED);
    ck_assert(pca_claims_residue(claims, address)->quarantined);
    assert_ready_with(claim, BARE);
    g_autofree char *id = g_strdup(claim->id);
    g_clear_pointer(&claim, pca_claim_unref);
    daemon_restart();
    pca_claims_recover(claims);
    ck_assert(pca_claims_residue(claims, address)->quarantined);
    PcaClaim *again = pca_claims_find(claims, id);
    assert_ready_with(again, BARE);
    release_found(id);
}
END_TEST

START_TEST(a_worker_that_dies_is_followed_by_another) {
    static const char *const moments[] = {"write */unbind *", "write " NIC "/reset *",
                                          "write bus/pci/drivers_probe " NIC};
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        PCA_AUTO_FD lease = -1;
        g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
        worker_kill_at(moments[i], FALSE);
        give_back_well(claim, NIC);
        assert_binding(NIC, "driver=e1000e override=");
        assert_ready_with(claim, BARE);
        release_well(claim);
    }
}
END_TEST

/* ---- Daemons that die ---- */

/* Writes down what a daemon writes that is to give NIC back, and dies at once. */
static void die_splitting(PcaClaim *claim, gboolean committed) {
    g_autoptr(GArray) addresses = addresses_of(NIC);
    g_autoptr(PcaClaim) leaving = pca_claim_part(claim, addresses, TRUE);
    g_autoptr(PcaClaim) staying = pca_claim_part(claim, addresses, FALSE);
    ck_assert(pca_store_create(state_directory, leaving, BOOT_ID, NULL));
    if (committed)
        ck_assert(pca_store_update(state_directory, staying, BOOT_ID, NULL));
    daemon_restart();
    pca_claims_recover(claims);
}

START_TEST(before_the_rename_nothing_has_left) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    die_splitting(claim, FALSE);
    assert_ready_with(pca_claims_find(claims, claim->id), NIC " " BARE);
    ck_assert_uint_eq(count_stored(), 1);
    assert_binding(NIC, HELD);
    release_found(claim->id);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(after_the_rename_it_has) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    die_splitting(claim, TRUE);
    assert_ready_with(pca_claims_find(claims, claim->id), BARE);
    await_free(NIC);
    assert_binding(NIC, "driver=e1000e override=");
    assert_binding(BARE, HELD);
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

START_TEST(without_its_claim_it_goes_back_too) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    g_autofree char *id = g_strdup(claim->id);
    pca_fd_close(&lease);
    die_splitting(claim, TRUE);
    while (pca_claims_find(claims, id) || holder_of(NIC))
        g_main_context_iteration(NULL, TRUE);
    assert_binding(NIC, "driver=e1000e override=");
    assert_binding(BARE, "driver= override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(a_lease_that_ended_before_the_rename_takes_all_back) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
    pca_fd_close(&lease);
    die_splitting(claim, FALSE);
    await_free(NIC);
    await_free(BARE);
    assert_binding(NIC, "driver=e1000e override=");
    assert_binding(BARE, "driver= override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

/* Journal and rename are there in every order that a death may leave; a second death changes
 * nothing. */
START_TEST(deaths_in_the_release_are_mended) {
    static const char *const moments[] = {"write */unbind *", "write " NIC "/reset *",
                                          "write bus/pci/drivers_probe " NIC};
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        PCA_AUTO_FD lease = -1;
        AUTO_ANSWER answer = {0};
        g_autoptr(PcaClaim) claim = claim_ready(pair, &lease);
        worker_kill_at(moments[i], TRUE);
        begin_give_back(claim, NIC, &answer);
        await_answer(&answer); /* every attempt has died: stuck */
        ck_assert_ptr_nonnull(answer.error);
        ck_assert_int_eq(holder_of(NIC)->state, PCA_CLAIM_STUCK);
        worker_let_go();
        daemon_restart();
        pca_claims_recover(claims);
        assert_ready_with(pca_claims_find(claims, claim->id), BARE);
        await_free(NIC);
        assert_binding(NIC, "driver=e1000e override=");
        release_found(claim->id);
        ck_assert_uint_eq(count_stored(), 0);
    }
}
END_TEST

void add_split(Suite *suite) {
    ADD_DAEMON_CASE(suite, "split", one_goes_and_the_other_stays,
                    what_is_left_can_be_opened_and_claimed_again, all_of_them_is_the_whole_claim,
                    one_after_the_other, a_wrong_choice_changes_nothing,
                    what_is_not_ready_gives_nothing_back, what_cannot_be_written_changes_nothing);
    ADD_DAEMON_CASE(suite, "split in trouble", a_user_holds_up_its_device_alone,
                    a_failed_reset_quarantines_it_alone, a_worker_that_dies_is_followed_by_another);
    ADD_DAEMON_CASE(suite, "split and restart", before_the_rename_nothing_has_left,
                    after_the_rename_it_has, without_its_claim_it_goes_back_too,
                    a_lease_that_ended_before_the_rename_takes_all_back,
                    deaths_in_the_release_are_mended);
}
