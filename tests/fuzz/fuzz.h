/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a fuzz target defines; the name is libFuzzer's.
 * Thread: one. Ownership: the input belongs to the caller.
 */
#pragma once

#include <glib.h>

/* Traps when an invariant does not hold; returns 0. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);
