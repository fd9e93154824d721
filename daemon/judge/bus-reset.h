/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions that only a reset of their bus cleans. By sysfs the kernel resets a bus for a
 * function that is alone on it; for several, VFIO does, where all of them are one owner's.
 * Thread: the main one. Ownership: functions are borrowed from the snapshot.
 */
#pragma once

#include "judge/request.h"

/* Whether the function shares its bus and has, of the methods that its section (NULL: none) lets it
 * be reset by, nothing but that of the bus. */
gboolean pca_bus_reset_needed(const PcaSnapshot *snapshot, const PcaFunction *function,
                              const PcaSection *section);

/* All functions on the bus of this one, itself included; g_ptr_array_unref. */
GPtrArray *pca_bus_members(const PcaSnapshot *snapshot, const PcaFunction *function);

/* What on the bus of this one keeps the bus from being reset for the owner of the targets; NULL:
 * nothing. */
const PcaFunction *pca_bus_obstacle(const PcaSnapshot *snapshot, const PcaTargets *targets,
                                    const PcaFunction *function);

/* Notes in those targets that need it, and in those on the same bus, that they are reset with it:
 * where everything on the bus is among the targets and the kernel knows how. */
void pca_bus_reset_arrange(const PcaSnapshot *snapshot, PcaTargets *targets);
