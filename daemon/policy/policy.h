/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the policy in force: sections, what they match, and whom they allow. Pure: the texts of
 * the files, serial numbers, accounts and the caller come from outside.
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

/* "Device", "Deny". Static. */
const char *pca_section_kind_name(int kind);

/* The keys that are understood. Other words of the language are known and refused. */
typedef enum {
    PCA_KEY_DESCRIPTION,
    PCA_KEY_PATH,
    PCA_KEY_ID,
    PCA_KEY_SUBSYSTEM,
    PCA_KEY_CLASS,
    PCA_KEY_SERIAL,
    PCA_KEY_ADDRESS,
    PCA_KEY_FUNCTIONS,
    PCA_KEY_ALLOW_USER,
    PCA_KEY_ALLOW_GROUP,
    PCA_KEY_ALLOW_UNIT,
    PCA_KEY_REQUIRE_UNIT,
    PCA_KEY_REQUIRE_LABEL,
    PCA_KEY_AUTHORIZE,
    PCA_KEY_PER_USER,
    PCA_KEY_MAX_MEMORY,
    PCA_KEY_RESET,
    PCA_KEY_DRIVER,
    PCA_KEY_ON_RELEASE,
    PCA_KEY_SIBLINGS,
    PCA_KEY_ALLOW_IN_USE,
    PCA_KEY_SYSFS_FILES,
    PCA_KEY_RESERVE,
    PCA_N_KEYS,
} PcaKey;

/* "Path", "AllowUser", ...; static. */
const char *pca_key_name(int key);

typedef enum { PCA_SIBLINGS_REFUSE, PCA_SIBLINGS_STUB, PCA_SIBLINGS_CLAIM } PcaSiblings;

/* The first `digits` hex digits (2, 4 or 6) of a class code. */
typedef struct {
    guint32 value;
    guint digits;
} PcaClassMatch;

typedef struct {
    PcaSectionKind kind;
    char *name; /* "gpu-a" */
    char *file;
    guint line;              /* of the section's header */
    guint index;             /* its place in pca_policy_sections */
    guint lines[PCA_N_KEYS]; /* on which line each key stands; 0: not given */
    char *description;

    /* What is meant. */
    char *path;         /* "0000:00:01.1/00.0", normalised, with the root bus; NULL: not given */
    char *address;      /* "0000:01:00.0", a hint; NULL: not given */
    GArray *ids;        /* of guint32: vendor << 16 | device; empty when not given */
    GArray *subsystems; /* the same of the subsystem */
    GArray *classes;    /* of PcaClassMatch */
    guint64 serial;     /* valid when has_serial; never 0 */
    gboolean has_serial;
    gboolean all_functions; /* Functions=all */

    /* Who may have it: names or decimal numbers, globs of units and of labels; never NULL. */
    char **allow_users, **allow_groups, **allow_units, **require_units, **require_labels;
    gboolean polkit; /* Authorize=polkit */

    /* How. */
    guint32 per_user;   /* functions of this section that one uid may hold at once; 0: no limit */
    guint64 max_memory; /* bytes; 0: no limit */
    char **reset;       /* the kernel's names of methods, in order; NULL: any; empty: none, which
                           means one owner per boot */
    char *driver;       /* "vfio-pci", "pci-stub", or a variant's name; NULL: auto */
    gboolean reserve_on_release; /* OnRelease=reserved */
    PcaSiblings siblings;
    guint allow_in_use; /* a set of PcaUses */
    gboolean sysfs_files;
} PcaSection;

/* On which line of its file the section has the key; 0 when it has not. */
guint pca_section_line(const PcaSection *section, PcaKey key);

/* A serial number as lspci and the kernel print it, "aa-bb-cc-dd-ee-ff-00-11". */
char *pca_serial_format(guint64 serial);

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
    char *mismatch; /* why the function is not what the section names, with the place of the key:
                       "policy expects Id 8086:10d3 (FILE:LINE), found 1b36:0010"; NULL: it is */
} PcaMatch;

