/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the one table that says who may call which method and read which property. What is not
 * in it is denied, and the build fails where the interface has what is not in it.
 * Thread: any; constant.
 */
#pragma once

#include "auth/selinux.h"

typedef enum {
    PCA_RULE_DENY,
    PCA_RULE_ANYONE,         /* public, as sysfs is */
    PCA_RULE_POLICY,         /* anyone may ask; the policy decides for each device */
    PCA_RULE_OWNER,          /* the claim's uid and label, or root */
    PCA_RULE_OWNER_OR_ADMIN, /* the same, or whom polkit lets do the action */
    PCA_RULE_ADMIN,          /* root, or whom polkit lets do the action */
} PcaRule;

/* Actions of policy/org.pcassign1.policy. */
#define PCA_ACTION_CLAIM "org.pcassign1.claim"
#define PCA_ACTION_MANAGE "org.pcassign1.manage"
#define PCA_ACTION_RELOAD "org.pcassign1.reload-policy"

typedef struct {
    PcaRule rule;
    const char *action;       /* of the two rules with an administrator; else NULL */
    PcaPermission permission; /* that SELinux, where it is on, has to give as well */
} PcaGate;

/* The row of "Interface.Method". */
PcaGate pca_gate_method(const char *interface, const char *method);

/* The rule of a property. GDBus answers reads of properties by itself, so there is none but ANYONE,
 * and DENY for what is no property. */
PcaRule pca_gate_property(const char *interface, const char *property);

typedef enum { PCA_VERDICT_REFUSED, PCA_VERDICT_ALLOWED, PCA_VERDICT_ASK_POLKIT } PcaVerdict;

/* What the rule says of `uid` with `label` before an object of `owner_uid` with `owner_label` (both
 * ignored unless the rule asks for the owner; labels may be NULL). Sets NotPermitted unless it
 * allows; with PCA_VERDICT_ASK_POLKIT that is why polkit has to be asked. */
PcaVerdict pca_gate_judge(PcaRule rule, guint32 uid, const char *label, guint32 owner_uid,
                          const char *owner_label, GError **error);
