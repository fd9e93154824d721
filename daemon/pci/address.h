/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the address of a PCI function.
 * Thread: any. Ownership: plain values; formatted strings belong to the caller.
 */
#pragma once

#include <glib.h>

/* The domain may be wider than 16 bits (VMD makes 10000:01:00.0). */
typedef struct {
    guint32 domain;
    guint8 bus;
    guint8 device;   /* 0 to 31: the slot */
    guint8 function; /* 0 to 7 */
} PcaAddress;

/* Reads "DDDD:BB:DD.F" (four hex digits of domain or more, up to eight) or "BB:DD.F" (domain 0).
 * Returns FALSE, leaving *address alone, for anything else. */
gboolean pca_address_parse(const char *text, PcaAddress *address);

/* "dddd:bb:dd.f", lower-case, as sysfs writes it. */
char *pca_address_format(const PcaAddress *address);

/* "dddd_bb_dd_f", the last element of the D-Bus object path. */
char *pca_address_format_path(const PcaAddress *address);

gint pca_address_compare(const PcaAddress *a, const PcaAddress *b);
gboolean pca_address_equal(const PcaAddress *a, const PcaAddress *b);

/* Whether two functions sit in one slot: same domain, bus and device. */
gboolean pca_address_same_slot(const PcaAddress *a, const PcaAddress *b);
