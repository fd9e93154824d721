/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: asks the in-use guard about a function of a tree and compares its answer.
 * Thread: one. Ownership: nothing is kept.
 */
#pragma once

#include "support/suite.h"
#include "support/tree.h"

/* Ends the test unless the guard finds exactly these uses: "CULPRIT: TEXT" lines in the order in
 * which it tells them, each ended by a newline; "" when it finds none. */
void pca_expect_uses(const PcaTree *tree, const char *address, const char *expected);

/* As many uses, and each of the NULL-ended words somewhere in what is told, fixes included. */
void pca_expect_words(const PcaTree *tree, const char *address, guint uses,
                      ...) G_GNUC_NULL_TERMINATED;
