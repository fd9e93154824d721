/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the test cases of the engine's tests.
 * Thread: main. Ownership: none.
 */
#pragma once

#include "base/error.h"
#include "base/fds.h"
#include "engine/machine.h"
#include "engine/run.h"

/* A pidfd of this process. */
int self_pidfd(void);

/* An empty journal in the machine's tree; each call another open file. */
int open_journal(void);

/* Sets the power attributes of a function, "auto,1" as PcaFunction.power has them; what is empty
 * the kernel has not. */
void give_power(const char *address, const char *power);

/* As they are now, in the same form. Caller frees. */
char *power_of(const char *address);

/* "OP ADDRESS DETAIL" a line, with " / UNDO DETAIL" where there is one. Caller frees. */
char *print_step(const PcaStep *step);
char *print_plan(const PcaPlan *plan);

/* One run of plans; what came of it is the caller's to look at. */
typedef struct {
    GPtrArray *functions; /* NULL where the plan is made elsewhere */
    PcaResidues *residues;
    GError *error;
    gboolean ok;
    gboolean given; /* the handoff is "node" */
    int journal;
} Run;

/* Takes the functions over. */
Run new_run(GPtrArray *functions);
void run_free(Run *run);
#define AUTO_RUN __attribute__((cleanup(run_free))) Run

void run_plan(Run *run, const PcaPlan *plan);

/* The release of the run's functions, whose claim has to have succeeded. */
void run_release(Run *run, const PcaPlanDevice *devices);

void add_plan(Suite *suite);
void add_journal(Suite *suite);
void add_run(Suite *suite);
void add_run_failures(Suite *suite);
void add_run_journal(Suite *suite);
void add_terms(Suite *suite);
void add_power(Suite *suite);
void add_bus_reset(Suite *suite);
void add_disks(Suite *suite);
void add_handover(Suite *suite);
void add_node(Suite *suite);
void add_wire(Suite *suite);
void add_serve(Suite *suite);
void add_serve_users(Suite *suite);
void add_admin(Suite *suite);
