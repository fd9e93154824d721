/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a caller of the bus as policies and messages know it.
 * Thread: the main one. Ownership: the names are the caller's.
 */
#pragma once

#include "auth/subject.h"
#include "judge/names.h"

/* All that is known of the subject at once. */
PcaNames *pca_names_of(PcaSubject *subject);
