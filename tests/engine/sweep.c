/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: every operation of a claim with handoff "node" and of its release, in turn, fails, kills
 * the worker, loses its device, or loses it to another one. Whatever happens, a function is as it
 * was or reported. Thread: main; what is killed is a child. Ownership: each test's own.
 */
#include "engine/support.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "engine/binding.h"
#include "engine/run.h"
#include "support/fake-machine.h"

/* Operations of a claim or a release of the greatest set, and more. */
#define MAX_OPERATIONS 60

static const int errors[] = {EIO, EBUSY, ENODEV, EPERM, ENOSPC, EINTR};

/* What the k-th operation does to the machine; fake->data. */
typedef struct {
    guint k;
    guint count;
    gboolean after; /* once the operation has had its effect, not before it */
    void (*act)(void);
} Blow;

static void count_down(Blow *blow) {
    if (++blow->count == blow->k)
        blow->act();
}

static void guard_and_strike(PcaFakeKernel *machine, const char *line, gpointer data) {
    Blow *blow = data;
    /* The rule that no failure may break: no reset, no bus mastering off, under a live driver. */
    if (g_str_has_suffix(line, "/reset 1") || g_str_has_prefix(line, "config ")) {
        g_autofree char *address = g_strndup(strchr(line, ' ') + 1, strlen(NIC));
        g_autofree char *driver =
            pca_tree_has(tree, address) ? pca_tree_driver(tree, address) : NULL;
        if (driver)
            g_error("%s while bound to %s", line, driver);
    }
    if (!blow->after)
        count_down(blow);
}

static void strike_after(PcaFakeKernel *machine, const char *line, gpointer data) {
    Blow *blow = data;
    if (blow->after)
        count_down(blow);
}

static void arm(Blow *blow) {
    blow->count = 0;
    fake->before = guard_and_strike;
    fake->after = strike_after;
    fake->data = blow;
}

static void disarm(void) {
    static Blow none;
    arm(&none);
}

static gboolean is_residue(PcaResidues *residues, const char *device) {
    for (guint i = 0; i < residues->len; i++)
        if (g_str_equal(((PcaResidue *)g_ptr_array_index(residues, i))->device, device))
            return TRUE;
    return FALSE;
}

static PcaJournalResult journal_result(int journal) {
    g_autoptr(PcaJournal) parsed = pca_journal_read(journal, NULL);
    ck_assert_ptr_nonnull(parsed);
    return parsed->result;
}

/* Sets on the usual terms, and two on all others: methods of its own, kept, never reset. */
static const PcaPlanDevice kept[MAX_SET] = {{.driver = VFIO, .methods = "bus", .keep = TRUE}};
static PcaPlanDevice mixed[MAX_SET] = {{.driver = VFIO, .methods = "bus flr"},
                                       {.driver = VFIO, .methods = "flr", .keep = TRUE},
                                       {.driver = "other", .methods = ""}};
static PcaPlanDevice lent[MAX_SET] = {{.driver = VFIO}};

/* A sibling that is only kept from the host. */
static const PcaPlanDevice stubbed[MAX_SET] = {{.driver = VFIO},
                                               {.driver = "other", .methods = ""}};

/* The same, where the bus is reset with both. */
static const PcaPlanDevice whole_bus[MAX_SET] = {
    {.driver = VFIO, .with_bus = TRUE}, {.driver = "other", .methods = "", .with_bus = TRUE}};

static const struct {
    const char *const *set;
    const PcaPlanDevice *devices;
    gboolean is_long; /* too much for killing twice */
} settings[] = {
    {sets[0], on_vfio, FALSE},   {sets[1], on_vfio, FALSE}, {sets[2], on_vfio, FALSE},
    {sets[3], on_vfio, FALSE},   {sets[4], on_vfio, TRUE},  {sets[0], kept, FALSE},
    {sets[4], mixed, TRUE},      {sets[0], lent, FALSE},    {sets[1], stubbed, FALSE},
    {sets[1], whole_bus, FALSE},
};

/* One machine with one set of functions, used over and over: each attempt must leave it as it was.
 */
typedef struct {
    const char *const *set;
    const PcaPlanDevice *devices;
    GPtrArray *functions;
    PcaPlan *claim, *release, *unreserve;
    char *before[MAX_SET], *nodes[MAX_SET], *methods[MAX_SET], *files[MAX_SET], *power[MAX_SET];
    gboolean released; /* what is kept is kept */
    int journal;
} Scene;

