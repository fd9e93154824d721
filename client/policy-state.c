/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the state of the policy as the daemon tells it.
 * Thread: main. Ownership: see the header.
 */
#include "policy-state.h"
#include "base/error.h"

PcaPolicyState pca_policy_state(GDBusConnection *bus) {
    PcaPolicyState state = {0};
    if (!bus)
        return state;
    const PcaCall call = {.path = PCA_BUS_PATH,
                          .interface = "org.freedesktop.DBus.Properties",
                          .method = "GetAll",
                          .arguments = g_variant_new("(s)", PCA_BUS_MANAGER),
                          .reply_type = "(a{sv})",
                          .no_start = TRUE};
    g_autoptr(GVariant) reply = pca_call(bus, &call, NULL, NULL);
    if (!reply)
        return state;
    g_autoptr(GVariant) properties = g_variant_get_child_value(reply, 0);
    state.known = g_variant_lookup(properties, "PolicyStale", "b", &state.stale) &&
                  g_variant_lookup(properties, "PolicyGeneration", "t", &state.generation);
    return state;
}

void pca_policy_complain_state(const PcaPolicyState *state) {
    if (!state->known || !state->stale)
        return;
    pca_complain("%s, because its files have errors: 'pcassignctl policy check' tells where; then "
                 "'pcassignctl policy reload'",
                 state->generation == 0 ? "no policy is in force and nobody gets a device"
                                        : "the policy in force is older than its files");
}

int pca_policy_note_refusal(GDBusConnection *bus, int status) {
    if (status == pca_error_exit_status(PCA_ERROR_NOT_PERMITTED)) {
        const PcaPolicyState state = pca_policy_state(bus);
        pca_policy_complain_state(&state);
    }
    return status;
}

void pca_json_stale(JsonBuilder *builder, const PcaPolicyState *state) {
    json_builder_set_member_name(builder, "stale");
    if (state->known)
        json_builder_add_boolean_value(builder, state->stale);
    else
        json_builder_add_null_value(builder);
}
