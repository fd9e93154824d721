/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: plans: their order, their undo, their words, their transport form.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/support.h"

#include "engine/binding.h"
#include "engine/plan.h"

static void assert_claim(const char *const *set, const char *expected) {
    g_autoptr(GPtrArray) functions = machine_functions(set);
    g_autoptr(PcaPlan) plan = pca_plan_claim(functions, on_vfio);
    g_autofree char *text = print_plan(plan);
    ck_assert_int_eq(plan->kind, PCA_PLAN_CLAIM);
    ck_assert_str_eq(text, expected);
}

START_TEST(one_function_is_verified_overridden_unbound_bound) {
    assert_claim((const char *[]){NIC, NULL},
                 "verify 01:00.0 driver=e1000e override=\n"
                 "override 01:00.0 vfio-pci / restore driver=e1000e override=\n"
                 "unbind 01:00.0 e1000e\n"
                 "bind 01:00.0 vfio-pci / unbind vfio-pci\n");
}
END_TEST

START_TEST(phases_go_across_functions) {
    assert_claim((const char *[]){DISK, TWIN, NULL},
                 "verify 02:00.0 driver=nvme override=nvme\n"
                 "verify 02:00.1 driver=e1000e override=\n"
                 "override 02:00.0 vfio-pci / restore driver=nvme override=nvme\n"
                 "override 02:00.1 vfio-pci / restore driver=e1000e override=\n"
                 "unbind 02:00.0 nvme\n"
                 "unbind 02:00.1 e1000e\n"
                 "bind 02:00.0 vfio-pci / unbind vfio-pci\n"
                 "bind 02:00.1 vfio-pci / unbind vfio-pci\n");
}
END_TEST

static const PcaStep *step_at(const PcaPlan *plan, guint i) {
    return g_ptr_array_index(plan->steps, i);
}

/* "unbind 2, reset 3" for what is done side by side. */
static char *print_together(const PcaPlan *plan) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0, n; i < plan->steps->len; i += n) {
        n = pca_plan_side_by_side(plan, i);
        if (n > 1)
            g_string_append_printf(text, "%s%s %u", text->len ? ", " : "",
                                   pca_op_name(step_at(plan, i)->op), n);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

START_TEST(waits_of_different_slots_go_together) {
    static const char *const alone[] = {NIC, NULL}, *const slot[] = {DISK, TWIN, NULL},
                             *const several[] = {NIC, DISK, SPARE, NULL},
                             *const again[] = {NIC, DISK, TWIN, NULL};
    static const struct {
        const char *const *set;
        const char *claim, *release;
    } rows[] = {{alone, "", ""},
                {slot, "", ""},
                {several, "unbind 3", "unbind 3, reset 3"},
                {again, "unbind 2", "unbind 2, reset 2"}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) functions = machine_functions(rows[i].set);
        g_autoptr(PcaPlan) claim = pca_plan_claim(functions, on_vfio);
        g_autoptr(PcaPlan) release = pca_plan_release(functions, on_vfio);
        g_autofree char *first = print_together(claim), *second = print_together(release);
        ck_assert_str_eq(first, rows[i].claim);
        ck_assert_str_eq(second, rows[i].release);
    }
}
END_TEST

START_TEST(found_on_vfio_must_be_idle_and_is_bound_anew) {
    assert_claim((const char *[]){SPARE, NULL},
                 "verify 03:00.0 driver=vfio-pci override=vfio-pci\n"
                 "idle 03:00.0 4\n"
                 "override 03:00.0 vfio-pci / restore driver=vfio-pci override=vfio-pci\n"
                 "unbind 03:00.0 vfio-pci\n"
                 "bind 03:00.0 vfio-pci / unbind vfio-pci\n");
}
END_TEST

START_TEST(without_a_driver_nothing_is_unbound) {
    assert_claim((const char *[]){BARE, NULL},
                 "verify 04:00.0 driver= override=\n"
                 "override 04:00.0 vfio-pci / restore driver= override=\n"
                 "bind 04:00.0 vfio-pci / unbind vfio-pci\n");
}
END_TEST

START_TEST(a_release_is_barrier_reset_proof_restore) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){NIC, BARE, NULL});
    g_autoptr(PcaPlan) plan = pca_plan_release(functions, on_vfio);
    g_autofree char *text = print_plan(plan);
    ck_assert_int_eq(plan->kind, PCA_PLAN_RELEASE);
    ck_assert_str_eq(text, "unbind 01:00.0 vfio-pci\n"
                           "unbind 04:00.0 vfio-pci\n"
                           "quiesce 01:00.0 \n"
                           "quiesce 04:00.0 \n"
                           "reset 01:00.0 \n"
                           "reset 04:00.0 \n"
                           "alive 01:00.0 \n"
                           "alive 04:00.0 \n"
                           "restore 01:00.0 driver=e1000e override=\n"
                           "restore 04:00.0 driver= override=\n");
}
END_TEST

