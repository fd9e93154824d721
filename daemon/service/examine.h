/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: all that must be learnt before a request can be judged: the caller's names (a thread),
 * and whether somebody drives a group through VFIO (the worker). Then the judgement itself, in one
 * turn of the main loop on a fresh snapshot.
 * Thread: the main one. Ownership: see the functions.
 */
#pragma once

#include "judge/names.h"
#include "service/service.h"

typedef struct {
    PcaFindings *findings; /* sorted */
    PcaTargets *targets;
    PcaNames *names;
    const char *handoff; /* of the request, or the kernel's best; static */
    PcaPolicy *policy;   /* keeps the sections of the targets; NULL when none is in force */
} PcaExamination;

void pca_examination_free(PcaExamination *examination);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaExamination, pca_examination_free)

/* A claim, still without kind and wishes, of what was examined, for its caller. */
PcaClaim *pca_examination_to_claim(const PcaExamination *examination, const PcaSubject *subject);

/* The examination is the callback's to free; NULL with `error` when it could not be made. */
typedef void (*PcaExamineFunc)(PcaExamination *examination, const GError *error, gpointer data);

/* The callback runs once, later, in the same turn as the judgement. The hardware was looked at
 * after the call, and not long before that. */
void pca_examine(PcaService *service, PcaSubject *subject, PcaRequest *request, PcaExamineFunc func,
                 gpointer data);
