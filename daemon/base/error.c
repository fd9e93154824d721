/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the error table.
 * Thread: any. Ownership: nothing is allocated but GErrors, which the caller frees.
 */
#include "base/error.h"

GQuark pca_error_quark(void) {
    return g_quark_from_static_string("pca-error-quark");
}

static const struct {
    const char *name;
    int exit_status;
} errors[PCA_N_ERRORS] = {
    [PCA_ERROR_FAILED] = {"Failed", 1},
    [PCA_ERROR_UNSUPPORTED] = {"Unsupported", 1},
    [PCA_ERROR_LIMIT_EXCEEDED] = {"LimitExceeded", 1},
    [PCA_ERROR_REVOKED] = {"Revoked", 1},
    [PCA_ERROR_INVALID_ARGUMENT] = {"InvalidArgument", 2},
    [PCA_ERROR_TIMED_OUT] = {"TimedOut", 3},
    [PCA_ERROR_UNBIND_TIMEOUT] = {"UnbindTimeout", 3},
    [PCA_ERROR_NOT_PERMITTED] = {"NotPermitted", 4},
    [PCA_ERROR_IDENTITY_MISMATCH] = {"IdentityMismatch", 4},
    [PCA_ERROR_NOT_ISOLATED] = {"NotIsolated", 5},
    [PCA_ERROR_GROUP_INCOMPLETE] = {"GroupIncomplete", 5},
    [PCA_ERROR_IN_USE] = {"InUse", 6},
    [PCA_ERROR_BUSY] = {"Busy", 6},
    [PCA_ERROR_NO_RESET] = {"NoReset", 7},
    [PCA_ERROR_RESET_FAILED] = {"ResetFailed", 7},
    [PCA_ERROR_BIND_FAILED] = {"BindFailed", 7},
    [PCA_ERROR_QUARANTINED] = {"Quarantined", 7},
    [PCA_ERROR_NOT_FOUND] = {"NotFound", 10},
};

const char *pca_error_name(int code) {
    return code >= 0 && code < PCA_N_ERRORS ? errors[code].name : NULL;
}

int pca_error_from_name(const char *name) {
    if (g_str_has_prefix(name, PCA_ERROR_PREFIX))
        name += strlen(PCA_ERROR_PREFIX);
    for (int i = 0; i < PCA_N_ERRORS; i++)
        if (g_str_equal(name, errors[i].name))
            return i;
    return -1;
}

int pca_error_exit_status(int code) {
    return code >= 0 && code < PCA_N_ERRORS ? errors[code].exit_status : 1;
}

void pca_error_set_errno(GError **error, PcaError code, int errnum, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, PCA_ERROR, code, "%s: %s", what, g_strerror(errnum));
}
