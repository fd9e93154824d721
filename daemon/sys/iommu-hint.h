/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what would make a host without IOMMU groups have them, as far as it can be told.
 * Thread: any; no state. Ownership: what is returned is the caller's.
 */
#pragma once

#include "sys/root.h"

/* A phrase for people, such as "boot with intel_iommu=on": by the processor's vendor, the kernel's
 * command line and the firmware's tables. Never NULL. */
char *pca_iommu_hint(const PcaRoot *root);
