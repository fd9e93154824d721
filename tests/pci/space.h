/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: makes config spaces for tests, capability by capability.
 * Thread: any. Ownership: a Space is a plain value; configs belong to the caller.
 */
#pragma once

#include "pci/config.h"
#include "pci/function.h"

typedef struct {
    guint8 bytes[PCA_CONFIG_EXTENDED_SIZE];
    guint standard_link; /* where the next pointer of the standard list goes */
    guint extended_last; /* offset of the last extended capability; 0: none */
} Space;

/* Zeros, but for the header type; of a function with an answering command register. */
void space_init(Space *space, guint8 header_type);
void space_set(Space *space, guint offset, guint width, guint32 value);

/* Appends to a list; `offset` is where it is to be. Returns it. */
guint space_add(Space *space, guint8 id, guint offset);
guint space_add_extended(Space *space, guint16 id, guint offset);

/* A PCIe capability of version 2 at 0x40. */
void space_add_pcie(Space *space, guint type);

/* An ACS capability at the given offset. */
void space_add_acs(Space *space, guint offset, guint16 capabilities, guint16 control);

/* Of the first `length` bytes, which are copied to where a read beyond them is noticed. */
PcaConfig *space_config(const Space *space, gsize length);
