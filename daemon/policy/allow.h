/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: each key that says whom a section is for, against the caller.
 * Thread: any. Ownership: strings belong to the caller.
 */
#pragma once

#include "policy/policy.h"

/* What follows is for AllowUser, AllowGroup, AllowUnit, RequireUnit and RequireLabel. */

/* Whether the key names the caller; FALSE when the section has it not. */
gboolean pca_key_allows(const PcaSection *section, PcaKey key, const PcaCaller *caller,
                        const PcaAccounts *accounts);

/* "alice, bob (not known)" */
char *pca_key_names(const PcaSection *section, PcaKey key, const PcaAccounts *accounts);

/* "the caller is uid 1001": what the key is about. */
char *pca_key_caller(PcaKey key, const PcaCaller *caller);
