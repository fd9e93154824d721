/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: finds and reads the policy files, and has them parsed.
 * Thread: any; blocks on local files only. Ownership: the policy is the caller's.
 */
#pragma once

#include "policy/policy.h"

/* Directories in order of precedence: a file name in an earlier one replaces the same name in a
 * later one, a link to /dev/null masks it. The last one is the vendor's. Only "*.conf" counts.
 * Files must be regular, owned by `owner` (0 in production) and not writable by anybody else. NULL
 * when any file is refused; the diagnostics say why. */
PcaPolicy *pca_policy_load(const char *const *directories, guint32 owner,
                           PcaDiagnostics *diagnostics);
