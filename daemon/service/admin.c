/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the administrator's requests about one function: reserve, unreserve, reset, recover.
 * Thread: the main one. Ownership: a pending request is its GTask's data.
 */
#include "auth/audit.h"
#include "base/error.h"
#include "service/examine.h"
#include "service/private.h"

typedef struct {
    PcaService *service;
    PcaSubject *subject;
    PcaAdminVerb verb;
    PcaAddress address;
    char *text; /* the address */
    char *method;
    gboolean accept_risk;
    gboolean begun; /* of a recovery: it was not refused at once */
    const char *rule;
} Admin;

/* Policy and isolation are asked when it is claimed. A reservation has to be given back some day,
 * by a reset. */
static const char *const reserve_checks[] = {"iommu", "busy",  "in-use", "driver",
                                             "sriov", "reset", NULL};
/* The guard finds out as well who drives it through VFIO: an unbind would take it from them. */
static const char *const unreserve_checks[] = {"busy", "in-use", NULL};
/* The reset of a physical function reaches its virtual functions. */
static const char *const reset_checks[] = {"busy", "in-use", "sriov", "reset", NULL};

static void admin_free(gpointer data) {
    Admin *admin = data;
    pca_subject_unref(admin->subject);
    g_free(admin->text);
    g_free(admin->method);
    g_free(admin);
}

static const char *verb_name(PcaAdminVerb verb) {
    static const char *const names[] = {"reserve", "unreserve", "reset", "recover"};
    return names[verb];
}

static void log_decision(const Admin *admin, const GError *error) {
    gboolean risky = admin->accept_risk && !error;
    const PcaDecision decision = {
        .verb = verb_name(admin->verb),
        .device = admin->text,
        .rule = admin->rule,
        .remark = risky ? "the risk that it is not clean is accepted" : NULL,
        .risky = risky,
    };
    pca_audit(admin->subject, &decision, error);
}

static PcaFunction *find_function(const Admin *admin, GError **error) {
    PcaFunction *function = pca_snapshot_find(admin->service->snapshot, &admin->address);
    if (!function)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "there is no PCI function %s",
                    admin->text);
    return function;
}

/* Takes the task over. */
static void refuse(GTask *task, GError *error) {
    log_decision(g_task_get_task_data(task), error);
    g_task_return_error(task, error);
    g_object_unref(task);
}

static void succeed(GTask *task) {
    g_task_return_boolean(task, TRUE);
    g_object_unref(task);
}

/* The worker is done, or takes longer than anybody wants to wait. */
static void on_done(PcaClaim *claim, const GError *error, gpointer data) {
    g_autoptr(GTask) task = data;
    Admin *admin = g_task_get_task_data(task);
    g_autoptr(PcaClaim) held = claim ? pca_claim_ref(claim) : NULL;
    if (error)
        g_message("%s of %s: %s", verb_name(admin->verb), admin->text, error->message);
    if (error)
        g_task_return_error(task, g_error_copy(error));
    else
        g_task_return_boolean(task, TRUE);
    if (held)
        pca_service_look_at_claim(admin->service, held);
}

/* Takes the task over. */
static void start(GTask *task, const PcaExamination *e, PcaClaimKind kind) {
    Admin *admin = g_task_get_task_data(task);
    g_autoptr(PcaClaim) claim = pca_examination_to_claim(e, admin->subject);
    claim->kind = kind;
    claim->method = g_strdup(admin->method);
    log_decision(admin, NULL);
    pca_claims_prepare(admin->service->claims, claim, PCA_WAIT_DEFAULT, on_done, task);
}

/* ---- Reserve, unreserve ---- */

static void reserve(GTask *task, const PcaExamination *e) {
    Admin *admin = g_task_get_task_data(task);
    PcaService *service = admin->service;
    const PcaTarget *target = g_ptr_array_index(e->targets, 0);
    PcaClaim *old = pca_claims_reservation(service->claims, &admin->address);
    if (pca_sources_reservation(&service->sources, target->function)) {
        log_decision(admin, NULL);
        succeed(task);
        return;
    }
    if (old)
        pca_claims_forget(service->claims, old, "somebody has bound the function since");
    start(task, e, PCA_KIND_RESERVATION);
}

/* What is left of an owner must not meet the host: the reset that it may have by now comes first.
 */
