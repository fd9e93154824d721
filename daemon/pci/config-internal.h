/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the parts of which pca_config_new is made.
 * Thread: any. Ownership: they fill a config that is not shared yet.
 */
#pragma once

#include "pci/config.h"

/* The header must be decoded first. */
void pca_config_read_bars(PcaConfig *config, PcaBytes bytes, const GArray *resources,
                          gsize page_size);

/* Both lists and what is in them. `space` as in pca_config_new. */
void pca_config_read_capabilities(PcaConfig *config, PcaBytes bytes, gsize space);

/* After the lists. */
void pca_config_find_ranges(PcaConfig *config, PcaBytes bytes);
