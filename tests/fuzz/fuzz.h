/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a fuzz target defines, by libFuzzer's name, and how it says that something is
 * wrong. Thread: one. Ownership: the input belongs to the caller.
 */
#pragma once

#include <glib.h>

/* Traps when an invariant does not hold; returns 0. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* A violation must stop the fuzzer; an assertion may be compiled out. */
static inline void require(gboolean holds) {
    if (!holds)
        __builtin_trap();
}
