/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: holds the isolation sets that are computed for recorded hosts against the IOMMU groups
 * that the kernel had made there. Usage: judge [FILE...]; else all of tests/pci/recorded.
 * Prints each disagreement and, last, "N hosts, M functions, K disagreements"; fails when there are
 * any, or no hosts.
 * Thread: main. Ownership: none.
 */
#include "pci/recorded.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    guint hosts, functions, disagreements, unread;
} Sum;

static void judge(Sum *sum, const char *path) {
    g_autoptr(GError) error = NULL;
    g_autoptr(RecordedHost) host = recorded_host_read(path, &error);
    if (!host) {
        fprintf(stderr, "%s\n", error->message);
        sum->unread++;
        return;
    }
    g_autofree char *differences = recorded_host_differences(host, &sum->disagreements);
    if (*differences != '\0')
        printf("%s:\n%s", path, differences);
    sum->hosts++;
    sum->functions += host->functions->len;
}

static void judge_own(Sum *sum) {
    const char *source = g_getenv("SRCDIR") ? g_getenv("SRCDIR") : ".";
    g_autofree char *directory = g_build_filename(source, "tests/pci/recorded", NULL);
    g_autoptr(GPtrArray) paths = recorded_hosts_in(directory);
    for (guint i = 0; i < paths->len; i++)
        judge(sum, g_ptr_array_index(paths, i));
}

int main(int argc, char **argv) {
    Sum sum = {0};
    for (int i = 1; i < argc; i++)
        judge(&sum, argv[i]);
    if (argc == 1)
        judge_own(&sum);
    printf("%u hosts, %u functions, %u disagreements\n", sum.hosts, sum.functions,
           sum.disagreements);
    return sum.functions > 0 && sum.disagreements + sum.unread == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
