/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions on terms of their own: other reset methods, another driver, kept afterwards,
 * never reset. The sweeps (sweep.c) have them as well.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/support.h"

#include <unistd.h>

#include "engine/run.h"
#include "support/fake-machine.h"

static const char *const nic[] = {NIC, NULL};
static const PcaPlanDevice by_bus = {.driver = VFIO, .methods = "bus"};
static const PcaPlanDevice kept = {.driver = VFIO, .keep = TRUE};
static const PcaPlanDevice on_stub = {.driver = "other"};

static Run claimed(const PcaPlanDevice *device) {
    Run run = new_run(machine_functions(nic));
    g_autoptr(PcaPlan) plan = pca_plan_claim(run.functions, device);
    run_plan(&run, plan);
    return run;
}

static void assert_methods(const char *expected) {
    g_autofree char *now = pca_tree_get(tree, NIC, "reset_method");
    ck_assert_str_eq(now, expected);
}

START_TEST(reset_methods_hold_until_they_are_put_back) {
    AUTO_RUN run = claimed(&by_bus);
    assert_methods("bus");
    /* Somebody else thinks otherwise. */
    pca_tree_set(tree, NIC, "reset_method", "flr");
    run_release(&run, &by_bus);
    ck_assert(run.ok);
    assert_methods("flr bus");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " NIC "/reset_method bus"), 2);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " NIC "/reset_method *"), 3);
}
END_TEST

START_TEST(reset_methods_changed_since_the_plan_are_busy) {
    AUTO_RUN run = new_run(machine_functions(nic));
    g_autoptr(PcaPlan) plan = pca_plan_claim(run.functions, &by_bus);
    pca_tree_set(tree, NIC, "reset_method", "bus");
    run_plan(&run, plan);
    assert_error(run.error, PCA_ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(run.error->message, "expected flr bus, found bus"));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write *"), 0);
}
END_TEST

START_TEST(reset_methods_of_a_failed_reset_are_put_back_by_the_next_try) {
    AUTO_RUN run = claimed(&by_bus);
    pca_fake_kernel_fail_matching(fake, "write " NIC "/reset 1", EIO, 1);
    run_release(&run, &by_bus);
    assert_error(run.error, PCA_ERROR_RESET_FAILED);
    assert_methods("bus");
    static const PcaRecovery unproved = PCA_RECOVER_UNPROVED;
    g_autoptr(PcaPlan) plan = pca_plan_recover(run.functions, &by_bus, &unproved);
    g_ptr_array_set_size(run.residues, 0);
    run_plan(&run, plan);
    ck_assert(run.ok);
    assert_methods("flr bus");
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(what_cannot_be_bound_to_be_kept_is_degraded_not_quarantined) {
    AUTO_RUN run = claimed(&kept);
    pca_fake_kernel_refuse(fake, NIC, VFIO);
    run_release(&run, &kept);
    assert_error(run.error, PCA_ERROR_BIND_FAILED);
    ck_assert_uint_eq(run.residues->len, 1);
    ck_assert(!((PcaResidue *)g_ptr_array_index(run.residues, 0))->quarantined);
}
END_TEST

START_TEST(a_driver_that_is_not_of_vfio_has_no_node_to_wait_for) {
    AUTO_RUN run = claimed(&on_stub);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    assert_binding(NIC, "driver=other override=other");
    ck_assert_int_eq(fake->now, 0);
    run_release(&run, &on_stub);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(only_functions_on_vfio_have_nodes_to_give) {
    static const PcaPlanDevice devices[] = {{.driver = "other"}, {.driver = VFIO}};
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){NIC, BARE, NULL});
    g_autoptr(PcaPlan) claim = pca_plan_claim(functions, devices);
    g_autoptr(PcaPlan) back = pca_plan_release(functions, devices);
    pca_plan_add_nodes(claim, functions, devices, 1000, NULL);
    pca_plan_add_nodes(back, functions, devices, 1000, NULL);
    const PcaStep *last = g_ptr_array_index(claim->steps, claim->steps->len - 1);
    const PcaStep *first = g_ptr_array_index(back->steps, 0);
    g_autofree char *give = print_step(last);
    g_autofree char *take = print_step(first);
    ck_assert_str_eq(give, "give 04:00.0 5 1000:0:0600 / take 5");
    ck_assert_str_eq(take, "take 04:00.0 5");
    ck_assert_int_ne(((PcaStep *)g_ptr_array_index(back->steps, 1))->op, PCA_OP_TAKE);
}
END_TEST

/* ---- Files ---- */

static char *list_files(void) {
    g_autofree char *found = pca_owner_list_files(kernel->root, NIC);
    return g_strconcat("1000 ", found, NULL);
}