/* The number of the Device Serial Number capability (PCIe 6.0, 7.9.3), which is in config space,
 * where the policy cannot look. FALSE: it could not be read. 0: the function has none. */
typedef gboolean (*PcaSerialFunc)(const PcaFunction *function, guint64 *serial, gpointer data);

/* What the policy says of one function. `serial` may be NULL: no number can be read; then a
 * [Device] with Serial is a mismatch, and a [Deny] with Serial denies. Clear with pca_match_clear.
 */
void pca_policy_match(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                      const PcaFunction *function, PcaSerialFunc serial, gpointer data,
                      PcaMatch *match);
void pca_match_clear(PcaMatch *match);

/* Who asks, as the bus told it. What is not known denies what needs it. */
typedef struct {
    guint32 uid;
    const guint32 *gids;
    gsize n_gids;
    const char *unit;  /* the system unit, only by a pidfd that the bus gave; NULL: not known */
    const char *label; /* the security label that the bus gave; NULL: none */
} PcaCaller;

/* The numbers of names of users and groups, as far as somebody who may block has looked them up.
 * Immutable once shared; reference-counted. */
typedef struct PcaAccounts PcaAccounts;
PcaAccounts *pca_accounts_new(void);
PcaAccounts *pca_accounts_ref(PcaAccounts *accounts);
void pca_accounts_unref(PcaAccounts *accounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaAccounts, pca_accounts_unref)
void pca_accounts_add_user(PcaAccounts *accounts, const char *name, guint32 uid);
void pca_accounts_add_group(PcaAccounts *accounts, const char *name, guint32 gid);

/* FALSE: not known, or not yet. `accounts` may be NULL: nobody is known. */
gboolean pca_accounts_user(const PcaAccounts *accounts, const char *name, guint32 *uid);
gboolean pca_accounts_group(const PcaAccounts *accounts, const char *name, guint32 *gid);

/* Appends each name of a user or group of the policy once, and no number. The strings are the
 * policy's. */
void pca_policy_names(const PcaPolicy *policy, GPtrArray *users, GPtrArray *groups);

/* Appends a warning for each name that `accounts` does not have: it grants nobody. */
void pca_policy_warn_unknown(const PcaPolicy *policy, const PcaAccounts *accounts,
                             PcaDiagnostics *diagnostics);

/* Appends a warning for each AllowUnit and RequireUnit: for a bus that gives no pidfd. */
void pca_policy_warn_units(const PcaPolicy *policy, PcaDiagnostics *diagnostics);

/* Whether one Allow matches and every Require does; Authorize is for others to see to. Where not,
 * *reason (may be NULL; g_free it) becomes which keys failed, without a full stop: "AllowUser
 * (line 7) names alice, bob; the caller is uid 1001". */
gboolean pca_section_allows(const PcaSection *section, const PcaCaller *caller,
                            const PcaAccounts *accounts, char **reason);

/* One key of a section, held against a function or a caller. */
typedef struct {
    const char *key; /* "Path", "Id", "AllowUser", ...; static */
    guint line;      /* of the key; 0 when the section has it not */
    gboolean ok;
    char *text; /* "expects 8086:10d3, found 1b36:0010", without a full stop */
} PcaCondition;

typedef struct {
    const PcaSection *section;
    gboolean applies;      /* it denies the function, or it means it and allows the caller */
    GPtrArray *conditions; /* of PcaCondition, owned */
} PcaSectionVerdict;

/* Each section that says something of the function (one of the things that it says is so), or that
 * allows the caller, in the order of files and lines; with each of its keys that matter. `caller`
 * NULL: nobody in particular, and only the function counts. `serial` as for pca_policy_match. The
 * list owns PcaSectionVerdict; sections are the policy's. */
GPtrArray *pca_policy_explain(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                              const PcaFunction *function, PcaSerialFunc serial, gpointer data,
                              const PcaCaller *caller, const PcaAccounts *accounts);
