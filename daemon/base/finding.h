/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the verdict of one check, in the words that a person reads, and as an error.
 * Thread: any. Ownership: a finding owns its strings; lists are GPtrArrays that own findings.
 */
#pragma once

#include "base/error.h"

/* Uses that the host makes of a function and that a policy may let a claim end (AllowInUse=), as a
 * set. Disks never. */
typedef enum {
    PCA_USE_NETWORK = 1 << 0,
    PCA_USE_DISPLAY = 1 << 1,
    PCA_USE_INPUT = 1 << 2,
    PCA_USE_SOUND = 1 << 3,
    PCA_USE_OTHER = 1 << 4,
} PcaUses;

typedef struct {
    const char *name; /* static: "exists", "iommu", "policy", ... */
    gboolean ok;
    gboolean unknown; /* of a failure: nothing that stands in the way was found, but not all could
                         be looked at; whoever decides takes it for a refusal */
    PcaError error;   /* meaningful when !ok */
    char *culprit;    /* what stands in the way: an address, a driver, a mount point; or NULL */
    char *text;       /* one sentence without a full stop */
    char *fix;        /* what mends it, ideally one command; or NULL */
    guint use;        /* of a failure "in-use": the one PcaUses it is; 0: no policy may allow it */
} PcaFinding;

typedef GPtrArray PcaFindings;

PcaFindings *pca_findings_new(void);
void pca_findings_pass(PcaFindings *findings, const char *name, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* `culprit` and `fix` may be NULL; they are copied. */
void pca_findings_fail(PcaFindings *findings, const char *name, PcaError error, const char *culprit,
                       const char *fix, const char *format, ...) G_GNUC_PRINTF(6, 7);

/* The same of what could not be found out: `unknown`. */
void pca_findings_doubt(PcaFindings *findings, const char *name, PcaError error,
                        const char *culprit, const char *fix, const char *format, ...)
    G_GNUC_PRINTF(6, 7);

/* Whether a failure called `name` is among them; any failure at all when name is NULL. */
gboolean pca_findings_failed(PcaFindings *findings, const char *name);

/* Sets *error from the first failure in the order of the check names' table (that of the
 * interface); returns FALSE if there was one. */
gboolean pca_findings_to_error(PcaFindings *findings, GError **error);

/* Sorts into the order of the check names' table, keeping the order within a name. */
void pca_findings_sort(PcaFindings *findings);
