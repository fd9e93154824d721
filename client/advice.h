/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a person can do about an isolation set.
 * Thread: main. Ownership: what is returned is the caller's.
 */
#pragma once

#include "source.h"

/* Whether a member of a set is a bridge, which nobody assigns: by its device, if there is one. */
gboolean pca_advice_is_bridge(const PcaSource *source, const char *member);

/* Sentences without a full stop for `device`, whose explanation (pci/describe.h) this is; ends with
 * NULL, empty where nothing shares with it. Free with g_strfreev. */
char **pca_advice(const PcaSource *source, const PcaDeviceView *device, GVariant *explanation);
