/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the way of every method call: who calls, may they, answer.
 * Thread: the main one. Ownership: see the header.
 */
#include <gio/gunixfdlist.h>

#include "auth/gate.h"
#include "base/error.h"
#include "bus/private.h"

static void call_free(PcaCall *call) {
    g_clear_pointer(&call->subject, pca_subject_unref);
    g_clear_pointer(&call->claim, pca_claim_unref);
    g_clear_object(&call->fds);
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

static gboolean passes_gate(const PcaCall *call, GError **error) {
    const char *method = g_dbus_method_invocation_get_method_name(call->invocation);
    PcaRule rule =
        pca_gate_rule(g_dbus_method_invocation_get_interface_name(call->invocation), method);
    if (pca_gate_allows(rule, call->subject->uid, call->subject->label,
                        call->claim ? call->claim->uid : G_MAXUINT32,
                        call->claim ? call->claim->label : NULL, error))
        return TRUE;
    g_message("%s by uid %u (process %u): refused: %s", method, call->subject->uid,
              call->subject->pid, (*error)->message);
    return FALSE;
}

static void go_on(PcaCall *call) {
    g_autoptr(GError) error = NULL;
    if (passes_gate(call, &error))
        call->func(call);
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
