/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: each attribute that a section says a function has, against the function itself.
 * Thread: any. Ownership: a view borrows all that it points to; strings belong to the caller.
 */
#pragma once

#include "pci/bytes.h"
#include "policy/policy.h"

/* A function as sections are held against it. */
typedef struct {
    const PcaSnapshot *snapshot;
    const PcaFunction *function;
    PcaSerialFunc serial; /* may be NULL */
    gpointer data;        /* of `serial` */
} PcaView;

/* Whether the section's path is the function's, or with Functions=all that of another function of
 * its slot. FALSE without a path. */
gboolean pca_section_means(const PcaSection *section, const PcaFunction *function);

/* Whether what the section says of the function (Path, Id, Subsystem, Class, Serial, Address) is
 * so; only of a key that it has. Unknown: a serial number that could not be read. */
PcaTri pca_attribute_agrees(const PcaSection *section, PcaKey key, const PcaView *view);

/* An Address beside a Path is not held against anything. */
gboolean pca_attribute_is_hint(const PcaSection *section, PcaKey key);

/* Whether the key is no reason for the section not to match. What is not known is one for a
 * [Device], and none for a [Deny]: what could be the denied one is denied. */
gboolean pca_attribute_holds(const PcaSection *section, PcaKey key, const PcaView *view);

/* Whether a [Deny] matches the function (match.c). */
gboolean pca_section_denies(const PcaSection *section, const PcaView *view);

/* "10de:2230 or 10de:1aef", and what the function has in its place. */
char *pca_attribute_expected(const PcaSection *section, PcaKey key, const PcaView *view);
char *pca_attribute_found(const PcaSection *section, PcaKey key, const PcaView *view);
