/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the config spaces of the host's functions, whole: the worker opens them, this process
 * reads each once and keeps what it says, and the descriptors of those with ACS, whose control
 * register is read again whenever somebody asks.
 * Thread: the main one; a read waits for a reset of that very function, so none is made while a
 * worker is at work on it. Ownership: owns configs and descriptors.
 */
#pragma once

#include "claim/claims.h"
#include "pci/config.h"
#include "pci/snapshot.h"
#include "sys/root.h"

typedef struct PcaConfigs PcaConfigs;

/* A function's config became known, another, or unknown. */
typedef void (*PcaConfigsChangedFunc)(const PcaAddress *address, gpointer data);

/* Root and claims are borrowed. */
PcaConfigs *pca_configs_new(const PcaRoot *root, const char *worker_socket, PcaClaims *claims,
                            PcaConfigsChangedFunc changed, gpointer data);

/* Who waits is not called any more. */
void pca_configs_free(PcaConfigs *configs);

/* Asks the worker for those functions that are new, and for those that an earlier try did not get;
 * forgets those that have gone. */
void pca_configs_update(PcaConfigs *configs, const PcaDiff *diff);

/* The function was removed or added again: what is known is another one's. It is asked for with the
 * next update. */
void pca_configs_forget(PcaConfigs *configs, const PcaAddress *address);

/* Borrowed; NULL when it is not known, or not yet. */
PcaConfig *pca_configs_find(const PcaConfigs *configs, const PcaAddress *address);

/* The function's serial number, of a PcaConfigs or NULL: a PcaSerialFunc of policy/policy.h. */
gboolean pca_configs_serial(const PcaFunction *function, guint64 *serial, gpointer configs);

/* Reads the ACS control register of the function again, if it has one. A few microseconds, but not
 * while a reset of the function is under way. */
void pca_configs_refresh(PcaConfigs *configs, const PcaAddress *address);

/* A set of the addresses, as texts, whose config space cannot be read now without perhaps waiting
 * for long: what a worker is at work on, and the bridges above, which a reset locks as well
 * (pci_reset_function in drivers/pci/pci.c). */
GHashTable *pca_configs_locked(const PcaConfigs *configs);

/* Calls `func` once nothing is under way any more, or after a second; at once when nothing is. */
typedef void (*PcaConfigsFunc)(gpointer data);
void pca_configs_await(PcaConfigs *configs, PcaConfigsFunc func, gpointer data);
