/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims on disk that a daemon left when it died, for the tests of what the next one does
 * with them (recover*.c).
 * Thread: main; former workers are children. Ownership: each test its claim on disk.
 */
#pragma once

#include "claim/support.h"

extern const char *const pair[];

/* A claim on disk as a daemon leaves it that dies; its journal and its lease are open here. */
typedef struct {
    PcaClaim *claim;
    GPtrArray *functions;
    int journal;
    int lease;
} Left;

Left left_new(void);
void left_free(Left *left);
#define AUTO_LEFT __attribute__((cleanup(left_free))) Left

void run_plan(Left *left, PcaPlanKind kind);

/* In a process of its own, which the journal then names. */
void run_elsewhere(Left *left, PcaPlanKind kind);

/* The same; it is killed at the operation. */
void run_and_die(Left *left, PcaPlanKind kind, const char *glob);

/* NULL when nothing was, or it is over. */
PcaClaim *taken_up(Left *left);

/* Until the claim is over; at once when it was over before anybody could look. */
void await_end(Left *left);

const PcaClaimResidue *residue_of(Left *left, guint index);

/* All is as it was before the claim, and nothing is left to be taken up. */
void assert_gone(Left *left);

/* What the files tell whoever looks at them is what a daemon makes of them; and looking changes
 * nothing. */
void recover(Left *left);
