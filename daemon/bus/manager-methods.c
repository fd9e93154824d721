/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the methods of Manager.
 * Thread: the main one. Ownership: a call belongs to the request that it waits for.
 */
#include <gio/gunixfdlist.h>

#include "base/error.h"
#include "bus/private.h"

/* The arguments of a message that names devices; answers the caller when they are malformed. */
static PcaRequest *take_request(PcaCall *call, gboolean claiming) {
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    g_autoptr(GVariant) devices = g_variant_get_child_value(parameters, 0);
    g_autoptr(GVariant) options = g_variant_get_child_value(parameters, 1);
    g_autoptr(GError) error = NULL;
    PcaRequest *request = pca_translate_request(devices, options, claiming, &error);
    if (request) {
        request->arrived = call->arrived;
        request->interactive = call->interactive;
    } else
        pca_call_fail(call, error);
    return request;
}

static void on_claimed(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(PcaClaim) claim = pca_service_claim_finish(result, &error);
    if (!claim) {
        pca_call_fail(call, error);
        return;
    }
    /* From here on the message holds the only writing end: if nobody receives it, the lease ends.
     */
    int writer = pca_fd_steal(&claim->lease_writer);
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new_from_array(&writer, 1);
    g_autofree char *path = pca_translate_claim_path(claim);
    pca_claim_object_remember(call, claim);
    pca_call_return_fds(call, g_variant_new("(oh)", path, 0), fds);
}

/* The option "join-lease"; answers the caller when the message has not brought it. */
static gboolean take_join_lease(PcaCall *call, PcaRequest *request) {
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    g_autoptr(GVariant) options = g_variant_get_child_value(parameters, 1);
    gint32 index;
    if (!g_variant_lookup(options, "join-lease", "h", &index))
        return TRUE;
    request->join_lease = pca_call_dup_fd(call, index);
    if (request->join_lease >= 0)
        return TRUE;
    g_autoptr(GError) error =
        g_error_new(PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "the lease to join is missing");
    pca_call_fail(call, error);
    return FALSE;
}

static void do_claim(PcaCall *call) {
    g_autoptr(PcaRequest) request = take_request(call, TRUE);
    if (request && take_join_lease(call, request))
        pca_service_claim_async(call->bus->service, call->subject, request, on_claimed, call);
}

static void on_checked(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) findings = pca_service_check_finish(result, &error);
    if (findings)
        pca_call_return(call, g_variant_new("(b@aa{sv})", !pca_findings_failed(findings, NULL),
                                            pca_translate_findings(findings)));
    else
        pca_call_fail(call, error);
}

static void check(PcaCall *call) {
    g_autoptr(PcaRequest) request = take_request(call, FALSE);
    if (request)
        pca_service_check_async(call->bus->service, call->subject, request, on_checked, call);
}

static void do_check(PcaCall *call) {
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    g_autoptr(GVariant) options = g_variant_get_child_value(parameters, 1);
    g_autoptr(GVariant) as = g_variant_lookup_value(options, "as", NULL);
    if (as)
        pca_call_demand_admin(call, check);
    else
        check(call);
}

static void do_plan(PcaCall *call) {
    g_autoptr(PcaRequest) request = take_request(call, FALSE);
    g_autoptr(GError) error = NULL;
    if (!request)
        return;
    if (request->as) {
        error = g_error_new(PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "\"as\" is an option of Check");
        pca_call_fail(call, error);
        return;
    }
    g_autoptr(PcaPlan) plan = pca_service_plan(call->bus->service, call->subject, request, &error);
    if (plan)
        pca_call_return(call, g_variant_new("(@aa{sv})", pca_plan_describe(plan)));
    else
        pca_call_fail(call, error);
}

static void do_list_claims(PcaCall *call) {
    g_autoptr(GPtrArray) claims = pca_claims_list(pca_service_claims(call->bus->service));
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("a(oa{sv})"));
    for (guint i = 0; i < claims->len; i++) {
        const PcaClaim *claim = g_ptr_array_index(claims, i);
        g_autofree char *path = pca_translate_claim_path(claim);
        g_variant_builder_add(&list, "(o@a{sv})", path, pca_translate_claim(claim, call->subject));
    }
    pca_call_return(call, g_variant_new("(@a(oa{sv}))", g_variant_builder_end(&list)));
}

static gboolean on_handle_claim(PcaBusManager *manager, GDBusMethodInvocation *invocation,
                                GUnixFDList *fds, GVariant *devices, GVariant *options,
                                PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, fds, do_claim);
    return TRUE;
}

static gboolean on_handle_check(PcaBusManager *manager, GDBusMethodInvocation *invocation,
                                GVariant *devices, GVariant *options, PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_check);
    return TRUE;
}

static gboolean on_handle_plan(PcaBusManager *manager, GDBusMethodInvocation *invocation,
                               GVariant *devices, GVariant *options, PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_plan);
    return TRUE;
}

static gboolean on_handle_list_claims(PcaBusManager *manager, GDBusMethodInvocation *invocation,
                                      PcaBus *bus) {
    pca_call_begin(bus, invocation, NULL, NULL, NULL, do_list_claims);
    return TRUE;
}

void pca_manager_connect(PcaBus *bus) {
    g_signal_connect(bus->manager, "handle-claim", G_CALLBACK(on_handle_claim), bus);
    g_signal_connect(bus->manager, "handle-check", G_CALLBACK(on_handle_check), bus);
    g_signal_connect(bus->manager, "handle-plan", G_CALLBACK(on_handle_plan), bus);
    g_signal_connect(bus->manager, "handle-list-claims", G_CALLBACK(on_handle_list_claims), bus);
    pca_policy_methods_connect(bus);
}
