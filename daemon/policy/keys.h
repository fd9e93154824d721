/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the words of the policy language: sections and keys, and what a wrong one was meant
 * to be.
 * Thread: any; the tables are constant. Ownership: names are static strings.
 */
#pragma once

#include "policy/policy.h"

/* What is understood now. Other words of the language follow after PCA_N_KEYS and
 * PCA_N_SECTIONS: they are known and refused. */
typedef enum {
    PCA_KEY_DESCRIPTION,
    PCA_KEY_PATH,
    PCA_KEY_ID,
    PCA_KEY_FUNCTIONS,
    PCA_KEY_ALLOW_USER,
    PCA_KEY_ALLOW_GROUP,
    PCA_N_KEYS,
} PcaKey;

#define PCA_N_SECTIONS (PCA_SECTION_DENY + 1)

/* The word's index: a PcaKey or PcaSectionKind, one beyond when it is not supported yet, or -1 when
 * the language has no such word. */
int pca_key_find(const char *word);
int pca_section_kind_find(const char *word);

/* For messages: "Device", "Path"; of known words only. */
const char *pca_section_kind_name(int kind);
const char *pca_key_name(int key);

/* Whether a section of that kind may have the key; of supported ones only. */
gboolean pca_key_belongs(PcaKey key, PcaSectionKind kind);

/* Whether the key, supported or not, says which hardware is meant. */
gboolean pca_key_selects(int key);

/* The word of the language that `word` was probably meant to be, as an index; or -1. */
int pca_key_guess(const char *word);
int pca_section_kind_guess(const char *word);
