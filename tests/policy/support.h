/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the tests of the policy share.
 * Thread: main. Ownership: results belong to the caller.
 */
#pragma once

#include "policy/policy.h"
#include "support/suite.h"

/* Parses one file, "a.conf" of the administrator. */
PcaPolicy *parse_text(const char *text, PcaDiagnostics *diagnostics);

/* The same for a file in which nothing is an error. */
PcaPolicy *parse_good(const char *text);

/* All of them, a line each. */
char *format_all(PcaDiagnostics *diagnostics);

/* The test cases of the other files. */
void add_malformed(Suite *suite);
void add_sections(Suite *suite);
void add_match(Suite *suite);
