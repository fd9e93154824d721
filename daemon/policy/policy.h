/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the policy in force: sections, what they match, and whom they allow. Pure: the texts of
 * the files and the names of the caller come from outside.
 * Thread: any; immutable once parsed. Ownership: a policy is reference-counted and owns its
 * sections; what a match points to lives as long as the policy.
 */
#pragma once

#include "pci/snapshot.h"

typedef enum { PCA_SEVERITY_ERROR, PCA_SEVERITY_WARNING, PCA_SEVERITY_NOTE } PcaSeverity;

/* One line about one place of one file. Line and column count from 1; 0 means the file as a whole.
 */
typedef struct {
    char *file;
    guint line, column;
    PcaSeverity severity;
    char *text;
} PcaDiagnostic;

typedef GPtrArray PcaDiagnostics; /* owns PcaDiagnostic */
PcaDiagnostics *pca_diagnostics_new(void);
void pca_diagnostics_add(PcaDiagnostics *diagnostics, const char *file, guint line, guint column,
                         PcaSeverity severity, const char *format, ...) G_GNUC_PRINTF(6, 7);
gboolean pca_diagnostics_have_errors(PcaDiagnostics *diagnostics);

/* "file:line:column: error: text"; free with g_free. */
char *pca_diagnostic_format(const PcaDiagnostic *diagnostic);

typedef enum { PCA_SECTION_DEVICE, PCA_SECTION_DENY } PcaSectionKind;

typedef struct {
    PcaSectionKind kind;
    char *name; /* "gpu-a" */
    char *file;
    guint line; /* of the section's header */
    char *description;
    char *path;  /* "0000:00:01.1/00.0", normalised, with the root bus; NULL when not given */
    GArray *ids; /* of guint32: vendor << 16 | device; empty when not given */
    gboolean all_functions; /* Functions=all */
    char **allow_users;     /* names or decimal uids; never NULL */
    char **allow_groups;
} PcaSection;

typedef struct PcaPolicy PcaPolicy;

typedef struct {
    const char *name; /* path as shown in diagnostics */
    const char *text;
    gsize length;       /* bytes; the text may contain NUL, which is an error */
    gboolean is_vendor; /* from /usr/share: may hold [Deny] only */
} PcaPolicyFile;

/* Parses all files and appends every diagnostic of all of them, in the order of files and lines.
 * NULL when one is an error, be it one that was in `diagnostics` before: one error refuses the
 * whole load. Zero files give the empty policy, which grants nothing. */
PcaPolicy *pca_policy_parse(const PcaPolicyFile *files, gsize n_files, PcaDiagnostics *diagnostics);
PcaPolicy *pca_policy_ref(PcaPolicy *policy);
void pca_policy_unref(PcaPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaPolicy, pca_policy_unref)

/* The [Device] section of that name, or NULL. */
const PcaSection *pca_policy_find(const PcaPolicy *policy, const char *name);

/* Every PcaSection in the order of files and lines; borrowed. */
const GPtrArray *pca_policy_sections(const PcaPolicy *policy);

/* The functions that a [Device] section means now, in order: the function at its Path; with
 * Functions=all every function of that slot. Empty when the hardware is absent. Owns references. */
GPtrArray *pca_section_functions(const PcaSection *section, const PcaSnapshot *snapshot);

/* Appends a note for each [Device] whose hardware is absent now. */
void pca_policy_note_absent(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                            PcaDiagnostics *diagnostics);

typedef struct {
    const PcaSection *deny;   /* a [Deny] that matches; it wins */
    const PcaSection *device; /* the [Device] that means the function; NULL when none does */
    gboolean ambiguous;       /* two [Device] sections meet on it: refuse the function; `device` is
                                 the first, and `mismatch` names both */
    char *mismatch;           /* why the function is not what the section names; NULL when it is */
} PcaMatch;

/* What the policy says of one function. Clear with pca_match_clear. */
void pca_policy_match(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                      const PcaFunction *function, PcaMatch *match);
void pca_match_clear(PcaMatch *match);

/* The caller's identity with its names as far as they could be looked up. */
typedef struct {
    guint32 uid;
    char *user;    /* NULL when the look-up failed: then only a decimal uid can match */
    GArray *gids;  /* of guint32 */
    char **groups; /* names of those gids that have one; never NULL */
} PcaNames;

/* Whether the section allows the caller: one match among users and groups is enough. */
gboolean pca_section_allows(const PcaSection *section, const PcaNames *names);
