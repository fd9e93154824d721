/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what there is to say about a claim or a device: its state, since when and why, who holds
 * it, and the one command to type next.
 * Thread: main. Ownership: a status owns its strings; the views are borrowed and must outlive it.
 */
#pragma once

#include "objects.h"

typedef struct {
    guint32 pid;
    char *comm; /* NULL when not known */
    char *user; /* name or number of the uid; NULL when not known */
} PcaStatusHolder;

typedef struct {
    const PcaClaimView *claim;   /* one of these two is NULL */
    const PcaDeviceView *device; /* without a claim */
    char *subject;
    const char *state;
    guint64 since; /* of the state; microseconds, wall clock; 0: not known */
    const char *reason;
    GPtrArray *holders; /* of PcaStatusHolder; NULL when the caller is not told */
    char **steps;       /* "DEVICE: WHAT", what the journal has left to do; NULL: not known */
    char *fix;          /* a command; NULL when there is nothing that the caller could do */
} PcaStatus;

void pca_status_free(PcaStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaStatus, pca_status_free)

/* `word` is what the user called it; an address is given in full. NULL: the claim's id. */
PcaStatus *pca_status_of_claim(const PcaClaimView *claim, const char *word);

/* A device that no claim has. NULL: its address. */
PcaStatus *pca_status_of_device(const PcaDeviceView *device, const char *word);

/* How much a device's state needs a look: 0 for host, free and claimed. */
int pca_status_rank(const PcaDeviceView *device);

/* What a word of the command line means: a claim by id or path, the claim of a device, or a device;
 * of several devices of one name the one whose state needs a look most. Fails with NotFound. */
PcaStatus *pca_status_find(GPtrArray *devices, GPtrArray *claims, const char *word, GError **error);
