/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the gate's table.
 * Thread: any.
 */
#include "auth/gate.h"

#include "base/error.h"

static const struct {
    const char *interface, *method;
    PcaRule rule;
} table[] = {
    {"org.pcassign1.Manager", "Claim", PCA_RULE_POLICY},
    {"org.pcassign1.Manager", "Check", PCA_RULE_ANYONE},
    {"org.pcassign1.Manager", "Plan", PCA_RULE_ANYONE},
    {"org.pcassign1.Manager", "ListClaims", PCA_RULE_ANYONE},
    {"org.pcassign1.Manager", "ReloadPolicy", PCA_RULE_ROOT},
    {"org.pcassign1.Device", "Explain", PCA_RULE_ANYONE},
    {"org.pcassign1.Device", "Reserve", PCA_RULE_ROOT},
    {"org.pcassign1.Device", "Unreserve", PCA_RULE_ROOT},
    {"org.pcassign1.Device", "Reset", PCA_RULE_ROOT},
    {"org.pcassign1.Device", "Recover", PCA_RULE_ROOT},
    /* Open asks for the lease itself as well: see the service. */
    {"org.pcassign1.Claim", "Open", PCA_RULE_OWNER},
    {"org.pcassign1.Claim", "Describe", PCA_RULE_OWNER},
    {"org.pcassign1.Claim", "Release", PCA_RULE_OWNER},
    {"org.pcassign1.Claim", "ReleaseDevices", PCA_RULE_OWNER},
};

PcaRule pca_gate_rule(const char *interface, const char *method) {
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
        if (g_str_equal(table[i].interface, interface) && g_str_equal(table[i].method, method))
            return table[i].rule;
    return PCA_RULE_DENY;
}

gboolean pca_gate_allows(PcaRule rule, guint32 uid, const char *label, guint32 owner_uid,
                         const char *owner_label, GError **error) {
    switch (rule) {
    case PCA_RULE_ANYONE:
    case PCA_RULE_POLICY:
        return TRUE;
    case PCA_RULE_OWNER:
        if (uid == 0 || (uid == owner_uid && g_strcmp0(label, owner_label) == 0))
            return TRUE;
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "the claim is another user's");
        return FALSE;
    case PCA_RULE_ROOT:
        if (uid == 0)
            return TRUE;
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "only root may do this");
        return FALSE;
    case PCA_RULE_DENY:
        break;
    }
    g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "nobody may call this method");
    return FALSE;
}
