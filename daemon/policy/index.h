/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which sections may match a function, without a look at all of them.
 * Thread: any; immutable. Ownership: an index borrows the sections.
 */
#pragma once

#include "policy/policy.h"

typedef struct PcaIndex PcaIndex;

/* Of all sections (PcaSection). */
PcaIndex *pca_index_new(const GPtrArray *sections);
void pca_index_free(PcaIndex *index);

/* Every section that could match the function, each once, in their order; some of them do not.
 * Borrowed sections in a list that is the caller's. */
GPtrArray *pca_index_find(const PcaIndex *index, const PcaFunction *function);
