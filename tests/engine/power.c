/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: power/control and d3cold_allowed: held while a function is claimed, and put back. The
 * sweeps (sweep.c) have them as well.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/support.h"

#include "engine/run.h"

static const char *const nic[] = {NIC, NULL};
static const char *const spare[] = {SPARE, NULL};
static const PcaPlanDevice kept = {.driver = VFIO, .keep = TRUE};
static const PcaPlanDevice stub = {.driver = "pci-stub", .methods = ""};

static void assert_power(const char *address, const char *expected) {
    g_autofree char *now = power_of(address);
    ck_assert_str_eq(now, expected);
}

static PcaPlan *claim_plan(GPtrArray *functions, const PcaPlanDevice *device) {
    PcaPlan *plan = pca_plan_claim(functions, device);
    pca_plan_add_power(plan, functions, device);
    return plan;
}

static Run claimed(const char *const *set, const PcaPlanDevice *device) {
    Run run = new_run(machine_functions(set));
    g_autoptr(PcaPlan) plan = claim_plan(run.functions, device);
    run_plan(&run, plan);
    return run;
}

static void assert_plan_of(PcaPlan *made, const char *expected) {
    g_autoptr(PcaPlan) plan = made;
    g_autofree char *text = print_plan(plan);
    ck_assert_str_eq(text, expected);
}

/* ---- Plans ---- */

START_TEST(power_is_held_once_it_is_bound_and_restored_last) {
    give_power(NIC, "auto,1");
    g_autoptr(GPtrArray) functions = machine_functions(nic);
    assert_plan_of(claim_plan(functions, on_vfio),
                   "verify 01:00.0 driver=e1000e override=\n"
                   "override 01:00.0 vfio-pci / restore power=auto,1 driver=e1000e override=\n"
                   "unbind 01:00.0 e1000e\n"
                   "bind 01:00.0 vfio-pci / unbind vfio-pci\n"
                   "power 01:00.0 on,0\n");
    assert_plan_of(pca_plan_release(functions, on_vfio),
                   "unbind 01:00.0 vfio-pci\n"
                   "quiesce 01:00.0 \n"
                   "reset 01:00.0 \n"
                   "alive 01:00.0 \n"
                   "restore 01:00.0 power=auto,1 driver=e1000e override=\n");
    assert_plan_of(pca_plan_release(functions, &kept), "unbind 01:00.0 vfio-pci\n"
                                                       "quiesce 01:00.0 \n"
                                                       "reset 01:00.0 \n"
                                                       "alive 01:00.0 \n"
                                                       "override 01:00.0 vfio-pci\n"
                                                       "bind 01:00.0 vfio-pci\n"
                                                       "power 01:00.0 ,1\n");
}
END_TEST

START_TEST(a_stub_may_sleep) {
    give_power(NIC, "auto,1");
    g_autoptr(GPtrArray) functions = machine_functions(nic);
    g_autoptr(PcaPlan) plan = claim_plan(functions, &stub);
    const PcaStep *last = g_ptr_array_index(plan->steps, plan->steps->len - 1);
    ck_assert_int_eq(last->op, PCA_OP_BIND);
}
END_TEST

/* ---- Runs ---- */

static const struct {
    const char *const *set;
    const char *found, *held;
    guint writes; /* of both attributes, from the claim to the end of its release */
} cases[] = {
    {nic, "auto,1", "on,0", 4}, /* vfio-pci's remove leaves it on */
    {nic, "on,0", "on,0", 1},   /* vfio-pci's probe alone says auto */
    {nic, "on,1", "on,0", 3},   {nic, "auto,", "on,", 2},     {nic, ",1", ",0", 2},
    {nic, ",", ",", 0},         {spare, "auto,1", "on,0", 3},
};

START_TEST(power_is_held_while_it_is_claimed) {
    machine_set_up();
    {
        const char *address = cases[_i].set[0];
        give_power(address, cases[_i].found);
        AUTO_RUN run = claimed(cases[_i].set, on_vfio);
        assert_power(address, cases[_i].held);
        run_release(&run, on_vfio);
        ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
        assert_power(address, cases[_i].found);
        ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */power/control *") +
                              pca_fake_kernel_count(fake, "write */d3cold_allowed *"),
                          cases[_i].writes);
    }
    machine_tear_down();
}
END_TEST

START_TEST(what_is_kept_may_sleep_again) {
    give_power(NIC, "on,1");
    AUTO_RUN run = claimed(nic, &kept);
    run_release(&run, &kept);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    assert_power(NIC, "auto,1");
}
END_TEST

START_TEST(an_attribute_that_went_meanwhile_is_left_out) {
    give_power(NIC, "auto,1");
    AUTO_RUN run = claimed(nic, on_vfio);
    pca_tree_unset(tree, NIC, "power/control");
    run_release(&run, on_vfio);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    assert_power(NIC, ",1");
}
END_TEST

START_TEST(power_that_cannot_be_held_undoes_the_claim) {
    give_power(NIC, "auto,1");
    pca_fake_kernel_fail_matching(fake, "write */d3cold_allowed 0", EIO, 0);
    AUTO_RUN run = claimed(nic, on_vfio);
    assert_error(run.error, PCA_ERROR_FAILED);
    ck_assert_ptr_nonnull(strstr(run.error->message, "writing 0 to d3cold_allowed"));
    ck_assert_uint_eq(run.residues->len, 0);
    assert_power(NIC, "auto,1");
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(power_that_cannot_be_put_back_is_degraded_not_quarantined) {
    give_power(NIC, "auto,1");
    AUTO_RUN run = claimed(nic, on_vfio);
    pca_fake_kernel_fail_matching(fake, "write */power/control auto", EIO, 1);
    g_autoptr(PcaPlan) plan = pca_plan_release(run.functions, on_vfio);
    run_plan(&run, plan);
    ck_assert_uint_eq(run.residues->len, 1);
    ck_assert(!((PcaResidue *)g_ptr_array_index(run.residues, 0))->quarantined);
    static const PcaRecovery how = PCA_RECOVER_BINDING;
    g_ptr_array_set_size(run.residues, 0);
    g_autoptr(PcaPlan) again = pca_plan_recover(run.functions, on_vfio, &how);
    run_plan(&run, again);
    ck_assert(run.ok);
    assert_power(NIC, "auto,1");
}
END_TEST

START_TEST(malformed_power_is_refused) {
    AUTO_RUN run = new_run(machine_functions(nic));
    pca_function_unref(g_ptr_array_steal_index(run.functions, 0));
    g_autoptr(GVariant) variant = g_variant_ref_sink(g_variant_new_parsed(
        "(byte 0, [('power', '" NIC "', '8086:10d3 0000:0000', 'on', '', '')])"));
    g_autoptr(PcaPlan) plan = pca_plan_from_variant(variant, NULL);
    run_plan(&run, plan);
    assert_error(run.error, PCA_ERROR_FAILED);
    ck_assert_ptr_nonnull(strstr(run.error->message, "malformed power settings"));
}
END_TEST

void add_power(Suite *suite) {
    ADD_CASE(suite, "power plans", power_is_held_once_it_is_bound_and_restored_last,
             a_stub_may_sleep);
    PCA_TABLE(suite, "power", power_is_held_while_it_is_claimed, cases);
    ADD_CASE(suite, "power failures", what_is_kept_may_sleep_again,
             an_attribute_that_went_meanwhile_is_left_out,
             power_that_cannot_be_held_undoes_the_claim,
             power_that_cannot_be_put_back_is_degraded_not_quarantined, malformed_power_is_refused);
}
