/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the host that the tests and the fuzzer of the policy try it on; needs nothing of check.
 * Thread: any. Ownership: the snapshot is the caller's.
 */
#pragma once

#include "pci/snapshot.h"

/* A display (two functions), network cards with virtual functions, a disk of another domain, and
 * functions without a path. */
PcaSnapshot *make_host(void);

/* A PcaSerialFunc for this host: 01:00.0 and 02:00.0 have a number, that of 03:00.0 cannot be read.
 */
gboolean read_serial(const PcaFunction *function, guint64 *serial, gpointer data);
