/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the cases of the engine share: journals, plans as text, runs of plans.
 * Thread: main. Ownership: see support.h.
 */
#include "engine/support.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int open_journal(void) {
    g_autofree char *path = g_build_filename(pca_tree_path(tree), "journal", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

int self_pidfd(void) {
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

char *print_step(const PcaStep *step) {
    return step->undo == PCA_OP_NONE
               ? g_strdup_printf("%s %s %s", pca_op_name(step->op), step->device + 5, step->detail)
               : g_strdup_printf("%s %s %s / %s %s", pca_op_name(step->op), step->device + 5,
                                 step->detail, pca_op_name(step->undo), step->undo_detail);
}

char *print_plan(const PcaPlan *plan) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < plan->steps->len; i++) {
        g_autofree char *step = print_step(g_ptr_array_index(plan->steps, i));
        g_string_append_printf(text, "%s\n", step);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

void give_power(const char *address, const char *power) {
    g_auto(GStrv) values = g_strsplit(power, ",", 2);
    if (*values[0])
        pca_tree_set(tree, address, "power/control", "%s", values[0]);
    if (*values[1])
        pca_tree_set(tree, address, "d3cold_allowed", "%s", values[1]);
}

char *power_of(const char *address) {
    g_autofree char *control = pca_tree_get(tree, address, "power/control");
    g_autofree char *cold = pca_tree_get(tree, address, "d3cold_allowed");
    return g_strdup_printf("%s,%s", control ? control : "", cold ? cold : "");
}

Run new_run(GPtrArray *functions) {
    return (Run){.functions = functions, .residues = pca_residues_new(), .journal = open_journal()};
}

void run_free(Run *run) {
    g_clear_pointer(&run->functions, g_ptr_array_unref);
    g_ptr_array_unref(run->residues);
    g_clear_error(&run->error);
    pca_fd_close(&run->journal);
}

void run_plan(Run *run, const PcaPlan *plan) {
    g_clear_error(&run->error);
    run->ok = pca_run(kernel, plan, run->journal, run->residues, &run->error);
}

void run_release(Run *run, const PcaPlanDevice *devices) {
    g_autoptr(PcaPlan) plan = pca_plan_release(run->functions, devices);
    ck_assert_msg(run->ok, "%s", run->error ? run->error->message : "");
    run_plan(run, plan);
}
