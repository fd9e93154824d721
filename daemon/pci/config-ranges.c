/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: finds the device-dependent ranges of a config space.
 * Thread: any. Ownership: fills a config that is not shared yet.
 */
#include "pci/config-internal.h"

#include <string.h>

typedef struct {
    guint8 taken[PCA_CONFIG_EXTENDED_SIZE];
} Map;

static void take_list(Map *map, const PcaCapabilityList *list, PcaBytes bytes, guint limit) {
    for (guint i = 0; i < list->entries->len; i++) {
        const PcaCapability *capability = &g_array_index(list->entries, PcaCapability, i);
        guint length = pca_capability_length(capability, bytes);
        memset(map->taken + capability->offset, 1, MIN(length, limit - capability->offset));
    }
}

static void add_gaps(PcaConfig *config, const Map *map, guint start, guint end) {
    guint at = start;
    while (at < end) {
        PcaRange range = {at, at};
        while (range.end < end && !map->taken[range.end])
            range.end++;
        if (range.end > range.start)
            g_array_append_val(config->ranges, range);
        at = range.end + 1;
    }
}

/* A part counts only when its list and all its bytes were read: lengths are among the bytes. */
void pca_config_find_ranges(PcaConfig *config, PcaBytes bytes) {
    g_autofree Map *map = g_new0(Map, 1);
    config->ranges = g_array_new(FALSE, FALSE, sizeof(PcaRange));
    if (!config->standard.complete || bytes.length < PCA_CONFIG_STANDARD_SIZE)
        return;
    take_list(map, &config->standard, bytes, PCA_CONFIG_STANDARD_SIZE);
    add_gaps(config, map, PCA_CONFIG_HEADER_SIZE, PCA_CONFIG_STANDARD_SIZE);
    /* A space that begins with ones is not reachable. */
    gboolean none = config->extended_space == PCA_TRI_NO ||
                    (config->extended.malformed && config->extended.entries->len == 0);
    config->ranges_complete =
        none || (config->extended.complete && bytes.length >= PCA_CONFIG_EXTENDED_SIZE);
    if (none || !config->ranges_complete)
        return;
    take_list(map, &config->extended, bytes, PCA_CONFIG_EXTENDED_SIZE);
    add_gaps(config, map, PCA_CONFIG_STANDARD_SIZE, PCA_CONFIG_EXTENDED_SIZE);
}
