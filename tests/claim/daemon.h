/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims with a worker as in daemon/worker/main.c (a listener that forks for each request)
 * on the fake kernel, and the ways to spoil what it does.
 * Thread: main; the worker is a child. Ownership: the fixture owns everything but the claims.
 */
#pragma once

#include "claim/claims.h"
#include "engine/machine.h"

#define BOOT_ID "3f1b6c62-boot"

extern PcaClaims *claims;
extern char *state_directory;

/* The states that claims came to, "preparing ready "; since the last call that cleared it. */
extern GString *changes;

/* The fixture; ADD_CASE has that of the machine alone. */
void daemon_set_up(void);
void daemon_tear_down(void);
#define ADD_DAEMON_CASE(suite, name, ...)                                                          \
    do {                                                                                           \
        const TTest *const pca_tests[] = {__VA_ARGS__};                                            \
        daemon_add_case(suite, name, pca_tests, G_N_ELEMENTS(pca_tests));                          \
    } while (0)
void daemon_add_case(Suite *suite, const char *name, const TTest *const tests[], gsize n);

/* A registry that knows nothing yet, as after a restart; no request may be on its way. */
void daemon_restart(void);
void daemon_set_grace(gint64 unbind_grace);

void worker_start(void);
void worker_stop(void);

/* What is done to the operations whose line matches the glob, in each request from now on. */
void worker_kill_at(const char *glob, gboolean always); /* otherwise once */
void worker_fail_at(const char *glob);                  /* always, with EIO */
void worker_hold_at(const char *glob);                  /* until worker_let_go */
void worker_let_go(void);                               /* none of all that any more */

/* Waits until an operation matches the glob, or one more than `count` of them. */
void await_operation(const char *glob, guint count);

/* A claim on the set as it is now, of uid 1000. */
PcaClaim *claim_new(const char *const *set);

/* The answer to a prepare or a release; `calls` says how often it came. */
typedef struct {
    guint calls;
    GError *error;
    PcaClaimState state;
} Answer;

void on_answer(PcaClaim *claim, const GError *error, gpointer answer);
void answer_clear(Answer *answer);
#define AUTO_ANSWER __attribute__((cleanup(answer_clear))) Answer

/* Runs the main loop until the answer has come. */
void await_answer(Answer *answer);
void await_state(PcaClaim *claim, PcaClaimState state);
void await_reason(PcaClaim *claim, const char *text);

/* Process 4242, "qemu", has the NIC's group node open; its number, of which /dev/null is, is in
 * HELD_NODE of the tree. */
#define HELD_NODE "sys/class/vfio/2/dev"
void make_holder(void);

/* A ready claim and its lease, which is the caller's. */
PcaClaim *claim_ready(const char *const *set, int *lease);

/* Releases, and fails unless that goes well. */
void release_well(PcaClaim *claim);

/* How many claims are on disk. */
guint count_stored(void);
