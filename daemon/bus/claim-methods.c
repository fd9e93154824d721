/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims as objects on the bus, and their methods.
 * Thread: the main one. Ownership: a call belongs to the request that it waits for.
 */
#include <gio/gunixfdlist.h>

#include "base/error.h"
#include "bus/channel.h"
#include "bus/private.h"

#define CLAIMANT "pcassign-claimant" /* data of a claim's object: a PcaSubject */

void pca_claim_object_remember(PcaCall *call, const PcaClaim *claim) {
    GObject *object = g_hash_table_lookup(call->bus->claims, claim->id);
    if (!object)
        return;
    g_object_set_data_full(object, CLAIMANT, pca_subject_ref(call->subject),
                           (GDestroyNotify)pca_subject_unref);
    pca_listeners_add(PCA_BUS_CLAIM(object), call->subject->sender);
}

/* The claim behind an object; NULL when it ended while the message was on its way. */
static PcaClaim *claim_of(PcaBus *bus, PcaBusClaim *object) {
    return pca_claims_find(pca_service_claims(bus->service),
                           g_object_get_data(G_OBJECT(object), "pcassign-id"));
}

static gboolean begin_on_claim(PcaBus *bus, PcaBusClaim *object, GDBusMethodInvocation *invocation,
                               GUnixFDList *fds, PcaCallFunc func) {
    PcaClaim *claim = claim_of(bus, object);
    if (claim)
        pca_call_begin(bus, invocation, claim, g_object_get_data(G_OBJECT(object), CLAIMANT), fds,
                       func);
    else
        g_dbus_method_invocation_return_dbus_error(invocation, PCA_ERROR_PREFIX "NotFound",
                                                   "the claim has ended");
    return TRUE;
}

static GVariant *append_fds(PcaFds *list, GUnixFDList *fds, GError **error) {
    GVariantBuilder builder;
    /* A claim that a newer version made may have more; sending them would cost us the bus. */
    if (list->len > PCA_OPEN_MAX_FDS) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                    "%u descriptors are more than one message takes", list->len);
        return NULL;
    }
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ssha{sv})"));
    for (guint i = 0; i < list->len; i++) {
        const PcaNamedFd *named = pca_fds_get(list, i);
        int index = g_unix_fd_list_append(fds, named->fd, error);
        if (index < 0) {
            g_variant_builder_clear(&builder);
            return NULL;
        }
        g_auto(GVariantDict) details;
        g_variant_dict_init(&details, NULL);
        if (*named->address)
            g_variant_dict_insert(&details, "address", "s", named->address);
        g_variant_builder_add(&builder, "(ssh@a{sv})", named->role, named->name, index,
                              g_variant_dict_end(&details));
    }
    return g_variant_builder_end(&builder);
}

static void return_opened(PcaCall *call, PcaFds *list) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
    GVariant *entries = append_fds(list, fds, &error);
    if (entries)
        pca_call_return_fds(call, g_variant_new("(@a(ssha{sv}))", entries), fds);
    else
        pca_call_fail(call, error);
}

static void on_channel_sent(const GError *error, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GPtrArray) none = pca_fds_new();
    if (error)
        pca_call_fail(call, error);
    else
        return_opened(call, none);
}

/* The owner's connection may be another one by now, or have come after a restart of ours. */
static void remember_opener(PcaCall *call) {
    PcaBusClaim *object = g_hash_table_lookup(call->bus->claims, call->claim->id);
    if (object && call->subject->uid == call->claim->uid)
        pca_listeners_add(object, call->subject->sender);
}

static void on_opened(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = pca_service_open_finish(result, &error);
    if (list)
        remember_opener(call);
    if (!list)
        pca_call_fail(call, error);
    else if (call->channel >= 0)
        pca_channel_send(pca_fd_steal(&call->channel), g_steal_pointer(&list), on_channel_sent,
                         call);
    else
        return_opened(call, list);
}

/* The options of Open: "channel" h. */
static gboolean take_open_options(PcaCall *call, GVariant *options, GError **error) {
    gint32 index;
    gboolean given = g_variant_lookup(options, "channel", "h", &index);
    if (g_variant_n_children(options) != (gsize)given) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "unknown or mistyped option of Open; it knows \"channel\"");
        return FALSE;
    }
    call->channel = given ? pca_call_dup_fd(call, index) : -1;
    return !given || pca_channel_check(call->channel, call->subject, error);
}

static void do_open(PcaCall *call) {
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) options = g_variant_get_child_value(parameters, 1);
    gint32 index;
    g_variant_get_child(parameters, 0, "h", &index);
    PCA_AUTO_FD lease = pca_call_dup_fd(call, index);
    if (lease < 0)
        error = g_error_new(PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "the lease is missing");
    if (lease >= 0 && take_open_options(call, options, &error))
        pca_service_open_async(call->bus->service, call->subject, call->claim, lease, on_opened,
                               call);
    else
        pca_call_fail(call, error);
}

static void do_describe(PcaCall *call) {
    pca_call_return(call,
                    g_variant_new("(@a{sv})", pca_translate_claim(call->claim, call->subject)));
}

static void on_released(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    if (pca_service_release_finish(result, &error))
        pca_call_return(call, NULL);
    else
        pca_call_fail(call, error);
}

