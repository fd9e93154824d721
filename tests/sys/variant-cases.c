/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: VFIO drivers by an index that depmod(8) made of modules which consist of aliases alone.
 * Thread: main. Ownership: each test's own.
 */
#include "cases.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "support/tree.h"
#include "sys/variants.h"

#define RELEASE "6.12.0-test"
#define DIRECTORY "lib/modules/" RELEASE

/* A relocatable object with one section, .modinfo: strings that end with NUL. */
static void add_module(PcaTree *tree, const char *name, const char *const *aliases) {
    static const char names[] = "\0.modinfo\0.shstrtab";
    g_autoptr(GByteArray) info = g_byte_array_new();
    for (; *aliases; aliases++) {
        g_autofree char *line = g_strconcat("alias=", *aliases, NULL);
        g_byte_array_append(info, (const guint8 *)line, strlen(line) + 1);
    }
    const guint64 info_at = sizeof(Elf64_Ehdr), names_at = info_at + info->len;
    const guint64 table_at = (names_at + sizeof names + 7) & ~(guint64)7;
    const Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                    G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = table_at,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = 3,
        .e_shstrndx = 2,
    };
    const Elf64_Shdr table[] = {
        {0},
        {.sh_name = 1,
         .sh_type = SHT_PROGBITS,
         .sh_flags = SHF_ALLOC,
         .sh_offset = info_at,
         .sh_size = info->len,
         .sh_addralign = 1},
        {.sh_name = 10,
         .sh_type = SHT_STRTAB,
         .sh_offset = names_at,
         .sh_size = sizeof names,
         .sh_addralign = 1},
    };
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_byte_array_append(file, (const guint8 *)&header, sizeof header);
    g_byte_array_append(file, info->data, info->len);
    g_byte_array_append(file, (const guint8 *)names, sizeof names);
    static const guint8 padding[8];
    g_byte_array_append(file, padding, (guint)(table_at - file->len));
    g_byte_array_append(file, (const guint8 *)table, sizeof table);
    g_autofree char *path =
        g_strdup_printf("%s/" DIRECTORY "/kernel/%s.ko", pca_tree_path(tree), name);
    ck_assert(g_file_set_contents(path, (const char *)file->data, file->len, NULL));
}

static gboolean run_depmod(PcaTree *tree) {
    static const char *const places[] = {"/usr/sbin/depmod", "/sbin/depmod"};
    const char *program = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(places) && !program; i++)
        program = g_file_test(places[i], G_FILE_TEST_IS_EXECUTABLE) ? places[i] : NULL;
    if (!program) {
        ck_assert_msg(!g_getenv("CI"), "there is no depmod");
        printf("skipped: there is no depmod\n");
        return FALSE;
    }
    const char *argv[] = {program, "-b", pca_tree_path(tree), RELEASE, NULL};
    g_autofree char *errors = NULL;
    int status = -1;
    ck_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                           &errors, &status, NULL));
    ck_assert_msg(status == 0, "depmod: %s", errors);
    return TRUE;
}

static gboolean make_modules(PcaTree *tree) {
    static const char *const general[] = {"vfio_pci:v*d*sv*sd*bc*sc*i*", NULL};
    static const char *const mlx5[] = {"pci:v000015B3d0000101Esv*sd*bc*sc*i*",
                                       "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*", NULL};
    static const char *const vague[] = {"vfio_pci:v00001AF4d*sv*sd*bc*sc*i*", NULL};
    static const char *const exact[] = {"vfio_pci:v00001AF4d00001041sv*sd*bc*sc*i*", NULL};
    static const char *const host[] = {"pci:v00008086d000010D3sv*sd*bc*sc*i*", NULL};
    pca_tree_write(tree, "proc/sys/kernel/osrelease", RELEASE "\n");
    pca_tree_mkdir(tree, DIRECTORY "/kernel");
    pca_tree_write(tree, DIRECTORY "/modules.order", "%s", "");
    pca_tree_write(tree, DIRECTORY "/modules.builtin", "%s", "");
    add_module(tree, "vfio-pci", general);
    add_module(tree, "mlx5-vfio-pci", mlx5);
    add_module(tree, "a-vague-vfio-pci", vague);
    add_module(tree, "virtio_vfio_pci", exact);
    add_module(tree, "z-vague-vfio-pci", vague);
    add_module(tree, "e1000e", host);
    return run_depmod(tree);
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

START_TEST(no_index_is_unknown) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    ck_assert_ptr_null(pca_variants_new(pca_tree_root(tree)));
    pca_tree_write(tree, "proc/sys/kernel/osrelease", RELEASE "\n");
    ck_assert_ptr_null(pca_variants_new(pca_tree_root(tree)));
    pca_tree_write(tree, "proc/sys/kernel/osrelease", "../../etc\n");
    ck_assert_ptr_null(pca_variants_new(pca_tree_root(tree)));
    ck_assert_ptr_null(find(NULL, 0x15b3, 0x101e, PCA_HEADER_ENDPOINT));
}
END_TEST

/* A file that depmod never made. */
START_TEST(a_spoilt_index_has_no_variants) {
    g_autoptr(PcaTree) tree = pca_tree_new();
    pca_tree_write(tree, "proc/sys/kernel/osrelease", RELEASE "\n");
    pca_tree_write(tree, DIRECTORY "/modules.alias.bin", "garbage, garbage, garbage");
    g_autoptr(PcaVariants) variants = pca_variants_new(pca_tree_root(tree));
    g_autofree char *driver = find(variants, 0x15b3, 0x101e, PCA_HEADER_ENDPOINT);
    ck_assert(!driver || g_str_equal(driver, "vfio-pci"));
}
END_TEST

void pca_add_variant_cases(Suite *suite) {
    TCase *tcase = tcase_create("variants");
    tcase_add_test(tcase, drivers_by_the_index);
    tcase_add_test(tcase, no_index_is_unknown);
    tcase_add_test(tcase, a_spoilt_index_has_no_variants);
    suite_add_tcase(suite, tcase);
}
