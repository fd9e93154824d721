/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the interpreter: runs a plan step by step, journalled, and undoes it when it fails.
 * Thread: the worker's; blocks as long as the kernel does. Ownership: residues are the caller's.
 */
#pragma once

#include "engine/journal.h"
#include "engine/step.h"

/* A function that could not be brought to where the plan should leave it. */
typedef struct {
    char *device;
    gboolean quarantined; /* not provably clean; otherwise degraded: not as it was */
    char *text;
} PcaResidue;

typedef GPtrArray PcaResidues; /* owns PcaResidue */
PcaResidues *pca_residues_new(void);

/* Runs `plan`, the journal's lock held by the caller. A claim plan that fails is undone in reverse
 * and *error says why it failed; but once a step was begun that hands something out, it is left as
 * it is, without an end in the journal, and has to be released. A release plan goes on with the
 * other functions when one fails, and one that goes on where an earlier run of it died touches no
 * function that this had restored. Either way `residues` tells what could not be put right. Returns
 * TRUE when every step was done. */
gboolean pca_run(PcaKernel *kernel, const PcaPlan *plan, int journal, PcaResidues *residues,
                 GError **error);

/* Undoes what the journal says was begun of a claim plan, in reverse; InvalidArgument where
 * something was handed out. */
gboolean pca_run_undo(PcaKernel *kernel, int journal, PcaResidues *residues, GError **error);
