/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: `latency DEVICE ROUNDS`: the median time of Check of that device, in microseconds.
 * Thread: main. Ownership: everything ends with the process.
 */
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>

static gboolean check(GDBusConnection *bus, const char *device, GError **error) {
    GVariantBuilder devices;
    g_variant_builder_init(&devices, G_VARIANT_TYPE("a(sa{sv})"));
    g_variant_builder_add(&devices, "(sa{sv})", device, NULL);
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        bus, "org.pcassign1", "/org/pcassign1", "org.pcassign1.Manager", "Check",
        g_variant_new("(a(sa{sv})a{sv})", &devices, NULL), G_VARIANT_TYPE("(baa{sv})"),
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);
    return reply != NULL;
}

static int by_value(const void *a, const void *b) {
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    if (argc != 3)
        return 2;
    int rounds = CLAMP(atoi(argv[2]), 1, 10000);
    g_autofree gint64 *times = g_new0(gint64, rounds);
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    /* One round more, which does not count. */
    for (int i = -1; bus && !error && i < rounds; i++) {
        gint64 start = g_get_monotonic_time();
        if (check(bus, argv[1], &error))
            times[MAX(i, 0)] = g_get_monotonic_time() - start;
    }
    if (error) {
        fprintf(stderr, "latency: %s\n", error->message);
        return EXIT_FAILURE;
    }
    qsort(times, (size_t)rounds, sizeof *times, by_value);
    printf("%" G_GINT64_FORMAT "\n", times[rounds / 2]);
    return EXIT_SUCCESS;
}
