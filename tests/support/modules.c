/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: modules and their index.
 * Thread: one. Ownership: see the header.
 */
#include "support/modules.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "support/suite.h"

static void write_file(const char *root, const char *name, const char *text) {
    g_autofree char *path = g_build_filename(root, name, NULL);
    g_autofree char *directory = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(directory, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

void pca_modules_begin(const char *root) {
    g_autofree char *kernel = g_build_filename(root, PCA_MODULES_DIRECTORY, "kernel", NULL);
    write_file(root, "proc/sys/kernel/osrelease", PCA_MODULES_RELEASE "\n");
    write_file(root, PCA_MODULES_DIRECTORY "/modules.order", "");
    write_file(root, PCA_MODULES_DIRECTORY "/modules.builtin", "");
    ck_assert_int_eq(g_mkdir_with_parents(kernel, 0755), 0);
}

/* A relocatable object with one section, .modinfo: strings that end with NUL. */
void pca_modules_add(const char *root, const char *name, const char *const *aliases) {
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
        g_strdup_printf("%s/" PCA_MODULES_DIRECTORY "/kernel/%s.ko", root, name);
    ck_assert(g_file_set_contents(path, (const char *)file->data, file->len, NULL));
}

gboolean pca_modules_index(const char *root) {
    static const char *const places[] = {"/usr/sbin/depmod", "/sbin/depmod"};
    const char *program = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(places) && !program; i++)
        program = g_file_test(places[i], G_FILE_TEST_IS_EXECUTABLE) ? places[i] : NULL;
    if (!program) {
        ck_assert_msg(!g_getenv("CI"), "there is no depmod");
        printf("skipped: there is no depmod\n");
        return FALSE;
    }
    const char *argv[] = {program, "-b", root, PCA_MODULES_RELEASE, NULL};
    g_autofree char *errors = NULL;
    int status = -1;
    ck_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                           &errors, &status, NULL));
    ck_assert_msg(status == 0, "depmod: %s", errors);
    return TRUE;
}
