/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: sums of locked memory.
 * Thread: any. Ownership: none.
 */
#include "engine/locked.h"

#include "base/fds.h"
#include "pci/resource.h"
#include "sys/kernel.h"

#define MARGIN (G_GUINT64_CONSTANT(1) << 30)

static guint64 add(guint64 a, guint64 b) {
    return a > G_MAXUINT64 - b ? G_MAXUINT64 : a + b;
}

static guint64 bars_of(const PcaRoot *root, const char *address) {
    PCA_AUTO_FD directory = pca_open_function(root, address);
    g_autofree char *text = directory >= 0 ? pca_read_attribute(directory, "resource") : NULL;
    g_autoptr(GArray) resources = text ? pca_resources_parse(text, NULL) : NULL;
    guint64 sum = 0;
    for (guint i = 0; resources && i < MIN(resources->len, PCA_RESOURCE_ROM); i++) {
        const PcaResource *bar = &g_array_index(resources, PcaResource, i);
        if (bar->flags & PCA_RESOURCE_MEM)
            sum = add(sum, pca_resource_size(bar));
    }
    return sum;
}

guint64 pca_locked_memory(const PcaRoot *root, guint64 memory, guint spaces,
                          const char *const *mapped) {
    if (memory == 0)
        return 0;
    guint64 sum = spaces > G_MAXUINT64 / memory ? G_MAXUINT64 : memory * spaces;
    for (; mapped && *mapped; mapped++)
        sum = add(sum, bars_of(root, *mapped));
    return sum;
}

guint64 pca_memlock_limit(guint64 locked, guint64 ram) {
    return MIN(add(locked, MARGIN), ram);
}
