/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: device specifications of the command line: [ALIAS=]DEVICE.
 * Thread: any. Ownership: specs own their strings.
 */
#pragma once

#include <glib.h>

typedef struct {
    char *device; /* as written: an address or a policy name */
    char *alias;  /* NULL without one */
} PcaSpec;

/* What the spec is called in placeholders and by the daemon: the alias, or the device as written.
 */
const char *pca_spec_name(const PcaSpec *spec);

/* Reads the words, an array that ends with NULL; the result owns PcaSpecs. Fails with
 * InvalidArgument: no word at all, an alias that is not a name or is taken, a device asked twice.
 */
GPtrArray *pca_specs_parse(const char *const *words, GError **error);

/* The a(sa{sv}) of the daemon's methods; floating. */
GVariant *pca_specs_to_variant(GPtrArray *specs);

/* The one device that there is, for a message; NULL when there are several. Borrowed. */
const char *pca_specs_subject(GPtrArray *specs);

/* "a, b and c". Caller frees. */
char *pca_specs_describe(GPtrArray *specs);
