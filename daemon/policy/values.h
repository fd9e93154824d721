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

/* Appends to `ids` (of guint32: vendor << 16 | device) what is well-formed. */
void pca_value_ids(PcaPlace *place, const char *text, GArray *ids);

/* The well-formed users or groups of a list; never NULL. `what` is "user" or "group". */
char **pca_value_principals(PcaPlace *place, const char *text, const char *what);

/* FALSE when it is neither "all" nor "one". */
gboolean pca_value_functions(PcaPlace *place, const char *text, gboolean *all);

/* Reports what is wrong with a section's name, which ends at `end`. */
void pca_value_section_name(PcaPlace *place, const char *text, const char *end);

/* Whether a user or group of a list is a number, and which; 0 to 4294967294. */
gboolean pca_principal_number(const char *item, guint32 *number);
