/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: giving devices back, and handing their descriptors out while they are held.
 * Thread: the main one. Ownership: see the headers.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/error.h"
#include "base/fds.h"
#include "claim/internal.h"
#include "engine/wire.h"
#include "sys/kernel.h"

static gboolean on_grace_over(gpointer data) {
    PcaEntry *entry = data;
    if (entry->claim->state == PCA_CLAIM_READY) {
        entry->timer = 0;
        return G_SOURCE_REMOVE;
    }
    g_autoptr(GError) error = pca_entry_look_stuck(entry);
    pca_entry_tell(entry, error);
    return G_SOURCE_CONTINUE;
}

void pca_entry_start_grace(PcaEntry *entry) {
    if (!entry->timer)
        entry->timer = pca_timer_add(entry->claims->unbind_grace, on_grace_over, entry);
}

static void start_release(gpointer data);

static void on_released(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    PcaEntry *entry = data;
    if (!reply && entry->attempts++ < PCA_MAX_ATTEMPTS) {
        g_warning("claim %s: %s; releasing once more", entry->claim->id, error->message);
        start_release(entry);
        return;
    }
    g_clear_handle_id(&entry->timer, g_source_remove);
    gboolean residue = reply && pca_entry_take_residue(entry, reply);
    if (!reply || (error && !residue && !g_error_matches(error, PCA_ERROR, PCA_ERROR_NOT_FOUND))) {
        pca_entry_leave_queue(entry);
        pca_entry_set_state(entry, PCA_CLAIM_STUCK, error->message);
        pca_entry_tell(entry, error);
        return;
    }
    /* Why it was released before it was ready, if so. */
    g_autoptr(GError) failure = g_steal_pointer(&entry->failure);
    pca_entry_end_release(entry, residue, residue ? error : failure);
}

static void start_release(gpointer data) {
    PcaEntry *entry = data;
    g_autoptr(GPtrArray) functions = pca_claim_functions(entry->claim);
    if (!entry->plan) {
        g_autofree PcaPlanDevice *devices = pca_claim_plan_devices(entry->claim);
        entry->plan = pca_plan_release(functions, devices);
        if (pca_claim_gives_nodes(entry->claim))
            pca_plan_add_nodes(entry->plan, functions, devices, entry->claim->uid,
                               entry->claim->node_label);
    }
    g_clear_handle_id(&entry->timer, g_source_remove);
    pca_entry_start_grace(entry);
    pca_entry_call(entry, "run", entry->plan, on_released);
}

void pca_entry_release(PcaEntry *entry) {
    pca_entry_remember_numbers(entry);
    pca_entry_set_state(entry, PCA_CLAIM_RELEASING, entry->claim->reason);
    if (entry->queued)
        start_release(entry);
    else
        pca_entry_enqueue(entry, start_release);
}

void pca_claims_release(PcaClaims *claims, PcaClaim *claim, const char *reason, PcaClaimFunc func,
                        gpointer data) {
    PcaEntry *entry = g_hash_table_lookup(claims->entries, claim->id);
    if (!entry) {
        if (func)
            func(claim, NULL, data);
        return;
    }
    pca_entry_add_waiter(entry, FALSE, func, data);
    if (entry->queued || entry->worker_watch) {
        /* It is on its way already, or a plan of it is at work. */
        entry->abandoned = TRUE;
        pca_entry_start_grace(entry);
        return;
    }
    g_free(claim->reason);
    claim->reason = g_strdup(reason);
    if (!entry->undoing) {
        pca_entry_release(entry);
        return;
    }
    pca_entry_start_grace(entry);
    pca_entry_undo(entry);
}

/* An open takes its turn with the plans on the same groups: were it still at work when the claim is
 * released, it could open the node for its client after the next owner's bind. */
typedef struct {
    PcaClaims *claims;
    PcaClaim *claim; /* a reference */
    int pidfd;
    PcaClaimOpenFunc func;
    gpointer data;
} OpenCall;

static void finish_open(OpenCall *call, GVariant *names, GArray *fds, const GError *error) {
    call->func(names, fds, error, call->data);
    pca_queue_done(call->claims->queue, call);
    pca_claim_unref(call->claim);
    pca_fd_close(&call->pidfd);
    g_free(call);
}

static void on_opened(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    g_autoptr(GVariant) names =
        reply ? g_variant_lookup_value(reply, "fds", G_VARIANT_TYPE("a(sss)")) : NULL;
    g_autoptr(GError) odd = NULL;
    if (!error && (!names || g_variant_n_children(names) != fds->len))
        odd =
            g_error_new(PCA_ERROR, PCA_ERROR_FAILED, "the worker sent %u descriptors and %zu names",
                        fds->len, names ? g_variant_n_children(names) : 0);
    finish_open(data, names, fds, error ? error : odd);
}