static char *methods_of(const char *address) {
    char *methods =
        pca_tree_has(tree, address) ? pca_tree_get(tree, address, "reset_method") : NULL;
    return methods ? methods : g_strdup("none");
}

/* As the kernel has them now, each with its label. */
static char *files_of(const char *address) {
    static const char *const names[] = {"config", "resource0"};
    PCA_AUTO_FD directory = pca_open_function(kernel->root, address);
    g_autoptr(GString) text = g_string_new(NULL);
    for (gsize i = 0; directory >= 0 && i < G_N_ELEMENTS(names); i++) {
        PcaOwner owner;
        ck_assert_int_eq(pca_fake_read_file_owner(fake, directory, names[i], &owner), 0);
        g_autofree char *one = pca_owner_format(&owner);
        g_string_append_printf(text, "%s ", one);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

#define LABEL "system_u:object_r:pcassign_device_t:s0:c1,c2"
#define FOUND_LABEL "system_u:object_r:found_t:s0"

static char detail[1024];

/* For the settings that lend them. */
static void note_files(const char *address) {
    static const char *const names[] = {"config", "resource0"};
    PCA_AUTO_FD directory = pca_open_function(kernel->root, address);
    g_autoptr(GString) text = g_string_new("1000:" LABEL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        PcaOwner owner;
        ck_assert_int_eq(pca_fake_read_file_owner(fake, directory, names[i], &owner), 0);
        ck_assert(pca_owner_set_label(&owner, FOUND_LABEL));
        ck_assert_int_eq(pca_fake_write_file_owner(fake, directory, names[i], &owner), 0);
        g_autofree char *one = pca_owner_format(&owner);
        g_string_append_printf(text, " %s=%s", names[i], one);
    }
    ck_assert_uint_lt(g_strlcpy(detail, text->str, sizeof detail), sizeof detail);
    lent[0].files = mixed[0].files = detail;
}

static PcaPlan *unreserve_plan(GPtrArray *functions, const PcaPlanDevice *devices) {
    g_autoptr(GPtrArray) reserved = g_ptr_array_new();
    PcaPlanDevice given[MAX_SET];
    for (guint i = 0; i < functions->len; i++) {
        if (!devices[i].keep)
            continue;
        given[reserved->len] = devices[i];
        given[reserved->len].keep = FALSE;
        g_ptr_array_add(reserved, g_ptr_array_index(functions, i));
    }
    return pca_plan_release(reserved, given);
}

/* Of the functions of a set. */
static const char *const found_power[MAX_SET] = {"auto,1", "on,", "auto,"};

static Scene scene_new(const char *const *set, const PcaPlanDevice *devices) {
    Scene scene = {.set = set, .devices = devices};
    machine_make(set);
    disarm();
    /* So that the release has bus mastering to switch off. */
    fake->keeps_bus_master = TRUE;
    /* In one of the settings, so that both orders are struck. */
    fake->backwards = devices == mixed;
    for (guint i = 0; set[i]; i++)
        if (g_str_equal(set[i], SPARE))
            machine_give(SPARE, "0:107:0660:" FOUND_LABEL);
    for (guint i = 0; set[i]; i++) {
        pca_tree_set(tree, set[i], "resource0", "%s", "");
        give_power(set[i], found_power[i]);
    }
    note_files(set[0]);
    scene.functions = machine_found(set);
    scene.claim = pca_plan_claim(scene.functions, devices);
    scene.release = pca_plan_release(scene.functions, devices);
    scene.unreserve = unreserve_plan(scene.functions, devices);
    pca_plan_add_power(scene.claim, scene.functions, devices);
    pca_plan_add_nodes(scene.claim, scene.functions, devices, 1000, LABEL);
    pca_plan_add_nodes(scene.release, scene.functions, devices, 1000, LABEL);
    scene.journal = open_journal();
    for (guint i = 0; set[i]; i++) {
        scene.before[i] = machine_binding(set[i]);
        scene.nodes[i] = machine_node(set[i]);
        scene.methods[i] = methods_of(set[i]);
        scene.files[i] = files_of(set[i]);
        scene.power[i] = power_of(set[i]);
    }
    return scene;
}

static void scene_free(Scene *scene) {
    g_ptr_array_unref(scene->functions);
    pca_plan_free(scene->claim);
    pca_plan_free(scene->release);
    pca_plan_free(scene->unreserve);
    pca_fd_close(&scene->journal);
    for (guint i = 0; i < MAX_SET; i++) {
        g_free(scene->before[i]);
        g_free(scene->nodes[i]);
        g_free(scene->methods[i]);
        g_free(scene->files[i]);
        g_free(scene->power[i]);
    }
    machine_tear_down();
}

#define AUTO_SCENE __attribute__((cleanup(scene_free))) Scene

static void forget_the_journal(Scene *scene) {
    ck_assert_int_eq(ftruncate(scene->journal, 0), 0);
    scene->released = FALSE;
}

/* What was kept of the attempt before goes back to the host. */
static void unreserve(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    if (!scene->released)
        return;
    forget_the_journal(scene);
    ck_assert(pca_run(kernel, scene->unreserve, scene->journal, residues, NULL));
}

/* Claimed, with an owner's traces in it. */
static void claim_well(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    g_autoptr(GError) error = NULL;
    unreserve(scene);
    forget_the_journal(scene);
    ck_assert_msg(pca_run(kernel, scene->claim, scene->journal, residues, &error), "%s",
                  error ? error->message : "");
    scene->released = TRUE;
    for (guint i = 0; scene->set[i]; i++) {
        if (pca_driver_is_vfio(scene->devices[i].driver))
            assert_node(scene->set[i], "1000:0:0600:" LABEL);
        g_autofree char *files = files_of(scene->set[i]);
        ck_assert_int_eq(g_str_has_prefix(files, "1000:"), scene->devices[i].files != NULL);
        g_autofree char *power = power_of(scene->set[i]);
        if (pca_driver_is_vfio(scene->devices[i].driver))
            ck_assert(g_str_has_prefix(power, "on,") && !g_str_has_suffix(power, "1"));
        pca_tree_set_config16(tree, scene->set[i], 0x04, 0x0007);
        pca_fake_kernel_set_secret(fake, scene->set[i], "alice's");
    }
}

static gboolean is_kept(const Scene *scene, guint i) {
    return scene->released && scene->devices[i].keep;
}

static void assert_kept(const Scene *scene, guint i) {
    const PcaPlanDevice *device = &scene->devices[i];
    g_autofree char *binding = pca_binding_format(device->driver, device->driver);
    g_autofree char *methods = methods_of(scene->set[i]);
    assert_binding(scene->set[i], binding);
    ck_assert_str_eq(methods, *device->methods ? device->methods : scene->methods[i]);
}

static void assert_as_before(Scene *scene, PcaResidues *residues) {
    for (guint i = 0; scene->set[i]; i++) {
        if (residues && is_residue(residues, scene->set[i]))
            continue;
        if (is_kept(scene, i)) {
            assert_kept(scene, i);
            continue;
        }
        g_autofree char *methods = methods_of(scene->set[i]);
        assert_binding(scene->set[i], scene->before[i]);
        g_autofree char *files = files_of(scene->set[i]);
        g_autofree char *power = power_of(scene->set[i]);
        ck_assert_str_eq(methods, scene->methods[i]);
        ck_assert_str_eq(files, scene->files[i]);
        ck_assert_str_eq(power, scene->power[i]);
        /* A residue may keep its group's node. */
        if (!residues || residues->len == 0)
            assert_node(scene->set[i], scene->nodes[i]);
    }
}

static void finish_undo(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    ck_assert(pca_run_undo(kernel, scene->journal, residues, NULL));
    ck_assert_uint_eq(residues->len, 0);
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_UNDONE);
    assert_as_before(scene, NULL);
}

static void finish_release(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    g_autoptr(GError) error = NULL;
    gboolean ok = pca_run(kernel, scene->release, scene->journal, residues, &error);
    ck_assert_msg(ok, "%s", error ? error->message : "");
    ck_assert_uint_eq(residues->len, 0);
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_DONE);
    assert_as_before(scene, NULL);
    for (guint i = 0; scene->set[i]; i++) {
        g_autofree char *secret = pca_fake_kernel_get_secret(fake, scene->set[i]);
        const char *own = scene->devices[i].methods;
        ck_assert_int_eq(secret == NULL, scene->devices[i].with_bus || !own || *own);
    }
}

