/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the step that resets a bus with all functions on it, which are one claim's.
 * Thread: the worker's. Ownership: the context keeps what came of it, for the other functions.
 */
#pragma once

#include "engine/step.h"

/* The functions that the kernel has on the bus of `address` and that are not among `members`; free
 * with g_strfreev. */
char **pca_bus_others(const PcaRoot *root, const PcaAddress *address, const char *const *members);

/* `members`: the addresses of all functions that the plan says are on the bus of the step's. Done
 * once in a run, for whichever of them comes first. Refused (Busy) unless just these are on the bus
 * now, each on vfio-pci: so it never reaches anybody else's function, nor the host's. ResetFailed
 * where the kernel does not do it. */
gboolean pca_bus_reset(PcaStepContext *context, const PcaStep *step, const char *members,
                       GError **error);
