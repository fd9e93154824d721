/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what pcassignctl prints: tables, JSON and one-line errors.
 * Thread: main. Ownership: builders and tables belong to the caller.
 */
#pragma once

#include "options.h"

#include <json-glib/json-glib.h>
#include <libsmartcols.h>

typedef struct libscols_table PcaTable;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaTable, scols_unref_table)

#define PCA_COLOUR_GOOD "\033[32m"
#define PCA_COLOUR_BAD "\033[31m"
#define PCA_COLOUR_WARNING "\033[33m"
#define PCA_COLOUR_NOTE "\033[36m"
#define PCA_COLOUR_NONE "\033[0m"

/* Whether to colour what goes to standard output: a terminal, and NO_COLOR is not set. */
gboolean pca_output_coloured(void);

/* A table with these columns (NULL at the end); the last one is cut at the edge of a terminal when
 * `cut` is TRUE. NULL, with *error set, when there is no memory for it. */
PcaTable *pca_table_new(const PcaOptions *options, const char *const *columns, gboolean cut,
                        GError **error);

/* Adds a row of as many cells as the table has columns; NULL and "" are shown as "-". The strings
 * are copied. NULL when there is no memory. */
struct libscols_line *pca_table_row(PcaTable *table, const char *const *cells);

/* Prints the table; nothing at all when it is empty. */
void pca_table_print(PcaTable *table);

/* Prints the value that the builder holds, as the options say, with a newline behind it. */
void pca_json_print(const PcaOptions *options, JsonBuilder *builder);

/* Members of the object that is open in the builder; NULL and "" become null. */
void pca_json_string(JsonBuilder *builder, const char *name, const char *value);

/* A member that is a number; null for a negative one. */
void pca_json_number(JsonBuilder *builder, const char *name, gint64 value);

/* A member that is an array of strings; `values` ends with NULL. */
void pca_json_strings(JsonBuilder *builder, const char *name, const char *const *values);

/* Prints "pcassignctl: MESSAGE" on one line of standard error, without control characters. */
void pca_complain(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The text with control characters (a terminal might obey them) replaced. Caller frees. */
char *pca_printable(const char *text);