static void assert_uid(const char *name, uid_t uid) {
    PcaOwner now;
    PCA_AUTO_FD directory = pca_open_function(kernel->root, NIC);
    ck_assert_int_eq(pca_fake_read_file_owner(fake, directory, name, &now), 0);
    ck_assert_uint_eq(now.uid, uid);
}

static void set_owner(const char *name, const PcaOwner *owner) {
    PCA_AUTO_FD directory = pca_open_function(kernel->root, NIC);
    ck_assert_int_eq(pca_fake_write_file_owner(fake, directory, name, owner), 0);
}

START_TEST(files_are_lent_and_regained_whatever_was_done_to_them) {
    static const PcaOwner odd = {1000, 1000, 0666, ""};
    pca_tree_set(tree, NIC, "resource0", "%s", "");
    pca_tree_set(tree, NIC, "resource2_wc", "%s", "");
    pca_tree_set(tree, NIC, "resource0_resize", "%s", "");
    pca_tree_set(tree, NIC, "resource", "%s", "");
    pca_tree_set(tree, NIC, "rom", "%s", "");
    g_autofree char *files = list_files();
    const PcaPlanDevice device = {.driver = VFIO, .files = files};
    AUTO_RUN run = claimed(&device);
    static const char *const names[] = {"config", "resource0", "resource2_wc", "rom"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        assert_uid(names[i], 1000);
    ck_assert(!strstr(files, "resource0_resize") && !strstr(files, " resource="));
    set_owner("config", &odd);
    pca_tree_unset(tree, NIC, "resource2_wc");
    run_release(&run, &device);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    pca_tree_set(tree, NIC, "resource2_wc", "%s", "");
    assert_uid("config", geteuid());
    assert_uid("rom", geteuid());
}
END_TEST

/* The label first, while they are root's; and the uid last. */
START_TEST(files_are_lent_with_a_label) {
    static const char files[] = "1000:u:r:lent_t:s0:c1 config=0:0:0644:u:r:sysfs_t:s0";
    static const PcaOwner found = {0, 0, 0644, "u:r:sysfs_t:s0"};
    const PcaPlanDevice device = {.driver = VFIO, .files = files};
    PcaOwner now;
    PCA_AUTO_FD directory = pca_open_function(kernel->root, NIC);
    set_owner("config", &found);
    AUTO_RUN run = claimed(&device);
    ck_assert_int_eq(pca_fake_read_file_owner(fake, directory, "config", &now), 0);
    ck_assert_uint_eq(now.uid, 1000);
    ck_assert_str_eq(now.label, "u:r:lent_t:s0:c1");
    run_release(&run, &device);
    ck_assert_int_eq(pca_fake_read_file_owner(fake, directory, "config", &now), 0);
    ck_assert(pca_owner_equal(&now, &found));
    ck_assert_str_eq(now.label, found.label);
}
END_TEST

START_TEST(files_changed_since_the_plan_are_busy) {
    static const PcaOwner odd = {7, 7, 0600, ""};
    g_autofree char *files = list_files();
    const PcaPlanDevice device = {.driver = VFIO, .files = files};
    AUTO_RUN run = new_run(machine_functions(nic));
    g_autoptr(PcaPlan) plan = pca_plan_claim(run.functions, &device);
    set_owner("config", &odd);
    run_plan(&run, plan);
    assert_error(run.error, PCA_ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(run.error->message, "somebody else changed config in sysfs"));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write_file_owner *"), 0);
}
END_TEST

static const char *const malformed[] = {"",
                                        "1000",
                                        "1000 ",
                                        "1000: config=0:0:0644",
                                        "x:u:r:t config=0:0:0644",
                                        "x config=0:0:0644",
                                        "1000 config",
                                        "1000 =0:0:0644",
                                        "1000 config=0:0"};

START_TEST(a_malformed_list_of_files_is_refused) {
    machine_set_up();
    {
        const PcaPlanDevice device = {.driver = VFIO, .files = malformed[_i]};
        AUTO_RUN run = claimed(&device);
        assert_error(run.error, PCA_ERROR_FAILED);
    }
    machine_tear_down();
}
END_TEST

void add_terms(Suite *suite) {
    ADD_CASE(suite, "files", files_are_lent_and_regained_whatever_was_done_to_them,
             files_are_lent_with_a_label, files_changed_since_the_plan_are_busy);
    PCA_TABLE(suite, "lists of files", a_malformed_list_of_files_is_refused, malformed);
    ADD_CASE(suite, "own reset methods", reset_methods_hold_until_they_are_put_back,
             reset_methods_changed_since_the_plan_are_busy,
             reset_methods_of_a_failed_reset_are_put_back_by_the_next_try);
    ADD_CASE(suite, "kept", what_cannot_be_bound_to_be_kept_is_degraded_not_quarantined);
    ADD_CASE(suite, "other drivers", a_driver_that_is_not_of_vfio_has_no_node_to_wait_for,
             only_functions_on_vfio_have_nodes_to_give);
}
