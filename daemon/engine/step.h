/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the step table: how each op of a plan is done on the kernel.
 * Thread: the worker's only one; a step blocks as long as the kernel does. Ownership: see
 * engine/context.h.
 */
#pragma once

#include "engine/context.h"
#include "engine/plan.h"

/* Does `op` on the step's device; `detail` is the step's or, when it is undone, its undo's. Doing a
 * step again that was done already changes nothing. NotFound means that the function was removed.
 */
gboolean pca_step_do(PcaStepContext *context, const PcaStep *step, PcaOp op, const char *detail,
                     GError **error);
