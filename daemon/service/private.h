/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the service share; nobody else includes it.
 * Thread: the main one. Ownership: see the fields.
 */
#pragma once

#include "service/service.h"
#include "sys/uevent.h"

struct PcaService {
    const PcaRoot *root; /* borrowed */
    char *worker_socket;
    char **policy_directories;
    guint32 policy_owner;
    guint max_claims;
    PcaServiceEvents events;
    gpointer events_data;
    PcaSnapshot *snapshot;
    PcaPolicy *policy; /* NULL: none could be read yet, nothing is granted */
    guint64 policy_generation;
    gboolean policy_stale;
    PcaClaims *claims;
    PcaUevents *uevents;
    guint rescan; /* idle source, or 0 */
};

/* Looks at the hardware now, and tells what has changed. */
void pca_service_rescan(PcaService *service);
