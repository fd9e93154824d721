/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the state directory as it lies on disk, for who looks at it without the daemon: nothing
 * in it is changed, and no worker is asked.
 * Thread: the main one; blocks on local files only. Ownership: records own what they hold; what is
 * found in them is borrowed.
 */
#pragma once

#include "claim/claim.h"
#include "claim/taint.h"

typedef struct {
    GPtrArray *claims; /* of PcaClaim, also an administrator's: state and reason are as the daemon
                          would take them up */
    GHashTable *steps; /* id → strv: what their journals have left, "0000:01:00.0: unbind ..." */
    GHashTable *at_work;  /* a set of ids: a worker is at work on them */
    GHashTable *residues; /* address → PcaClaimResidue */
    GHashTable *taints;   /* see taint.h; NULL: not known */
    GPtrArray *unread;    /* of text: records that are not understood, or mean nothing now */
} PcaRecords;

/* What is in the directory of store.h; nothing where that is not there. `live`: of this machine and
 * this moment, so that processes and leases can be looked at. NULL with NotPermitted when it may
 * not be read, Failed when it cannot. */
PcaRecords *pca_records_read(const char *directory, const char *boot_id, gboolean live,
                             GError **error);
void pca_records_free(PcaRecords *records);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaRecords, pca_records_free)

/* As pca_claims_find_device, and so on. */
const PcaClaim *pca_records_device(const PcaRecords *records, const PcaAddress *address);
const PcaClaim *pca_records_group(const PcaRecords *records, int group);
const PcaClaim *pca_records_reservation(const PcaRecords *records, const PcaAddress *address);
const PcaClaimResidue *pca_records_residue(const PcaRecords *records, const PcaAddress *address);
const PcaTaint *pca_records_taint(const PcaRecords *records, const PcaFunction *function);
GPtrArray *pca_records_list(const PcaRecords *records);

/* foreign-record.c: the functions that the files of a record name which is not understood, wherever
 * that is: a set of text, the caller's. And what there is to say of them; g_free. */
GHashTable *pca_record_addresses(const char *directory, const char *id);
char *pca_record_text(const GError *error);
