/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the service's requests but for Claim: check, plan, open, release.
 * Thread: the main one. Ownership: a pending request is its GTask's data.
 */
#include "auth/audit.h"
#include "base/error.h"
#include "claim/lease.h"
#include "engine/wire.h"
#include "service/caller.h"
#include "service/examine.h"
#include "service/other-user.h"
#include "service/private.h"
#include "judge/terms.h"

typedef struct {
    PcaService *service;
    PcaRequest *request; /* NULL for what is about a claim */
} Pending;

static void pending_free(gpointer data) {
    Pending *pending = data;
    g_clear_pointer(&pending->request, pca_request_unref);
    g_free(pending);
}

static GTask *task_new(PcaService *service, PcaRequest *request, GAsyncReadyCallback callback,
                       gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    Pending *pending = g_new0(Pending, 1);
    pending->service = service;
    pending->request = request ? pca_request_ref(request) : NULL;
    g_task_set_task_data(task, pending, pending_free);
    return task;
}

/* --- Check --- */

static void on_check_examined(PcaExamination *examination, const GError *error, gpointer data) {
    g_autoptr(GTask) task = data;
    g_autoptr(PcaExamination) e = examination;
    if (e)
        g_task_return_pointer(task, g_steal_pointer(&e->findings),
                              (GDestroyNotify)g_ptr_array_unref);
    else
        g_task_return_error(task, g_error_copy(error));
}

static void on_other_user(GObject *source, GAsyncResult *result, gpointer data) {
    GTask *task = data;
    const Pending *pending = g_task_get_task_data(task);
    GError *error = NULL;
    g_autoptr(PcaSubject) other = pca_other_user_finish(result, &error);
    if (other) {
        pca_examine(pending->service, other, pending->request, on_check_examined, task);
        return;
    }
    g_task_return_error(task, error);
    g_object_unref(task);
}

void pca_service_check_async(PcaService *service, PcaSubject *subject, PcaRequest *request,
                             GAsyncReadyCallback callback, gpointer data) {
    GTask *task = task_new(service, request, callback, data);
    if (request->as)
        pca_other_user_async(request->as, on_other_user, task);
    else
        pca_examine(service, subject, request, on_check_examined, task);
}

PcaFindings *pca_service_check_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_pointer(G_TASK(result), error);
}

/* --- Plan --- */

PcaPlan *pca_service_plan(PcaService *service, PcaSubject *subject, PcaRequest *request,
                          GError **error) {
    g_autoptr(GPtrArray) findings = pca_findings_new();
    pca_service_freshen(service, request->arrived);
    g_autoptr(GPtrArray) targets = pca_service_resolve(service, request, findings);
    g_autoptr(PcaNames) names = pca_names_of(subject);
    pca_service_set_terms(service, targets, names);
    return pca_findings_to_error(findings, error)
               ? pca_targets_plan(targets, names, request->handoff)
               : NULL;
}

/* --- Open --- */

static void on_opened(GVariant *names, GArray *fds, const GError *error, gpointer data) {
    g_autoptr(GTask) task = data;
    if (error) {
        g_task_return_error(task, g_error_copy(error));
        return;
    }
    PcaFds *list = pca_fds_new();
    for (guint i = 0; i < fds->len; i++) {
        const char *role, *name, *address;
        g_variant_get_child(names, i, "(&s&s&s)", &role, &name, &address);
        pca_fds_consume(list, role, name, address, pca_wire_steal_fd(fds, i));
    }
    g_task_return_pointer(task, list, (GDestroyNotify)g_ptr_array_unref);
}

static gboolean may_open(const PcaSubject *subject, const PcaClaim *claim, int lease,
                         GError **error) {
    if (claim->state != PCA_CLAIM_READY)
        g_propagate_error(error, pca_claim_error_not_ready(claim));
    else if (!pca_lease_proves(claim->lease, lease))
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED,
                    "that descriptor is not the lease of this claim");
    else if (pca_process_of(subject->pidfd) == 0)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "the calling process has gone");
    else
        return TRUE;
    return FALSE;
}

void pca_service_open_async(PcaService *service, PcaSubject *subject, PcaClaim *claim, int lease,
                            GAsyncReadyCallback callback, gpointer data) {
    g_autoptr(GTask) task = task_new(service, NULL, callback, data);
    GError *error = NULL;
    if (may_open(subject, claim, lease, &error)) {
        pca_claims_open(service->claims, claim, subject->pidfd, on_opened, g_steal_pointer(&task));
        return;
    }
    pca_audit(subject, &(PcaDecision){.verb = "open", .claim = claim->id}, error);
    g_task_return_error(task, error);
}

PcaFds *pca_service_open_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_pointer(G_TASK(result), error);
}

/* --- Release --- */

static void on_released(PcaClaim *claim, const GError *error, gpointer data) {
    g_autoptr(GTask) task = data;
    Pending *pending = g_task_get_task_data(task);
    pca_service_look_at_claim(pending->service, claim);
    if (error)
        g_task_return_error(task, g_error_copy(error));
    else
        g_task_return_boolean(task, TRUE);
}

void pca_service_release_async(PcaService *service, PcaSubject *subject, PcaClaim *claim,
                               const char *rule, GAsyncReadyCallback callback, gpointer data) {
    GTask *task = task_new(service, NULL, callback, data);
    g_autofree char *reason = g_strdup_printf("released by uid %u", subject->uid);
    pca_audit(subject, &(PcaDecision){.verb = "release", .claim = claim->id, .rule = rule}, NULL);
    pca_claims_release(service->claims, claim, reason, on_released, task);
}

void pca_service_release_devices_async(PcaService *service, PcaSubject *subject, PcaClaim *claim,
                                       const GArray *addresses, const char *rule,
                                       GAsyncReadyCallback callback, gpointer data) {
    GTask *task = task_new(service, NULL, callback, data);
    g_autofree char *reason = g_strdup_printf("given back by uid %u", subject->uid);
    g_autofree char *remark = g_strdup_printf("%u devices", addresses->len);
    pca_audit(subject,
              &(PcaDecision){
                  .verb = "release-devices", .claim = claim->id, .rule = rule, .remark = remark},
              NULL);
    pca_claims_release_devices(service->claims, claim, addresses, reason, on_released, task);
}

gboolean pca_service_release_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_boolean(G_TASK(result), error);
}
