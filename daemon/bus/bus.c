/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the objects on the bus and their properties.
 * Thread: the main one. Ownership: see the header.
 */
#include "bus/bus.h"

#include "bus/private.h"
#include "engine/handover.h"

PcaBus *pca_bus_new(GDBusConnection *connection) {
    PcaBus *bus = g_new0(PcaBus, 1);
    bus->connection = g_object_ref(connection);
    bus->credentials = pca_credentials_new(connection);
    bus->polkit = pca_polkit_new(connection);
    bus->pending = pca_pending_new();
    bus->objects = g_dbus_object_manager_server_new(PCA_BUS_PATH);
    bus->manager = pca_bus_manager_skeleton_new();
    bus->claims = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
    return bus;
}

void pca_bus_free(PcaBus *bus) {
    g_clear_handle_id(&bus->due_timer, g_source_remove);
    g_clear_pointer(&bus->due, g_hash_table_unref);
    g_hash_table_unref(bus->claims);
    g_object_unref(bus->manager);
    g_object_unref(bus->objects);
    pca_pending_free(bus->pending);
    pca_polkit_unref(bus->polkit);
    pca_credentials_unref(bus->credentials);
    g_object_unref(bus->connection);
    g_free(bus);
}

PcaPolkit *pca_bus_polkit(const PcaBus *bus) {
    return bus->polkit;
}

char *pca_bus_device_path(const PcaAddress *address) {
    g_autofree char *text = pca_address_format_path(address);
    return g_strconcat(PCA_BUS_PATH "/device/", text, NULL);
}

static const char *or_empty(const char *text) {
    return text ? text : "";
}

static void set_hex(PcaBusDevice *device, void (*set)(PcaBusDevice *, const char *), guint32 value,
                    int digits) {
    g_autofree char *text = g_strdup_printf("%0*x", digits, value);
    set(device, text);
}

static void set_ids(PcaBusDevice *device, const PcaFunction *f) {
    set_hex(device, pca_bus_device_set_vendor, f->vendor, 4);
    set_hex(device, pca_bus_device_set_device, f->device, 4);
    set_hex(device, pca_bus_device_set_subsystem_vendor, f->subsystem_vendor, 4);
    set_hex(device, pca_bus_device_set_subsystem_device, f->subsystem_device, 4);
    set_hex(device, pca_bus_device_set_class, f->class, 6);
    set_hex(device, pca_bus_device_set_revision, f->revision, 2);
}

static void set_state(PcaBus *bus, PcaBusDevice *device, const PcaFunction *f) {
    pca_bus_device_set_state(device, pca_service_function_state(bus->service, f));
    pca_bus_device_set_state_since(device,
                                   (guint64)pca_service_function_state_since(bus->service, f));
    pca_bus_device_set_state_reason(device,
                                    or_empty(pca_service_function_state_reason(bus->service, f)));
}

static void fill(PcaBus *bus, PcaBusDevice *device, const PcaFunction *f) {
    g_autofree char *address = pca_address_format(&f->address);
    g_autofree char *name = pca_service_function_name(bus->service, f);
    pca_bus_device_set_address(device, address);
    set_ids(device, f);
    pca_bus_device_set_header_type(device, f->header_type);
    pca_bus_device_set_driver(device, or_empty(f->driver));
    pca_bus_device_set_driver_override(device, or_empty(f->driver_override));
    pca_bus_device_set_iommu_group(device, f->iommu_group);
    pca_bus_device_set_numa_node(device, f->numa_node);
    pca_bus_device_set_path(device, or_empty(f->slot_path));
    pca_bus_device_set_name(device, or_empty(name));
    set_state(bus, device, f);
    pca_bus_device_set_description(device, or_empty(f->description));
    pca_bus_device_set_reset_methods(device, (const char *const *)f->reset_methods);
    pca_device_show_hardware(bus, device, f);
}

static void on_function_added(const PcaFunction *function, gpointer data) {
    PcaBus *bus = data;
    if (!bus->service)
        return;
    g_autofree char *path = pca_bus_device_path(&function->address);
    g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);
    g_autoptr(PcaBusDevice) device = pca_bus_device_skeleton_new();
    fill(bus, device, function);
    pca_device_connect(bus, device);
    g_dbus_object_skeleton_add_interface(object, G_DBUS_INTERFACE_SKELETON(device));
    g_dbus_object_manager_server_export(bus->objects, object);
    pca_group_changed(bus, function->iommu_group);
}

