/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: where the verbs that only look get functions from: the daemon, or sysfs without it.
 * Either gives the same dictionaries (pci/describe.h).
 * Thread: main. Ownership: a source owns what it lends.
 */
#pragma once

#include "objects.h"
#include "options.h"
#include "pci/snapshot.h"
#include "sys/hardware.h"

typedef struct PcaSource PcaSource;

/* How much of a device is read at once. The daemon tells all that it knows. */
typedef enum {
    PCA_SOURCE_BRIEF,   /* what list shows */
    PCA_SOURCE_ONE,     /* everything of one, when it is asked for */
    PCA_SOURCE_CONFIGS, /* the config spaces of all */
} PcaSourceDepth;

/* Reads all functions, and from the daemon the claims. Fails as pca_connect() and pca_call() do,
 * offline with InvalidArgument when the directory is not laid out like /sys. */
PcaSource *pca_source_open(const PcaOptions *options, PcaSourceDepth depth, GError **error);
void pca_source_free(PcaSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaSource, pca_source_free)

/* Of PcaDeviceView, sorted by address. Borrowed. */
GPtrArray *pca_source_devices(const PcaSource *source);

/* The id of the claim that has the device, and the claim itself; NULL without one. Borrowed. */
const PcaClaimView *pca_source_claim(const PcaSource *source, const PcaDeviceView *device);

/* The device of this address or name, the first of several; NULL with NotFound. Borrowed. */
const PcaDeviceView *pca_source_find(const PcaSource *source, const char *word, GError **error);

/* The device of this address; NULL without one. Borrowed. */
const PcaDeviceView *pca_source_look_up(const PcaSource *source, const PcaAddress *address);

/* Everything that is known of the device, which must be of this source; not of one that is BRIEF.
 */
GVariant *pca_source_describe(const PcaSource *source, const PcaDeviceView *device);

/* Its isolation, as pca_describe_isolation; only of a source of CONFIGS. */
GVariant *pca_source_explain(const PcaSource *source, const PcaDeviceView *device, GError **error);

/* The functions as they were scanned; NULL online. Borrowed. */
const PcaSnapshot *pca_source_snapshot(const PcaSource *source);

/* Their config spaces and topology; NULL but of CONFIGS offline. Borrowed. */
const PcaHardware *pca_source_hardware(const PcaSource *source);

/* Where the kernel's trees of the machine are that the source is about, as far as is known here.
 * Borrowed. */
const PcaRoot *pca_source_root(const PcaSource *source);
