/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a policy says of hardware and people, as dictionaries for whoever looks: the daemon
 * sends them, and pcassignctl makes the same of the files. Pure.
 * Thread: any. Ownership: a view borrows everything; variants are floating.
 */
#pragma once

#include "policy/policy.h"

/* A policy, and what it is about at the moment. */
typedef struct {
    const PcaPolicy *policy; /* NULL: none is in force */
    const PcaSnapshot *snapshot;
    const PcaAccounts *accounts; /* NULL: nobody is known */
    PcaSerialFunc serial;        /* NULL: no serial number can be read */
    gpointer data;               /* for `serial` */
} PcaPolicyView;

/* The function at that address, or the first one that the [Device] section of that name means.
 * Borrowed from the snapshot; NULL with NotFound. */
PcaFunction *pca_policy_view_find(const PcaPolicyView *view, const char *word, GError **error);

/* aa{sv}: each section as pca_describe_section, with "Devices" as: the addresses of the functions
 * that it means now. */
GVariant *pca_policy_view_sections(const PcaPolicyView *view);

/* Whether the caller may have the function as far as the policy is concerned; a{sv} with "address"
 * s, "uid" u, "user" s, "allowed" b, "verdict" s (one line with the section and its place), "fix" s
 * (what mends a refusal; not of what is allowed), "sections" (pca_describe_verdicts). `user` is the
 * caller's name; NULL: not known. */
GVariant *pca_policy_view_explain(const PcaPolicyView *view, const PcaFunction *function,
                                  const PcaCaller *caller, const char *user);
