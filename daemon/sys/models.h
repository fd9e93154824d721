/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what vendors call their functions, as hwdb(7) knows it.
 * Thread: any, one at a time. Ownership: descriptions are the caller's.
 */
#pragma once

#include "pci/function.h"

typedef struct PcaModels PcaModels;

/* The database is opened when it is asked for the first time. */
PcaModels *pca_models_new(void);
void pca_models_free(PcaModels *models);

/* "Intel Corporation 82574L Gigabit Network Connection" of its ids; NULL when nobody knows. */
char *pca_models_describe(PcaModels *models, const PcaFunction *function);
