/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of the library's test share.
 * Thread: main, in a process for each test. Ownership: see each function.
 */
#pragma once

#include <check.h>

#include "pcassign.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* A connection to the bus of the test, whose calls wait for two seconds. */
struct pcassign *library_connect(void);

/* Sends the connections from now on to the broken bus of this name. */
void library_use_bus(const char *name);

/* A claim with this id and a lease that nobody reads. */
struct pcassign_claim *library_adopt(struct pcassign *p, const char *id);

/* Claims the one device. */
int library_claim(struct pcassign *p, const char *device, struct pcassign_claim **ret);

/* How many descriptors this process has. */
int library_count_fds(void);

/* That the last error is that code, with a message that contains the text. */
void library_expect(struct pcassign *p, int got, int code, const char *text);

/* Whether the service sees the lease held: "held" or "over". */
void library_expect_lease(struct pcassign *p, const char *expected);

void library_add_calls(Suite *suite);
void library_add_errors(Suite *suite);
void library_add_handles(Suite *suite);
void library_add_channels(Suite *suite);
void library_add_failures(Suite *suite);
