/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the one table of pcassign's errors: code, D-Bus name and exit status.
 * Thread: any; the table is constant. Ownership: names are static strings.
 */
#pragma once

#include <glib.h>

typedef enum {
    PCA_ERROR_FAILED,
    PCA_ERROR_UNSUPPORTED,
    PCA_ERROR_LIMIT_EXCEEDED,
    PCA_ERROR_REVOKED,
    PCA_ERROR_INVALID_ARGUMENT,
    PCA_ERROR_TIMED_OUT,
    PCA_ERROR_UNBIND_TIMEOUT,
    PCA_ERROR_NOT_PERMITTED,
    PCA_ERROR_IDENTITY_MISMATCH,
    PCA_ERROR_NOT_ISOLATED,
    PCA_ERROR_GROUP_INCOMPLETE,
    PCA_ERROR_IN_USE,
    PCA_ERROR_BUSY,
    PCA_ERROR_NO_RESET,
    PCA_ERROR_RESET_FAILED,
    PCA_ERROR_BIND_FAILED,
    PCA_ERROR_QUARANTINED,
    PCA_ERROR_NOT_FOUND,
    PCA_N_ERRORS,
} PcaError;

#define PCA_ERROR (pca_error_quark())
GQuark pca_error_quark(void);

#define PCA_ERROR_PREFIX "org.pcassign1.Error."

/* Exit statuses without an error of the table behind them. */
enum {
    PCA_EXIT_USAGE = 2,
    PCA_EXIT_NO_DAEMON = 8,
    PCA_EXIT_POLICY_INVALID = 65,
};

/* The short name, such as "InUse"; NULL for a code outside the table. */
const char *pca_error_name(int code);

/* The code for a short name or a full D-Bus name; -1 when it is not one of ours. */
int pca_error_from_name(const char *name);

/* pcassignctl's exit status for a code of the table; 1 for any other. */
int pca_error_exit_status(int code);

/* Sets *error to `code` with "what: strerror(errnum)"; errnum is positive. */
void pca_error_set_errno(GError **error, PcaError code, int errnum, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
