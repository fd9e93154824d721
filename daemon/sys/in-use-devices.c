/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the kernel itself uses below a function, whether a program has it open or not:
 * keyboards and mice, TPMs, serial consoles.
 * Thread: any. Ownership: see in-use-internal.h.
 */
#include "sys/in-use-internal.h"

#include <unistd.h>

/* ---- Keyboards, mice ---- */

/* Sockets that tell whether something is plugged in are "input" too; they are part of a card. */
static gboolean is_of_sound_card(const PcaUse *use, const char *name) {
    g_autofree char *directory = pca_class_directory(use->root, "input", name);
    return directory && strstr(directory + strlen(use->directory), "/sound/");
}

static void check_inputs(const PcaUse *use) {
    g_auto(GStrv) names = pca_use_class_members(use, "input", use->directory);
    g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (char **name = names; name && *name; name++) {
        if (!g_str_has_prefix(*name, "input") || is_of_sound_card(use, *name))
            continue;
        g_autofree char *directory = pca_class_directory(use->root, "input", *name);
        g_autofree char *called = directory ? pca_read_text(directory, "name", NULL) : NULL;
        const char *culprit = called && *called ? called : *name;
        /* A keyboard is often several: one for each kind of its keys. */
        if (g_hash_table_add(told, g_strdup(culprit)))
            pca_use_fail_as(use, PCA_USE_INPUT, culprit, "plug it in somewhere else",
                            "%s lets the host's input device \"%s\" speak", use->address, culprit);
    }
}

/* ---- TPMs ---- */

static void check_tpms(const PcaUse *use) {
    g_auto(GStrv) names = pca_use_class_members(use, "tpm", use->directory);
    for (char **name = names; name && *name; name++)
        pca_use_fail_as(use, PCA_USE_OTHER, *name, NULL, "%s is the host's TPM %s", use->address,
                        *name);
}

/* ---- Serial consoles ---- */

/* Lines of proc/consoles begin with the name of the terminal. NULL: it could not be read, which has
 * been said. */
static char **read_consoles(const PcaUse *use) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(use->root->proc, "consoles", NULL);
    g_autofree char *text = pca_read_text(use->root->proc, "consoles", &error);
    if (!text && access(path, F_OK) == 0) {
        pca_use_fail(use, "consoles", NULL,
                     "cannot tell whether the host has its console on %s: %s", use->address,
                     error->message);
        return NULL;
    }
    char **lines = g_strsplit(text ? text : "", "\n", -1);
    for (char **line = lines; *line; line++)
        (*line)[strcspn(*line, " \t")] = '\0';
    return lines;
}

/* The class has the terminals of the whole host, so it is looked at last and only if it must be. */
static void check_consoles(const PcaUse *use) {
    g_auto(GStrv) consoles = read_consoles(use);
    for (char **console = consoles; console && *console; console++) {
        g_autofree char *directory =
            **console ? pca_class_directory(use->root, "tty", *console) : NULL;
        if (directory && pca_path_below(directory, use->directory))
            pca_use_fail_as(use, PCA_USE_OTHER, *console,
                            "take it out of console= of the kernel's command line",
                            "the host has its console on %s of %s", *console, use->address);
    }
}

void pca_use_devices(const PcaUse *use) {
    check_inputs(use);
    check_tpms(use);
    check_consoles(use);
}
