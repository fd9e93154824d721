/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether the host uses a function, and what of that its section lets pass.
 * Thread: the main one. Ownership: findings go into the caller's list.
 */
#pragma once

#include "judge/checks.h"

/* Appends a failure for each use; one that AllowInUse= of the section allows is told as passed. */
void pca_check_in_use(const PcaCheckContext *context, const PcaTarget *target,
                      PcaFindings *findings);
