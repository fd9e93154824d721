/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the verb policy share; nobody else includes it.
 * Thread: main. Ownership: results belong to the caller.
 */
#pragma once

#include "connection.h"
#include "options.h"
#include "policy/policy.h"
#include "sys/policy-files.h"

/* Each is one word behind "policy": does its work and returns the exit status. */
int pca_verb_policy_check(const PcaOptions *options);
int pca_verb_policy_show(const PcaOptions *options);
int pca_verb_policy_explain(const PcaOptions *options);
int pca_verb_policy_new(const PcaOptions *options);

/* Where the files are, as pca_policy_load takes them: those of the options, or the system's. */
char **pca_policy_directories(const PcaOptions *options);

/* Who must own them: root, or of directories that a person has named, that person. */
guint32 pca_policy_owner(const PcaOptions *options);

/* Reads the files; NULL with the errors among the diagnostics. */
PcaPolicy *pca_policy_read(const PcaOptions *options, PcaDiagnostics *diagnostics);

/* The same of what the caller may read; the paths of all else are added to `unread` (owned text). */
PcaPolicy *pca_policy_read_readable(const PcaOptions *options, PcaDiagnostics *diagnostics,
                                    GPtrArray *unread);

/* Has the daemon read them again; NULL with *error when it could not be asked. */
PcaDiagnostics *pca_policy_reload(GDBusConnection *bus, gboolean no_start, GError **error);

/* Saves a new file NAME in the first of the directories, unless the policy with it has an error:
 * then FALSE without *error, and nothing is written. The diagnostics name it by its *path, which is
 * the caller's. Fails when there is such a file already, and as files do. Two at once take turns.
 */
gboolean pca_policy_write(const PcaOptions *options, const char *name, const char *text,
                          char **path, PcaDiagnostics *diagnostics, GError **error);
