/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the cases of test-judge; what the daemon makes of the checks is in tests/bus.
 * Thread: main. Ownership: the suite's.
 */
#pragma once

#include "support/suite.h"
#include "support/tree.h"

TCase *pca_request_cases(void);
TCase *pca_check_cases(void);
