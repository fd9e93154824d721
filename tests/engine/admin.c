/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the plans of an administrator: a reset on its own, and another try at giving back. Each
 * operation of a reset fails, or kills the worker: the function is as it was found all the same.
 * Thread: main; what is killed is a child. Ownership: each test's own.
 */
#include "engine/support.h"

#include <signal.h>
#include <sys/wait.h>

#include "engine/run.h"

static PcaFunction *function_of(const char *address) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){address, NULL});
    return pca_function_ref(g_ptr_array_index(functions, 0));
}

static PcaPlan *reset_plan(const char *address, const char *method) {
    g_autoptr(PcaFunction) function = function_of(address);
    return pca_plan_reset(function, method);
}

static void assert_plan(const PcaPlan *plan, PcaPlanKind kind, const char *expected) {
    g_autofree char *text = print_plan(plan);
    ck_assert_int_eq(plan->kind, kind);
    ck_assert_str_eq(text, expected);
}

/* ---- Reset ---- */

START_TEST(without_a_driver_it_is_reset_where_it_is) {
    g_autoptr(PcaPlan) plan = reset_plan(BARE, NULL);
    assert_plan(plan, PCA_PLAN_CLAIM,
                "verify 04:00.0 driver= override=\n"
                "quiesce 04:00.0 \n"
                "reset 04:00.0 \n"
                "alive 04:00.0 \n");
}
END_TEST

START_TEST(on_vfio_it_is_unbound_for_the_reset) {
    pca_tree_set(tree, SPARE, "reset_method", "flr bus");
    g_autoptr(PcaPlan) plan = reset_plan(SPARE, "bus");
    assert_plan(plan, PCA_PLAN_CLAIM,
                "verify 03:00.0 driver=vfio-pci override=vfio-pci\n"
                "idle 03:00.0 4\n"
                "unbind 03:00.0 vfio-pci / restore driver=vfio-pci override=vfio-pci\n"
                "quiesce 03:00.0 \n"
                "method 03:00.0 bus / method flr bus\n"
                "reset 03:00.0 \n"
                "alive 03:00.0 \n"
                "method 03:00.0 flr bus\n"
                "restore 03:00.0 driver=vfio-pci override=vfio-pci\n");
}
END_TEST

static Run run(const PcaPlan *plan) {
    Run run = new_run(NULL);
    run_plan(&run, plan);
    return run;
}

static void assert_methods(const char *address, const char *expected) {
    g_autofree char *now = pca_tree_get(tree, address, "reset_method");
    ck_assert_str_eq(now, expected);
}

START_TEST(a_reset_by_a_method_leaves_all_as_found) {
    pca_tree_set(tree, SPARE, "reset_method", "flr bus");
    pca_fake_kernel_set_secret(fake, SPARE, "alice's");
    g_autoptr(PcaPlan) plan = reset_plan(SPARE, "bus");
    AUTO_RUN done = run(plan);
    ck_assert_msg(done.ok, "%s", done.error ? done.error->message : "");
    ck_assert_ptr_null(pca_fake_kernel_get_secret(fake, SPARE));
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " SPARE "/reset_method bus"), 1);
    assert_methods(SPARE, "flr bus");
    assert_binding(SPARE, "driver=vfio-pci override=vfio-pci");
}
END_TEST

/* Function 0 of a slot has listed it before the kernel knew of the others. */
START_TEST(a_bus_that_is_shared_by_now_is_left_out) {
    g_autoptr(PcaPlan) first = reset_plan(SPARE, "flr");
    AUTO_RUN known = run(first);
    ck_assert(known.ok);
    pca_tree_set(tree, SPARE, "reset_method", "flr bus");
    g_autoptr(PcaPlan) plan = reset_plan(SPARE, "flr");
    AUTO_RUN done = run(plan);
    ck_assert_msg(done.ok, "%s", done.error ? done.error->message : "");
    assert_methods(SPARE, "flr");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write " SPARE "/reset_method flr bus"), 1);
    g_autoptr(PcaPlan) bus = reset_plan(SPARE, "bus");
    AUTO_RUN refused = run(bus);
    assert_error(refused.error, PCA_ERROR_FAILED);
}
END_TEST

START_TEST(an_unsupported_method_is_refused_by_the_kernel) {
    g_autoptr(PcaPlan) plan = reset_plan(BARE, "acpi");
    AUTO_RUN done = run(plan);
    assert_error(done.error, PCA_ERROR_FAILED);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */reset *"), 0);
    assert_methods(BARE, "pm");
}
END_TEST

START_TEST(a_method_that_does_not_take_is_found_out) {
    g_autoptr(PcaFunction) function = function_of(BARE);
    g_autoptr(PcaPlan) plan = pca_plan_reset(function, "pm");
    /* The kernel may list what it takes in another order or form. */
    PcaStep *step = g_ptr_array_index(plan->steps, 2);
    g_free(step->detail);
    step->detail = g_strdup("default");
    AUTO_RUN done = run(plan);
    assert_error(done.error, PCA_ERROR_RESET_FAILED);
    ck_assert_ptr_nonnull(strstr(done.error->message, "reset_method reads pm"));
}
END_TEST

