/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the properties of Device that tell what the function is, made of its description; and
 * Explain. A description takes a number of reads of sysfs: it is made when the function comes, when
 * its config space becomes known or another, and a while after it got another driver, so that no
 * claim waits for it.
 * Thread: the main one. Ownership: an object owns what was shown last.
 */
#include "bus/private.h"

#define SHOWN "pcassign-hardware"
#define DELAY 2 /* seconds without another change */

/* What the description was made of. */
typedef struct {
    const PcaConfig *config; /* never followed: it may have gone */
    guint num_vfs;
    char *driver;
} Shown;

static void free_shown(gpointer data) {
    Shown *shown = data;
    g_free(shown->driver);
    g_free(shown);
}

/* ---- Properties ---- */

/* What a dictionary lacks has the neutral value that the interface promises: FALSE, -1, "", or
 * nothing in it. */
static gboolean get_boolean(GVariant *description, const char *key) {
    gboolean value = FALSE;
    g_variant_lookup(description, key, "b", &value);
    return value;
}

static gint32 get_number(GVariant *description, const char *key) {
    gint32 value = -1;
    g_variant_lookup(description, key, "i", &value);
    return value;
}

static void set_variant(PcaBusDevice *device, void (*set)(PcaBusDevice *, GVariant *),
                        GVariant *description, const char *key, const char *type) {
    g_autoptr(GVariant) found = g_variant_lookup_value(description, key, G_VARIANT_TYPE(type));
    g_autoptr(GVariant) none = NULL;
    if (!found) {
        GVariantBuilder builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(type));
        none = g_variant_ref_sink(g_variant_builder_end(&builder));
    }
    set(device, found ? found : none);
}

static void set_properties(PcaBusDevice *device, GVariant *description) {
    const char *driver = "";
    g_variant_lookup(description, "VfioDriver", "&s", &driver);
    pca_bus_device_set_multifunction(device, get_boolean(description, "Multifunction"));
    pca_bus_device_set_pcie_type(device, get_number(description, "PcieType"));
    pca_bus_device_set_capabilities_complete(device,
                                             get_boolean(description, "CapabilitiesComplete"));
    pca_bus_device_set_vfio_driver(device, driver);
    set_variant(device, pca_bus_device_set_capabilities, description, "Capabilities", "aa{sv}");
    set_variant(device, pca_bus_device_set_bars, description, "Bars", "aa{sv}");
    set_variant(device, pca_bus_device_set_interrupts, description, "Interrupts", "a{sv}");
    set_variant(device, pca_bus_device_set_acs, description, "Acs", "a{sv}");
    set_variant(device, pca_bus_device_set_sriov, description, "Sriov", "a{sv}");
    set_variant(device, pca_bus_device_set_link, description, "Link", "a{sv}");
    set_variant(device, pca_bus_device_set_bridge, description, "Bridge", "a{sv}");
    set_variant(device, pca_bus_device_set_reserved_regions, description, "ReservedRegions",
                "aa{sv}");
}

static void show(PcaBus *bus, PcaBusDevice *device, const PcaFunction *function) {
    g_autoptr(GVariant) description =
        g_variant_ref_sink(pca_service_describe(bus->service, function));
    Shown *shown = g_new0(Shown, 1);
    shown->config = pca_service_function_config(bus->service, function);
    shown->num_vfs = function->num_vfs;
    shown->driver = g_strdup(function->driver);
    /* In one piece it takes a fraction of the memory. */
    g_variant_get_data(description);
    set_properties(device, description);
    g_object_set_data_full(G_OBJECT(device), SHOWN, shown, free_shown);
}

/* ---- When ---- */

static gboolean on_delay_over(gpointer data) {
    PcaBus *bus = data;
    g_autoptr(GHashTable) due = g_steal_pointer(&bus->due);
    GHashTableIter iter;
    gpointer path;
    bus->due_timer = 0;
    g_hash_table_iter_init(&iter, due);
    while (g_hash_table_iter_next(&iter, &path, NULL)) {
        PcaAddress address;
        g_autoptr(GDBusInterface) device = g_dbus_object_manager_get_interface(
            G_DBUS_OBJECT_MANAGER(bus->objects), path, "org.pcassign1.Device");
        const PcaFunction *function =
            pca_translate_device_path(path, &address)
                ? pca_snapshot_find(pca_service_snapshot(bus->service), &address)
                : NULL;
        if (device && function)
            show(bus, PCA_BUS_DEVICE(device), function);
    }
    return G_SOURCE_REMOVE;
}

static void show_later(PcaBus *bus, const PcaFunction *function) {
    if (!bus->due)
        bus->due = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_add(bus->due, pca_bus_device_path(&function->address));
    g_clear_handle_id(&bus->due_timer, g_source_remove);
    bus->due_timer = g_timeout_add_seconds(DELAY, on_delay_over, bus);
}

void pca_device_show_hardware(PcaBus *bus, PcaBusDevice *device, const PcaFunction *function) {
    const Shown *shown = g_object_get_data(G_OBJECT(device), SHOWN);
    if (!shown || shown->config != pca_service_function_config(bus->service, function) ||
        shown->num_vfs != function->num_vfs)
        show(bus, device, function);
    else if (g_strcmp0(shown->driver, function->driver) != 0)
        show_later(bus, function);
}

/* ---- Explain ---- */

static void on_explained(GVariant *description, const GError *error, gpointer data) {
    PcaCall *call = data;
    if (description)
        pca_call_return(call, g_variant_new("(@a{sv})", description));
    else
        pca_call_fail(call, error);
}

void pca_device_explain(PcaCall *call, const char *address) {
    pca_service_explain_async(call->bus->service, address, call->arrived, on_explained, call);
}
