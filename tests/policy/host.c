/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the host that policies are tried on.
 * Thread: any. Ownership: see the header.
 */
#include "policy/host.h"

typedef struct {
    const char *address, *path;
    guint16 vendor, device, subsystem_vendor, subsystem_device;
    guint32 class;
} Hardware;

static const Hardware host[] = {
    {"0000:00:01.1", "0000:00:01.1", 0x8086, 0x1901, 0, 0, 0x060400},
    {"0000:01:00.0", "0000:00:01.1/00.0", 0x10de, 0x2230, 0x10de, 0x1483, 0x030000},
    {"0000:01:00.1", "0000:00:01.1/00.1", 0x10de, 0x1aef, 0x10de, 0x1484, 0x040300},
    {"0000:02:00.0", "0000:00:1c.0/00.0", 0x8086, 0x1533, 0x15d9, 0x1533, 0x020000},
    {"0000:03:00.0", "0000:00:03.0/00.0", 0x8086, 0x1889, 0x8086, 0x0001, 0x020000},
    {"0000:03:00.1", "0000:00:03.0/00.1", 0x8086, 0x1889, 0x8086, 0x0001, 0x020000},
    {"0000:03:01.0", "0000:00:03.0/00.0/vf0", 0x8086, 0x188a, 0x8086, 0x0001, 0x020000},
    {"0000:03:01.1", "0000:00:03.0/00.0/vf1", 0x8086, 0x188a, 0x8086, 0x0001, 0x020000},
    {"0000:04:00.0", NULL, 0x10de, 0x2230, 0x10de, 0x1483, 0x030200},
    {"0000:05:00.0", "", 0x10de, 0x2230, 0x10de, 0x1483, 0x030000},
    {"10000:01:00.0", "10000:e0:06.0/00.0", 0x144d, 0xa808, 0x144d, 0xa801, 0x010802},
};

PcaSnapshot *make_host(void) {
    PcaSnapshot *snapshot = pca_snapshot_new();
    for (guint i = 0; i < G_N_ELEMENTS(host); i++) {
        PcaAddress address;
        if (!pca_address_parse(host[i].address, &address))
            continue;
        PcaFunction *function = pca_function_new(&address);
        function->slot_path = g_strdup(host[i].path);
        function->vendor = host[i].vendor;
        function->device = host[i].device;
        function->subsystem_vendor = host[i].subsystem_vendor;
        function->subsystem_device = host[i].subsystem_device;
        function->class = host[i].class;
        pca_snapshot_add(snapshot, function);
    }
    pca_snapshot_seal(snapshot);
    return snapshot;
}

gboolean read_serial(const PcaFunction *function, guint64 *serial, gpointer data) {
    const PcaAddress *a = &function->address;
    gboolean has = a->domain == 0 && a->device == 0 && a->function == 0 && a->bus < 3;
    *serial = has ? G_GUINT64_CONSTANT(0x001b210000000000) | a->bus : 0;
    return a->bus != 3 || a->function != 0;
}
