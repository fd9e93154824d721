/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the test cases of test-bus, each on a new world.
 * Thread: main. Ownership: the suite's.
 */
#pragma once

#include "world.h"

/* `bus` is root's connection, of one test. A world is one test's, too, or shared by those of a
 * case: then each leaves the host as it was and the daemon alive. */
extern PcaWorld *world;
extern GDBusConnection *bus;
TCase *pca_case_new(const char *name);
TCase *pca_shared_case_new(const char *name);

/* The same, where a release that takes long on a busy machine is none that is stuck. */
TCase *pca_patient_case_new(const char *name);
TCase *pca_patient_shared_case_new(const char *name);

TCase *pca_object_cases(void);   /* what is there, and what it says */
TCase *pca_check_cases(void);    /* every refusal */
TCase *pca_hardware_cases(void); /* what the config spaces say, and isolation */
TCase *pca_unopened_cases(void); /* the same without a worker that opens them */
TCase *pca_claim_cases(void);    /* claim, open, release */
TCase *pca_channel_cases(void);  /* descriptors past the bus */
TCase *pca_sibling_cases(void);  /* others of a claimed function's group */
TCase *pca_sriov_cases(void);    /* virtual functions and their physical one */
TCase *pca_join_cases(void);     /* several claims of one machine, and parts of one */
TCase *pca_wait_cases(void);     /* claims that wait, and that are answered early */
TCase *pca_revoke_cases(void);   /* taking a claim back, also by force */
TCase *pca_user_cases(void);     /* several users */
TCase *pca_death_cases(void);    /* clients and workers that die */
TCase *pca_restart_cases(void);  /* daemons that die, and what the next one finds */
TCase *pca_admin_cases(void);    /* reserve, unreserve, reset */
TCase *pca_recover_cases(void);  /* recover, and the administrator's over a restart */
TCase *pca_stuck_cases(void);    /* recover, while a worker is at it */
TCase *pca_terms_cases(void);    /* what the policy's keys do to a claim */
TCase *pca_gate_cases(void);     /* every method by every caller, and polkit */
TCase *pca_audit_cases(void);    /* what is decided, and what the journal is told */
TCase *pca_flood_cases(void);    /* many, silent and lying clients */