/* A sibling that is only kept from the host; nobody had it, so nothing of theirs is to be reset. */
START_TEST(a_stub_is_bound_and_given_back_without_a_reset) {
    static const PcaPlanDevice devices[] = {{.driver = VFIO},
                                            {.driver = "pci-stub", .methods = ""}};
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){DISK, TWIN, NULL});
    g_autoptr(PcaPlan) claim = pca_plan_claim(functions, devices);
    g_autoptr(PcaPlan) release = pca_plan_release(functions, devices);
    g_autofree char *claiming = print_plan(claim);
    g_autofree char *releasing = print_plan(release);
    ck_assert_str_eq(claiming, "verify 02:00.0 driver=nvme override=nvme\n"
                               "verify 02:00.1 driver=e1000e override=\n"
                               "override 02:00.0 vfio-pci / restore driver=nvme override=nvme\n"
                               "override 02:00.1 pci-stub / restore driver=e1000e override=\n"
                               "unbind 02:00.0 nvme\n"
                               "unbind 02:00.1 e1000e\n"
                               "bind 02:00.0 vfio-pci / unbind vfio-pci\n"
                               "bind 02:00.1 pci-stub / unbind pci-stub\n");
    ck_assert_str_eq(releasing, "unbind 02:00.0 vfio-pci\n"
                                "unbind 02:00.1 pci-stub\n"
                                "quiesce 02:00.0 \n"
                                "quiesce 02:00.1 \n"
                                "reset 02:00.0 \n"
                                "alive 02:00.0 \n"
                                "alive 02:00.1 \n"
                                "restore 02:00.0 driver=nvme override=nvme\n"
                                "restore 02:00.1 driver=e1000e override=\n");
}
END_TEST

static const PcaPlanDevice by_bus = {.driver = VFIO, .methods = "bus"};
static const PcaPlanDevice kept_by_bus = {.driver = VFIO, .methods = "bus", .keep = TRUE};
static const PcaPlanDevice never_reset = {.driver = "pci-stub", .methods = ""};

static void assert_plan_of(PcaPlan *made, const char *expected) {
    g_autoptr(PcaPlan) plan = made;
    g_autofree char *text = print_plan(plan);
    ck_assert_str_eq(text, expected);
}

START_TEST(own_reset_methods_hold_from_claim_to_release) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){NIC, NULL});
    assert_plan_of(pca_plan_claim(functions, &by_bus),
                   "verify 01:00.0 methods=flr,bus driver=e1000e override=\n"
                   "override 01:00.0 vfio-pci / restore methods=flr,bus driver=e1000e override=\n"
                   "unbind 01:00.0 e1000e\n"
                   "method 01:00.0 bus\n"
                   "bind 01:00.0 vfio-pci / unbind vfio-pci\n");
    assert_plan_of(pca_plan_release(functions, &by_bus),
                   "unbind 01:00.0 vfio-pci\n"
                   "quiesce 01:00.0 \n"
                   "method 01:00.0 bus\n"
                   "reset 01:00.0 \n"
                   "alive 01:00.0 \n"
                   "restore 01:00.0 methods=flr,bus driver=e1000e override=\n");
}
END_TEST

START_TEST(what_is_kept_is_bound_again_once_it_is_clean) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){NIC, NULL});
    static const PcaRecovery bind_only = PCA_RECOVER_BINDING;
    assert_plan_of(pca_plan_release(functions, &kept_by_bus), "unbind 01:00.0 vfio-pci\n"
                                                              "quiesce 01:00.0 \n"
                                                              "method 01:00.0 bus\n"
                                                              "reset 01:00.0 \n"
                                                              "alive 01:00.0 \n"
                                                              "override 01:00.0 vfio-pci\n"
                                                              "bind 01:00.0 vfio-pci\n");
    assert_plan_of(pca_plan_recover(functions, &kept_by_bus, &bind_only),
                   "unbind 01:00.0 vfio-pci\n"
                   "override 01:00.0 vfio-pci\n"
                   "bind 01:00.0 vfio-pci\n");
}
END_TEST

START_TEST(what_is_never_reset_is_quiet_all_the_same) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){BARE, NULL});
    assert_plan_of(pca_plan_release(functions, &never_reset),
                   "unbind 04:00.0 pci-stub\n"
                   "quiesce 04:00.0 \n"
                   "alive 04:00.0 \n"
                   "restore 04:00.0 driver= override=\n");
}
END_TEST

