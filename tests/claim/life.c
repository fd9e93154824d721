/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the life of a claim with a worker that does its work: prepare, open, release.
 * Thread: main. Ownership: each test its claims.
 */
#include "claim/support.h"

#include <glib/gstdio.h>
#include <sys/syscall.h>

#include "claim/store.h"
#include "engine/wire.h"

#define WAIT (60 * G_USEC_PER_SEC)

static const char *const nic[] = {NIC, NULL};
static const char *const disk[] = {DISK, NULL};
static const char *const twin[] = {TWIN, NULL};

/* What Open gave. */
typedef struct {
    guint calls;
    char *names;
    GArray *fds;
    GError *error;
} Opened;

static void on_opened(GVariant *names, GArray *fds, const GError *error, gpointer data) {
    Opened *opened = data;
    opened->calls++;
    opened->names = names ? g_variant_print(names, FALSE) : NULL;
    opened->error = error ? g_error_copy(error) : NULL;
    opened->fds = pca_wire_fds_new();
    for (guint i = 0; fds && i < fds->len; i++) {
        int fd = pca_wire_steal_fd(fds, i);
        g_array_append_val(opened->fds, fd);
    }
}

static void opened_clear(Opened *opened) {
    g_free(opened->names);
    g_clear_error(&opened->error);
    g_clear_pointer(&opened->fds, g_array_unref);
}

#define AUTO_OPENED __attribute__((cleanup(opened_clear))) Opened

static void begin_open(PcaClaim *claim, Opened *opened) {
    PCA_AUTO_FD pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pca_claims_open(claims, claim, pidfd, on_opened, opened);
}

static Opened open_claim(PcaClaim *claim) {
    Opened opened = {0};
    begin_open(claim, &opened);
    while (opened.calls == 0)
        g_main_context_iteration(NULL, TRUE);
    ck_assert_uint_eq(opened.calls, 1);
    return opened;
}

static void assert_nothing_opened(const Opened *opened, PcaError error) {
    assert_error(opened->error, error);
    ck_assert_uint_eq(opened->fds->len, 0);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "open_node 511:*"), 0);
}

/* ---- The good life ---- */

START_TEST(from_prepare_to_the_end_of_the_lease) {
    g_main_context_iteration(NULL, FALSE);
    guint before = count_fds();
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    assert_binding(NIC, "driver=vfio-pci override=vfio-pci");
    ck_assert_uint_eq(count_stored(), 1);
    pca_fd_close(&lease);
    await_state(claim, PCA_CLAIM_ENDED);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_str_eq(changes->str, "preparing ready releasing ended ");
    ck_assert_uint_eq(count_stored(), 0);
    ck_assert_ptr_null(pca_claims_find(claims, claim->id));
    g_clear_pointer(&claim, pca_claim_unref);
    ck_assert_uint_eq(count_fds(), before);
}
END_TEST

static void assert_power(const char *control, const char *cold) {
    g_autofree char *control_now = pca_tree_get(tree, NIC, "power/control");
    g_autofree char *cold_now = pca_tree_get(tree, NIC, "d3cold_allowed");
    ck_assert_str_eq(control_now, control);
    ck_assert_str_eq(cold_now, cold);
}

/* What vfio-pci says of it is not what was found, so it is put back after the driver. */
START_TEST(it_does_not_sleep_while_it_is_claimed) {
    pca_tree_set(tree, NIC, "power/control", "auto");
    pca_tree_set(tree, NIC, "d3cold_allowed", "1");
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    assert_power("on", "0");
    daemon_restart();
    pca_claims_recover(claims);
    g_autoptr(PcaClaim) after = pca_claim_ref(pca_claims_find(claims, claim->id));
    assert_power("on", "0");
    release_well(after);
    assert_power("auto", "1");
}
END_TEST

START_TEST(open_gives_what_was_claimed) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready((const char *[]){NIC, BARE, NULL}, &lease);
    AUTO_OPENED opened = open_claim(claim);
    ck_assert_ptr_null(opened.error);
    ck_assert_str_eq(opened.names, "[('iommufd', '', ''), ('device', 'dev', '0000:01:00.0'), "
                                   "('device', 'dev', '0000:04:00.0')]");
    g_autofree char *what = pca_fake_kernel_describe_fd(fake, g_array_index(opened.fds, int, 1));
    ck_assert_pstr_eq(what, "cdev " NIC);
    AUTO_OPENED again = open_claim(claim);
    ck_assert_ptr_null(again.error);
    g_clear_pointer(&opened.fds, g_array_unref);
    g_clear_pointer(&again.fds, g_array_unref);
    release_well(claim);
}
END_TEST

