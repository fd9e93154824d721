/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: lending a function's files in sysfs to a user, and taking them back exactly. What the
 * user has opened meanwhile stays open: nothing but the boot ends that.
 * Thread: the worker's. Ownership: nothing is kept.
 *
 * `detail` is that of the steps, "UID FILE=OWNER..." or "UID:LABEL FILE=OWNER...", where OWNER is
 * as the file was found. `device` is for messages, `directory` the function's own.
 */
#pragma once

#include "sys/kernel.h"

/* The uid of each becomes the user's, and the label that one; group and mode stay. Busy where one
 * is neither as it was found nor lent already; then, and with any failure, some may be lent. */
gboolean pca_files_lend(PcaKernel *kernel, const char *device, int directory, const char *detail,
                        GError **error);

/* Each is as it was found. One that is there no more is nobody's. */
gboolean pca_files_regain(PcaKernel *kernel, const char *device, int directory, const char *detail,
                          GError **error);
