/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the gate's table.
 * Thread: any.
 */
#include "auth/gate.h"

#include "auth/gate-members.h"
#include "base/error.h"

/* Each member of the interface has to be in one of the two tables: the build fails without. */
#pragma GCC diagnostic error "-Wswitch"

static PcaGate method_gate(Method method) {
    switch (method) {
    case METHOD_Manager_Check:
    case METHOD_Manager_Plan:
    case METHOD_Manager_ListClaims:
    /* About other users, which Check has as well: see the methods themselves. */
    case METHOD_Manager_ExplainPolicy:
    case METHOD_Device_Explain:
        return (PcaGate){PCA_RULE_ANYONE, NULL, PCA_PERMISSION_NONE};
    case METHOD_Manager_Claim:
        return (PcaGate){PCA_RULE_POLICY, NULL, PCA_PERMISSION_CLAIM};
    case METHOD_Manager_ReloadPolicy:
        return (PcaGate){PCA_RULE_ADMIN, PCA_ACTION_RELOAD, PCA_PERMISSION_NONE};
    case METHOD_Manager_DescribePolicy:
        return (PcaGate){PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_NONE};
    case METHOD_Claim_Revoke:
        return (PcaGate){PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_RELEASE};
    case METHOD_Device_Reserve:
    case METHOD_Device_Unreserve:
        return (PcaGate){PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_RESERVE};
    case METHOD_Device_Reset:
        return (PcaGate){PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_RESET};
    case METHOD_Device_Recover:
        return (PcaGate){PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_RECOVER};
    /* Open asks for the lease itself as well: see the service. */
    case METHOD_Claim_Open:
        return (PcaGate){PCA_RULE_OWNER, NULL, PCA_PERMISSION_OPEN};
    case METHOD_Claim_Describe:
        return (PcaGate){PCA_RULE_OWNER_OR_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_NONE};
    case METHOD_Claim_Release:
    case METHOD_Claim_ReleaseDevices:
        return (PcaGate){PCA_RULE_OWNER_OR_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_RELEASE};
    }
    return (PcaGate){PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE};
}

/* All properties are public, since the generated skeletons answer before any code of ours runs.
 * What is not for everybody is told by Describe, to whom its rule lets through. A claim's State,
 * Devices and Stubbed are in everybody's ListClaims as well. */
static PcaRule property_rule(Property property) {
    switch (property) {
    case PROPERTY_Manager_Version:
    case PROPERTY_Manager_Backends:
    case PROPERTY_Manager_PolicyGeneration:
    case PROPERTY_Manager_PolicyStale:
    case PROPERTY_Device_Address:
    case PROPERTY_Device_Vendor:
    case PROPERTY_Device_Device:
    case PROPERTY_Device_SubsystemVendor:
    case PROPERTY_Device_SubsystemDevice:
    case PROPERTY_Device_Class:
    case PROPERTY_Device_Revision:
    case PROPERTY_Device_HeaderType:
    case PROPERTY_Device_Driver:
    case PROPERTY_Device_DriverOverride:
    case PROPERTY_Device_IommuGroup:
    case PROPERTY_Device_NumaNode:
    case PROPERTY_Device_Path:
    case PROPERTY_Device_Name:
    case PROPERTY_Device_State:
    case PROPERTY_Device_StateSince:
    case PROPERTY_Device_StateReason:
    case PROPERTY_Device_Description:
    case PROPERTY_Device_ResetMethods:
    case PROPERTY_Device_Multifunction:
    case PROPERTY_Device_PcieType:
    case PROPERTY_Device_Capabilities:
    case PROPERTY_Device_CapabilitiesComplete:
    case PROPERTY_Device_Bars:
    case PROPERTY_Device_Interrupts:
    case PROPERTY_Device_Acs:
    case PROPERTY_Device_Sriov:
    case PROPERTY_Device_Link:
    case PROPERTY_Device_Bridge:
    case PROPERTY_Device_ReservedRegions:
    case PROPERTY_Device_VfioDriver:
    case PROPERTY_Group_Devices:
    case PROPERTY_Group_Viable:
    case PROPERTY_Group_Blockers:
    case PROPERTY_Claim_State:
    case PROPERTY_Claim_Devices:
    case PROPERTY_Claim_Stubbed:
    case PROPERTY_Claim_ReleaseDeadline:
        return PCA_RULE_ANYONE;
    }
    return PCA_RULE_DENY;
}

/* -1 when there is none. */
static int find(const Member *members, gsize n, const char *interface, const char *name) {
    for (gsize i = 0; i < n; i++)
        if (g_str_equal(members[i].interface, interface) && g_str_equal(members[i].name, name))
            return (int)i;
    return -1;
}

PcaGate pca_gate_method(const char *interface, const char *method) {
    int found = find(methods, G_N_ELEMENTS(methods), interface, method);
    return found < 0 ? (PcaGate){PCA_RULE_DENY, NULL, PCA_PERMISSION_NONE}
                     : method_gate((Method)found);
}

PcaRule pca_gate_property(const char *interface, const char *property) {
    int found = find(properties, G_N_ELEMENTS(properties), interface, property);
    return found < 0 ? PCA_RULE_DENY : property_rule((Property)found);
}

PcaVerdict pca_gate_judge(PcaRule rule, guint32 uid, const char *label, guint32 owner_uid,
                          const char *owner_label, GError **error) {
    switch (rule) {
    case PCA_RULE_ANYONE:
    case PCA_RULE_POLICY:
        return PCA_VERDICT_ALLOWED;
    case PCA_RULE_OWNER:
    case PCA_RULE_OWNER_OR_ADMIN:
        if (uid == 0 || (uid == owner_uid && g_strcmp0(label, owner_label) == 0))
            return PCA_VERDICT_ALLOWED;
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "the claim is another user's%s",
                    uid == owner_uid ? ", or another program's: its security label is not that of "
                                       "the caller"
                                     : "");
        return rule == PCA_RULE_OWNER ? PCA_VERDICT_REFUSED : PCA_VERDICT_ASK_POLKIT;
    case PCA_RULE_ADMIN:
        if (uid == 0)
            return PCA_VERDICT_ALLOWED;
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "only root may do this");
        return PCA_VERDICT_ASK_POLKIT;
    case PCA_RULE_DENY:
        break;
    }
    g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "nobody may call this method");
    return PCA_VERDICT_REFUSED;
}