/* ---- What came to nothing after the owner could reach it ---- */

static gboolean was_handed_out(const Scene *scene) {
    g_autoptr(PcaJournal) journal = pca_journal_read(scene->journal, NULL);
    ck_assert_ptr_nonnull(journal);
    return pca_journal_handed_out(journal);
}

static void leave_traces(Scene *scene) {
    for (guint i = 0; scene->set[i]; i++)
        pca_fake_kernel_set_secret(fake, scene->set[i], "alice's");
    scene->released = TRUE;
}

static void finish_handed_out(Scene *scene) {
    finish_release(scene);
    unreserve(scene);
}

/* As the daemon has it put back. */
static void put_back(Scene *scene) {
    if (!was_handed_out(scene)) {
        finish_undo(scene);
        return;
    }
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_RUNNING);
    leave_traces(scene);
    finish_handed_out(scene);
}

/* ---- Faults ---- */

/* Runs with the k-th operation failing; FALSE once the plan has no k-th. */
static gboolean claim_with_fault(Scene *scene, guint k, int errnum) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    g_autoptr(GError) error = NULL;
    guint fds = count_fds();
    forget_the_journal(scene);
    pca_fake_kernel_fail(fake, k, errnum);
    gboolean ok = pca_run(kernel, scene->claim, scene->journal, residues, &error);
    ck_assert_uint_eq(count_fds(), fds);
    if (ok)
        return FALSE;
    ck_assert_ptr_nonnull(error);
    ck_assert_uint_eq(residues->len, 0);
    if (was_handed_out(scene)) {
        put_back(scene);
        return TRUE;
    }
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_UNDONE);
    assert_as_before(scene, NULL);
    return TRUE;
}

