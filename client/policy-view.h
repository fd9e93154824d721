/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the policy as it may be asked: the one that is in force, from the daemon, or that of the
 * files without it. Either gives the same dictionaries (policy/explanation.h).
 * Thread: main; without the daemon, looking up users and groups may block. Ownership: an asked
 * policy owns what it has; answers are the caller's.
 */
#pragma once

#include "options.h"
#include "policy-state.h"

typedef struct PcaAsked PcaAsked;

/* NULL with an exit status, after complaining: pcassignd does not run; the files have errors. */
PcaAsked *pca_asked_new(const PcaOptions *options, int *status);
void pca_asked_free(PcaAsked *asked);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaAsked, pca_asked_free)

/* Not known for files. */
const PcaPolicyState *pca_asked_state(const PcaAsked *asked);

/* As pca_policy_view_sections; NULL with *error. */
GVariant *pca_asked_sections(PcaAsked *asked, GError **error);

/* As pca_policy_view_explain; `user` is a name or a number, NULL: who calls. NULL with *error. */
GVariant *pca_asked_explain(PcaAsked *asked, const char *device, const char *user, GError **error);

/* The user, unless it is by name or number the one who calls: NULL then, and of NULL. Everybody may
 * ask about themselves. */
const char *pca_other_user(const char *user);

/* "[Device gpu-a] FILE:LINE" by four entries of a dictionary of strings and a number. Caller frees.
 */
char *pca_section_title(GVariant *section, const char *kind, const char *name, const char *file,
                        const char *line);
