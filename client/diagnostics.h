/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what is wrong in policy files, for people and as JSON, wherever it comes from.
 * Thread: main. Ownership: lists belong to the caller.
 */
#pragma once

#include "output.h"
#include "policy/policy.h"

/* From the a(suuss) of ReloadPolicy. */
PcaDiagnostics *pca_diagnostics_read(GVariant *list);

/* Prints all of them as the options say; in text a line each, the severity coloured on a terminal.
 */
void pca_diagnostics_print(const PcaOptions *options, PcaDiagnostics *diagnostics);

/* Prints them on standard error, for a verb that is about something else. */
void pca_diagnostics_complain(PcaDiagnostics *diagnostics);

guint pca_diagnostics_count(PcaDiagnostics *diagnostics, PcaSeverity severity);

/* The first error as a line; NULL without one. Caller frees. */
char *pca_diagnostics_first_error(PcaDiagnostics *diagnostics);

/* By file, line and column. */
void pca_diagnostics_sort(PcaDiagnostics *diagnostics);

/* "2 errors, 1 warning"; NULL when there is nothing. Caller frees. */
char *pca_diagnostics_summary(PcaDiagnostics *diagnostics);
