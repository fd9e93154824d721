/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the sets, terms and traces of the sweeps, and what strikes them.
 * Thread: main. Ownership: see the header.
 */
#include "engine/scene.h"

#include "engine/binding.h"
#include "support/fake-machine.h"

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

void arm(Blow *blow) {
    blow->count = 0;
    fake->before = guard_and_strike;
    fake->after = strike_after;
    fake->data = blow;
}

void disarm(void) {
    static Blow none;
    arm(&none);
}

static gboolean is_residue(PcaResidues *residues, const char *device) {
    for (guint i = 0; i < residues->len; i++)
        if (g_str_equal(((PcaResidue *)g_ptr_array_index(residues, i))->device, device))
            return TRUE;
    return FALSE;
}

PcaJournalResult journal_result(int journal) {
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

const Setting settings[] = {
    {sets[0], on_vfio, FALSE},   {sets[1], on_vfio, FALSE}, {sets[2], on_vfio, FALSE},
    {sets[3], on_vfio, FALSE},   {sets[4], on_vfio, TRUE},  {sets[0], kept, FALSE},
    {sets[4], mixed, TRUE},      {sets[0], lent, FALSE},    {sets[1], stubbed, FALSE},
    {sets[1], whole_bus, FALSE},
};

const guint n_settings = G_N_ELEMENTS(settings);

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

Scene scene_new(const char *const *set, const PcaPlanDevice *devices) {
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

void scene_free(Scene *scene) {
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

void forget_the_journal(Scene *scene) {
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

void claim_well(Scene *scene) {
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

void assert_as_before(Scene *scene, PcaResidues *residues) {
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

void finish_undo(Scene *scene) {
    g_autoptr(GPtrArray) residues = pca_residues_new();
    ck_assert(pca_run_undo(kernel, scene->journal, residues, NULL));
    ck_assert_uint_eq(residues->len, 0);
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_UNDONE);
    assert_as_before(scene, NULL);
}

void finish_release(Scene *scene) {
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

gboolean was_handed_out(const Scene *scene) {
    g_autoptr(PcaJournal) journal = pca_journal_read(scene->journal, NULL);
    ck_assert_ptr_nonnull(journal);
    return pca_journal_handed_out(journal);
}

void leave_traces(Scene *scene) {
    for (guint i = 0; scene->set[i]; i++)
        pca_fake_kernel_set_secret(fake, scene->set[i], "alice's");
    scene->released = TRUE;
}

void finish_handed_out(Scene *scene) {
    finish_release(scene);
    unreserve(scene);
}

void put_back(Scene *scene) {
    if (!was_handed_out(scene)) {
        finish_undo(scene);
        return;
    }
    ck_assert_int_eq(journal_result(scene->journal), PCA_JOURNAL_RUNNING);
    leave_traces(scene);
    finish_handed_out(scene);
}

void sweep_add_table(Suite *suite, const char *name, const TTest *test, guint n) {
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, test, 0, (int)n);
    suite_add_tcase(suite, tcase);
}
