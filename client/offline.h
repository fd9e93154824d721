/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the daemon knows beside the hardware, as far as it can be had without the daemon:
 * the records of its state directory, and what the checks ask for (judge/sources.h).
 * Thread: main. Ownership: an offline host owns what it lends.
 */
#pragma once

#include "options.h"
#include "source.h"
#include "claim/records.h"
#include "judge/sources.h"

typedef struct PcaOffline PcaOffline;

/* Reads the functions and the state directory. Fails as pca_source_open does. */
PcaOffline *pca_offline_open(const PcaOptions *options, PcaSourceDepth depth, GError **error);
void pca_offline_free(PcaOffline *offline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaOffline, pca_offline_free)

const PcaSource *pca_offline_source(const PcaOffline *offline);

/* NULL with *error where the state directory may not be read, cannot be, or is none of that
 * machine's; nothing in it counts then as held. Borrowed. */
const PcaRecords *pca_offline_records(const PcaOffline *offline, GError **error);

/* Whether it is the machine that this process runs on, as it is now. */
gboolean pca_offline_is_here(const PcaOffline *offline);

const PcaSources *pca_offline_sources(const PcaOffline *offline);

/* The serial number of a function, of a PcaOffline: a PcaSerialFunc of policy/policy.h. */
gboolean pca_offline_serial(const PcaFunction *function, guint64 *serial, gpointer offline);
