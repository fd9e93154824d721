/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the verbs; each does its work, prints it, complains, and returns the exit status.
 * Thread: main. Ownership: options are borrowed.
 */
#pragma once

#include "options.h"

int pca_verb_list(const PcaOptions *options);
int pca_verb_tree(const PcaOptions *options);
int pca_verb_show(const PcaOptions *options);
int pca_verb_explain(const PcaOptions *options);
int pca_verb_check(const PcaOptions *options);
int pca_verb_plan(const PcaOptions *options);
int pca_verb_run(const PcaOptions *options);
int pca_verb_claims(const PcaOptions *options);
int pca_verb_release(const PcaOptions *options);
int pca_verb_status(const PcaOptions *options);
int pca_verb_monitor(const PcaOptions *options);
int pca_verb_reserve(const PcaOptions *options);
int pca_verb_unreserve(const PcaOptions *options);
int pca_verb_reset(const PcaOptions *options);
int pca_verb_recover(const PcaOptions *options);
int pca_verb_xml(const PcaOptions *options);
int pca_verb_policy(const PcaOptions *options);