static void on_revoked(GObject *source, GAsyncResult *result, gpointer data) {
    PcaCall *call = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) stopped = pca_service_revoke_finish(result, &error);
    gboolean told =
        g_str_equal(g_dbus_method_invocation_get_method_name(call->invocation), "Revoke");
    if (stopped)
        pca_call_return(call, told ? g_variant_new("(@a{sv})", stopped) : NULL);
    else
        pca_call_fail(call, error);
}

static void do_release(PcaCall *call) {
    const PcaSubject *subject = call->subject;
    if (subject->uid == call->claim->uid && g_strcmp0(subject->label, call->claim->label) == 0)
        pca_service_release_async(call->bus->service, call->subject, call->claim, call->action,
                                  on_released, call);
    else
        pca_service_revoke_async(call->bus->service, call->subject, call->claim, FALSE,
                                 call->action, on_revoked, call);
}

static void do_revoke(PcaCall *call) {
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    g_autoptr(GVariant) options = g_variant_get_child_value(parameters, 0);
    g_autoptr(GError) error = NULL;
    gboolean force = FALSE;
    if (pca_translate_revoke(options, &force, &error))
        pca_service_revoke_async(call->bus->service, call->subject, call->claim, force,
                                 call->action, on_revoked, call);
    else
        pca_call_fail(call, error);
}

static void do_release_devices(PcaCall *call) {
    GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
    g_autoptr(GVariant) paths = g_variant_get_child_value(parameters, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) addresses = pca_translate_addresses(paths, &error);
    if (addresses)
        pca_service_release_devices_async(call->bus->service, call->subject, call->claim, addresses,
                                          call->action, on_released, call);
    else
        pca_call_fail(call, error);
}

static gboolean on_handle_open(PcaBusClaim *object, GDBusMethodInvocation *invocation,
                               GUnixFDList *fds, GVariant *lease, GVariant *options, PcaBus *bus) {
    return begin_on_claim(bus, object, invocation, fds, do_open);
}

static gboolean on_handle_describe(PcaBusClaim *object, GDBusMethodInvocation *invocation,
                                   PcaBus *bus) {
    return begin_on_claim(bus, object, invocation, NULL, do_describe);
}

static gboolean on_handle_release(PcaBusClaim *object, GDBusMethodInvocation *invocation,
                                  PcaBus *bus) {
    return begin_on_claim(bus, object, invocation, NULL, do_release);
}

static gboolean on_handle_revoke(PcaBusClaim *object, GDBusMethodInvocation *invocation,
                                 GVariant *options, PcaBus *bus) {
    return begin_on_claim(bus, object, invocation, NULL, do_revoke);
}

static gboolean on_handle_release_devices(PcaBusClaim *object, GDBusMethodInvocation *invocation,
                                          const char *const *paths, PcaBus *bus) {
    return begin_on_claim(bus, object, invocation, NULL, do_release_devices);
}

static char **device_paths(const PcaClaim *claim, gboolean stubs) {
    GPtrArray *paths = g_ptr_array_new();
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(claim, i);
        g_autofree char *address = pca_address_format_path(&device->function->address);
        if (device->stub == stubs)
            g_ptr_array_add(paths, g_strconcat(PCA_BUS_PATH "/device/", address, NULL));
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}

static void set_devices(PcaBusClaim *object, const PcaClaim *claim) {
    g_auto(GStrv) devices = device_paths(claim, FALSE);
    g_auto(GStrv) stubbed = device_paths(claim, TRUE);
    pca_bus_claim_set_devices(object, (const char *const *)devices);
    pca_bus_claim_set_stubbed(object, (const char *const *)stubbed);
}

static PcaBusClaim *export_claim(PcaBus *bus, const PcaClaim *claim) {
    g_autoptr(PcaBusClaim) object = pca_bus_claim_skeleton_new();
    g_autofree char *path = pca_translate_claim_path(claim);
    g_autoptr(GError) error = NULL;
    g_object_set_data_full(G_OBJECT(object), "pcassign-id", g_strdup(claim->id), g_free);
    set_devices(object, claim);
    /* Before anybody can watch: no signal. */
    pca_bus_claim_set_state(object, pca_claim_state_name(claim->state));
    g_signal_connect(object, "handle-open", G_CALLBACK(on_handle_open), bus);
    g_signal_connect(object, "handle-describe", G_CALLBACK(on_handle_describe), bus);
    g_signal_connect(object, "handle-release", G_CALLBACK(on_handle_release), bus);
    g_signal_connect(object, "handle-revoke", G_CALLBACK(on_handle_revoke), bus);
    g_signal_connect(object, "handle-release-devices", G_CALLBACK(on_handle_release_devices), bus);
    if (!g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(object), bus->connection, path,
                                          &error))
        g_warning("exporting %s: %s", path, error->message);
    g_hash_table_insert(bus->claims, g_strdup(claim->id), g_object_ref(object));
    return object;
}

void pca_claim_object_changed(PcaBus *bus, PcaClaim *claim) {
    PcaBusClaim *object = g_hash_table_lookup(bus->claims, claim->id);
    if (!object && claim->kind == PCA_KIND_CLAIM && claim->state != PCA_CLAIM_ENDED)
        object = export_claim(bus, claim);
    if (!object)
        return;
    set_devices(object, claim);
    pca_bus_claim_set_state(object, pca_claim_state_name(claim->state));
    if (claim->state != PCA_CLAIM_ENDED || claim->lingers)
        return;
    g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(object));
    g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(object));
    g_hash_table_remove(bus->claims, claim->id);
}
