/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the words of the policy language: sections and keys, and what a wrong one was meant
 * to be.
 * Thread: any; the tables are constant. Ownership: names are static strings.
 */
#pragma once

#include "policy/policy.h"

#define PCA_N_SECTIONS (PCA_SECTION_DENY + 1)

/* The word's index: a PcaKey or PcaSectionKind, one beyond when it is not supported yet, or -1 when
 * the language has no such word. */
int pca_key_find(const char *word);
int pca_section_kind_find(const char *word);

/* Whether a section of that kind may have the key; of supported ones only. */
gboolean pca_key_belongs(PcaKey key, PcaSectionKind kind);

/* Whether the key, supported or not, says which hardware is meant. */
gboolean pca_key_selects(int key);

/* The word of a list that ends with NULL, as an index; -1 when it is none of them. The guess is the
 * nearest one, -1 when none is near. */
int pca_word_find(const char *const *words, const char *word);
int pca_word_guess(const char *const *words, const char *word);

/* The word of the language that `word` was probably meant to be, as an index; or -1. */
int pca_key_guess(const char *word);
int pca_section_kind_guess(const char *word);
