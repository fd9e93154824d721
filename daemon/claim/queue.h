/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: lets plans whose IOMMU groups meet run one after the other, and all others side by side.
 * Thread: the main one. Ownership: a queue owns its waiting jobs.
 */
#pragma once

#include <glib.h>

typedef struct PcaQueue PcaQueue;
typedef void (*PcaQueueFunc)(gpointer data);

PcaQueue *pca_queue_new(void);
void pca_queue_free(PcaQueue *queue);

/* Calls `start` as soon as no job runs that shares one of the `n` groups: at once, or later in the
 * order of arrival. `data` names the job. */
void pca_queue_add(PcaQueue *queue, const int *groups, gsize n, PcaQueueFunc start, gpointer data);

/* The job named `data` has ended; starts those that waited for it. */
void pca_queue_done(PcaQueue *queue, gpointer data);
