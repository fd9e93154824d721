/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what must hold of any config, whatever the bytes: for tests and the fuzzer.
 * Thread: any. Ownership: the answers are static strings.
 */
#pragma once

#include "pci/config.h"

/* The first fact of `part`, made of fewer bytes of the same space, that `full` contradicts; NULL
 * when it knows less, but nothing else. */
const char *pca_facts_contradiction(const PcaConfig *part, const PcaConfig *full);

/* What is wrong with it in itself: offsets, order, names; NULL when nothing is. */
const char *pca_facts_broken(const PcaConfig *config);
