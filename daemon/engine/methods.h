/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reset_method of a function: by what the kernel resets it, and in which order.
 * Thread: the worker's. Ownership: nothing is kept.
 */
#pragma once

#include "sys/kernel.h"

/* Writes the list ("flr bus") and reads it back; `bus`, which the kernel may have listed and not
 * take any more, is left out where the rest will do. `device` is for messages. */
gboolean pca_methods_set(PcaKernel *kernel, const char *device, int directory, const char *methods,
                         GError **error);
