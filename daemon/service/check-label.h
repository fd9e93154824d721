/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "label", which there is where SELinux is on: whether the nodes of the claim
 * can have a label that tells its client from others, and whether its policy would let the claim be
 * made, which a Claim is asked before anything else.
 * Thread: the main one. Ownership: findings go into the caller's list.
 */
#pragma once

#include "judge/checks.h"

void pca_check_label(const PcaCheckContext *context, PcaFindings *findings);
