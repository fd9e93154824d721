/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the cases of test-auth that have files of their own.
 * Thread: main. Ownership: the suite's.
 */
#pragma once

#include "support/suite.h"

TCase *pca_subject_cases(void);
TCase *pca_unit_cases(void);
TCase *pca_pending_cases(void);
TCase *pca_audit_cases(void);
TCase *pca_selinux_cases(void);
