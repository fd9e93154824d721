/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the parser fills in and the matcher reads.
 * Thread: any; immutable once parsed. Ownership: see policy.h.
 */
#pragma once

#include "policy/index.h"

struct PcaPolicy {
    GPtrArray *sections; /* of PcaSection, in the order of files and lines; owned */
    GHashTable *by_name; /* name to [Device] section; both borrowed from `sections` */
    PcaIndex *places;    /* by what they match; made when all are read */
    gatomicrefcount refs;
};

/* Empty, with one reference. */
PcaPolicy *pca_policy_new(void);

/* A section with an empty name and empty lists. The policy owns it. */
PcaSection *pca_policy_add(PcaPolicy *policy, const char *file, guint line);
