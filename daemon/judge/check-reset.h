/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "reset": what one owner leaves in a function never reaches the next.
 * Thread: the main one. Ownership: findings go into the caller's list.
 */
#pragma once

#include "judge/checks.h"

/* Refused is what no method resets of those that its section lets, and what only a reset of its bus
 * would, where that reaches a function that is not of the same claim. */
void pca_check_reset(const PcaCheckContext *context, const PcaTarget *target,
                     PcaFindings *findings);
