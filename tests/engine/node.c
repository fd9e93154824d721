/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: nodes of IOMMU groups that change hands: plans, steps, udev, and whoever meddles.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/support.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "engine/handover.h"
#include "engine/node.h"
#include "engine/run.h"

#define ALICE 1000
#define ALICES "1000:0:0600"
#define NOBODYS "0:0:0600"

/* given: the handoff is "node". */
static Run run_new(const char *const *set, gboolean given) {
    Run run = new_run(machine_found(set));
    run.given = given;
    return run;
}

static PcaPlan *make_plan(Run *run, PcaPlanKind kind) {
    PcaPlan *plan = kind == PCA_PLAN_CLAIM ? pca_plan_claim(run->functions, on_vfio)
                                           : pca_plan_release(run->functions, on_vfio);
    if (run->given)
        pca_plan_add_nodes(plan, run->functions, on_vfio, ALICE, NULL);
    return plan;
}

static void do_plan(Run *run, PcaPlanKind kind) {
    g_autoptr(PcaPlan) plan = make_plan(run, kind);
    run_plan(run, plan);
}

static Run claimed(const char *const *set, gboolean given) {
    Run run = run_new(set, given);
    do_plan(&run, PCA_PLAN_CLAIM);
    ck_assert_msg(run.ok, "%s", run.error ? run.error->message : "");
    return run;
}

static const char *const nic[] = {NIC, NULL};
static const char *const slot[] = {DISK, TWIN, NULL};
static const char *const spare[] = {SPARE, NULL};

/* ---- Plans ---- */