START_TEST(the_identity_has_vendor_device_and_subsystem) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){DISK, NULL});
    g_autoptr(PcaPlan) plan = pca_plan_claim(functions, on_vfio);
    for (guint i = 0; i < plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(plan->steps, i);
        ck_assert_str_eq(step->identity, "144d:a808 144d:a801");
    }
}
END_TEST

/* ---- Words ---- */

static const struct {
    PcaOp op;
    const char *detail;
    const char *text;
} descriptions[] = {
    {PCA_OP_VERIFY,
     "driver=nvme override=", "check that the driver is still nvme and driver_override empty"},
    {PCA_OP_VERIFY, "driver= override=x",
     "check that the driver is still none and driver_override x"},
    {PCA_OP_VERIFY, "nonsense", "nonsense"},
    {PCA_OP_IDLE, "4", "check that nobody uses IOMMU group 4"},
    {PCA_OP_OVERRIDE, VFIO, "set driver_override to vfio-pci"},
    {PCA_OP_UNBIND, "nvme", "unbind from nvme"},
    {PCA_OP_BIND, VFIO, "bind to vfio-pci, check it, wait for the VFIO node"},
    {PCA_OP_QUIESCE, "", "switch bus mastering off"},
    {PCA_OP_RESET, "", "reset the function"},
    {PCA_OP_ALIVE, "", "check that the function answers and does not master the bus"},
    {PCA_OP_BIND, "pci-stub", "bind to pci-stub, check it"},
    {PCA_OP_RESTORE, "driver=nvme override=", "bind to nvme again, clear driver_override"},
    {PCA_OP_RESTORE, "methods=flr,bus driver=nvme override=",
     "bind to nvme again, clear driver_override, reset_method flr bus"},
    {PCA_OP_RESTORE, "driver= override=x", "leave without a driver, set driver_override to x"},
    {PCA_OP_RESTORE, "nonsense", "nonsense"},
    {PCA_OP_METHOD, "flr bus", "set reset_method to flr bus"},
    {PCA_OP_RESTORE, "power=auto,1 methods=flr driver=nvme override=",
     "bind to nvme again, clear driver_override, reset_method flr, power/control auto, "
     "d3cold_allowed 1"},
    {PCA_OP_RESTORE, "node=0:107:0660 power=,1 driver=vfio-pci override=vfio-pci",
     "bind to vfio-pci again, set driver_override to vfio-pci, d3cold_allowed 1, uid 0, gid 107, "
     "mode 0660 for its VFIO node"},
    {PCA_OP_POWER, "on,0", "set power/control to on, d3cold_allowed to 0"},
    {PCA_OP_POWER, ",1", "set d3cold_allowed to 1"},
    {PCA_OP_POWER, "on,", "set power/control to on"},
    {PCA_OP_STAGE, VFIO, "bind to vfio-pci, for nobody, to reset its bus"},
    {PCA_OP_BUS_RESET, DISK " " TWIN, "reset its bus with " DISK " " TWIN},
    {PCA_OP_NONE, "", NULL},
};

START_TEST(a_step_says_what_it_does_and_how_it_is_undone) {
    PcaStep step = {.op = descriptions[_i].op,
                    .detail = (char *)descriptions[_i].detail,
                    .undo = descriptions[_i].op,
                    .undo_detail = (char *)descriptions[_i].detail};
    g_autofree char *text = pca_step_describe(&step);
    g_autofree char *undo = pca_step_describe_undo(&step);
    ck_assert_pstr_eq(text, descriptions[_i].text);
    ck_assert_pstr_eq(undo, descriptions[_i].text);
}
END_TEST

static const struct {
    const char *text;
    gboolean good;
    const char *driver, *override;
} bindings[] = {
    {"driver=nvme override=", TRUE, "nvme", NULL},
    {"driver= override=", TRUE, NULL, NULL},
    {"driver= override=vfio-pci", TRUE, NULL, VFIO},
    {"driver=a override=two words", TRUE, "a", "two words"},
    {"driver=nvme", FALSE, NULL, NULL},
    {"override= driver=", FALSE, NULL, NULL},
    {"", FALSE, NULL, NULL},
};

START_TEST(a_binding_is_read_back) {
    g_autofree char *driver = NULL, *override = NULL;
    ck_assert_int_eq(pca_binding_parse(bindings[_i].text, &driver, &override), bindings[_i].good);
    ck_assert_pstr_eq(driver, bindings[_i].driver);
    ck_assert_pstr_eq(override, bindings[_i].override);
    if (!bindings[_i].good)
        return;
    g_autofree char *again = pca_binding_format(driver, override);
    ck_assert_str_eq(again, bindings[_i].text);
}
END_TEST

