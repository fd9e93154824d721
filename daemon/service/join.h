/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whether a request may join a claim: get devices for the virtual machine that has it.
 * Thread: the main one. Ownership: everything is borrowed.
 */
#pragma once

#include "auth/subject.h"
#include "claim/claims.h"
#include "judge/request.h"

/* TRUE where the request joins nothing. Otherwise NotFound: no such claim, or it has ended;
 * NotPermitted: another uid or label, not its lease; Revoked: it is not ready; InvalidArgument:
 * another handoff than the claim's. */
gboolean pca_may_join(PcaClaims *claims, const PcaSubject *subject, const PcaRequest *request,
                      GError **error);
