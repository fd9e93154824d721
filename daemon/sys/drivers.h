/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which PCI drivers the kernel has now.
 * Thread: any. Ownership: none.
 */
#pragma once

#include "sys/root.h"

/* Whether the kernel has that driver for PCI now. */
gboolean pca_driver_is_loaded(const PcaRoot *root, const char *driver);

/* The name of the PCI driver that the module has registered, which may be written with dashes for
 * underscores; NULL while it is not loaded. Free with g_free. */
char *pca_driver_of_module(const PcaRoot *root, const char *module);
