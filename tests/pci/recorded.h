/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: recorded hosts, in the format of tests/support/recorded.py, and how the sets that are
 * computed for them compare with the kernel's IOMMU groups.
 * Thread: any. Ownership: a host owns its functions, those what they hold.
 */
#pragma once

#include "pci/isolation.h"

typedef struct {
    PcaFunction *function; /* without its group: nothing can be computed from it */
    int group;             /* PCA_NO_GROUP without one */
    GArray *resources;     /* of PcaResource; may be NULL */
    guint8 *bytes;         /* of the config space */
    gsize length;
    PcaConfig *config; /* NULL when none was recorded */
} RecordedFunction;

typedef struct {
    GPtrArray *functions; /* of RecordedFunction, in the order of the file */
} RecordedHost;

/* Free with recorded_host_free; NULL with PCA_ERROR_INVALID_ARGUMENT or a file error, which name
 * file and line. */
RecordedHost *recorded_host_read(const char *path, GError **error);
void recorded_host_free(RecordedHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecordedHost, recorded_host_free)

/* Lines about each function whose computed set is not its group, "" when there is none; adds to
 * *disagreements. */
char *recorded_host_differences(const RecordedHost *host, guint *disagreements);

/* The files of a directory that are hosts (NAME.host), sorted; may be empty. */
GPtrArray *recorded_hosts_in(const char *directory);
