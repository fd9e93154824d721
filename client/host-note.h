/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: says first of all when a host cannot assign devices, and what would change that.
 * Thread: main. Ownership: everything is borrowed.
 */
#pragma once

#include "source.h"

/* One or two lines on standard error where none of the devices has an IOMMU group. */
void pca_host_note(const PcaSource *source);
