/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the queue of plans.
 * Thread: the main one. Ownership: see the header.
 */
#include "claim/queue.h"

typedef struct {
    int *groups;
    gsize n;
    PcaQueueFunc start;
    gpointer data;
    gboolean running;
} Job;

struct PcaQueue {
    GPtrArray *jobs; /* in order of arrival, running ones included */
};

static void job_free(gpointer data) {
    Job *job = data;
    g_free(job->groups);
    g_free(job);
}

PcaQueue *pca_queue_new(void) {
    PcaQueue *queue = g_new0(PcaQueue, 1);
    queue->jobs = g_ptr_array_new_with_free_func(job_free);
    return queue;
}

void pca_queue_free(PcaQueue *queue) {
    g_ptr_array_unref(queue->jobs);
    g_free(queue);
}

static gboolean meet(const Job *a, const Job *b) {
    for (gsize i = 0; i < a->n; i++)
        for (gsize j = 0; j < b->n; j++)
            if (a->groups[i] == b->groups[j])
                return TRUE;
    return FALSE;
}

/* Earlier jobs go first even when they wait themselves, so that none starves. */
static gboolean is_free(PcaQueue *queue, guint index) {
    for (guint i = 0; i < index; i++)
        if (meet(g_ptr_array_index(queue->jobs, i), g_ptr_array_index(queue->jobs, index)))
            return FALSE;
    return TRUE;
}

static Job *next(PcaQueue *queue) {
    for (guint i = 0; i < queue->jobs->len; i++) {
        Job *job = g_ptr_array_index(queue->jobs, i);
        if (!job->running && is_free(queue, i))
            return job;
    }
    return NULL;
}

/* A start may add or end jobs, so the search begins anew after each. */
static void start_free_jobs(PcaQueue *queue) {
    for (Job *job; (job = next(queue));) {
        job->running = TRUE;
        job->start(job->data);
    }
}

void pca_queue_add(PcaQueue *queue, const int *groups, gsize n, PcaQueueFunc start, gpointer data) {
    Job *job = g_new0(Job, 1);
    job->groups = g_memdup2(groups, n * sizeof *groups);
    job->n = n;
    job->start = start;
    job->data = data;
    g_ptr_array_add(queue->jobs, job);
    start_free_jobs(queue);
}

void pca_queue_done(PcaQueue *queue, gpointer data) {
    for (guint i = 0; i < queue->jobs->len; i++) {
        Job *job = g_ptr_array_index(queue->jobs, i);
        if (job->data == data) {
            g_ptr_array_remove_index(queue->jobs, i);
            break;
        }
    }
    start_free_jobs(queue);
}
