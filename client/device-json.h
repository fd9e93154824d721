/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the dictionaries of pci/describe.h as JSON, wherever they come from.
 * Thread: main. Ownership: everything is borrowed.
 */
#pragma once

#include "output.h"

/* A member of the object that is open: null when `value` is NULL, or what the bus has for
 * "unknown": an empty string, -1. 64-bit numbers become strings. */
void pca_json_variant(JsonBuilder *builder, const char *name, GVariant *value);

/* What list tells of a device. `claim` is the id of its claim, or NULL. */
void pca_json_device_brief(JsonBuilder *builder, GVariant *description, const char *claim);

/* What show tells besides. */
void pca_json_device_rest(JsonBuilder *builder, GVariant *description);

/* What explain tells; the members of an object that is open. */
void pca_json_isolation(JsonBuilder *builder, GVariant *description);
