/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the tests of the policy share.
 * Thread: main. Ownership: results belong to the caller.
 */
#pragma once

#include "policy/host.h"
#include "policy/policy.h"
#include "support/suite.h"

/* Parses one file, "a.conf" of the administrator. */
PcaPolicy *parse_text(const char *text, PcaDiagnostics *diagnostics);

/* The same for a file in which nothing is an error. */
PcaPolicy *parse_good(const char *text);

#define E PCA_SEVERITY_ERROR
#define W PCA_SEVERITY_WARNING
#define N PCA_SEVERITY_NOTE

/* Of a file: the one thing that is to be said of it. */
typedef struct {
    const char *text;
    guint line, column;
    PcaSeverity severity;
    const char *says; /* a part of the message */
} Complaint;

/* Parses the file, which is called "a.conf" and has the text of the complaint. */
void expect_complaint(const Complaint *complaint, const PcaPolicyFile *file);

/* Of make_host; borrowed, and it is there. */
const PcaFunction *find_function(const PcaSnapshot *snapshot, const char *address);

/* All of them, a line each. */
char *format_all(PcaDiagnostics *diagnostics);

/* The test cases of the other files. */
void add_malformed(Suite *suite);
void add_sections(Suite *suite);
void add_values(Suite *suite);
void add_allow(Suite *suite);
void add_shuffle(Suite *suite);
void add_match(Suite *suite);
void add_explain(Suite *suite);
void add_verdicts(Suite *suite);
