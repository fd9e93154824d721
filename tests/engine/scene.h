/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a machine with one set of functions and the plans of its claim, to be used over and
 * over, and what strikes it in the midst of an operation; for the sweeps.
 * Thread: main. Ownership: the scene's, until it is freed.
 */
#pragma once

#include "engine/support.h"

/* Operations of a claim or a release of the greatest set, and more. */
#define MAX_OPERATIONS 60

/* A set of functions, and the terms of each. */
typedef struct {
    const char *const *set;
    const PcaPlanDevice *devices;
    gboolean is_long; /* too much for killing twice */
} Setting;
extern const Setting settings[];
extern const guint n_settings;

/* What the k-th operation does to the machine; fake->data. */
typedef struct {
    guint k;
    guint count;
    gboolean after; /* once the operation has had its effect, not before it */
    void (*act)(void);
} Blow;

/* From now on, in place of the one before. */
void arm(Blow *blow);
void disarm(void);

/* One machine with one set of functions, used over and over: each attempt must leave it as it was.
 */
typedef struct {
    const char *const *set;
    const PcaPlanDevice *devices;
    GPtrArray *functions;
    PcaPlan *claim, *release, *unreserve;
    char *before[MAX_SET], *nodes[MAX_SET], *methods[MAX_SET], *files[MAX_SET], *power[MAX_SET];
    gboolean released; /* what is kept is kept */
    int journal;
} Scene;

Scene scene_new(const char *const *set, const PcaPlanDevice *devices);
void scene_free(Scene *scene);
#define AUTO_SCENE __attribute__((cleanup(scene_free))) Scene

void forget_the_journal(Scene *scene);
PcaJournalResult journal_result(int journal);

/* Claimed, with an owner's traces in it. */
void claim_well(Scene *scene);

/* All but the functions that are among the residues; NULL: there are none. */
void assert_as_before(Scene *scene, PcaResidues *residues);

/* Do the rest of what was begun, and fail unless that goes well. */
void finish_undo(Scene *scene);
void finish_release(Scene *scene);

/* Of a claim that came to nothing: whether its owner could reach the functions meanwhile. */
gboolean was_handed_out(const Scene *scene);

/* As such an owner may have left them. */
void leave_traces(Scene *scene);
void finish_handed_out(Scene *scene);

/* As the daemon has it put back: undone, or released where it was handed out. */
void put_back(Scene *scene);

/* A case of the suite, with time for a test that takes long. */
void sweep_add_table(Suite *suite, const char *name, const TTest *test, guint n);

/* Deaths of the worker, and devices that go. */
void add_deaths(Suite *suite);
