/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the parts of the suite of tests/pci, one function for each file.
 * Thread: main. Ownership: the suite owns its cases.
 */
#pragma once

#include "support/suite.h"

void add_config_cases(Suite *suite);
void add_capability_cases(Suite *suite);
void add_describe_cases(Suite *suite);
void add_isolation_cases(Suite *suite);
void add_quirk_cases(Suite *suite);
void add_recorded_cases(Suite *suite);
void add_warning_cases(Suite *suite);
