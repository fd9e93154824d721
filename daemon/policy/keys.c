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
    [PCA_KEY_SUBSYSTEM] = "Subsystem",
    [PCA_KEY_CLASS] = "Class",
    [PCA_KEY_SERIAL] = "Serial",
    [PCA_KEY_ADDRESS] = "Address",
    [PCA_KEY_FUNCTIONS] = "Functions",
    [PCA_KEY_ALLOW_USER] = "AllowUser",
    [PCA_KEY_ALLOW_GROUP] = "AllowGroup",
    [PCA_KEY_ALLOW_UNIT] = "AllowUnit",
    [PCA_KEY_REQUIRE_UNIT] = "RequireUnit",
    [PCA_KEY_REQUIRE_LABEL] = "RequireLabel",
    [PCA_KEY_AUTHORIZE] = "Authorize",
    [PCA_KEY_PER_USER] = "PerUser",
    [PCA_KEY_MAX_MEMORY] = "MaxMemory",
    [PCA_KEY_RESET] = "Reset",
    [PCA_KEY_DRIVER] = "Driver",
    [PCA_KEY_ON_RELEASE] = "OnRelease",
    [PCA_KEY_SIBLINGS] = "Siblings",
    [PCA_KEY_ALLOW_IN_USE] = "AllowInUse",
    [PCA_KEY_SYSFS_FILES] = "SysfsFiles",
    [PCA_KEY_RESERVE] = "Reserve",
    "VirtualFunctionOf",
    NULL,
};

int pca_word_find(const char *const *words, const char *word) {
    for (int i = 0; words[i]; i++)
        if (g_str_equal(words[i], word))
            return i;
    return -1;
}

int pca_key_find(const char *word) {
    return pca_word_find(keys, word);
}

int pca_section_kind_find(const char *word) {
    return pca_word_find(sections, word);
}

const char *pca_section_kind_name(int kind) {
    return sections[kind];
}

const char *pca_key_name(int key) {
    return keys[key];
}

gboolean pca_key_belongs(PcaKey key, PcaSectionKind kind) {
    return kind == PCA_SECTION_DEVICE || key == PCA_KEY_DESCRIPTION || pca_key_selects(key);
}

/* VirtualFunctionOf, which stands right behind the keys, selects as well. */
gboolean pca_key_selects(int key) {
    return (key >= PCA_KEY_PATH && key <= PCA_KEY_ADDRESS) || key == PCA_N_KEYS;
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

int pca_word_guess(const char *const *words, const char *word) {
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
    return pca_word_guess(keys, word);
}

int pca_section_kind_guess(const char *word) {
    return pca_word_guess(sections, word);
}
