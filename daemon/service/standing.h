/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims that were granted by an earlier policy, judged by the one in force. Nothing is
 * taken back from anybody; it is told.
 * Thread: the main one. Ownership: a claim owns what is said of it.
 */
#pragma once

#include "service/service.h"

/* Sets `refusal` of every claim, by the accounts that are known now; appends a warning for each
 * that would not be granted any more. */
void pca_service_judge_claims(PcaService *service, PcaDiagnostics *diagnostics);
