/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the power management of a function: power/control, which lets it sleep while it is idle
 * ("auto") or not ("on"), and d3cold_allowed, which lets its port take its power away.
 * Thread: the worker's; waking a function up blocks for as long as the kernel waits for it (10 ms
 * from D3hot, 100 ms from D3cold: pci_power_up() in drivers/pci/pci.c). Ownership: nothing is kept.
 */
#pragma once

#include "sys/kernel.h"

/* Sets both as `power` says ("on,0": control, then d3cold_allowed; what is empty is left alone),
 * and writes only what differs. One that the function does not have is nothing to set; Failed where
 * it cannot be written. `device` is for messages. */
gboolean pca_power_set(PcaKernel *kernel, const char *device, int directory, const char *power,
                       GError **error);
