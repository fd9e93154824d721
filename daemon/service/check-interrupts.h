/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "interrupts": remapping, and INTx lines that cannot be shared.
 * Thread: the main one; reads sysfs, changes nothing. Ownership: findings go into the caller's
 * list.
 */
#pragma once

#include "service/checks.h"

/* Appends what refuses the function; of what is the host's, once for the first target. */
void pca_check_interrupts(const PcaCheckContext *context, const PcaFunction *function,
                          PcaFindings *findings);

/* The facts where nothing is refused, about all targets. Caller frees. */
char *pca_describe_interrupts(const PcaCheckContext *context);
