/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: composing a [Device] section for functions that are there, pinned as closely as they
 * can be.
 * Thread: main. Ownership: results belong to the caller.
 */
#pragma once

#include "source.h"

/* Whom it is for; NULL or of strings. */
typedef struct {
    GPtrArray *users, *groups, *units;
} PcaSectionUsers;

/* The functions that the words name, which is an array of PcaFunction: one, or all of a slot.
 * Borrowed from the source, which must be offline. Fails with NotFound, and with InvalidArgument
 * for what cannot be one section. */
GPtrArray *pca_section_functions_of(const PcaSource *source, const char *const *words,
                                    GError **error);

/* The text, with comments that say what the functions are; the section is pinned by path, ids,
 * subsystems and, where it could be read, serial number. Fails with InvalidArgument when the name
 * or a user is none. */
char *pca_section_compose(const PcaSource *source, GPtrArray *functions, const char *name,
                          const PcaSectionUsers *users, GError **error);

/* What keeps the composed text from being of use as it is: sentences without a full stop, strings.
 */
GPtrArray *pca_section_warnings(const PcaSource *source, GPtrArray *functions,
                                const PcaSectionUsers *users, const char *text);
