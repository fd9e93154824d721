/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: bus resets.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/bus-reset.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/fds.h"

#define STAGE_DRIVER "vfio-pci"

typedef struct {
    PcaStepContext *context;
    const char *device; /* of the step */
    char **members;
    GArray *fds; /* of int: the groups, the device's own first */
} Bus;

static gboolean same_bus(const char *name, const PcaAddress *address) {
    PcaAddress other;
    return pca_address_parse(name, &other) && other.domain == address->domain &&
           other.bus == address->bus;
}

char **pca_bus_others(const PcaRoot *root, const PcaAddress *address, const char *const *members) {
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    g_autofree char *path = g_build_filename(root->sysfs, "bus/pci/devices", NULL);
    g_auto(GStrv) names = pca_read_directory(path);
    for (char **name = names; *name; name++)
        if (same_bus(*name, address) && !g_strv_contains(members, *name))
            g_ptr_array_add(others, g_strdup(*name));
    g_ptr_array_add(others, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&others), FALSE);
}

/* Each function that the kernel has on the bus must be one of ours. */
static gboolean check_others(const Bus *bus, GError **error) {
    PcaAddress address = {0};
    pca_address_parse(bus->device, &address);
    g_auto(GStrv) others =
        pca_bus_others(bus->context->kernel->root, &address, (const char *const *)bus->members);
    if (!others[0])
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                "%s: a reset of its bus would reach %s, which is not of the same claim",
                bus->device, others[0]);
    return FALSE;
}

/* Its directory, opened by a step before, where it is on vfio-pci since its last user was proved
 * gone; -1 with *error. */
static int member_directory(const Bus *bus, const char *member, GError **error) {
    gpointer known;
    g_autofree char *driver = NULL;
    if (g_hash_table_contains(bus->context->staged, member) &&
        g_hash_table_lookup_extended(bus->context->directories, member, NULL, &known) &&
        (driver = pca_step_driver(GPOINTER_TO_INT(known))) && g_str_equal(driver, STAGE_DRIVER))
        return GPOINTER_TO_INT(known);
    g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                "%s: its bus cannot be reset, because %s on it was not made ready for that",
                bus->device, member);
    return -1;
}

static gboolean open_group(Bus *bus, int group, GHashTable *seen, GError **error) {
    PcaKernel *kernel = bus->context->kernel;
    if (!g_hash_table_add(seen, GINT_TO_POINTER(group)))
        return TRUE;
    int fd = kernel->ops->open_group(kernel, group);
    if (fd < 0) {
        pca_error_set_errno(error, PCA_ERROR_RESET_FAILED, -fd,
                            "%s: opening IOMMU group %d for a reset of its bus", bus->device,
                            group);
        return FALSE;
    }
    g_array_append_val(bus->fds, fd);
    return TRUE;
}

/* One that was removed meanwhile is reached by nothing. */
static gboolean is_absent(const Bus *bus, const char *member) {
    PCA_AUTO_FD fd = pca_open_function(bus->context->kernel->root, member);
    return fd == -ENOENT;
}

static gboolean open_member(Bus *bus, const char *member, GHashTable *seen, GError **error) {
    if (is_absent(bus, member))
        return TRUE;
    int directory = member_directory(bus, member, error);
    g_autofree char *group = directory < 0 ? NULL : pca_step_group(directory);
    return directory >= 0 && open_group(bus, group ? atoi(group) : -1, seen, error);
}

static gboolean open_groups(Bus *bus, GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    if (!open_member(bus, bus->device, seen, error))
        return FALSE;
    for (char **member = bus->members; *member; member++)
        if (!open_member(bus, *member, seen, error))
            return FALSE;
    return TRUE;
}

static gboolean hot_reset(const Bus *bus, GError **error) {
    PcaKernel *kernel = bus->context->kernel;
    dev_t number = pca_read_device_number(kernel->root, "class/misc/vfio/dev");
    PCA_AUTO_FD container = number ? kernel->ops->open_node(kernel, number, NULL) : -ENXIO;
    int result = container < 0
                     ? container
                     : kernel->ops->hot_reset(kernel, container, (const int *)bus->fds->data,
                                              bus->fds->len, bus->device);
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_RESET_FAILED, -result, "%s: reset of its bus failed",
                            bus->device);
    return result >= 0;
}

static void close_group(gpointer fd) {
    close(*(int *)fd);
}

static gboolean reset_bus(Bus *bus, GError **error) {
    bus->fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(bus->fds, close_group);
    gboolean done = check_others(bus, error) && open_groups(bus, error) && hot_reset(bus, error);
    g_array_unref(bus->fds);
    return done;
}

static void free_outcome(gpointer error) {
    if (error)
        g_error_free(error);
}

gboolean pca_bus_reset(PcaStepContext *context, const PcaStep *step, const char *members,
                       GError **error) {
    gpointer outcome;
    if (!context->buses)
        context->buses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_outcome);
    if (!g_hash_table_lookup_extended(context->buses, members, NULL, &outcome)) {
        GError *failure = NULL;
        g_auto(GStrv) list = g_strsplit(members, " ", -1);
        Bus bus = {.context = context, .device = step->device, .members = list};
        reset_bus(&bus, &failure);
        outcome = failure;
        g_hash_table_insert(context->buses, g_strdup(members), outcome);
    }
    if (outcome)
        g_propagate_error(error, g_error_copy(outcome));
    return outcome == NULL;
}