static int endless_error;

static void fail_everything(void) {
    pca_fake_kernel_fail_matching(fake, "*", endless_error, 0);
}

/* From the k-th operation on everything fails, the undo as well; then the undo is tried again. */
static gboolean claim_with_faults_from(Scene *scene, guint k, int errnum) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    Blow blow = {.k = k, .act = fail_everything};
    endless_error = errnum;
    guint fds = count_fds();
    forget_the_journal(scene);
    arm(&blow);
    gboolean ok = pca_run(kernel, scene->claim, scene->journal, residues, NULL);
    disarm();
    ck_assert_uint_eq(count_fds(), fds);
    if (ok)
        return FALSE;
    g_ptr_array_set_size(fake->faults, 0);
    if (was_handed_out(scene)) {
        ck_assert_uint_eq(residues->len, 0);
        put_back(scene);
        return TRUE;
    }
    assert_as_before(scene, residues);
    ck_assert_int_eq(journal_result(scene->journal),
                     residues->len ? PCA_JOURNAL_RESIDUE : PCA_JOURNAL_UNDONE);
    finish_undo(scene);
    return TRUE;
}

static gboolean is_ours(const Scene *scene, const char *driver) {
    for (guint i = 0; scene->set[i]; i++)
        if (g_str_equal(scene->devices[i].driver, driver))
            return TRUE;
    return FALSE;
}

/* The fault is told, the other functions go back; tried again, this one does, too. */
static gboolean release_with_fault(Scene *scene, guint k, int errnum) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    g_autoptr(GError) error = NULL;
    claim_well(scene);
    guint fds = count_fds(), struck = fake->n_operations + k;
    pca_fake_kernel_fail(fake, k, errnum);
    gboolean ok = pca_run(kernel, scene->release, scene->journal, residues, &error);
    ck_assert_uint_eq(count_fds(), fds);
    if (ok) {
        /* A node that could not be taken is gone all the same. */
        assert_as_before(scene, NULL);
        return fake->n_operations >= struck;
    }
    /* No errno alone makes a device gone: it is there, so it is told. */
    ck_assert_uint_ge(residues->len, 1);
    ck_assert_uint_le(residues->len, scene->devices[0].with_bus ? 2 : 1);
    const PcaResidue *residue = g_ptr_array_index(residues, 0);
    g_autofree char *driver = pca_tree_driver(tree, residue->device);
    ck_assert(!residue->quarantined || !driver || is_ours(scene, driver));
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_RESIDUE);
    assert_as_before(scene, residues);
    finish_release(scene);
    return TRUE;
}

static void sweep(gboolean (*attempt)(Scene *scene, guint k, int errnum), int errnum) {
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        AUTO_SCENE scene = scene_new(settings[i].set, settings[i].devices);
        guint k = 1;
        while (attempt(&scene, k, errnum))
            ck_assert_uint_lt(k++, MAX_OPERATIONS);
        ck_assert_uint_gt(k, 2);
    }
}

START_TEST(a_claim_with_any_fault_is_undone) {
    sweep(claim_with_fault, errors[_i]);
}
END_TEST

START_TEST(an_undo_that_fails_too_is_reported) {
    sweep(claim_with_faults_from, errors[_i]);
}
END_TEST

START_TEST(a_release_with_any_fault_is_reported) {
    sweep(release_with_fault, errors[_i]);
}
END_TEST

