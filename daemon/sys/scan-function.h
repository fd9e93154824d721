/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the parts of a scan that take one function's directory alone, an O_PATH descriptor.
 * Thread: any. Ownership: strings become the function's, or are the caller's.
 */
#pragma once

#include "pci/function.h"

/* "0000:00:01.1/00.0" from ".../pci0000:00/0000:00:01.1/0000:01:00.0"; "" when the path is unlike
 * that, which matches no policy. Sets *upstream to the element above the last. */
char *pca_scan_slot_path(const char *real, PcaAddress *upstream, gboolean *has_upstream);

/* Ids, class and revision; FALSE without one that each function has. */
gboolean pca_scan_ids(PcaFunction *function, int directory);

/* Whether it is still the function whose ids were read. */
gboolean pca_scan_is_same(const PcaFunction *function, int directory);

/* Of config space, which wakes a bridge and waits for a reset. */
int pca_scan_header_type(int directory);

/* `evicting`: driver_override is left alone, since its reader waits for the unbind. */
void pca_scan_driver(PcaFunction *function, int directory, gboolean evicting);

void pca_scan_reset_methods(PcaFunction *function, int directory);

/* How many virtual functions it can have. */
guint16 pca_scan_total_vfs(int directory);

/* power/control and d3cold_allowed. */
void pca_scan_power(PcaFunction *function, int directory);
