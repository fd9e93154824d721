/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which value belongs where in a section, and how it is read.
 * Thread: any. Ownership: the section owns what it is given.
 */
#pragma once

#include "policy/diagnostic.h"

/* Reads the value of a key that the section does not have yet; what is malformed is reported and
 * left out. */
void pca_section_assign(PcaPlace *place, PcaSection *section, PcaKey key, const char *value);
