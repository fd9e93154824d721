/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the note on a host without IOMMU groups.
 * Thread: main. Ownership: see the header.
 */
#include "host-note.h"
#include "output.h"
#include "sys/iommu-hint.h"

static gboolean has_group(GPtrArray *devices) {
    for (guint i = 0; i < devices->len; i++)
        if (pca_device_number(g_ptr_array_index(devices, i), "IommuGroup") >= 0)
            return TRUE;
    return FALSE;
}

void pca_host_note(const PcaSource *source) {
    GPtrArray *devices = pca_source_devices(source);
    if (devices->len == 0) {
        pca_complain("this machine has no PCI devices");
        return;
    }
    if (has_group(devices))
        return;
    g_autofree char *hint = pca_iommu_hint(pca_source_root(source));
    pca_complain("this host cannot assign devices: its kernel has no IOMMU groups");
    pca_complain("to change that, %s", hint);
}
