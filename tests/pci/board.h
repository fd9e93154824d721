/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: topologies from a few lines of text, for tests.
 *
 * A line describes one function: its address, the address of the bridge above it or "-", and words:
 *   root up down ep legacy rciep rcec topci topcie odd   PCIe functions, by type
 *   pci pcibridge                                  conventional ones
 *   mf                   the multifunction bit of the header
 *   acs acs=CAP/CTRL     an ACS capability: all that is required is on; or these, in hexadecimal
 *   id=VVVV:DDDD sub=VVVV:DDDD
 *   vf=ADDRESS           a virtual function of that one
 *   group=N              the kernel's IOMMU group
 *   read=N               only so many bytes of config space could be read; 0: none
 *   silent               config space reads as ones
 * "dma=DOMAIN ADDRESS" says whose requester ID the functions of a domain bear.
 *
 * Thread: main. Ownership: what is returned belongs to the caller.
 */
#pragma once

#include "pci/isolation.h"

/* The lines are taken in the order of the text, or shuffled by `random`. Sealed. */
PcaTopology *board_new(const char *text, GRand *random);

/* Every address of the board, in the order of the text, as a list to be freed with g_strfreev. */
char **board_addresses(const char *text);

/* The sets, "0000:00:1c.0 0000:01:00.0 | 0000:02:00.0", ordered by their first address; what one
 * member says of its set must hold for all. */
char *board_sets(const PcaTopology *topology, const char *text);

/* What the function says of all members: "ADDRESS CAUSE AT MISSING TEXT" lines. */
char *board_reasons(const PcaTopology *topology, const char *address);
