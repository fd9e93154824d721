/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions' files in other hands.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/files.h"

#include <errno.h>

#include "base/error.h"

typedef struct {
    PcaKernel *kernel;
    const char *device;
    int directory;
    PcaOwner borrower; /* uid and label */
} Loan;

typedef gboolean (*FileFunc)(const Loan *loan, const char *name, const PcaOwner *found,
                             GError **error);

static gboolean malformed(const char *detail, GError **error) {
    g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "malformed list of files: %s", detail);
    return FALSE;
}

/* "1000" or "1000:LABEL". */
static gboolean parse_borrower(const char *word, PcaOwner *borrower) {
    g_auto(GStrv) parts = g_strsplit(word, ":", 2);
    guint64 uid;
    if (!parts[0] || !g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT32 - 1, &uid, NULL))
        return FALSE;
    *borrower = (PcaOwner){(uid_t)uid, 0, 0, ""};
    return !parts[1] || (*parts[1] && pca_owner_set_label(borrower, parts[1]));
}

static gboolean each(Loan *loan, const char *detail, FileFunc func, GError **error) {
    g_auto(GStrv) words = g_strsplit(detail, " ", -1);
    if (!words[0] || !words[1] || !parse_borrower(words[0], &loan->borrower))
        return malformed(detail, error);
    for (char **word = words + 1; *word; word++) {
        g_autofree char *name = NULL;
        PcaOwner found;
        if (!pca_owner_parse_file(*word, &name, &found))
            return malformed(detail, error);
        if (!func(loan, name, &found, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean fail(const Loan *loan, int result, const char *what, const char *name,
                     GError **error) {
    pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "%s: %s %s in sysfs", loan->device, what,
                        name);
    return FALSE;
}

static gboolean refuse(const Loan *loan, const char *name, const PcaOwner *wanted,
                       const PcaOwner *now, GError **error) {
    g_autofree char *expected = pca_owner_format(wanted);
    g_autofree char *found = pca_owner_format(now);
    g_set_error(
        error, PCA_ERROR, PCA_ERROR_BUSY,
        "%s: somebody else changed %s in sysfs: its owner, group, mode and label should be %s and "
        "are %s",
        loan->device, name, expected, found);
    return FALSE;
}

static gboolean set_owner(const Loan *loan, const char *name, const PcaOwner *owner,
                          GError **error) {
    PcaKernel *kernel = loan->kernel;
    PcaOwner now;
    int result = kernel->ops->write_file_owner(kernel, loan->directory, name, owner);
    if (result == 0)
        result = kernel->ops->read_file_owner(kernel, loan->directory, name, &now);
    if (result < 0)
        return fail(loan, result, "changing owner and label of", name, error);
    return pca_owner_equal(&now, owner) || refuse(loan, name, owner, &now, error);
}

static gboolean lend(const Loan *loan, const char *name, const PcaOwner *found, GError **error) {
    PcaKernel *kernel = loan->kernel;
    PcaOwner lent = {loan->borrower.uid, found->gid, found->mode, ""}, now;
    pca_owner_set_label(&lent, loan->borrower.label);
    int result = kernel->ops->read_file_owner(kernel, loan->directory, name, &now);
    if (result < 0)
        return fail(loan, result, "looking at", name, error);
    if (pca_owner_equal(&now, &lent))
        return TRUE;
    if (!pca_owner_equal(&now, found))
        return refuse(loan, name, found, &now, error);
    return set_owner(loan, name, &lent, error);
}

static gboolean regain(const Loan *loan, const char *name, const PcaOwner *found, GError **error) {
    PcaKernel *kernel = loan->kernel;
    PcaOwner now;
    int result = kernel->ops->read_file_owner(kernel, loan->directory, name, &now);
    if (result == -ENOENT)
        return TRUE;
    if (result < 0)
        return fail(loan, result, "looking at", name, error);
    return pca_owner_equal(&now, found) || set_owner(loan, name, found, error);
}

gboolean pca_files_lend(PcaKernel *kernel, const char *device, int directory, const char *detail,
                        GError **error) {
    Loan loan = {.kernel = kernel, .device = device, .directory = directory};
    return each(&loan, detail, lend, error);
}

gboolean pca_files_regain(PcaKernel *kernel, const char *device, int directory, const char *detail,
                          GError **error) {
    Loan loan = {.kernel = kernel, .device = device, .directory = directory};
    return each(&loan, detail, regain, error);
}