/* The steps that are about nodes: "INDEX OP ADDRESS DETAIL", with " / UNDO DETAIL". */
static char *node_steps(Run *run, PcaPlanKind kind) {
    g_autoptr(PcaPlan) plan = make_plan(run, kind);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(plan->steps, i);
        if (step->op != PCA_OP_GIVE && step->op != PCA_OP_TAKE && !strstr(step->detail, "node="))
            continue;
        g_autofree char *line = print_step(step);
        g_string_append_printf(text, "%u %s\n", i, line);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void assert_steps(Run *run, PcaPlanKind kind, const char *expected) {
    g_autofree char *text = node_steps(run, kind);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_claim_gives_each_group_once_and_last) {
    AUTO_RUN run = run_new((const char *[]){DISK, TWIN, NIC, NULL}, TRUE);
    assert_steps(&run, PCA_PLAN_CLAIM,
                 "12 give 02:00.0 3 1000:0:0600 / take 3\n"
                 "13 give 01:00.0 2 1000:0:0600 / take 2\n");
}
END_TEST

START_TEST(a_release_takes_first_by_each_function) {
    AUTO_RUN run = run_new(slot, TRUE);
    assert_steps(&run, PCA_PLAN_RELEASE, "0 take 02:00.0 3\n1 take 02:00.1 3\n");
}
END_TEST

START_TEST(a_found_node_is_verified_and_restored) {
    AUTO_RUN run = run_new(spare, FALSE);
    machine_give(SPARE, "0:107:0660");
    AUTO_RUN found = run_new(spare, FALSE);
    assert_steps(&found, PCA_PLAN_CLAIM,
                 "0 verify 03:00.0 node=0:107:0660 driver=vfio-pci override=vfio-pci\n");
    assert_steps(&found, PCA_PLAN_RELEASE,
                 "4 restore 03:00.0 node=0:107:0660 driver=vfio-pci override=vfio-pci\n");
}
END_TEST

static const struct {
    PcaOp op;
    const char *detail, *text;
} words[] = {
    {PCA_OP_GIVE, "3 1000:0:0600", "let uid 1000, and nobody else, open /dev/vfio/3"},
    {PCA_OP_GIVE, "3 1000:0:0600:u:r:t:s0:c1",
     "let uid 1000, and nobody else, open /dev/vfio/3, label u:r:t:s0:c1"},
    {PCA_OP_LEND, "1000:u:r:t:s0 config=0:0:0644:u:r:s:s0",
     "let uid 1000 use its files in sysfs, label u:r:t:s0: config=0:0:0644:u:r:s:s0"},
    {PCA_OP_GIVE, "nonsense", "nonsense"},
    {PCA_OP_GIVE, "3 nonsense", "3 nonsense"},
    {PCA_OP_TAKE, "3", "take /dev/vfio/3 back"},
    {PCA_OP_RESTORE, "node=0:107:0660 driver=vfio-pci override=",
     "bind to vfio-pci again, clear driver_override, uid 0, gid 107, mode 0660 for its VFIO node"},
    {PCA_OP_VERIFY, "node=5:6:0600 driver=vfio-pci override=a b",
     "check that the driver is still vfio-pci and driver_override a b, uid 5, gid 6, mode 0600 for "
     "its VFIO node"},
    {PCA_OP_RESTORE,
     "node=nonsense driver=vfio-pci override=", "node=nonsense driver=vfio-pci override="},
};

START_TEST(steps_have_words) {
    PcaStep step = {.op = words[_i].op, .detail = (char *)words[_i].detail};
    g_autofree char *text = pca_step_describe(&step);
    ck_assert_str_eq(text, words[_i].text);
}
END_TEST

/* ---- Given and taken ---- */

START_TEST(the_owner_has_it_between_bind_and_unbind) {
    AUTO_RUN run = claimed(nic, TRUE);
    assert_node(NIC, ALICES);
    do_plan(&run, PCA_PLAN_RELEASE);
    ck_assert(run.ok);
    g_auto(GStrv) lines = pca_fake_kernel_operations(fake);
    g_autofree char *text = g_strjoinv("\n", lines);
    ck_assert_str_eq(text, "write 0000:01:00.0/driver_override vfio-pci\n"
                           "write bus/pci/drivers/e1000e/unbind 0000:01:00.0\n"
                           "write bus/pci/drivers_probe 0000:01:00.0\n"
                           "write_owner 2 1000:0:0600\n"
                           "read_owner 2\n"
                           "write_owner 2 0:0:0600\n"
                           "write bus/pci/drivers/vfio-pci/unbind 0000:01:00.0\n"
                           "write 0000:01:00.0/reset 1\n"
                           "write 0000:01:00.0/driver_override e1000e\n"
                           "write bus/pci/drivers_probe 0000:01:00.0\n"
                           "write 0000:01:00.0/driver_override \\n");
    assert_node(NIC, "none");
}
END_TEST

START_TEST(a_node_that_was_given_is_not_undone) {
    AUTO_RUN run = claimed(slot, TRUE);
    assert_node(TWIN, ALICES);
    ck_assert(!pca_run_undo(kernel, run.journal, run.residues, &run.error));
    assert_error(run.error, PCA_ERROR_INVALID_ARGUMENT);
    assert_node(TWIN, ALICES);
    ck_assert_uint_eq(run.residues->len, 0);
}
END_TEST

START_TEST(a_found_node_comes_back_as_it_was) {
    for (int given = 0; given <= 1; given++) {
        machine_give(SPARE, "0:107:0660");
        AUTO_RUN run = claimed(spare, given);
        assert_node(SPARE, given ? ALICES : NOBODYS);
        do_plan(&run, PCA_PLAN_RELEASE);
        ck_assert(run.ok);
        assert_node(SPARE, "0:107:0660");
        if (given)
            continue;
        AUTO_RUN undone = claimed(spare, given);
        ck_assert(pca_run_undo(kernel, undone.journal, undone.residues, NULL));
        assert_node(SPARE, "0:107:0660");
    }
}
END_TEST

START_TEST(a_node_changed_since_it_was_found_is_busy) {
    AUTO_RUN run = run_new(spare, TRUE);
    machine_give(SPARE, "0:107:0660");
    do_plan(&run, PCA_PLAN_CLAIM);
    assert_error(run.error, PCA_ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(run.error->message, "should be 0:0:0600 and are 0:107:0660"));
    assert_node(SPARE, "0:107:0660");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write*"), 0);
}
END_TEST

START_TEST(a_group_that_is_not_the_functions_is_refused) {
    AUTO_RUN run = run_new(nic, TRUE);
    g_autoptr(PcaPlan) plan = make_plan(&run, PCA_PLAN_CLAIM);
    PcaStep *give = g_ptr_array_index(plan->steps, plan->steps->len - 1);
    g_free(give->detail);
    give->detail = g_strdup("4 1000:0:0600");
    ck_assert(!pca_run(kernel, plan, run.journal, run.residues, &run.error));
    ck_assert_ptr_nonnull(strstr(run.error->message, "not in the IOMMU group"));
    assert_node(SPARE, NOBODYS);
}
END_TEST

START_TEST(what_cannot_be_taken_holds_no_release_up) {
    AUTO_RUN run = claimed(nic, TRUE);
    pca_fake_kernel_fail_matching(fake, "write_owner *", EPERM, 0);
    do_plan(&run, PCA_PLAN_RELEASE);
    ck_assert(run.ok);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(a_node_is_taken_though_the_first_of_its_group_went) {
    AUTO_RUN run = claimed(slot, TRUE);
    pca_fake_kernel_unplug(fake, DISK);
    pca_fake_kernel_fail_matching(fake, "*/unbind *", EIO, 0);
    do_plan(&run, PCA_PLAN_RELEASE);
    ck_assert(!run.ok);
    assert_binding(TWIN, "driver=vfio-pci override=vfio-pci");
    assert_node(TWIN, NOBODYS);
}
END_TEST

START_TEST(a_found_node_that_does_not_come_back_is_degraded) {
    machine_give(SPARE, "0:107:0660");
    AUTO_RUN run = claimed(spare, FALSE);
    pca_fake_kernel_fail_matching(fake, "write_owner *", EPERM, 0);
    do_plan(&run, PCA_PLAN_RELEASE);
    ck_assert_uint_eq(run.residues->len, 1);
    const PcaResidue *residue = g_ptr_array_index(run.residues, 0);
    ck_assert(!residue->quarantined);
    ck_assert_ptr_nonnull(strstr(residue->text, "changing owner and label"));
}
END_TEST

/* ---- Somebody else ---- */

static guint meddlings;

static void meddle(PcaFakeKernel *machine, const char *line, gpointer data) {
    if (meddlings == 0 || !g_str_has_prefix(line, "write_owner 2 " ALICES))
        return;
    meddlings--;
    machine_give(NIC, "0:107:0660");
}

START_TEST(a_node_that_is_changed_once_is_given_again) {
    meddlings = 1;
    fake->after = meddle;
    AUTO_RUN run = claimed(nic, TRUE);
    assert_node(NIC, ALICES);
}
END_TEST

START_TEST(a_node_that_is_always_changed_is_busy) {
    meddlings = G_MAXUINT;
    fake->after = meddle;
    AUTO_RUN run = run_new(nic, TRUE);
    do_plan(&run, PCA_PLAN_CLAIM);
    assert_error(run.error, PCA_ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(run.error->message, "/dev/vfio/2"));
    ck_assert_uint_eq(run.residues->len, 0);
    /* It may have been its owner who changed it, and used it: it is for a release to clean. */
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */unbind *"), 1);
    meddlings = 0;
    do_plan(&run, PCA_PLAN_RELEASE);
    ck_assert(run.ok);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "write */reset 1"), 1);
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

/* ---- udev ---- */

/* Its entry for the node of NIC's group, so many seconds younger than the node. */
static void write_entry(int seconds) {
    struct stat status;
    g_autofree char *node = g_build_filename(pca_tree_root(tree)->dev, "vfio", "2", NULL);
    g_autofree char *entry = g_build_filename(pca_tree_root(tree)->udev, "data", "c242:2", NULL);
    pca_tree_write(tree, "run/udev/data/c242:2", "%s", "");
    ck_assert_int_eq(stat(node, &status), 0);
    const struct timespec times[] = {{0, UTIME_OMIT},
                                     {status.st_mtim.tv_sec + seconds, status.st_mtim.tv_nsec}};
    ck_assert_int_eq(utimensat(AT_FDCWD, entry, times, 0), 0);
}

static void handle(PcaFakeKernel *machine, const char *what, gpointer data) {
    write_entry(0);
}

START_TEST(udev_is_waited_for) {
    pca_tree_write(tree, "run/udev/control", "%s", "");
    pca_fake_kernel_later(fake, G_USEC_PER_SEC, handle, "", NULL);
    AUTO_RUN run = claimed(nic, TRUE);
    ck_assert_int_ge(fake->now, G_USEC_PER_SEC);
    ck_assert_int_lt(fake->now, 2 * G_USEC_PER_SEC);
    assert_node(NIC, ALICES);
}
END_TEST

START_TEST(udev_is_not_waited_for_without_end) {
    pca_tree_write(tree, "run/udev/control", "%s", "");
    AUTO_RUN run = claimed(nic, TRUE);
    ck_assert_int_ge(fake->now, 5 * G_USEC_PER_SEC);
    ck_assert_int_lt(fake->now, 6 * G_USEC_PER_SEC);
    assert_node(NIC, ALICES);
}
END_TEST

START_TEST(without_udev_nobody_waits) {
    AUTO_RUN run = claimed(nic, TRUE);
    ck_assert_int_lt(fake->now, G_USEC_PER_SEC);
}
END_TEST

START_TEST(an_entry_of_an_earlier_node_does_not_count) {
    const PcaRoot *root = pca_tree_root(tree);
    AUTO_RUN run = claimed(nic, FALSE);
    ck_assert(pca_node_is_settled(root, NIC_GROUP));
    pca_tree_write(tree, "run/udev/control", "%s", "");
    ck_assert(!pca_node_is_settled(root, NIC_GROUP));
    write_entry(-1);
    ck_assert(!pca_node_is_settled(root, NIC_GROUP));
    write_entry(0);
    ck_assert(pca_node_is_settled(root, NIC_GROUP));
    write_entry(1);
    ck_assert(pca_node_is_settled(root, NIC_GROUP));
}
END_TEST

/* ---- Open ---- */

static const PcaHandoverDevice device = {NIC, "8086:10d3 0000:0000", "net"};

static gboolean open_nodes(uid_t uid, guint64 memory, GError **error) {
    PCA_AUTO_FD pidfd = self_pidfd();
    return pca_handover_node(kernel, &device, 1, uid, memory, pidfd, error);
}

START_TEST(open_raises_the_limit_alone) {
    AUTO_RUN run = claimed(nic, TRUE);
    guint before = count_fds();
    ck_assert(open_nodes(ALICE, 0, NULL));
    ck_assert_uint_eq(fake->memlock, 0);
    ck_assert(open_nodes(ALICE, 4096, NULL));
    ck_assert_uint_gt(fake->memlock, 0);
    ck_assert_uint_eq(count_fds(), before);
}
END_TEST

static void assert_not_open(PcaError expected, const char *text) {
    g_autoptr(GError) error = NULL;
    ck_assert(!open_nodes(ALICE, 4096, &error));
    assert_error(error, expected);
    ck_assert_msg(strstr(error->message, text), "%s", error->message);
    ck_assert_uint_eq(fake->memlock, 0);
}

START_TEST(open_looks_whose_the_node_is) {
    AUTO_RUN run = claimed(nic, TRUE);
    machine_give(NIC, "1000:107:0660");
    ck_assert(open_nodes(ALICE, 0, NULL));
    machine_give(NIC, "0:107:0660");
    assert_not_open(PCA_ERROR_BUSY, "to uid 0; it should belong to uid 1000");
    pca_tree_delete(tree, "dev/vfio/2");
    assert_not_open(PCA_ERROR_FAILED, "group node");
    pca_tree_set(tree, NIC, "driver_override", "other");
    assert_not_open(PCA_ERROR_BUSY, "its driver_override other");
}
END_TEST

void add_node(Suite *suite) {
    ADD_CASE(suite, "node plans", a_claim_gives_each_group_once_and_last,
             a_release_takes_first_by_each_function, a_found_node_is_verified_and_restored);
    PCA_TABLE(suite, "node words", steps_have_words, words);
    ADD_CASE(suite, "nodes", the_owner_has_it_between_bind_and_unbind,
             a_node_that_was_given_is_not_undone, a_found_node_comes_back_as_it_was,
             a_node_changed_since_it_was_found_is_busy,
             a_group_that_is_not_the_functions_is_refused, what_cannot_be_taken_holds_no_release_up,
             a_node_is_taken_though_the_first_of_its_group_went,
             a_found_node_that_does_not_come_back_is_degraded,
             a_node_that_is_changed_once_is_given_again, a_node_that_is_always_changed_is_busy);
    ADD_CASE(suite, "nodes and udev", udev_is_waited_for, udev_is_not_waited_for_without_end,
             without_udev_nobody_waits, an_entry_of_an_earlier_node_does_not_count);
    ADD_CASE(suite, "opening nodes", open_raises_the_limit_alone, open_looks_whose_the_node_is);
}
