/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: asks the worker which programs have nodes of functions open, disks exclusively among
 * them: the part of the in-use guard that takes rights.
 * Thread: the main one; never blocks. Ownership: the result is handed over with the callback.
 */
#pragma once

#include "judge/checks.h"

typedef void (*PcaProgramUsesFunc)(PcaProgramUses *uses, gpointer data);

/* Calls back before it returns when no target has a node; otherwise the look has been at what else
 * uses the targets by then. A worker that takes longer than ten seconds, because a disk does not
 * answer, is not waited for. */
void pca_program_uses_find(PcaUseLook *look, const char *worker_socket, const PcaTargets *targets,
                           PcaProgramUsesFunc func, gpointer data);
