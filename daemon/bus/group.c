/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the objects of the IOMMU groups.
 * Thread: the main one. Ownership: the object manager owns the objects.
 */
#include "bus/private.h"

static char *group_path(int group) {
    return g_strdup_printf(PCA_BUS_PATH "/group/%d", group);
}

static void fill(PcaBusGroup *object, GPtrArray *members) {
    GVariantBuilder blockers;
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    gboolean viable = TRUE;
    g_variant_builder_init(&blockers, G_VARIANT_TYPE("a(os)"));
    for (guint i = 0; i < members->len; i++) {
        const PcaFunction *member = g_ptr_array_index(members, i);
        char *path = pca_bus_device_path(&member->address);
        g_ptr_array_add(paths, path);
        if (pca_function_lets_group_go(member))
            continue;
        viable = FALSE;
        g_variant_builder_add(&blockers, "(os)", path, member->driver);
    }
    g_ptr_array_add(paths, NULL);
    pca_bus_group_set_devices(object, (const char *const *)paths->pdata);
    pca_bus_group_set_viable(object, viable);
    pca_bus_group_set_blockers(object, g_variant_builder_end(&blockers));
}

static void export(PcaBus *bus, const char *path, GPtrArray *members) {
    g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);
    g_autoptr(PcaBusGroup) group = pca_bus_group_skeleton_new();
    fill(group, members);
    g_dbus_object_skeleton_add_interface(object, G_DBUS_INTERFACE_SKELETON(group));
    g_dbus_object_manager_server_export(bus->objects, object);
}

void pca_group_changed(PcaBus *bus, int group) {
    if (group == PCA_NO_GROUP)
        return;
    g_autofree char *path = group_path(group);
    g_autoptr(GPtrArray) members = pca_snapshot_group(pca_service_snapshot(bus->service), group);
    g_autoptr(GDBusInterface) object = g_dbus_object_manager_get_interface(
        G_DBUS_OBJECT_MANAGER(bus->objects), path, "org.pcassign1.Group");
    if (members->len == 0)
        g_dbus_object_manager_server_unexport(bus->objects, path);
    else if (object)
        fill(PCA_BUS_GROUP(object), members);
    else
        export(bus, path, members);
}
