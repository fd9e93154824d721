/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "sriov": a physical function and its virtual functions never have different
 * owners. Whoever drives the physical one resets, reconfigures and removes the others at will, and
 * the kernel does not keep them apart on each path (a character device asks for no VF token before
 * Linux 6.17). Thread: the main one. Ownership: findings go into the caller's list.
 */
#pragma once

#include "judge/checks.h"

/* Refused is a physical function that has virtual functions, or that a claim has one of; and a
 * virtual function whose physical function is claimed, or on a vfio driver, whoever put it there.
 */
void pca_check_sriov(const PcaCheckContext *context, const PcaTarget *target,
                     PcaFindings *findings);
