/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the machine of the tests.
 * Thread: one. Ownership: see the header.
 */
#include "engine/machine.h"

#include "engine/binding.h"
#include "engine/plan.h"
#include "sys/scan.h"

PcaTree *tree;
PcaFakeKernel *fake;
PcaKernel *kernel;

const char *const sets[][MAX_SET + 1] = {
    {NIC, NULL}, {DISK, TWIN, NULL}, {SPARE, NULL}, {BARE, NULL}, {NIC, SPARE, BARE, NULL},
};
const guint n_sets = G_N_ELEMENTS(sets);

const PcaPlanDevice on_vfio[MAX_SET] = {{.driver = VFIO}, {.driver = VFIO}, {.driver = VFIO}};

static const PcaTreeFunction plugged[] = {
    {.address = NIC,
     .below = "0000:00:01.0",
     .group = NIC_GROUP,
     .driver = "e1000e",
     .reset_method = "flr bus"},
    {.address = DISK,
     .below = "0000:00:02.0",
     .vendor = 0x144d,
     .device = 0xa808,
     .subsystem_vendor = 0x144d,
     .subsystem_device = 0xa801,
     .header_type = 0x80,
     .group = 3,
     .driver = "nvme",
     .override = "nvme",
     .reset_method = "flr"},
    {.address = TWIN,
     .below = "0000:00:02.0",
     .header_type = 0x80,
     .group = 3,
     .driver = "e1000e",
     .reset_method = "flr"},
    {.address = SPARE,
     .below = "0000:00:03.0",
     .group = 4,
     .driver = VFIO,
     .override = VFIO,
     .reset_method = "flr"},
    {.address = BARE, .below = "0000:00:04.0", .group = 5, .reset_method = "pm"},
};

void machine_plug(const char *address) {
    for (gsize i = 0; i < G_N_ELEMENTS(plugged); i++) {
        const PcaTreeFunction *function = &plugged[i];
        if (!g_str_equal(function->address, address))
            continue;
        if (!pca_tree_has(tree, function->below))
            pca_tree_add_port(tree, function->below, 10 + (int)i);
        pca_tree_add(tree, function);
    }
}

void machine_make(const char *const *set) {
    tree = pca_tree_new();
    pca_tree_add_driver(tree, VFIO);
    pca_tree_add_driver(tree, "other");
    for (; *set; set++)
        machine_plug(*set);
    fake = pca_fake_kernel_new(tree, TRUE);
    kernel = &fake->kernel;
}

void machine_set_up(void) {
    machine_make((const char *[]){NIC, DISK, TWIN, SPARE, BARE, NULL});
}

void machine_tear_down(void) {
    pca_fake_kernel_free(fake);
    pca_tree_free(tree);
}

void machine_add_case(Suite *suite, const char *name, const TTest *const tests[], gsize n) {
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, machine_set_up, machine_tear_down);
    tcase_set_timeout(tcase, 60);
    for (gsize i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

void machine_replace(const char *address) {
    g_autofree char *port = g_strdup_printf("0000:00:0%c.0", address[6]);
    int group = pca_tree_group(tree, address);
    pca_fake_kernel_unplug(fake, address);
    pca_tree_add(tree, &(PcaTreeFunction){.address = address,
                                          .below = port,
                                          .vendor = 0x10de,
                                          .device = 0x2204,
                                          .group = group,
                                          .driver = "other",
                                          .reset_method = "flr"});
}

GPtrArray *machine_functions(const char *const *set) {
    g_autoptr(PcaSnapshot) snapshot = pca_scan(pca_tree_root(tree), NULL);
    GPtrArray *functions = g_ptr_array_new_with_free_func((GDestroyNotify)pca_function_unref);
    for (; *set; set++) {
        PcaAddress address;
        ck_assert(pca_address_parse(*set, &address));
        PcaFunction *function = pca_snapshot_find(snapshot, &address);
        ck_assert_ptr_nonnull(function);
        g_ptr_array_add(functions, pca_function_ref(function));
    }
    return functions;
}

static char *node_of(const char *address) {
    return g_strdup_printf("dev/vfio/%d", pca_tree_group(tree, address));
}

char *machine_node(const char *address) {
    g_autofree char *node = pca_tree_has(tree, address) ? node_of(address) : NULL;
    char *text = node ? pca_read_text(pca_tree_path(tree), node, NULL) : NULL;
    return text ? text : g_strdup("none");
}

void machine_give(const char *address, const char *owner) {
    g_autofree char *node = node_of(address);
    pca_tree_write(tree, node, "%s", owner);
}

GPtrArray *machine_found(const char *const *set) {
    GPtrArray *functions = machine_functions(set);
    for (guint i = 0; i < functions->len; i++) {
        g_autoptr(PcaFunction) function = g_ptr_array_index(functions, i);
        g_autofree char *owner = machine_node(set[i]);
        functions->pdata[i] = pca_function_with_node_owner(
            function, pca_driver_is_vfio(function->driver) ? owner : NULL);
    }
    return functions;
}

char *machine_binding(const char *address) {
    if (!pca_tree_has(tree, address))
        return g_strdup("gone");
    g_autofree char *driver = pca_tree_driver(tree, address);
    g_autofree char *override = pca_tree_get(tree, address, "driver_override");
    if (g_strcmp0(override, "(null)") == 0)
        *override = '\0';
    return pca_binding_format(driver, override);
}

char *machine_bindings(const char *const *set) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (; *set; set++) {
        g_autofree char *binding = machine_binding(*set);
        g_string_append_printf(text, "%s %s; ", *set, binding);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

guint count_fds(void) {
    g_auto(GStrv) entries = pca_read_directory("/proc/self/fd");
    return g_strv_length(entries);
}
