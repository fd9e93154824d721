/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policies for tests that are not about their language.
 * Thread: main. Ownership: the caller's.
 */
#pragma once

#include "policy/policy.h"

/* Of a text that has to be right; it is called "a.conf". */
PcaPolicy *pca_policy_of(const char *text);
