/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the power management of functions.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/power.h"

#include "base/error.h"

static gboolean set_one(PcaKernel *kernel, const char *device, int directory, const char *name,
                        const char *value, GError **error) {
    g_autofree char *now = pca_read_attribute(directory, name);
    if (!now || !*value || g_str_equal(now, value))
        return TRUE;
    int result = kernel->ops->write_attribute(kernel, directory, name, value);
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "%s: writing %s to %s", device, value,
                            name);
    return result >= 0;
}

gboolean pca_power_set(PcaKernel *kernel, const char *device, int directory, const char *power,
                       GError **error) {
    g_auto(GStrv) values = g_strsplit(power, ",", -1);
    if (g_strv_length(values) == 2)
        return set_one(kernel, device, directory, "power/control", values[0], error) &&
               set_one(kernel, device, directory, "d3cold_allowed", values[1], error);
    g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "%s: malformed power settings: %s", device,
                power);
    return FALSE;
}
