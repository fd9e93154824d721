/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: builder of config spaces.
 * Thread: any. Ownership: see the header.
 */
#include "pci/space.h"

#include <string.h>

void space_init(Space *space, guint8 header_type) {
    memset(space, 0, sizeof *space);
    space->bytes[0x0e] = header_type;
    space->standard_link = 0x34;
}

void space_set(Space *space, guint offset, guint width, guint32 value) {
    g_assert(offset + width <= sizeof space->bytes);
    for (guint i = 0; i < width; i++)
        space->bytes[offset + i] = value >> (8 * i);
}

guint space_add(Space *space, guint8 id, guint offset) {
    space->bytes[0x06] |= 0x10;
    space->bytes[space->standard_link] = offset;
    space->bytes[offset] = id;
    space->standard_link = offset + 1;
    return offset;
}

guint space_add_extended(Space *space, guint16 id, guint offset) {
    g_assert(space->extended_last != 0 || offset == PCA_CONFIG_STANDARD_SIZE);
    if (space->extended_last != 0) {
        guint last = space->extended_last;
        space->bytes[last + 2] |= (offset & 0xf) << 4;
        space->bytes[last + 3] = offset >> 4;
    }
    space_set(space, offset, 4, 0x10000 | id);
    space->extended_last = offset;
    return offset;
}

void space_add_pcie(Space *space, guint type) {
    guint at = space_add(space, PCA_CAP_PCIE, 0x40);
    space_set(space, at + 2, 2, type << 4 | 2);
}

void space_add_acs(Space *space, guint offset, guint16 capabilities, guint16 control) {
    space_add_extended(space, PCA_EXT_CAP_ACS, offset);
    space_set(space, offset + 4, 2, capabilities);
    space_set(space, offset + 6, 2, control);
}

PcaConfig *space_config(const Space *space, gsize length) {
    g_autofree guint8 *copy = g_memdup2(space->bytes, length);
    return pca_config_new(copy, length, 0, NULL, 4096);
}
