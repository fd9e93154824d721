/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims and releases by the interpreter, for its tests (run*.c).
 * Thread: main. Ownership: each test's own.
 */
#pragma once

#include "engine/support.h"

extern const char *const nic[];

/* Of the functions as they are now; nothing is done yet. */
Run run_new(const char *const *set);
void claim(Run *run);
void release(Run *run);

/* Claimed, and then given the trouble that the test has made. */
Run claimed(const char *const *set);

void assert_result(Run *run, PcaJournalResult result);

/* The only one. */
void assert_residue(Run *run, const char *device, gboolean quarantined, const char *text);
