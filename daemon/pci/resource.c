/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: parser of sysfs' `resource` file.
 * Thread: any. Ownership: see the header.
 */
#include "pci/resource.h"

#include <string.h>

#include "base/error.h"

/* A function has 17 at most (bars, ROM, VF bars, bridge windows). */
#define MAX_LINES 64

guint64 pca_resource_size(const PcaResource *resource) {
    if (resource->flags == 0 || resource->end < resource->start)
        return 0;
    return resource->end - resource->start + 1;
}

/* "0x" and 1 to 16 hex digits; returns what follows, or NULL. */
static const char *number(const char *p, guint64 *value) {
    int digits = 0;
    *value = 0;
    if (!p || p[0] != '0' || p[1] != 'x')
        return NULL;
    for (p += 2; g_ascii_isxdigit(*p) && digits <= 16; digits++, p++)
        *value = *value << 4 | (guint64)g_ascii_xdigit_value(*p);
    return digits >= 1 && digits <= 16 ? p : NULL;
}

static const char *space(const char *p) {
    return p && *p == ' ' ? p + 1 : NULL;
}

static gboolean parse_line(const char *line, PcaResource *resource) {
    const char *p = number(line, &resource->start);
    p = number(space(p), &resource->end);
    p = number(space(p), &resource->flags);
    return p && *p == '\0';
}

GArray *pca_resources_parse(const char *text, GError **error) {
    g_autoptr(GArray) resources = g_array_new(FALSE, FALSE, sizeof(PcaResource));
    g_auto(GStrv) lines = g_strsplit(text, "\n", MAX_LINES + 1);
    for (guint i = 0; lines[i]; i++) {
        PcaResource resource;
        if (lines[i][0] == '\0' && !lines[i + 1])
            break;
        if (i >= MAX_LINES || !parse_line(lines[i], &resource)) {
            g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                        "line %u of the resource table is not START END FLAGS", i + 1);
            return NULL;
        }
        g_array_append_val(resources, resource);
    }
    return g_steal_pointer(&resources);
}
