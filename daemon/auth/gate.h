/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the one table that says who may call which method. A method that is not in it is denied.
 * Thread: any; constant.
 */
#pragma once

#include <glib.h>

typedef enum {
    PCA_RULE_DENY,
    PCA_RULE_ANYONE, /* public, as sysfs is */
    PCA_RULE_POLICY, /* anyone may ask; the policy decides for each device */
    PCA_RULE_OWNER,  /* the claim's uid and label, or root */
    PCA_RULE_ROOT,
} PcaRule;

/* The rule of "Interface.Method". */
PcaRule pca_gate_rule(const char *interface, const char *method);

/* Whether the rule lets `uid` with `label` through to an object of `owner_uid` with `owner_label`
 * (both ignored unless the rule asks for the owner; labels may be NULL). Sets NotPermitted. */
gboolean pca_gate_allows(PcaRule rule, guint32 uid, const char *label, guint32 owner_uid,
                         const char *owner_label, GError **error);