START_TEST(open_gives_groups_to_those_who_asked_for_them) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    claim->handoff = g_strdup("group");
    AUTO_OPENED opened = open_claim(claim);
    ck_assert_ptr_null(opened.error);
    ck_assert_str_eq(opened.names, "[('container', '', ''), ('group', 'dev', '0000:01:00.0')]");
    g_clear_pointer(&opened.fds, g_array_unref);
    release_well(claim);
}
END_TEST

#define LABEL "system_u:object_r:pcassign_device_t:s0:c1,c2"

/* Whoever has another claim meanwhile, or opens this one later: it is the claim's. */
START_TEST(nodes_have_the_label_of_the_claim) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    claim->node_label = g_strdup(LABEL);
    AUTO_OPENED opened = open_claim(claim);
    ck_assert_ptr_null(opened.error);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "open_node * " LABEL), 2);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "open_node *"), 2);
    g_clear_pointer(&opened.fds, g_array_unref);
    release_well(claim);
}
END_TEST

START_TEST(an_owner_who_opens_paths_has_the_node_until_the_release) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_new((const char *[]){SPARE, NULL});
    machine_give(SPARE, "0:107:0660");
    claim->handoff = g_strdup("node");
    claim->node_label = g_strdup(LABEL);
    pca_claim_device(claim, 0)->function->node_owner = g_strdup("0:107:0660");
    pca_claims_prepare(claims, claim, 60 * G_USEC_PER_SEC, on_answer, &answer);
    await_answer(&answer);
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    assert_node(SPARE, "1000:0:0600:" LABEL);
    AUTO_OPENED opened = open_claim(claim);
    ck_assert_ptr_null(opened.error);
    ck_assert_str_eq(opened.names, "[]");
    ck_assert_uint_eq(opened.fds->len, 0);
    release_well(claim);
    assert_node(SPARE, "0:107:0660");
}
END_TEST

START_TEST(the_memory_of_the_claim_raises_the_limit) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    claim->memory = 4096;
    AUTO_OPENED opened = open_claim(claim);
    ck_assert_ptr_null(opened.error);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "raise_memlock *"), 1);
    g_clear_pointer(&opened.fds, g_array_unref);
    release_well(claim);
}
END_TEST

/* Opens the claim, which raises the limit to 1 GiB and `mib` MiB. */
static void opens_with(PcaClaim *claim, guint64 mib) {
    g_autofree char *line =
        g_strdup_printf("raise_memlock %" G_GUINT64_FORMAT, (1024 + mib) * 1024 * 1024);
    pca_fake_kernel_forget(fake);
    AUTO_OPENED opened = open_claim(claim);
    ck_assert_ptr_null(opened.error);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, line), 1);
    g_clear_pointer(&opened.fds, g_array_unref);
}

/* Each function of the machine counts, whichever claim it came by, as long as that claim is there.
 */
START_TEST(joined_claims_raise_the_limit_together) {
    PCA_AUTO_FD lease = -1, other_lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    g_autoptr(PcaClaim) other = claim_ready((const char *[]){SPARE, NULL}, &other_lease);
    claim->memory = 1024 * 1024;
    claim->viommu = TRUE;
    opens_with(claim, 1);
    other->joined = g_strdup(claim->id);
    opens_with(claim, 2);
    opens_with(other, 2);
    other->memory = 2 * 1024 * 1024;
    opens_with(claim, 4);
    release_well(claim);
    opens_with(other, 2);
    release_well(other);
}
END_TEST

START_TEST(junk_in_the_lease_ends_nothing) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    ck_assert_int_eq(write(lease, "junk", 4), 4);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    release_well(claim);
}
END_TEST

START_TEST(each_set_goes_there_and_back) {
    for (guint i = 0; i < n_sets; i++) {
        g_autofree char *before = machine_bindings(sets[i]);
        PCA_AUTO_FD lease = -1;
        g_autoptr(PcaClaim) claim = claim_ready(sets[i], &lease);
        release_well(claim);
        g_autofree char *after = machine_bindings(sets[i]);
        ck_assert_str_eq(after, before);
    }
}
END_TEST

