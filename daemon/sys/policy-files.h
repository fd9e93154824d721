/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: finds and reads the policy files, and has them parsed.
 * Thread: any; blocks on local files only. Ownership: the policy is the caller's.
 */
#pragma once

#include "policy/policy.h"

/* The system's own, as pca_policy_load takes them. */
extern const char *const pca_policy_system_directories[];

/* Directories in order of precedence: a file name in an earlier one replaces the same name in a
 * later one, a link to /dev/null masks it. The last one is the vendor's. Only "*.conf" counts, and
 * a directory that is not there has none. Files must be regular; files and directories must be
 * owned by `owner` (0 in production) and not writable by anybody else. NULL when anything is
 * refused; the diagnostics say why, all of it at once. */
PcaPolicy *pca_policy_load(const char *const *directories, guint32 owner,
                           PcaDiagnostics *diagnostics);

/* The same for somebody who may not read all of it: what is forbidden to them is left out, and its
 * path added to `unread` (of owned text;
 * NULL: it is refused). */
PcaPolicy *pca_policy_load_readable(const char *const *directories, guint32 owner,
                                    PcaDiagnostics *diagnostics, GPtrArray *unread);

/* The files that a person names, as one policy: whose they are is not looked at, all else is. */
PcaPolicy *pca_policy_load_files(const char *const *paths, PcaDiagnostics *diagnostics);
