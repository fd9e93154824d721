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
 * device's lock and such a read would hang (measured on 6.1); nor is `config`, of them and of the
 * bridges above them, because a reset holds that one's (measured on 6.12). A function that
 * disappears while it is read is left out. Never fails: an unreadable tree gives an empty snapshot.
 */
PcaSnapshot *pca_scan(const PcaRoot *root, GHashTable *evicting);

/* The same for whoever only looks, without reset methods, reserved regions and numbers of virtual
 * functions: a quarter of the reads, which counts where there are a thousand functions. */
PcaSnapshot *pca_scan_brief(const PcaRoot *root);

/* The same, for a host of which there is a snapshot already (may be NULL): what cannot change of a
 * function that is still there is not read again. */
PcaSnapshot *pca_scan_again(const PcaRoot *root, const PcaSnapshot *old, GHashTable *evicting);

/* The same, but reads only the functions at these addresses (keys as in `evicting`), whether or not
 * there was one before, and shares all others with `old`: for what changes no other function, such
 * as another driver. */
PcaSnapshot *pca_scan_some(const PcaRoot *root, const PcaSnapshot *old, GHashTable *addresses,
                           GHashTable *evicting);
