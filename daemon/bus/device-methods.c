/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the methods of Device: Explain, and those that are an administrator's.
 * Thread: the main one. Ownership: a call belongs to the request that it waits for.
 */
#include "base/error.h"
#include "bus/private.h"

/* Of the object; a path that is none of a device's is for the service to refuse. */
static char *address_of(const PcaCall *call) {
    const char *path = g_dbus_method_invocation_get_object_path(call->invocation);
    PcaAddress address;
    return pca_translate_device_path(path, &address) ? pca_address_format(&address)
                                                     : g_strdup(path);
}

/* `key` is the only option that the method knows, of the type of `format`; NULL: it knows none. */
static gboolean take_option(PcaCall *call, const char *key, const char *format, gpointer value,
                            GError **error) {
    const char *method = g_dbus_method_invocation_get_method_name(call->invocation);
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    g_autoptr(GVariant) options = g_variant_get_child_value(parameters, 0);
    gboolean given = key && g_variant_lookup(options, key, format, value);
    if (g_variant_n_children(options) == (gsize)given)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                "unknown or mistyped option of %s; it knows %s", method, key ? key : "none");
    return FALSE;
}

static void on_done(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    if (pca_service_admin_finish(result, &error))
        pca_call_return(call, NULL);
    else
        pca_call_fail(call, error);
}

static void go(PcaCall *call, PcaAdminRequest *request, const GError *error) {
    g_autofree char *address = address_of(call);
    request->address = address;
    request->rule = call->action;
    if (error)
        pca_call_fail(call, error);
    else
        pca_service_admin_async(call->bus->service, call->subject, request, on_done, call);
}

static void do_reserve(PcaCall *call) {
    g_autoptr(GError) error = NULL;
    PcaAdminRequest request = {.verb = PCA_ADMIN_RESERVE};
    take_option(call, NULL, NULL, NULL, &error);
    go(call, &request, error);
}

static void do_unreserve(PcaCall *call) {
    g_autoptr(GError) error = NULL;
    PcaAdminRequest request = {.verb = PCA_ADMIN_UNRESERVE};
    take_option(call, NULL, NULL, NULL, &error);
    go(call, &request, error);
}

static void do_reset(PcaCall *call) {
    g_autoptr(GError) error = NULL;
    g_autofree char *method = NULL;
    PcaAdminRequest request = {.verb = PCA_ADMIN_RESET};
    take_option(call, "method", "s", &method, &error);
    request.method = method;
    go(call, &request, error);
}

static void do_recover(PcaCall *call) {
    g_autoptr(GError) error = NULL;
    PcaAdminRequest request = {.verb = PCA_ADMIN_RECOVER};
    take_option(call, "accept-risk", "b", &request.accept_risk, &error);
    go(call, &request, error);
}

static void do_explain(PcaCall *call) {
    g_autofree char *address = address_of(call);
    pca_device_explain(call, address);
}

static gboolean on_handle_explain(PcaBusDevice *device, GDBusMethodInvocation *invocation,
                                  PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_explain);
    return TRUE;
}

static gboolean on_handle_reserve(PcaBusDevice *device, GDBusMethodInvocation *invocation,
                                  GVariant *options, PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_reserve);
    return TRUE;
}

static gboolean on_handle_unreserve(PcaBusDevice *device, GDBusMethodInvocation *invocation,
                                    GVariant *options, PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_unreserve);
    return TRUE;
}

static gboolean on_handle_reset(PcaBusDevice *device, GDBusMethodInvocation *invocation,
                                GVariant *options, PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_reset);
    return TRUE;
}

static gboolean on_handle_recover(PcaBusDevice *device, GDBusMethodInvocation *invocation,
                                  GVariant *options, PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_recover);
    return TRUE;
}

void pca_device_connect(PcaBus *bus, PcaBusDevice *device) {
    g_signal_connect(device, "handle-explain", G_CALLBACK(on_handle_explain), bus);
    g_signal_connect(device, "handle-reserve", G_CALLBACK(on_handle_reserve), bus);
    g_signal_connect(device, "handle-unreserve", G_CALLBACK(on_handle_unreserve), bus);
    g_signal_connect(device, "handle-reset", G_CALLBACK(on_handle_reset), bus);
    g_signal_connect(device, "handle-recover", G_CALLBACK(on_handle_recover), bus);
}
