/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: tells the journal of decisions: who was allowed or refused what, by which rule. Each is
 * told once, by whoever decided. The fields are in pcassignd(8), the message ids in
 * systemd/pcassign.catalog.
 * Thread: the main one. Ownership: borrows everything.
 */
#pragma once

#include "auth/subject.h"

#define PCA_MESSAGE_ALLOWED "0949a704df9741b996aec35ffa51e093"
#define PCA_MESSAGE_REFUSED "5e7adfa48a3246d785bfb443d7bd1f98"
#define PCA_MESSAGE_POLICY_REFUSED "63ff6556bc9d41c191adbd6edff8a528" /* files, not a caller */

typedef struct {
    const char *verb;   /* "claim" */
    const char *device; /* its address; NULL: of no device */
    const char *claim;  /* its id; NULL: of no claim */
    const char *rule;   /* "file:line" of the section; NULL without one */
    const char *remark; /* ends the message of what was allowed; NULL: none */
    gboolean risky;     /* a warning, also where it was allowed */
} PcaDecision;

/* Allowed, or refused with `error`. */
void pca_audit(PcaSubject *subject, const PcaDecision *decision, const GError *error);
