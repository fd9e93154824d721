/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the cases of test-service; what needs a bus or a worker is in tests/bus.
 * Thread: main. Ownership: the suite's.
 */
#pragma once

#include "support/suite.h"
#include "support/tree.h"

TCase *pca_life_cases(void);
TCase *pca_directory_cases(void);
