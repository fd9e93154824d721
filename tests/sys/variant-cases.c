/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: VFIO drivers by an index that depmod(8) made of modules which consist of aliases alone.
 * Thread: main. Ownership: each test's own.
 */
#include "cases.h"

#include <utime.h>

#include "support/modules.h"
#include "support/tree.h"
#include "sys/drivers.h"
#include "sys/variants.h"

static gboolean make_modules(PcaTree *tree) {
    static const char *const general[] = {"vfio_pci:v*d*sv*sd*bc*sc*i*", NULL};
    static const char *const mlx5[] = {"pci:v000015B3d0000101Esv*sd*bc*sc*i*",
                                       "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*", NULL};
    static const char *const vague[] = {"vfio_pci:v00001AF4d*sv*sd*bc*sc*i*", NULL};
    static const char *const exact[] = {"vfio_pci:v00001AF4d00001041sv*sd*bc*sc*i*", NULL};
    static const char *const host[] = {"pci:v00008086d000010D3sv*sd*bc*sc*i*", NULL};
    const char *root = pca_tree_path(tree);
    pca_modules_begin(root);
    pca_modules_add(root, "vfio-pci", general);
    pca_modules_add(root, "mlx5-vfio-pci", mlx5);
    pca_modules_add(root, "a-vague-vfio-pci", vague);
    pca_modules_add(root, "virtio_vfio_pci", exact);
    pca_modules_add(root, "z-vague-vfio-pci", vague);
    pca_modules_add(root, "e1000e", host);
    return pca_modules_index(root);
}

static char *find(PcaVariants *variants, guint16 vendor, guint16 device, int header_type) {
    g_autoptr(PcaFunction) function = pca_function_new(&(PcaAddress){0, 1, 0, 0});
    function->vendor = vendor;
    function->device = device;
    function->class = 0x020000;
    function->header_type = header_type;
    return pca_variants_find(variants, function);
}

static const struct {
    guint16 vendor, device;
    int header_type;
    const char *driver;
} devices[] = {
    {0x15b3, 0x101e, PCA_HEADER_ENDPOINT, "mlx5_vfio_pci"},
    {0x15b3, 0x101d, PCA_HEADER_ENDPOINT, "vfio-pci"},
    {0x8086, 0x10d3, PCA_HEADER_ENDPOINT, "vfio-pci"},
    {0x1af4, 0x1041, PCA_HEADER_ENDPOINT, "virtio_vfio_pci"},
    {0x15b3, 0x101e, PCA_HEADER_BRIDGE, NULL},
    {0x15b3, 0x101e, PCA_HEADER_UNKNOWN, NULL},
};

START_TEST(drivers_by_the_index) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    if (!make_modules(tree))
        return;
    g_autoptr(PcaVariants) variants = pca_variants_new(pca_tree_root(tree));
    ck_assert_ptr_nonnull(variants);
    for (gsize i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autofree char *driver =
            find(variants, devices[i].vendor, devices[i].device, devices[i].header_type);
        ck_assert_pstr_eq(driver, devices[i].driver);
    }
    g_autofree char *vague = find(variants, 0x1af4, 0x1042, PCA_HEADER_ENDPOINT);
    ck_assert_msg(g_str_has_suffix(vague, "_vague_vfio_pci"), "%s", vague);
}
END_TEST

START_TEST(an_index_written_anew_is_noticed) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    const struct utimbuf past = {.actime = 1, .modtime = 1};
    if (!make_modules(tree))
        return;
    g_autoptr(PcaVariants) variants = pca_variants_new(pca_tree_root(tree));
    ck_assert(pca_variants_are_current(variants));
    g_autofree char *index =
        g_build_filename(pca_tree_path(tree), PCA_MODULES_DIRECTORY, "modules.alias.bin", NULL);
    ck_assert_int_eq(utime(index, &past), 0);
    ck_assert(!pca_variants_are_current(variants));
}
END_TEST

START_TEST(no_index_is_unknown) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    ck_assert_ptr_null(pca_variants_new(pca_tree_root(tree)));
    pca_tree_write(tree, "proc/sys/kernel/osrelease", PCA_MODULES_RELEASE "\n");
    ck_assert_ptr_null(pca_variants_new(pca_tree_root(tree)));
    pca_tree_write(tree, "proc/sys/kernel/osrelease", "../../etc\n");
    ck_assert_ptr_null(pca_variants_new(pca_tree_root(tree)));
    ck_assert_ptr_null(find(NULL, 0x15b3, 0x101e, PCA_HEADER_ENDPOINT));
}
END_TEST

/* A file that depmod never made. */
START_TEST(a_spoilt_index_has_no_variants) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_write(tree, "proc/sys/kernel/osrelease", PCA_MODULES_RELEASE "\n");
    pca_tree_write(tree, PCA_MODULES_DIRECTORY "/modules.alias.bin", "garbage, garbage, garbage");
    g_autoptr(PcaVariants) variants = pca_variants_new(pca_tree_root(tree));
    g_autofree char *driver = find(variants, 0x15b3, 0x101e, PCA_HEADER_ENDPOINT);
    ck_assert(!driver || g_str_equal(driver, "vfio-pci"));
}
END_TEST

/* ---- What is loaded ---- */

static const struct {
    const char *module, *driver; /* NULL: it is not loaded */
} loaded[] = {
    {"vfio-pci", "vfio-pci"},           {"vfio_pci", "vfio-pci"},
    {"mlx5_vfio_pci", "mlx5_vfio_pci"}, {"mlx5-vfio-pci", "mlx5_vfio_pci"},
    {"odd_vfio_pci", "quite-odd"},      {"bare_vfio_pci", NULL},
    {"absent_vfio_pci", NULL},
};

START_TEST(drivers_of_loaded_modules) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_add_driver(tree, "vfio-pci");
    pca_tree_add_driver(tree, "mlx5_vfio_pci");
    pca_tree_mkdir(tree, "sys/module/odd_vfio_pci/drivers/pci:quite-odd");
    pca_tree_mkdir(tree, "sys/module/bare_vfio_pci/drivers/platform:other");
    for (gsize i = 0; i < G_N_ELEMENTS(loaded); i++) {
        g_autofree char *driver = pca_driver_of_module(pca_tree_root(tree), loaded[i].module);
        ck_assert_pstr_eq(driver, loaded[i].driver);
    }
    ck_assert(pca_driver_is_loaded(pca_tree_root(tree), "mlx5_vfio_pci"));
    ck_assert(!pca_driver_is_loaded(pca_tree_root(tree), "absent_vfio_pci"));
}
END_TEST

void pca_add_variant_cases(Suite *suite) {
    TCase *tcase = tcase_create("variants");
    tcase_add_test(tcase, drivers_by_the_index);
    tcase_add_test(tcase, an_index_written_anew_is_noticed);
    tcase_add_test(tcase, no_index_is_unknown);
    tcase_add_test(tcase, drivers_of_loaded_modules);
    tcase_add_test(tcase, a_spoilt_index_has_no_variants);
    suite_add_tcase(suite, tcase);
}
