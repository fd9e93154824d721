/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the tables of sections and keys.
 * Thread: any. Ownership: see the header.
 */
#include "policy/keys.h"

#include <string.h>

#define WORD_MAX 32 /* longer words are near to none of ours */

static const char *const sections[] = {
    [PCA_SECTION_DEVICE] = "Device",
    [PCA_SECTION_DENY] = "Deny",
    "Pool",
    NULL,
};

static const char *const keys[] = {
    [PCA_KEY_DESCRIPTION] = "Description",
    [PCA_KEY_PATH] = "Path",
    [PCA_KEY_ID] = "Id",
    [PCA_KEY_FUNCTIONS] = "Functions",
    [PCA_KEY_ALLOW_USER] = "AllowUser",
    [PCA_KEY_ALLOW_GROUP] = "AllowGroup",
    "Subsystem",
    "Class",
    "Serial",
    "Address",
    "VirtualFunctionOf",
    "AllowUnit",
    "RequireUnit",
    "RequireLabel",
    "Authorize",
    "PerUser",
    "MaxMemory",
    "Reset",
    "Driver",
    "OnRelease",
    "Siblings",
    "AllowInUse",
    "SysfsFiles",
    "Reserve",
    NULL,
};

static const char *const selectors[] = {"Path",   "Id",      "Subsystem",         "Class",
                                        "Serial", "Address", "VirtualFunctionOf", NULL};

static int find(const char *const *words, const char *word) {
    for (int i = 0; words[i]; i++)
        if (g_str_equal(words[i], word))
            return i;
    return -1;
}

int pca_key_find(const char *word) {
    return find(keys, word);
}

int pca_section_kind_find(const char *word) {
    return find(sections, word);
}

const char *pca_section_kind_name(int kind) {
    return sections[kind];
}

const char *pca_key_name(int key) {
    return keys[key];
}

gboolean pca_key_belongs(PcaKey key, PcaSectionKind kind) {
    return kind == PCA_SECTION_DEVICE || key == PCA_KEY_DESCRIPTION || key == PCA_KEY_PATH ||
           key == PCA_KEY_ID;
}

gboolean pca_key_selects(int key) {
    return g_strv_contains(selectors, keys[key]);
}

/* How many insertions, deletions and changes of one letter lead from a to b; case does not count.
 * Both have at most WORD_MAX bytes. */
static guint distance(const char *a, const char *b) {
    guint row[WORD_MAX + 1];
    gsize n = strlen(b);
    for (guint j = 0; j <= n; j++)
        row[j] = j;
    for (guint i = 0; a[i]; i++) {
        guint diagonal = row[0];
        row[0] = i + 1;
        for (guint j = 0; j < n; j++) {
            guint change = diagonal + (g_ascii_tolower(a[i]) != g_ascii_tolower(b[j]));
            diagonal = row[j + 1];
            row[j + 1] = MIN(change, MIN(row[j], row[j + 1]) + 1);
        }
    }
    return row[n];
}

static int guess(const char *const *words, const char *word) {
    gsize length = strlen(word);
    if (length > WORD_MAX)
        return -1;
    guint best = length < 4 ? 2 : length < 8 ? 3 : 4; /* first distance that is too far */
    int index = -1;
    for (int i = 0; words[i]; i++) {
        guint far = distance(word, words[i]);
        if (far < best) {
            best = far;
            index = i;
        }
    }
    return index;
}

int pca_key_guess(const char *word) {
    return guess(keys, word);
}

int pca_section_kind_guess(const char *word) {
    return guess(sections, word);
}
