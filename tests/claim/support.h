/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the test cases of the claims' tests.
 * Thread: main. Ownership: none.
 */
#pragma once

#include "base/error.h"
#include "base/fds.h"
#include "claim/daemon.h"

void add_lease(Suite *suite);
void add_store(Suite *suite);
void add_queue(Suite *suite);
void add_life(Suite *suite);
void add_death(Suite *suite);
void add_blocked(Suite *suite);
void add_recover(Suite *suite);
void add_recover_foreign(Suite *suite);
void add_recover_workers(Suite *suite);
void add_admin(Suite *suite);
void add_split(Suite *suite);
void add_async(Suite *suite);
void add_keep(Suite *suite);
void add_taint(Suite *suite);
void add_handed_out(Suite *suite);
