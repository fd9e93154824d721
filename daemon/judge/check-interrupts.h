/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "interrupts": remapping, and INTx lines that cannot be shared.
 * Thread: the main one; reads sysfs, changes nothing. Ownership: findings go into the caller's
 * list.
 */
#pragma once

#include "judge/checks.h"

/* Appends what refuses, or else that it passes, with the facts about all targets. */
void pca_check_interrupts(const PcaCheckContext *context, PcaFindings *findings);
