/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the service's D-Bus interface as the sources describe it.
 * Thread: one. Ownership: results belong to the caller.
 */
#pragma once

#include <gio/gio.h>

/* Of $SRCDIR, or of the current directory; a test that cannot have it fails. */
GDBusNodeInfo *pca_read_interface(void);
