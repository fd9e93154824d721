/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: Authorize=polkit: what polkit has to be asked before a claim, section by section.
 * Thread: the main one. Ownership: see the functions.
 */
#pragma once

#include "service/examine.h"

/* The answers that one request has got: each yes, by what was asked. */
typedef GHashTable PcaAuthorised;
PcaAuthorised *pca_authorised_new(void);

/* What polkit has still to be asked about the functions that were examined, for an action
 * PCA_ACTION_CLAIM: the details (a{ss}, the caller's) of those of one section. NULL when nothing is
 * left. A yes is for just these functions, as they are, under that section. */
GVariant *pca_authorised_lack(PcaService *service, const PcaExamination *examination,
                              PcaAuthorised *authorised);
void pca_authorised_add(PcaAuthorised *authorised, GVariant *details);