static void on_function_removed(const PcaFunction *function, gpointer data) {
    PcaBus *bus = data;
    g_autofree char *path = pca_bus_device_path(&function->address);
    if (!bus->service)
        return;
    g_dbus_object_manager_server_unexport(bus->objects, path);
    pca_group_changed(bus, function->iommu_group);
}

static GDBusInterface *find_device(PcaBus *bus, const PcaFunction *function) {
    g_autofree char *path = pca_bus_device_path(&function->address);
    return bus->service ? g_dbus_object_manager_get_interface(G_DBUS_OBJECT_MANAGER(bus->objects),
                                                              path, "org.pcassign1.Device")
                        : NULL;
}

static void on_function_changed(const PcaFunction *function, gpointer data) {
    PcaBus *bus = data;
    g_autoptr(GDBusInterface) device = find_device(bus, function);
    if (!device)
        return;
    int group = pca_bus_device_get_iommu_group(PCA_BUS_DEVICE(device));
    fill(bus, PCA_BUS_DEVICE(device), function);
    pca_group_changed(bus, function->iommu_group);
    if (group != function->iommu_group)
        pca_group_changed(bus, group);
}

static void on_function_state(const PcaFunction *function, gpointer data) {
    PcaBus *bus = data;
    g_autoptr(GDBusInterface) device = find_device(bus, function);
    if (device)
        set_state(bus, PCA_BUS_DEVICE(device), function);
}

static void on_claim_changed(PcaClaim *claim, gpointer data) {
    PcaBus *bus = data;
    if (bus->service)
        pca_claim_object_changed(bus, claim);
}

static void on_policy_changed(gpointer data) {
    PcaBus *bus = data;
    if (!bus->service)
        return;
    const PcaSnapshot *snapshot = pca_service_snapshot(bus->service);
    pca_bus_manager_set_policy_generation(bus->manager,
                                          pca_service_policy_generation(bus->service));
    pca_bus_manager_set_policy_stale(bus->manager, pca_service_policy_stale(bus->service));
    for (guint i = 0; i < snapshot->functions->len; i++)
        on_function_changed(g_ptr_array_index(snapshot->functions, i), bus);
}

const PcaServiceEvents pca_bus_events = {
    .function_added = on_function_added,
    .function_changed = on_function_changed,
    .function_state = on_function_state,
    .function_removed = on_function_removed,
    .claim_changed = on_claim_changed,
    .policy_changed = on_policy_changed,
    .load_module = pca_bus_load_module,
};

static void fill_manager(PcaBus *bus) {
    const char *backends[4] = {NULL};
    guint n = 0;
    const PcaSnapshot *snapshot = pca_service_snapshot(bus->service);
    pca_bus_manager_set_version(bus->manager, VERSION);
    if (snapshot->has_cdev)
        backends[n++] = PCA_HANDOFF_CDEV;
    if (snapshot->has_group) {
        backends[n++] = PCA_HANDOFF_GROUP;
        backends[n++] = PCA_HANDOFF_NODE;
    }
    pca_bus_manager_set_backends(bus->manager, backends);
    on_policy_changed(bus);
}

gboolean pca_bus_export(PcaBus *bus, PcaService *service, GError **error) {
    const PcaSnapshot *snapshot = pca_service_snapshot(service);
    g_autoptr(GPtrArray) claims = pca_claims_list(pca_service_claims(service));
    bus->service = service;
    for (guint i = 0; i < snapshot->functions->len; i++)
        on_function_added(g_ptr_array_index(snapshot->functions, i), bus);
    for (guint i = 0; i < claims->len; i++)
        pca_claim_object_changed(bus, g_ptr_array_index(claims, i));
    fill_manager(bus);
    pca_manager_connect(bus);
    g_dbus_object_manager_server_set_connection(bus->objects, bus->connection);
    return g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(bus->manager),
                                            bus->connection, PCA_BUS_PATH, error);
}