/* ---- No room for the journal ---- */

/* Runs the plan with room for so many bytes in any file, of which the journal is the longest; no
 * assertion meanwhile, which check writes into a file as well. */
static gboolean run_within(Scene *scene, const PcaPlan *plan, rlim_t bytes, PcaResidues *residues) {
    struct rlimit limit = {bytes, RLIM_INFINITY};
    pca_fake_kernel_forget(fake);
    int set = setrlimit(RLIMIT_FSIZE, &limit);
    gboolean ok = pca_run(kernel, plan, scene->journal, residues, NULL);
    limit.rlim_cur = RLIM_INFINITY;
    int unset = setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(set == 0 && unset == 0);
    journal_result(scene->journal);
    return ok;
}

static rlim_t journal_size(Scene *scene) {
    return (rlim_t)lseek(scene->journal, 0, SEEK_END);
}

#define EMPTY_SPACE 350 /* bytes that the machine's own files need */
#define STRIDE 5

START_TEST(a_claim_whose_journal_is_full_is_undone) {
    AUTO_SCENE scene = scene_new(sets[0], on_vfio);
    signal(SIGXFSZ, SIG_IGN);
    gboolean ok = FALSE;
    for (rlim_t bytes = EMPTY_SPACE; !ok; bytes += STRIDE) {
        g_autoptr(GPtrArray) residues = pca_residues_new();
        forget_the_journal(&scene);
        ok = run_within(&scene, scene.claim, bytes, residues);
        ck_assert_uint_eq(residues->len, 0);
        if (!ok && was_handed_out(&scene))
            put_back(&scene);
        else if (!ok)
            assert_as_before(&scene, NULL);
    }
    ck_assert_uint_gt(journal_size(&scene), EMPTY_SPACE + 80);
}
END_TEST

START_TEST(a_release_whose_journal_is_full_can_be_done_again) {
    AUTO_SCENE scene = scene_new(sets[0], on_vfio);
    signal(SIGXFSZ, SIG_IGN);
    gboolean ok = FALSE;
    for (rlim_t more = 0; !ok; more += STRIDE) {
        g_autoptr(GPtrArray) residues = pca_residues_new();
        claim_well(&scene);
        ok = run_within(&scene, scene.release, journal_size(&scene) + more, residues);
        if (!ok)
            finish_release(&scene);
    }
    assert_as_before(&scene, NULL);
}
END_TEST

/* ---- Kills ---- */

static void die(void) {
    raise(SIGKILL);
}

typedef void (*Work)(Scene *scene);

static void do_claim(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    pca_run(kernel, scene->claim, scene->journal, residues, NULL);
}

static void do_release(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    pca_run(kernel, scene->release, scene->journal, residues, NULL);
}

static void do_undo(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    pca_run_undo(kernel, scene->journal, residues, NULL);
}

/* Does the work in a child that dies at its k-th operation; FALSE when it has no k-th. */
static gboolean killed_at(Scene *scene, Work work, guint k, gboolean after) {
    Blow blow = {.k = k, .after = after, .act = die};
    pid_t pid = fork();
    if (pid == 0) {
        arm(&blow);
        work(scene);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) || WTERMSIG(status) == SIGKILL);
    return WIFSIGNALED(status);
}

/* Kills the work at its k-th operation, the second attempt at each in turn, and finishes. */
static gboolean kill_twice(Scene *scene, guint k, gboolean after, gboolean release) {
    gboolean killed = TRUE;
    for (guint again = 0; killed; again++) {
        if (release)
            claim_well(scene);
        else
            forget_the_journal(scene);
        if (!killed_at(scene, release ? do_release : do_claim, k, after))
            return FALSE;
        gboolean handed_out = !release && was_handed_out(scene);
        if (handed_out)
            leave_traces(scene);
        killed = again == 0 ||
                 killed_at(scene, release || handed_out ? do_release : do_undo, again, !after);
        if (release)
            finish_release(scene);
        else if (handed_out)
            finish_handed_out(scene);
        else
            finish_undo(scene);
        ck_assert_uint_lt(again, MAX_OPERATIONS);
    }
    return TRUE;
}

static const struct {
    gboolean release, after;
} kills[] = {{FALSE, FALSE}, {FALSE, TRUE}, {TRUE, FALSE}, {TRUE, TRUE}};

