/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the limits that a section sets to those whom it allows a device: MaxMemory, PerUser.
 * Thread: the main one. Ownership: findings go into the caller's list.
 */
#pragma once

#include "judge/checks.h"

/* Whether this target keeps within what its section allows; a failure of the check "policy" where
 * it does not. */
void pca_check_limits(const PcaCheckContext *context, const PcaTarget *target,
                      PcaFindings *findings);
