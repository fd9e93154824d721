/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the table of sysfs' `resource` file: what the kernel knows of a function's regions.
 * Thread: any. Ownership: the parsed table belongs to the caller.
 */
#pragma once

#include <glib.h>

/* Flags that matter here (linux/ioport.h). */
#define PCA_RESOURCE_IO 0x100
#define PCA_RESOURCE_MEM 0x200
#define PCA_RESOURCE_PREFETCH 0x2000
#define PCA_RESOURCE_MEM_64 0x100000
#define PCA_RESOURCE_UNSET 0x20000000 /* it has a size, but no address yet */

#define PCA_RESOURCE_ROM 6 /* the index of the expansion ROM; 0 to 5 are the BARs */

typedef struct {
    guint64 start, end; /* inclusive */
    guint64 flags;      /* 0: there is no such region */
} PcaResource;

/* Bytes; 0 of a region that is not there. Those of 2^64 bytes do not exist. */
guint64 pca_resource_size(const PcaResource *resource);

/* Reads the lines "START END FLAGS" of hexadecimal numbers that the kernel writes
 * (resource_show in drivers/pci/pci-sysfs.c). A GArray of PcaResource by index, or NULL with
 * PCA_ERROR_INVALID_ARGUMENT, which names the line. */
GArray *pca_resources_parse(const char *text, GError **error);
