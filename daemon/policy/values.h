/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the values of keys: each is read whole, or reported at the byte that is wrong.
 * Thread: any. Ownership: results belong to the caller; `text` points into the line of the place
 * and ends with it.
 */
#pragma once

#include "policy/diagnostic.h"

#define PCA_SECTION_NAME_MAX 64

/* The path normalised, "0000:00:01.1/00.0"; NULL when it is malformed. */
char *pca_value_path(PcaPlace *place, const char *text);

/* Whether a normalised path means a virtual function. */
gboolean pca_path_is_vf(const char *path);

/* Reports what is wrong with a section's name, which ends at `end`. */
void pca_value_section_name(PcaPlace *place, const char *text, const char *end);

/* Normalised, "0000:01:00.0"; NULL when it is malformed. */
char *pca_value_address(PcaPlace *place, const char *text);

/* What follows is FALSE (and *result 0) when it is malformed. */
gboolean pca_value_serial(PcaPlace *place, const char *text, guint64 *serial);
gboolean pca_value_number(PcaPlace *place, const char *text, guint32 *number);
gboolean pca_value_size(PcaPlace *place, const char *text, guint64 *size);

/* NULL for auto, and when it is malformed. */
char *pca_value_driver(PcaPlace *place, const char *text);

/* Which of the words it is, or -1; `key` is for the message. */
int pca_value_word(PcaPlace *place, const char *text, const char *key, const char *const *words);
void pca_value_report_word(PcaPlace *place, const char *at, const char *word, const char *key,
                           const char *const *words);

/* ---- Lists (lists.c): what is well-formed of them ---- */

/* Appends guint32: vendor << 16 | device. */
void pca_value_ids(PcaPlace *place, const char *text, GArray *ids);

/* Appends PcaClassMatch. */
void pca_value_classes(PcaPlace *place, const char *text, GArray *classes);

/* Never NULL. `what` is "user" or "group". */
char **pca_value_principals(PcaPlace *place, const char *text, const char *what);
char **pca_value_units(PcaPlace *place, const char *text);
char **pca_value_labels(PcaPlace *place, const char *text);

/* NULL for "any", empty for "none". */
char **pca_value_reset_methods(PcaPlace *place, const char *text);

/* A set of PcaUses; 0 for "none". */
guint pca_value_uses(PcaPlace *place, const char *text);

/* "network", ... in the order of the bits, ends with NULL. */
extern const char *const pca_use_names[];

/* Whether a user or group of a list is a number, and which; 0 to 4294967294. */
gboolean pca_principal_number(const char *item, guint32 *number);