static gboolean may_go_back(const Admin *admin, const PcaClaim *reservation,
                            const PcaFunction *function, GError **error) {
    const PcaPlanDevice plan = pca_claim_plan_device(pca_claim_device(reservation, 0));
    const PcaTaint *taint = pca_claims_taint(admin->service->claims, function);
    if (!taint || (pca_plan_device_proves(&plan) && !taint->lent))
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_QUARANTINED,
                "%s: %s; it stays from the host until the next boot; pcassignctl recover %s "
                "--accept-risk gives it back all the same",
                admin->text, pca_taint_text(taint), admin->text);
    return FALSE;
}

static void unreserve(GTask *task, const PcaExamination *e) {
    GError *error = NULL;
    Admin *admin = g_task_get_task_data(task);
    PcaService *service = admin->service;
    const PcaTarget *target = g_ptr_array_index(e->targets, 0);
    PcaClaim *reservation = pca_claims_reservation(service->claims, &admin->address);
    if (!reservation) {
        refuse(task,
               g_error_new(PCA_ERROR, PCA_ERROR_NOT_FOUND, "%s is not reserved (its state: %s)",
                           admin->text, pca_service_function_state(service, target->function)));
        return;
    }
    if (!may_go_back(admin, reservation, target->function, &error)) {
        refuse(task, error);
        return;
    }
    log_decision(admin, NULL);
    if (pca_sources_reservation(&service->sources, target->function)) {
        g_autofree char *reason = g_strdup_printf("unreserved by uid %u", admin->subject->uid);
        pca_claims_release(service->claims, reservation, reason, on_done, task);
        return;
    }
    pca_claims_forget(service->claims, reservation, "somebody has bound the function since");
    succeed(task);
}

/* ---- Reset ---- */

/* Bus resets reach all that is on the bus. The kernel offers one for a function that is alone, but
 * a neighbour may have come since. */
static gboolean check_neighbours(const Admin *admin, const char *method, GError **error) {
    const PcaSnapshot *snapshot = admin->service->snapshot;
    if (!g_str_has_suffix(method, "bus"))
        return TRUE;
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *f = g_ptr_array_index(snapshot->functions, i);
        gboolean claimed = pca_claims_find_device(admin->service->claims, &f->address) != NULL;
        if (f->address.domain != admin->address.domain || f->address.bus != admin->address.bus ||
            pca_address_equal(&f->address, &admin->address) ||
            (!claimed && pca_function_lets_group_go(f)))
            continue;
        g_autofree char *neighbour = pca_address_format(&f->address);
        g_set_error(error, PCA_ERROR, claimed ? PCA_ERROR_BUSY : PCA_ERROR_IN_USE,
                    "reset method %s of %s would reach %s as well, which is %s", method,
                    admin->text, neighbour, claimed ? "claimed" : f->driver);
        return FALSE;
    }
    return TRUE;
}

/* What it is reset by where nobody says: its section's methods, in their order, or else its own. */
static const char *usual_methods(const PcaTarget *target) {
    return target->methods && *target->methods ? target->methods : NULL;
}

static gboolean may_reset(const Admin *admin, const PcaTarget *target, GError **error) {
    const PcaFunction *f = target->function;
    const char *usual = usual_methods(target);
    g_autofree char *first = usual ? g_strndup(usual, strcspn(usual, " ")) : NULL;
    g_autofree char *methods = g_strjoinv(", ", f->reset_methods);
    if (f->driver && !pca_driver_is_vfio(f->driver)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_IN_USE,
                    "%s is on the host driver %s; pcassignctl reserve %s takes it from it",
                    admin->text, f->driver, admin->text);
        return FALSE;
    }
    if (admin->method && !g_strv_contains((const char *const *)f->reset_methods, admin->method)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "%s has no reset method \"%s\"; it has: %s", admin->text, admin->method,
                    methods);
        return FALSE;
    }
    if (!f->reset_methods[0]) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_NO_RESET, "%s has no reset method", admin->text);
        return FALSE;
    }
    return check_neighbours(admin,
                            admin->method ? admin->method
                            : first       ? first
                                          : f->reset_methods[0],
                            error);
}

static void reset(GTask *task, const PcaExamination *e) {
    GError *error = NULL;
    Admin *admin = g_task_get_task_data(task);
    const PcaTarget *target = g_ptr_array_index(e->targets, 0);
    if (!may_reset(admin, target, &error)) {
        refuse(task, error);
        return;
    }
    if (!admin->method)
        admin->method = g_strdup(usual_methods(target));
    start(task, e, PCA_KIND_RESET);
}

