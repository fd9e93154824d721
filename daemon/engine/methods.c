/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the reset methods of functions.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/methods.h"

#include <errno.h>

#include "base/error.h"

static gboolean try_methods(PcaKernel *kernel, const char *device, int directory,
                            const char *methods, gboolean *unsupported, GError **error) {
    int result = kernel->ops->write_attribute(kernel, directory, "reset_method", methods);
    *unsupported = result == -EINVAL;
    if (result < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "%s: writing reset_method", device);
        return FALSE;
    }
    g_autofree char *now = pca_read_attribute(directory, "reset_method");
    if (g_strcmp0(now, methods) == 0)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_RESET_FAILED,
                "%s: reset_method reads %s after writing %s", device, now ? now : "nothing",
                methods);
    return FALSE;
}

/* NULL when nothing is left, or it has none. */
static char *without_bus(const char *methods) {
    g_auto(GStrv) words = g_strsplit(methods, " ", -1);
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (char **word = words; *word; word++)
        if (!g_str_equal(*word, "bus"))
            g_strv_builder_add(builder, *word);
    g_auto(GStrv) rest = g_strv_builder_end(builder);
    gboolean usable = *rest && g_strv_length(rest) < g_strv_length(words);
    return usable ? g_strjoinv(" ", rest) : NULL;
}

/* The kernel listed `bus` while the function was alone on its bus, as function 0 is until the
 * others of its slot are found, and takes it from nobody since (pci_parent_bus_reset in
 * drivers/pci/pci.c): such a list cannot be written back as it was. */
gboolean pca_methods_set(PcaKernel *kernel, const char *device, int directory, const char *methods,
                         GError **error) {
    g_autoptr(GError) refusal = NULL;
    gboolean unsupported;
    if (try_methods(kernel, device, directory, methods, &unsupported, &refusal))
        return TRUE;
    g_autofree char *rest = unsupported ? without_bus(methods) : NULL;
    if (rest && try_methods(kernel, device, directory, rest, &unsupported, NULL))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&refusal));
    return FALSE;
}
