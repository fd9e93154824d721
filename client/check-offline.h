/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a claim would meet and do, judged without the daemon by the code that it judges by
 * (judge/checks.h).
 * Thread: main; looking up users and groups may block. Ownership: results are the caller's.
 */
#pragma once

#include "options.h"
#include "base/finding.h"

/* Every check of these devices (of PcaSpec), for whom the options say; what could not be looked at
 * is `unknown` among them. NULL with an exit status, after complaining: the policy files have
 * errors or may not be read, there is no such tree or user. */
PcaFindings *pca_check_offline(const PcaOptions *options, GPtrArray *specs, int *status);

/* The steps that a claim of them would take, as the daemon's Plan: an (aa{sv}). NULL as above. */
GVariant *pca_plan_offline(const PcaOptions *options, GPtrArray *specs, int *status);
