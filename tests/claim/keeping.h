/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims whose functions are to be kept from the host after their release.
 * Thread: main; the worker is a child. Ownership: what is returned is the caller's unless called
 * borrowed.
 */
#pragma once

#include "claim/support.h"

#define WAIT (60 * G_USEC_PER_SEC)
#define KEPT "driver=vfio-pci override=vfio-pci"

/* As it is found now. */
PcaFunction *function_of(const char *address);

/* Borrowed; NULL when it is not reserved. */
PcaClaim *reservation_of(const char *address);

/* The first device of the set is to be kept, on the usual terms or without a reset. */
PcaClaim *keeping(const char *const *set, gboolean never_reset);

/* Prepares it, and returns it. */
PcaClaim *ready(PcaClaim *claim, int *lease);

/* Another daemon, which takes up what is there. */
void restart(void);

/* Until nobody is at work any more. */
void await_rest(void);