static const struct {
    const char *text, *methods, *plain, *power;
} methods[] = {
    {"driver=nvme override=", NULL, "driver=nvme override=", NULL},
    {"methods=flr driver=nvme override=", "flr", "driver=nvme override=", NULL},
    {"methods=flr,bus driver= override=a b", "flr bus", "driver= override=a b", NULL},
    {"node=0:107:0660 methods=flr,pm driver=x override=", "flr pm", "driver=x override=", NULL},
    {"node=0:107:0660 driver=x override=", NULL, "driver=x override=", NULL},
    {"node=odd methods=flr driver=x override=", NULL,
     "node=odd methods=flr driver=x override=", NULL},
    {"methods=flr", NULL, "methods=flr", NULL},
    {"power=auto,1 driver=x override=", NULL, "driver=x override=", "auto,1"},
    {"node=0:0:0600 power=,0 methods=flr,pm driver= override=", "flr pm",
     "driver= override=", ",0"},
    {"power=on,", NULL, "power=on,", NULL},
};

START_TEST(the_methods_of_a_binding_are_read) {
    g_autofree char *found = pca_binding_methods(methods[_i].text);
    ck_assert_pstr_eq(found, methods[_i].methods);
    g_autofree char *power = pca_binding_power(methods[_i].text);
    ck_assert_str_eq(pca_binding_plain(methods[_i].text), methods[_i].plain);
    ck_assert_pstr_eq(power, methods[_i].power);
}
END_TEST

/* ---- Transport ---- */

START_TEST(the_variant_goes_round) {
    for (guint i = 0; i < n_sets; i++) {
        g_autoptr(GPtrArray) functions = machine_functions(sets[i]);
        g_autoptr(PcaPlan) plan =
            i % 2 ? pca_plan_release(functions, on_vfio) : pca_plan_claim(functions, on_vfio);
        g_autoptr(GVariant) variant = g_variant_ref_sink(pca_plan_to_variant(plan));
        g_autoptr(GError) error = NULL;
        g_autoptr(PcaPlan) again = pca_plan_from_variant(variant, &error);
        ck_assert_ptr_nonnull(again);
        g_autoptr(GVariant) twice = g_variant_ref_sink(pca_plan_to_variant(again));
        ck_assert(g_variant_equal(variant, twice));
    }
}
END_TEST

static const char *const malformed[] = {
    "(7, [('verify', '0000:01:00.0', '', '', '', '')])",
    "(0, [('explode', '0000:01:00.0', '', '', '', '')])",
    "(0, [('', '0000:01:00.0', '', '', '', '')])",
    "(0, [('verify', '0000:01:00.0', '', '', 'explode', '')])",
    "(0, [('verify', '../../etc', '', '', '', '')])",
    "(1, [('reset', '0000:01:00.0', '', '', '', ''), ('reset', '', '', '', '', '')])",
};

START_TEST(a_malformed_variant_is_refused) {
    g_autoptr(GVariant) variant =
        g_variant_parse(G_VARIANT_TYPE(PCA_PLAN_TYPE), malformed[_i], NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_nonnull(variant);
    ck_assert_ptr_null(pca_plan_from_variant(variant, &error));
    assert_error(error, PCA_ERROR_INVALID_ARGUMENT);
}
END_TEST

void add_plan(Suite *suite) {
    ADD_CASE(
        suite, "plan", one_function_is_verified_overridden_unbound_bound,
        phases_go_across_functions, waits_of_different_slots_go_together,
        found_on_vfio_must_be_idle_and_is_bound_anew, without_a_driver_nothing_is_unbound,
        a_release_is_barrier_reset_proof_restore, a_stub_is_bound_and_given_back_without_a_reset,
        own_reset_methods_hold_from_claim_to_release, what_is_kept_is_bound_again_once_it_is_clean,
        what_is_never_reset_is_quiet_all_the_same, the_identity_has_vendor_device_and_subsystem,
        the_variant_goes_round);
    PCA_TABLE(suite, "methods of bindings", the_methods_of_a_binding_are_read, methods);
    PCA_TABLE(suite, "descriptions", a_step_says_what_it_does_and_how_it_is_undone, descriptions);
    PCA_TABLE(suite, "bindings", a_binding_is_read_back, bindings);
    PCA_TABLE(suite, "malformed plans", a_malformed_variant_is_refused, malformed);
}