START_TEST(a_used_function_is_not_reset) {
    g_autoptr(PcaPlan) plan = reset_plan(SPARE, NULL);
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, SPARE);
    AUTO_RUN done = run(plan);
    assert_error(done.error, PCA_ERROR_IN_USE);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write *"), 0);
}
END_TEST

START_TEST(silence_after_a_reset_is_told) {
    g_autoptr(PcaPlan) plan = reset_plan(BARE, NULL);
    pca_fake_kernel_die_at_reset(fake, BARE);
    AUTO_RUN done = run(plan);
    assert_error(done.error, PCA_ERROR_RESET_FAILED);
    ck_assert_uint_eq(done.residues->len, 0);
}
END_TEST

#define MAX_OPERATIONS 20

START_TEST(each_failure_leaves_all_as_found) {
    pca_tree_set(tree, SPARE, "reset_method", "flr bus");
    g_autoptr(PcaPlan) plan = reset_plan(SPARE, "bus");
    guint k = 0;
    for (gboolean ok = FALSE; !ok; k++) {
        ck_assert_uint_lt(k, MAX_OPERATIONS);
        pca_fake_kernel_fail(fake, k + 1, EIO);
        AUTO_RUN done = run(plan);
        ok = done.ok;
        ck_assert_uint_eq(done.residues->len, 0);
        assert_methods(SPARE, "flr bus");
        assert_binding(SPARE, "driver=vfio-pci override=vfio-pci");
    }
    ck_assert_uint_gt(k, 7);
}
END_TEST

static guint deadly;

static void count_down(PcaFakeKernel *machine, const char *line, gpointer data) {
    if (deadly-- == 0)
        raise(SIGKILL);
}

/* FALSE when it had no such operation any more. The child makes no assertion: check writes each
 * down in a file that it shares with its parent, and a death would leave half a message there. */
static gboolean run_and_die(const PcaPlan *plan, guint k) {
    int status = 0;
    PCA_AUTO_FD journal = open_journal();
    pid_t pid = fork();
    if (pid == 0) {
        g_autoptr(GPtrArray) residues = pca_residues_new();
        deadly = k;
        fake->before = count_down;
        pca_run(kernel, plan, journal, residues, NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status);
}

START_TEST(each_death_leaves_what_an_undo_puts_right) {
    pca_tree_set(tree, SPARE, "reset_method", "flr bus");
    g_autoptr(PcaPlan) plan = reset_plan(SPARE, "bus");
    guint k = 0;
    while (run_and_die(plan, k)) {
        g_autoptr(GPtrArray) residues = pca_residues_new();
        PCA_AUTO_FD journal = open_journal();
        ck_assert_uint_lt(++k, MAX_OPERATIONS);
        ck_assert(pca_run_undo(kernel, journal, residues, NULL));
        ck_assert_uint_eq(residues->len, 0);
        assert_methods(SPARE, "flr bus");
        assert_binding(SPARE, "driver=vfio-pci override=vfio-pci");
    }
    ck_assert_uint_gt(k, 7);
}
END_TEST

/* ---- Recover ---- */

START_TEST(a_recovery_does_for_each_what_it_needs) {
    static const PcaRecovery how[] = {PCA_RECOVER_PROVED, PCA_RECOVER_UNPROVED,
                                      PCA_RECOVER_BINDING};
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){NIC, DISK, BARE, NULL});
    g_autoptr(PcaPlan) plan = pca_plan_recover(functions, on_vfio, how);
    assert_plan(plan, PCA_PLAN_RELEASE,
                "unbind 01:00.0 vfio-pci\n"
                "unbind 02:00.0 vfio-pci\n"
                "unbind 04:00.0 vfio-pci\n"
                "quiesce 01:00.0 \n"
                "quiesce 02:00.0 \n"
                "reset 01:00.0 \n"
                "alive 01:00.0 \n"
                "restore 01:00.0 driver=e1000e override=\n"
                "restore 02:00.0 driver=nvme override=nvme\n"
                "restore 04:00.0 driver= override=\n");
}
END_TEST

void add_admin(Suite *suite) {
    ADD_CASE(suite, "reset alone", without_a_driver_it_is_reset_where_it_is,
             on_vfio_it_is_unbound_for_the_reset, a_reset_by_a_method_leaves_all_as_found,
             a_bus_that_is_shared_by_now_is_left_out,
             an_unsupported_method_is_refused_by_the_kernel,
             a_method_that_does_not_take_is_found_out, a_used_function_is_not_reset,
             silence_after_a_reset_is_told, each_failure_leaves_all_as_found,
             each_death_leaves_what_an_undo_puts_right);
    ADD_CASE(suite, "recovery", a_recovery_does_for_each_what_it_needs);
}
