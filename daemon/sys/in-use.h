/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether the host itself uses a function: the guard that keeps a root disk or the card
 * with the default route from being taken. Facts are read from sysfs, /proc and rtnetlink.
 * Thread: any. Ownership: findings go into the caller's list.
 */
#pragma once

#include "base/finding.h"
#include "pci/snapshot.h"
#include "sys/root.h"

/* Appends one failure called "in-use" with PCA_ERROR_IN_USE for each use that the host makes of
 * `function`, culprit and words included; nothing when it makes none. What cannot be read counts
 * as in use (fail closed). */
void pca_in_use(const PcaRoot *root, const PcaFunction *function, PcaFindings *findings);
