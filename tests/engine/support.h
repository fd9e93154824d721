/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the test cases of the engine's tests.
 * Thread: main. Ownership: none.
 */
#pragma once

#include "base/error.h"
#include "base/fds.h"
#include "engine/machine.h"

/* A pidfd of this process. */
int self_pidfd(void);

/* An empty journal in the machine's tree; each call another open file. */
int open_journal(void);

void add_plan(Suite *suite);
void add_journal(Suite *suite);
void add_run(Suite *suite);
void add_sweep(Suite *suite);
void add_handover(Suite *suite);
void add_node(Suite *suite);
void add_wire(Suite *suite);
void add_serve(Suite *suite);
void add_admin(Suite *suite);
