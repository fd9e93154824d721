/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the cases of test-sys, one function a file.
 * Thread: one. Ownership: the suite takes the cases over.
 */
#pragma once

#include "support/suite.h"

void pca_add_account_cases(Suite *suite);
void pca_add_hardware_cases(Suite *suite);
void pca_add_hint_cases(Suite *suite);
void pca_add_scan_cases(Suite *suite);
void pca_add_storage_cases(Suite *suite);
void pca_add_network_cases(Suite *suite);
void pca_add_device_cases(Suite *suite);
void pca_add_interrupt_cases(Suite *suite);
void pca_add_variant_cases(Suite *suite);
void pca_add_policy_file_cases(Suite *suite);