/* The functions that Open hands out. */
static gboolean is_handed_out(const PcaClaimDevice *device) {
    return !device->stub && pca_driver_is_vfio(device->driver);
}

/* What the other claims of its virtual machine add to what a VMM locks. */
static void add_machine(PcaClaims *claims, const PcaClaim *claim, GVariantDict *request) {
    g_autoptr(GPtrArray) machine = pca_claims_of_machine(claims, claim);
    GVariantBuilder beside;
    gboolean viommu = claim->viommu;
    g_variant_builder_init(&beside, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < machine->len; i++) {
        const PcaClaim *other = g_ptr_array_index(machine, i);
        viommu |= other->viommu;
        for (guint k = 0; other != claim && k < other->devices->len; k++) {
            const PcaClaimDevice *device = pca_claim_device(other, k);
            g_autofree char *address = pca_address_format(&device->function->address);
            if (is_handed_out(device))
                g_variant_builder_add(&beside, "s", address);
        }
    }
    g_variant_dict_insert(request, "memory", "t", pca_claims_machine_memory(claims, claim));
    g_variant_dict_insert(request, "viommu", "b", viommu);
    g_variant_dict_insert_value(request, "beside", g_variant_builder_end(&beside));
}

static GVariant *open_request(PcaClaims *claims, const PcaClaim *claim) {
    GVariantBuilder devices;
    g_variant_builder_init(&devices, G_VARIANT_TYPE("a(sss)"));
    for (guint i = 0; i < claim->devices->len; i++) {
        const PcaClaimDevice *device = pca_claim_device(claim, i);
        if (!is_handed_out(device))
            continue;
        g_autofree char *address = pca_address_format(&device->function->address);
        g_autofree char *identity = pca_function_identity(device->function);
        g_variant_builder_add(&devices, "(sss)", address, identity, device->name);
    }
    g_auto(GVariantDict) request;
    g_variant_dict_init(&request, NULL);
    g_variant_dict_insert(&request, "kind", "s", "open");
    add_machine(claims, claim, &request);
    g_variant_dict_insert(&request, "owner", "u", claim->uid);
    g_variant_dict_insert(&request, "joins", "b", claim->joined != NULL);
    if (claim->node_label)
        g_variant_dict_insert(&request, "label", "s", claim->node_label);
    if (claim->handoff)
        g_variant_dict_insert(&request, "handoff", "s", claim->handoff);
    g_variant_dict_insert_value(&request, "devices", g_variant_builder_end(&devices));
    return g_variant_dict_end(&request);
}

/* The claim keeps such functions from everybody; there is nothing to hand out. */
static GError *error_nothing_to_open(const PcaClaim *claim) {
    const PcaClaimDevice *device = pca_claim_device(claim, 0);
    g_autofree char *address = pca_address_format(&device->function->address);
    return g_error_new(PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                       "%s is on %s, as the policy says (%s): the claim holds it, but there is no "
                       "descriptor of it",
                       address, device->driver, claim->policy ? claim->policy : "no section");
}

static gboolean has_something_to_open(const PcaClaim *claim) {
    for (guint i = 0; i < claim->devices->len; i++)
        if (pca_driver_is_vfio(pca_claim_device(claim, i)->driver))
            return TRUE;
    return FALSE;
}

static void start_open(gpointer data) {
    OpenCall *call = data;
    g_autoptr(GError) error = NULL;
    if (call->claim->state != PCA_CLAIM_READY)
        error = pca_claim_error_not_ready(call->claim);
    else if (!has_something_to_open(call->claim))
        error = error_nothing_to_open(call->claim);
    if (error)
        finish_open(call, NULL, NULL, error);
    else
        pca_worker_call(call->claims->worker_socket, open_request(call->claims, call->claim),
                        &call->pidfd, 1, on_opened, call);
}

void pca_claims_open(PcaClaims *claims, PcaClaim *claim, int pidfd, PcaClaimOpenFunc func,
                     gpointer data) {
    g_autoptr(GError) error = NULL;
    if (claim->state != PCA_CLAIM_READY) {
        error = pca_claim_error_not_ready(claim);
        func(NULL, NULL, error, data);
        return;
    }
    int copy = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        pca_error_set_errno(&error, PCA_ERROR_FAILED, errno, "keeping the caller's process");
        func(NULL, NULL, error, data);
        return;
    }
    OpenCall *call = g_new0(OpenCall, 1);
    call->claims = claims;
    call->claim = pca_claim_ref(claim);
    call->pidfd = copy;
    call->func = func;
    call->data = data;
    pca_claim_enqueue(claims, claim, start_open, call);
}
