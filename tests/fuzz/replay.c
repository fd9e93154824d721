/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: runs a fuzz target once over each file of a directory, so that what the fuzzer found
 * stays tested without it. Usage: replay-TARGET [DIRECTORY]; else corpus-TARGET of the sources.
 * Thread: main. Ownership: none.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "replay-"

static guint replay(const char *directory) {
    guint count = 0;
    const char *name;
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_autofree char *bytes = NULL;
        gsize length;
        if (!g_file_get_contents(path, &bytes, &length, NULL))
            continue;
        /* It traps: the name must be out before. */
        printf("%s\n", name);
        fflush(stdout);
        LLVMFuzzerTestOneInput((const guint8 *)bytes, length);
        count++;
    }
    return count;
}

int main(int argc, char **argv) {
    const char *source = g_getenv("SRCDIR") ? g_getenv("SRCDIR") : ".";
    g_autofree char *program = g_path_get_basename(argv[0]);
    const char *target = g_str_has_prefix(program, PREFIX) ? program + strlen(PREFIX) : program;
    g_autofree char *name = g_strdup_printf("corpus-%s", target);
    g_autofree char *corpus =
        argc > 1 ? g_strdup(argv[1]) : g_build_filename(source, "tests", "fuzz", name, NULL);
    guint count = replay(corpus);
    printf("%u inputs of %s replayed\n", count, corpus);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
