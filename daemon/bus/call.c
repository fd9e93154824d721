/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the way of every method call: who calls, may they, answer.
 * Thread: the main one. Ownership: see the header.
 */
#include <gio/gunixfdlist.h>

#include "auth/audit.h"
#include "auth/gate.h"
#include "base/error.h"
#include "bus/private.h"

static void call_free(PcaCall *call) {
    if (call->counted)
        pca_pending_leave(call->bus->pending, call->subject->uid);
    g_clear_pointer(&call->subject, pca_subject_unref);
    g_clear_pointer(&call->claim, pca_claim_unref);
    g_clear_object(&call->fds);
    g_clear_error(&call->refusal);
    pca_fd_close(&call->channel);
    g_free(call);
}

void pca_call_return(PcaCall *call, GVariant *value) {
    g_dbus_method_invocation_return_value(call->invocation, value);
    call_free(call);
}

void pca_call_return_fds(PcaCall *call, GVariant *value, GUnixFDList *fds) {
    g_dbus_method_invocation_return_value_with_unix_fd_list(call->invocation, value, fds);
    call_free(call);
}

void pca_call_fail(PcaCall *call, const GError *error) {
    const char *name = error->domain == PCA_ERROR ? pca_error_name(error->code) : NULL;
    g_autofree char *full = g_strconcat(PCA_ERROR_PREFIX, name ? name : "Failed", NULL);
    g_dbus_method_invocation_return_dbus_error(call->invocation, full, error->message);
    call_free(call);
}

/* "ReloadPolicy" is "reload-policy" in the journal. */
static char *verb_of(const char *method) {
    GString *verb = g_string_new(NULL);
    for (const char *c = method; *c; c++) {
        if (g_ascii_isupper(*c) && c > method)
            g_string_append_c(verb, '-');
        g_string_append_c(verb, g_ascii_tolower(*c));
    }
    return g_string_free(verb, FALSE);
}

static const char *method_of(const PcaCall *call) {
    return g_dbus_method_invocation_get_method_name(call->invocation);
}

/* Of a Device's object; FALSE for the others. */
static gboolean device_of(const PcaCall *call, PcaAddress *address) {
    return pca_translate_device_path(g_dbus_method_invocation_get_object_path(call->invocation),
                                     address);
}

/* Answers the caller, and tells the journal of the decision. */
static void refuse(PcaCall *call, const GError *error) {
    PcaAddress address;
    g_autofree char *device = device_of(call, &address) ? pca_address_format(&address) : NULL;
    g_autofree char *verb = verb_of(method_of(call));
    PcaDecision decision = {
        .verb = verb,
        .device = device,
        .claim = call->claim ? call->claim->id : NULL,
    };
    pca_audit(call->subject, &decision, error);
    pca_call_fail(call, error);
}

/* What polkit's rules can go by: the method, and the devices that it is about. */
static GVariant *describe(const PcaCall *call) {
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    PcaAddress address;
    if (device_of(call, &address))
        g_array_append_val(addresses, address);
    for (guint i = 0; call->claim && i < call->claim->devices->len; i++)
        g_array_append_val(addresses, pca_claim_device(call->claim, i)->function->address);
    return pca_service_details(call->bus->service, method_of(call), addresses);
}

static void on_authorised(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    if (pca_polkit_ask_finish(result, &error)) {
        call->func(call);
        return;
    }
    g_prefix_error(&error, "%s; ", call->refusal->message);
    refuse(call, error);
}

/* By the rule, and before anybody else is asked by SELinux. */
static PcaVerdict judge(const PcaCall *call, PcaGate gate, GError **error) {
    const PcaClaim *claim = call->claim;
    PcaAddress address;
    PcaVerdict verdict =
        pca_gate_judge(gate.rule, call->subject->uid, call->subject->label,
                       claim ? claim->uid : G_MAXUINT32, claim ? claim->label : NULL, error);
    if (verdict == PCA_VERDICT_REFUSED || gate.permission == PCA_PERMISSION_NONE)
        return verdict;
    g_autofree char *device = device_of(call, &address) ? pca_address_format(&address) : NULL;
    g_autoptr(GError) refusal = NULL;
    if (pca_selinux_allows(call->subject, gate.permission, claim ? claim->node_label : NULL,
                           claim ? claim->id : device, &refusal))
        return verdict;
    g_clear_error(error);
    g_propagate_error(error, g_steal_pointer(&refusal));
    return PCA_VERDICT_REFUSED;
}

static void pass(PcaCall *call, PcaGate gate) {
    g_autoptr(GError) error = NULL;
    switch (judge(call, gate, &error)) {
    case PCA_VERDICT_ALLOWED:
        call->func(call);
        return;
    case PCA_VERDICT_ASK_POLKIT:
        call->action = gate.action;
        call->refusal = g_steal_pointer(&error);
        pca_polkit_ask_async(call->bus->polkit, call->subject, gate.action, describe(call),
                             call->interactive, on_authorised, call);
        return;
    case PCA_VERDICT_REFUSED:
        refuse(call, error);
    }
}

static void pass_gate(PcaCall *call) {
    pass(call, pca_gate_method(g_dbus_method_invocation_get_interface_name(call->invocation),
                               method_of(call)));
}

void pca_call_demand_admin(PcaCall *call, PcaCallFunc func) {
    call->func = func;
    pass(call, (PcaGate){PCA_RULE_ADMIN, PCA_ACTION_MANAGE, PCA_PERMISSION_NONE});
}

static void go_on(PcaCall *call) {
    g_autoptr(GError) error = NULL;
    gboolean first = FALSE;
    call->counted = pca_pending_enter(call->bus->pending, call->subject->uid, &first, &error);
    if (call->counted)
        pass_gate(call);
    else if (first)
        refuse(call, error);
    else
        pca_call_fail(call, error);
}

static void on_subject(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    call->subject = pca_credentials_get_finish(result, &error);
    if (call->subject)
        go_on(call);
    else
        pca_call_fail(call, error);
}

static gboolean is_interactive(GDBusMethodInvocation *invocation) {
    GDBusMessage *message = g_dbus_method_invocation_get_message(invocation);
    return (g_dbus_message_get_flags(message) &
            G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
}

void pca_call_begin(PcaBus *bus, GDBusMethodInvocation *invocation, PcaClaim *claim,
                    PcaSubject *known, GUnixFDList *fds, PcaCallFunc func) {
    const char *sender = g_dbus_method_invocation_get_sender(invocation);
    PcaCall *call = g_new0(PcaCall, 1);
    call->bus = bus;
    call->invocation = invocation;
    call->claim = claim ? pca_claim_ref(claim) : NULL;
    call->func = func;
    call->arrived = g_get_monotonic_time();
    call->fds = fds ? g_object_ref(fds) : NULL;
    call->channel = -1;
    call->interactive = is_interactive(invocation);
    /* A bus never gives a unique name to a second connection. */
    if (known && g_str_equal(known->sender, sender)) {
        call->subject = pca_subject_ref(known);
        go_on(call);
    } else {
        pca_credentials_get_async(bus->credentials, sender, on_subject, call);
    }
}

int pca_call_dup_fd(PcaCall *call, gint index) {
    /* GUnixFDList asserts on an index that it does not have. */
    if (!call->fds || index < 0 || index >= g_unix_fd_list_get_length(call->fds))
        return -1;
    return g_unix_fd_list_get(call->fds, index, NULL);
}
