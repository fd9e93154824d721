/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions that only a reset of their bus cleans.
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/bus-reset.h"

GPtrArray *pca_bus_members(const PcaSnapshot *snapshot, const PcaFunction *function) {
    GPtrArray *members = g_ptr_array_new();
    for (guint i = 0; i < snapshot->functions->len; i++) {
        PcaFunction *other = g_ptr_array_index(snapshot->functions, i);
        if (other->address.domain == function->address.domain &&
            other->address.bus == function->address.bus)
            g_ptr_array_add(members, other);
    }
    return members;
}

static gboolean has_method(const PcaFunction *function, const char *method) {
    return g_strv_contains((const char *const *)function->reset_methods, method);
}

static gboolean is_of_bus(const char *method) {
    return g_str_has_suffix(method, "bus");
}

/* Whether one of the methods, of those that it has, resets it alone. */
static gboolean resets_alone(const PcaFunction *function, const PcaSection *section) {
    char **methods = section && section->reset ? section->reset : function->reset_methods;
    for (char **method = methods; *method; method++)
        if (has_method(function, *method) && !is_of_bus(*method))
            return TRUE;
    return FALSE;
}

static gboolean section_lets(const PcaSection *section) {
    return !section || !section->reset ||
           g_strv_contains((const char *const *)section->reset, "bus");
}

/* The kernel lists the method for the function that it finds first on a bus, where bridge and
 * function can do it (pci_reset_bus_function() in drivers/pci/pci.c). */
static gboolean bus_is_resettable(const GPtrArray *members) {
    for (guint i = 0; i < members->len; i++)
        if (has_method(g_ptr_array_index(members, i), "bus"))
            return TRUE;
    return FALSE;
}

gboolean pca_bus_reset_needed(const PcaSnapshot *snapshot, const PcaFunction *function,
                              const PcaSection *section) {
    if (!section_lets(section) || resets_alone(function, section))
        return FALSE;
    g_autoptr(GPtrArray) members = pca_bus_members(snapshot, function);
    return members->len > 1 && bus_is_resettable(members);
}

static PcaTarget *find_target(const PcaTargets *targets, const PcaFunction *function) {
    for (guint i = 0; i < targets->len; i++) {
        PcaTarget *target = g_ptr_array_index(targets, i);
        if (pca_address_equal(&target->function->address, &function->address))
            return target;
    }
    return NULL;
}

/* A bridge would reach what is below it; and a section that does not name the method does not let
 * its function be reset so, whoever else wants it. */
static gboolean may_go(const PcaTargets *targets, const PcaFunction *member) {
    const PcaTarget *target = find_target(targets, member);
    return target && member->header_type == PCA_HEADER_ENDPOINT &&
           member->iommu_group != PCA_NO_GROUP && (target->stub || section_lets(target->terms));
}

const PcaFunction *pca_bus_obstacle(const PcaSnapshot *snapshot, const PcaTargets *targets,
                                    const PcaFunction *function) {
    g_autoptr(GPtrArray) members = pca_bus_members(snapshot, function);
    for (guint i = 0; i < members->len; i++)
        if (!may_go(targets, g_ptr_array_index(members, i)))
            return g_ptr_array_index(members, i);
    return NULL;
}

/* Its own methods are not asked for: the kernel takes none of a list with a bus that is shared. */
static void go_with_bus(PcaTarget *target) {
    target->with_bus = TRUE;
    if (!target->stub)
        g_clear_pointer(&target->methods, g_free);
}

static gboolean asks_for_it(const PcaSnapshot *snapshot, const PcaTarget *target) {
    return !target->stub && pca_bus_reset_needed(snapshot, target->function, target->terms);
}

void pca_bus_reset_arrange(const PcaSnapshot *snapshot, PcaTargets *targets) {
    for (guint i = 0; i < targets->len; i++)
        ((PcaTarget *)g_ptr_array_index(targets, i))->with_bus = FALSE;
    for (guint i = 0; snapshot->has_group && i < targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(targets, i);
        if (target->with_bus || !asks_for_it(snapshot, target) ||
            pca_bus_obstacle(snapshot, targets, target->function))
            continue;
        g_autoptr(GPtrArray) members = pca_bus_members(snapshot, target->function);
        for (guint k = 0; k < members->len; k++)
            go_with_bus(find_target(targets, g_ptr_array_index(members, k)));
    }
}
