/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the check "isolation": the kernel's group decides, unless what it was made of is no
 * longer so, or the kernel was told to believe what is not; then it is refused.
 * Thread: the main one. Ownership: as checks.h.
 */
#pragma once

#include "judge/checks.h"

/* Appends one verdict when nothing was found, and one for each thing found. */
void pca_check_isolation(const PcaCheckContext *context, PcaFindings *findings);

/* Why `function` shares with `other`, a sentence; NULL when topology and registers do not tell. */
const char *pca_isolation_why(const PcaCheckContext *context, const PcaFunction *function,
                              const PcaAddress *other);