START_TEST(what_is_held_can_be_found) {
    PCA_AUTO_FD lease = -1, other_lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    g_autoptr(PcaClaim) other = claim_ready(disk, &other_lease);
    const PcaAddress *address = &pca_claim_device(claim, 0)->function->address;
    g_autoptr(GPtrArray) list = pca_claims_list(claims);
    g_autoptr(GHashTable) evicting = pca_claims_evicting(claims);
    ck_assert_uint_eq(list->len, 2);
    ck_assert_ptr_eq(g_ptr_array_index(list, 0), claim);
    ck_assert_ptr_eq(pca_claims_find(claims, claim->id), claim);
    ck_assert_ptr_eq(pca_claims_find_device(claims, address), claim);
    ck_assert_ptr_eq(pca_claims_find_group(claims, 3), other);
    ck_assert_ptr_null(pca_claims_find_group(claims, 4));
    ck_assert_ptr_null(pca_claims_find(claims, "0123456789abcdef0123456789abcdef"));
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 2);
    ck_assert_uint_eq(pca_claims_count(claims, 0), 0);
    g_autoptr(GHashTable) unreadable = pca_claims_unreadable(claims);
    ck_assert_uint_eq(g_hash_table_size(evicting), 0);
    ck_assert(g_hash_table_contains(unreadable, NIC) && g_hash_table_contains(unreadable, DISK));
    release_well(claim);
    release_well(other);
    ck_assert_ptr_null(pca_claims_find_device(claims, address));
}
END_TEST

/* ---- Turns ---- */

START_TEST(two_prepares_on_one_group_take_turns) {
    AUTO_ANSWER first = {0}, second = {0};
    g_autoptr(PcaClaim) one = claim_new(disk);
    g_autoptr(PcaClaim) two = claim_new(twin);
    worker_hold_at("write " DISK "/driver_override *");
    pca_claims_prepare(claims, one, WAIT, on_answer, &first);
    pca_claims_prepare(claims, two, WAIT, on_answer, &second);
    await_operation("write " DISK "/*", 0);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*" TWIN "*"), 0);
    ck_assert_int_eq(two->state, PCA_CLAIM_PREPARING);
    worker_let_go();
    await_answer(&first);
    await_answer(&second);
    ck_assert(!first.error && !second.error);
    release_well(one);
    release_well(two);
}
END_TEST

START_TEST(disjoint_groups_do_not_wait_for_each_other) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) held = claim_new(disk);
    PCA_AUTO_FD lease = -1;
    worker_hold_at("write " DISK "/driver_override *");
    pca_claims_prepare(claims, held, WAIT, on_answer, &answer);
    await_operation("write " DISK "/*", 0);
    g_autoptr(PcaClaim) free_one = claim_ready(nic, &lease);
    ck_assert_uint_eq(answer.calls, 0);
    g_autoptr(GHashTable) evicting = pca_claims_evicting(claims);
    ck_assert(g_hash_table_contains(evicting, DISK) && !g_hash_table_contains(evicting, NIC));
    worker_let_go();
    await_answer(&answer);
    release_well(held);
    release_well(free_one);
}
END_TEST

START_TEST(no_device_has_two_owners) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    g_autoptr(PcaClaim) thief = claim_new((const char *[]){BARE, NIC, NULL});
    AUTO_ANSWER answer = {0};
    pca_claims_prepare(claims, thief, WAIT, on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_BUSY);
    ck_assert_uint_eq(count_stored(), 1);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 1);
    release_well(claim);
}
END_TEST

/* ---- Failures ---- */

START_TEST(a_prepare_that_fails_is_undone) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_new(nic);
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_BIND_FAILED);
    ck_assert_int_eq(answer.state, PCA_CLAIM_ENDED);
    assert_binding(NIC, "driver=e1000e override=");
    ck_assert_str_eq(changes->str, "preparing ended ");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(an_undo_that_fails_is_remembered) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_new(nic);
    worker_fail_at("write bus/pci/drivers_probe *");
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_FAILED);
    ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
    const PcaClaimResidue *residue =
        pca_claims_residue(claims, &pca_claim_device(claim, 0)->function->address);
    ck_assert_ptr_nonnull(residue);
    ck_assert(!residue->quarantined);
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

START_TEST(a_release_without_reset_quarantines) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    worker_fail_at("write */reset *");
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_RESET_FAILED);
    ck_assert_int_eq(claim->state, PCA_CLAIM_ENDED);
    const PcaClaimResidue *residue =
        pca_claims_residue(claims, &pca_claim_device(claim, 0)->function->address);
    ck_assert(residue && residue->quarantined && residue->since > 0);
    assert_binding(NIC, "driver= override=vfio-pci");
    ck_assert_uint_eq(count_stored(), 1);
}
END_TEST

START_TEST(a_device_that_went_is_released_for_good) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready((const char *[]){NIC, BARE, NULL}, &lease);
    pca_fake_kernel_unplug(fake, NIC);
    release_well(claim);
    ck_assert_ptr_null(pca_claims_residue(claims, &pca_claim_device(claim, 0)->function->address));
    assert_binding(BARE, "driver= override=");
    ck_assert_uint_eq(count_stored(), 0);
}
END_TEST

