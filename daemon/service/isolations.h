/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what topology and ACS registers say now about the isolation of functions, beside the
 * kernel's groups. What was computed is kept until a function comes or goes or a register changes.
 * Thread: the main one; the registers that matter are read again each time, but not of what a
 * worker is at work on. Ownership: results are borrowed, current until the next call.
 */
#pragma once

#include "service/configs.h"
#include "sys/hardware.h"

typedef struct PcaIsolations PcaIsolations;

/* All borrowed. */
PcaIsolations *pca_isolations_new(const PcaRoot *root, PcaClaims *claims, PcaConfigs *configs);
void pca_isolations_free(PcaIsolations *isolations);

/* What is kept is no longer true. */
void pca_isolations_clear(PcaIsolations *isolations);

/* Whether `diff` changes any set. */
gboolean pca_isolations_concern(const PcaDiff *diff, const PcaSnapshot *old);

/* After a look at the ACS registers of the function's slot and of the ports above it. NULL when
 * there is no such function in the snapshot. */
const PcaIsolation *pca_isolations_find(PcaIsolations *isolations, PcaSnapshot *snapshot,
                                        const PcaAddress *address);

/* The config of a function, as it was read last; NULL when it is not known. */
const PcaConfig *pca_isolations_config(const PcaIsolations *isolations, const PcaAddress *address);

/* After a look at all ACS registers; as pca_hardware_explain. */
GVariant *pca_isolations_explain(PcaIsolations *isolations, PcaSnapshot *snapshot,
                                 const PcaAddress *address);
