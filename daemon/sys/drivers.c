/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: PCI drivers by sysfs.
 * Thread: any. Ownership: see the header.
 */
#include "sys/drivers.h"

#include <string.h>

gboolean pca_driver_is_loaded(const PcaRoot *root, const char *driver) {
    g_autofree char *path = g_build_filename(root->sysfs, "bus/pci/drivers", driver, NULL);
    return g_file_test(path, G_FILE_TEST_IS_DIR);
}

/* A driver may be called otherwise than its module, which then tells. */
static char *registered_by(const PcaRoot *root, const char *module) {
    static const char prefix[] = "pci:";
    g_autofree char *path = g_build_filename(root->sysfs, "module", module, "drivers", NULL);
    g_auto(GStrv) names = pca_read_directory(path);
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, prefix))
            return g_strdup(*name + strlen(prefix));
    return NULL;
}

char *pca_driver_of_module(const PcaRoot *root, const char *module) {
    g_autofree char *underscored = g_strdelimit(g_strdup(module), "-", '_');
    g_autofree char *dashed = g_strdelimit(g_strdup(module), "_", '-');
    const char *const names[] = {module, underscored, dashed};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (pca_driver_is_loaded(root, names[i]))
            return g_strdup(names[i]);
    return registered_by(root, underscored);
}
