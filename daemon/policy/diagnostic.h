/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reporting about a byte of the line that is being read.
 * Thread: any, one place per parser. Ownership: a place borrows all that it points to.
 */
#pragma once

#include "policy/policy.h"

typedef struct {
    PcaDiagnostics *diagnostics;
    const char *file;
    guint line;        /* from 1 */
    const char *start; /* the first byte of the line, from which columns are counted */
    guint errors;      /* reported so far */
} PcaPlace;

/* `at` points into the line at `place->start`, or to its terminating NUL. */
void pca_place_report(PcaPlace *place, const char *at, PcaSeverity severity, const char *format,
                      ...) G_GNUC_PRINTF(4, 5);
#define pca_place_error(place, at, ...)                                                            \
    pca_place_report((place), (at), PCA_SEVERITY_ERROR, __VA_ARGS__)

/* Appends the diagnostics of one file to `to` in the order of their lines and columns; `from` is
 * empty afterwards. */
void pca_diagnostics_move_sorted(PcaDiagnostics *from, PcaDiagnostics *to);

/* The text in quotes, cut to a length that fits a message; valid UTF-8 in, valid UTF-8 out. Free
 * with g_free. */
char *pca_quote(const char *text, gsize length);
