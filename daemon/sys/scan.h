/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reads sysfs into a snapshot.
 * Thread: any; blocks only as long as sysfs reads do. Ownership: the snapshot is the caller's.
 */
#pragma once

#include "pci/snapshot.h"
#include "sys/root.h"

/* Every function below root->sysfs. For the addresses in `evicting` (keys are "dddd:bb:dd.f"; may
 * be NULL) neither `driver_override` nor `uevent` is read, because a blocked unbind holds the
 * device's lock and such a read would hang (measured on 6.1). A function that disappears while it
 * is read is left out. Never fails: an unreadable tree gives an empty snapshot. */
PcaSnapshot *pca_scan(const PcaRoot *root, GHashTable *evicting);
