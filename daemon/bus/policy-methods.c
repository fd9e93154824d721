/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the methods of Manager that are about the policy.
 * Thread: the main one. Ownership: a call belongs to the request that it waits for.
 */
#include "bus/private.h"

static void on_reloaded(GObject *source, GAsyncResult *result, gpointer data) {
    g_autoptr(GPtrArray) diagnostics = pca_service_reload_policy_finish(result);
    pca_call_return(data, g_variant_new("(@a(suuss))", pca_translate_diagnostics(diagnostics)));
}

static void do_reload(PcaCall *call) {
    pca_service_reload_policy_async(call->bus->service, call->subject, call->action, on_reloaded,
                                    call);
}

static void do_describe(PcaCall *call) {
    pca_call_return(call,
                    g_variant_new("(@aa{sv})", pca_service_describe_policy(call->bus->service)));
}

static void on_explained(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) explanation = pca_service_explain_policy_finish(result, &error);
    if (explanation)
        pca_call_return(call, g_variant_new("(@a{sv})", explanation));
    else
        pca_call_fail(call, error);
}

static void explain(PcaCall *call) {
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    const char *device, *user;
    g_variant_get(parameters, "(&s&s)", &device, &user);
    pca_service_explain_policy_async(call->bus->service, call->subject, device, user, on_explained,
                                     call);
}

static void do_explain(PcaCall *call) {
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    const char *user;
    g_variant_get_child(parameters, 1, "&s", &user);
    if (*user)
        pca_call_demand_admin(call, explain);
    else
        explain(call);
}

static gboolean on_handle_reload_policy(PcaBusManager *manager, GDBusMethodInvocation *invocation,
                                        PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_reload);
    return TRUE;
}

static gboolean on_handle_describe_policy(PcaBusManager *manager, GDBusMethodInvocation *invocation,
                                          PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_describe);
    return TRUE;
}

static gboolean on_handle_explain_policy(PcaBusManager *manager, GDBusMethodInvocation *invocation,
                                         const char *device, const char *user, PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_explain);
    return TRUE;
}

void pca_policy_methods_connect(PcaBus *bus) {
    g_signal_connect(bus->manager, "handle-reload-policy", G_CALLBACK(on_handle_reload_policy),
                     bus);
    g_signal_connect(bus->manager, "handle-describe-policy", G_CALLBACK(on_handle_describe_policy),
                     bus);
    g_signal_connect(bus->manager, "handle-explain-policy", G_CALLBACK(on_handle_explain_policy),
                     bus);
}
