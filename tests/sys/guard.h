/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: asks the in-use guard about a function of a tree and compares its answer.
 * Thread: one. Ownership: nothing is kept.
 */
#pragma once

#include "base/finding.h"
#include "support/suite.h"
#include "support/tree.h"

/* "CULPRIT (USE): TEXT" lines in the order in which they are told, each ended by a newline, without
 * " (USE)" where no policy may allow it; "" when there is none. The caller's. */
char *pca_print_uses(PcaFindings *findings);

/* Ends the test unless the guard finds exactly these uses, printed as above. */
void pca_expect_uses(const PcaTree *tree, const char *address, const char *expected);

/* As pca_expect_uses, but of disks that nobody can open exclusively, and what that tells is told
 * too. */
void pca_expect_uses_of_held(const PcaTree *tree, const char *address, const char *expected);

/* As many uses, and each of the NULL-ended words somewhere in what is told, fixes included. */
void pca_expect_words(const PcaTree *tree, const char *address, guint uses,
                      ...) G_GNUC_NULL_TERMINATED;
