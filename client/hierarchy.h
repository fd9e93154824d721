/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the functions of a host as a tree: root buses, bridges, what is below them.
 * Thread: main. Ownership: a tree owns its nodes and borrows the devices.
 */
#pragma once

#include "objects.h"

typedef struct PcaHierarchyNode {
    char *bus;                   /* "0000:00" of a root bus; NULL of a function */
    const PcaDeviceView *device; /* NULL of a root bus */
    GPtrArray *children;         /* of PcaHierarchyNode, sorted by address */
} PcaHierarchyNode;

/* Of PcaHierarchyNode: the root buses in order. The place of a function is told by its path;
 * virtual functions are below their physical function. One whose path is not known, or leads
 * through a bridge that was not found, is put right below a root bus. */
GPtrArray *pca_hierarchy_new(GPtrArray *devices);

/* "root port", "endpoint", "bridge", ...: as much as is known. Static. */
const char *pca_hierarchy_type(const PcaDeviceView *device);