START_TEST(without_a_place_on_disk_nothing_begins) {
    AUTO_ANSWER answer = {0};
    g_autoptr(PcaClaim) claim = claim_new(nic);
    ck_assert_int_eq(g_rmdir(state_directory), 0);
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    assert_error(answer.error, PCA_ERROR_FAILED);
    ck_assert_uint_eq(pca_claims_count(claims, 1000), 0);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
}
END_TEST

START_TEST(what_ended_is_released_at_once) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    release_well(claim);
    release_well(claim);
    pca_claims_release(claims, claim, "nobody asks", NULL, NULL);
}
END_TEST

/* ---- Open ---- */

START_TEST(open_after_release_is_revoked) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    AUTO_ANSWER answer = {0};
    pca_claims_release(claims, claim, "enough", on_answer, &answer);
    AUTO_OPENED meanwhile = open_claim(claim);
    assert_nothing_opened(&meanwhile, PCA_ERROR_REVOKED);
    await_answer(&answer);
    AUTO_OPENED late = open_claim(claim);
    assert_nothing_opened(&late, PCA_ERROR_REVOKED);
}
END_TEST

START_TEST(an_open_in_the_queue_is_revoked_by_a_release) {
    PCA_AUTO_FD lease = -1;
    AUTO_ANSWER prepared = {0}, released = {0};
    AUTO_OPENED opened = {0};
    g_autoptr(PcaClaim) claim = claim_ready(disk, &lease);
    g_autoptr(PcaClaim) neighbour = claim_new(twin);
    worker_hold_at("write " TWIN "/driver_override *");
    pca_claims_prepare(claims, neighbour, WAIT, on_answer, &prepared);
    begin_open(claim, &opened);
    pca_claims_release(claims, claim, "enough", on_answer, &released);
    ck_assert_uint_eq(opened.calls, 0);
    worker_let_go();
    await_answer(&released);
    ck_assert_uint_eq(opened.calls, 1);
    assert_nothing_opened(&opened, PCA_ERROR_REVOKED);
    await_answer(&prepared);
    release_well(neighbour);
}
END_TEST

START_TEST(an_open_that_fails_leaves_the_claim_ready) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    guint before = count_fds();
    {
        worker_fail_at("open_node *");
        AUTO_OPENED failed = open_claim(claim);
        assert_nothing_opened(&failed, PCA_ERROR_FAILED);
        worker_let_go();
        worker_kill_at("set_rlimit_mode", FALSE);
        AUTO_OPENED killed = open_claim(claim);
        assert_nothing_opened(&killed, PCA_ERROR_FAILED);
        AUTO_OPENED invalid = {0};
        pca_claims_open(claims, claim, -1, on_opened, &invalid);
        assert_nothing_opened(&invalid, PCA_ERROR_FAILED);
    }
    ck_assert_uint_eq(count_fds(), before);
    ck_assert_int_eq(claim->state, PCA_CLAIM_READY);
    release_well(claim);
}
END_TEST

START_TEST(rebound_by_somebody_is_not_opened) {
    PCA_AUTO_FD lease = -1;
    g_autoptr(PcaClaim) claim = claim_ready(nic, &lease);
    pca_tree_bind(tree, NIC, "other");
    AUTO_OPENED opened = open_claim(claim);
    assert_nothing_opened(&opened, PCA_ERROR_BUSY);
}
END_TEST

void add_life(Suite *suite) {
    ADD_DAEMON_CASE(
        suite, "life", from_prepare_to_the_end_of_the_lease, it_does_not_sleep_while_it_is_claimed,
        open_gives_what_was_claimed, open_gives_groups_to_those_who_asked_for_them,
        nodes_have_the_label_of_the_claim, an_owner_who_opens_paths_has_the_node_until_the_release,
        the_memory_of_the_claim_raises_the_limit, joined_claims_raise_the_limit_together,
        junk_in_the_lease_ends_nothing, each_set_goes_there_and_back, what_is_held_can_be_found);
    ADD_DAEMON_CASE(suite, "turns", two_prepares_on_one_group_take_turns,
                    disjoint_groups_do_not_wait_for_each_other, no_device_has_two_owners);
    ADD_DAEMON_CASE(suite, "failures", a_prepare_that_fails_is_undone,
                    an_undo_that_fails_is_remembered, a_release_without_reset_quarantines,
                    a_device_that_went_is_released_for_good, without_a_place_on_disk_nothing_begins,
                    what_ended_is_released_at_once);
    ADD_DAEMON_CASE(suite, "open", open_after_release_is_revoked,
                    an_open_in_the_queue_is_revoked_by_a_release,
                    an_open_that_fails_leaves_the_claim_ready, rebound_by_somebody_is_not_opened);
}