START_TEST(a_killed_worker_is_recovered_even_when_killed_again) {
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (settings[i].is_long)
            continue;
        AUTO_SCENE scene = scene_new(settings[i].set, settings[i].devices);
        guint k = 1;
        while (kill_twice(&scene, k, kills[_i].after, kills[_i].release))
            ck_assert_uint_lt(k++, MAX_OPERATIONS);
        ck_assert_uint_gt(k, 2);
    }
}
END_TEST

/* ---- Devices that go ---- */

static void unplug_nic(void) {
    if (pca_tree_has(tree, NIC))
        pca_fake_kernel_unplug(fake, NIC);
}

static void replace_nic(void) {
    machine_replace(NIC);
    pca_fake_kernel_forget(fake);
}

static const char *const with_nic[] = {BARE, NIC, SPARE, NULL};

typedef void (*Look)(Scene *scene, PcaResidues *residues, gboolean ok);

/* Strikes the NIC at the k-th operation; FALSE when there is no k-th. */
static gboolean strike(Blow *blow, gboolean release, Look look) {
    AUTO_SCENE scene = scene_new(with_nic, on_vfio);
    g_autoptr(GPtrArray) residues = pca_residues_new();
    if (release)
        claim_well(&scene);
    guint fds = count_fds();
    arm(blow);
    gboolean ok =
        pca_run(kernel, release ? scene.release : scene.claim, scene.journal, residues, NULL);
    ck_assert_uint_eq(count_fds(), fds);
    if (blow->count < blow->k)
        return FALSE;
    disarm();
    if (!ok && !release && was_handed_out(&scene))
        pca_run(kernel, scene.release, scene.journal, residues, NULL);
    look(&scene, residues, ok);
    return TRUE;
}

static void assert_others_as_before(Scene *scene, gboolean ok) {
    if (!ok) {
        assert_binding(BARE, scene->before[0]);
        assert_binding(SPARE, scene->before[2]);
    }
    journal_result(scene->journal);
}

static void look_at_the_others(Scene *scene, PcaResidues *residues, gboolean ok) {
    assert_others_as_before(scene, ok);
    ck_assert_uint_eq(residues->len, 0);
}

/* Nothing but what was under way reaches the newcomer. */
static void look_at_the_newcomer(Scene *scene, PcaResidues *residues, gboolean ok) {
    assert_others_as_before(scene, ok);
    /* Met for the first time in this run, it is told to be another one. */
    for (guint i = 0; i < residues->len; i++) {
        const PcaResidue *residue = g_ptr_array_index(residues, i);
        ck_assert_ptr_nonnull(strstr(residue->text, "is now 10de:2204"));
    }
    assert_binding(NIC, "driver=other override=");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*" NIC "*"), 0);
}

START_TEST(an_unplugged_device_leaves_no_residue) {
    guint k = 1;
    for (Blow blow;; k++) {
        blow = (Blow){.k = k, .after = kills[_i].after, .act = unplug_nic};
        if (!strike(&blow, kills[_i].release, look_at_the_others))
            break;
    }
    ck_assert_uint_gt(k, 5);
}
END_TEST

START_TEST(a_device_that_takes_the_address_over_is_not_touched) {
    guint k = 1;
    for (Blow blow;; k++) {
        blow = (Blow){.k = k, .after = kills[_i].after, .act = replace_nic};
        if (!strike(&blow, kills[_i].release, look_at_the_newcomer))
            break;
    }
    ck_assert_uint_gt(k, 5);
}
END_TEST

static void add_table(Suite *suite, const char *name, const TTest *test, guint n) {
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, test, 0, (int)n);
    suite_add_tcase(suite, tcase);
}

Suite *pca_suite(void) {
    Suite *suite = suite_create("sweep");
    add_table(suite, "claim faults", a_claim_with_any_fault_is_undone, G_N_ELEMENTS(errors));
    add_table(suite, "undo faults", an_undo_that_fails_too_is_reported, G_N_ELEMENTS(errors));
    add_table(suite, "release faults", a_release_with_any_fault_is_reported, G_N_ELEMENTS(errors));
    add_table(suite, "full journal", a_claim_whose_journal_is_full_is_undone, 1);
    add_table(suite, "full release journal", a_release_whose_journal_is_full_can_be_done_again, 1);
    add_table(suite, "kills", a_killed_worker_is_recovered_even_when_killed_again,
              G_N_ELEMENTS(kills));
    add_table(suite, "unplug", an_unplugged_device_leaves_no_residue, G_N_ELEMENTS(kills));
    add_table(suite, "takeover", a_device_that_takes_the_address_over_is_not_touched,
              G_N_ELEMENTS(kills));
    return suite;
}
