/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a section must have as a whole, and what it may not share with others.
 * Thread: any, one PcaSeen per load. Ownership: a PcaSeen owns its keys and borrows the sections.
 */
#pragma once

#include "policy/diagnostic.h"
#include "policy/keys.h"

/* The sections read so far, by what must be unique: name, path, slot. */
typedef GHashTable PcaSeen;
PcaSeen *pca_seen_new(void);

/* The section of the same kind and name read before, or NULL: then this one is noted. */
const PcaSection *pca_seen_name(PcaSeen *seen, const PcaSection *section);

/* Checks a section whose lines are all read. `lost`: one of them could have been what it must have,
 * so that nothing is missed. */
void pca_section_check(const PcaSection *section, gboolean lost, PcaSeen *seen,
                       PcaDiagnostics *diagnostics);