/* ---- Recover ---- */

/* A failure of something else that was left of the same record is not this function's. */
static void on_retried(PcaClaim *claim, const GError *error, gpointer data) {
    g_autoptr(GTask) task = data;
    Admin *admin = g_task_get_task_data(task);
    g_autoptr(PcaClaim) held = claim ? pca_claim_ref(claim) : NULL;
    const PcaClaimResidue *residue = pca_claims_residue(admin->service->claims, &admin->address);
    gboolean over = held && held->state == PCA_CLAIM_ENDED;
    g_autoptr(GError) problem = error && !(over && !residue) ? g_error_copy(error) : NULL;
    if (residue && !problem)
        problem = g_error_new(PCA_ERROR, PCA_ERROR_QUARANTINED, "%s is %s: %s", admin->text,
                              residue->quarantined ? "quarantined" : "degraded", residue->text);
    if (problem && admin->begun)
        g_message("recover of %s: %s", admin->text, problem->message);
    else if (problem)
        log_decision(admin, problem);
    if (problem)
        g_task_return_error(task, g_steal_pointer(&problem));
    else
        g_task_return_boolean(task, TRUE);
    if (held)
        pca_service_look_at_claim(admin->service, held);
}

static void recover(GTask *task, const PcaFunction *function) {
    Admin *admin = g_task_get_task_data(task);
    g_autoptr(GTask) held = g_object_ref(task);
    g_autofree char *reason = g_strdup_printf("recovered by uid %u", admin->subject->uid);
    g_autofree char *identity = pca_function_identity(function);
    PcaService *service = admin->service;
    pca_claims_retry(service->claims, &admin->address, identity, admin->accept_risk, reason,
                     on_retried, task);
    admin->begun = TRUE;
    if (!g_task_had_error(held))
        log_decision(admin, NULL);
    /* What is forgotten of a function that was replaced changes the state of this one. */
    const PcaFunction *now = pca_snapshot_find(service->snapshot, &admin->address);
    if (now)
        service->events.function_changed(now, service->events_data);
}

/* ---- All of them ---- */

static void on_examined(PcaExamination *examination, const GError *error, gpointer data) {
    static void (*const verbs[])(GTask * task, const PcaExamination *e) = {
        [PCA_ADMIN_RESERVE] = reserve,
        [PCA_ADMIN_UNRESERVE] = unreserve,
        [PCA_ADMIN_RESET] = reset,
    };
    g_autoptr(PcaExamination) e = examination;
    Admin *admin = g_task_get_task_data(data);
    GError *refusal = e ? NULL : g_error_copy(error);
    if (e)
        pca_findings_to_error(e->findings, &refusal);
    if (refusal)
        refuse(data, refusal);
    else
        verbs[admin->verb](data, e);
}

static void examine(GTask *task) {
    static const char *const *const checks[] = {
        [PCA_ADMIN_RESERVE] = reserve_checks,
        [PCA_ADMIN_UNRESERVE] = unreserve_checks,
        [PCA_ADMIN_RESET] = reset_checks,
    };
    Admin *admin = g_task_get_task_data(task);
    g_autoptr(PcaRequest) request = pca_request_new();
    pca_request_add(request, admin->text, NULL);
    request->checks = checks[admin->verb];
    pca_examine(admin->service, admin->subject, request, on_examined, task);
}

void pca_service_admin_async(PcaService *service, PcaSubject *subject,
                             const PcaAdminRequest *request, GAsyncReadyCallback callback,
                             gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    Admin *admin = g_new0(Admin, 1);
    admin->service = service;
    admin->subject = pca_subject_ref(subject);
    admin->verb = request->verb;
    admin->text = g_strdup(request->address);
    admin->method = g_strdup(request->method);
    admin->accept_risk = request->accept_risk;
    admin->rule = request->rule;
    g_task_set_task_data(task, admin, admin_free);
    GError *error = NULL;
    const PcaFunction *function = NULL;
    if (!pca_address_parse(request->address, &admin->address))
        refuse(task, g_error_new(PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s is not a PCI address",
                                 request->address));
    else if (!(function = find_function(admin, &error)))
        refuse(task, error);
    else if (request->verb == PCA_ADMIN_RECOVER)
        recover(task, function);
    else
        examine(task);
}

gboolean pca_service_admin_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_boolean(G_TASK(result), error);
}
