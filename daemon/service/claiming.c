/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: Claim, from its arguments to the claim: examined, authorised, parked while another one
 * is released, prepared.
 * Thread: the main one. Ownership: a pending claim is its GTask's data.
 */
#include "auth/audit.h"
#include "auth/gate.h"
#include "base/error.h"
#include "service/authorise.h"
#include "service/examine.h"
#include "service/join.h"
#include "service/private.h"

typedef struct {
    PcaService *service;
    PcaSubject *subject;
    PcaRequest *request;
    gint64 deadline;           /* monotonic, microseconds */
    guint timer;               /* while it is parked: until the deadline */
    gboolean answered;         /* the claim goes on, whoever asked has it already */
    PcaAuthorised *authorised; /* what polkit has said yes to; NULL: it was not asked */
    GVariant *question;        /* what it is asked about now */
    GError *refusal;           /* that it has said no */
    gint64 asked;              /* since when; monotonic, microseconds */
} Pending;

static void pending_free(gpointer data) {
    Pending *pending = data;
    g_clear_handle_id(&pending->timer, g_source_remove);
    pca_subject_unref(pending->subject);
    pca_request_unref(pending->request);
    g_clear_pointer(&pending->authorised, g_hash_table_unref);
    g_clear_pointer(&pending->question, g_variant_unref);
    g_clear_error(&pending->refusal);
    g_free(pending);
}

static GTask *task_new(PcaService *service, PcaSubject *subject, PcaRequest *request,
                       GAsyncReadyCallback callback, gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    Pending *pending = g_new0(Pending, 1);
    pending->service = service;
    pending->subject = pca_subject_ref(subject);
    pending->request = pca_request_ref(request);
    pending->deadline = g_get_monotonic_time() + request->wait;
    g_task_set_task_data(task, pending, pending_free);
    return task;
}

static char *rule_of(const PcaTarget *target) {
    const PcaSection *section = target->match.deny ? target->match.deny : target->match.device;
    return section ? g_strdup_printf("%s:%u", section->file, section->line) : NULL;
}

/* Once for each device. */
static void log_decision(PcaSubject *subject, const PcaExamination *e, const GError *error) {
    if (e->targets->len == 0)
        pca_audit(subject, &(PcaDecision){.verb = "claim"}, error);
    for (guint i = 0; i < e->targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(e->targets, i);
        g_autofree char *address = pca_address_format(&target->function->address);
        g_autofree char *rule = rule_of(target);
        const PcaDecision decision = {.verb = "claim", .device = address, .rule = rule};
        pca_audit(subject, &decision, error);
    }
}

static PcaClaim *make_claim(const PcaSubject *subject, const PcaRequest *request,
                            const PcaExamination *e) {
    PcaClaim *claim = pca_examination_to_claim(e, subject);
    claim->title = g_strdup(request->title);
    claim->handoff = g_strdup(e->handoff);
    claim->memory = request->memory;
    claim->node_label = g_strdup(e->names->node_label);
    claim->viommu = request->viommu;
    claim->joined = g_strdup(request->join);
    claim->async = request->async;
    for (guint i = 0; i < e->targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(e->targets, i);
        pca_claim_device(claim, i)->keep = target->keep;
        pca_claim_device(claim, i)->with_bus = target->with_bus;
        pca_claim_device(claim, i)->files = g_strdup(target->files);
        if (!claim->policy && target->match.device)
            claim->policy =
                g_strdup_printf("%s:%u", target->match.device->file, target->match.device->line);
    }
    return claim;
}

/* What it was for may have ended while it was prepared: then it is no use, and goes back. */
static gboolean is_orphan(Pending *pending, PcaClaim *claim, GError **error) {
    PcaService *service = pending->service;
    if (claim->state != PCA_CLAIM_READY ||
        pca_may_join(service->claims, pending->subject, pending->request, error))
        return FALSE;
    pca_claims_release(service->claims, claim, "the claim that it joins has ended", NULL, NULL);
    return TRUE;
}

static void on_prepared(PcaClaim *claim, const GError *failure, gpointer data) {
    g_autoptr(GTask) task = data;
    g_autoptr(PcaClaim) held = pca_claim_ref(claim);
    g_autoptr(GError) orphaned = NULL;
    Pending *pending = g_task_get_task_data(task);
    const GError *error = !failure && is_orphan(pending, claim, &orphaned) ? orphaned : failure;
    if (pending->answered) {
        pca_service_look_at_claim(pending->service, held);
        return;
    }
    pending->answered = TRUE;
    if (error)
        g_task_return_error(task, g_error_copy(error));
    else if (claim->state != PCA_CLAIM_READY)
        g_task_return_new_error(task, PCA_ERROR, PCA_ERROR_REVOKED,
                                "the claim was released while it was prepared");
    else
        g_task_return_pointer(task, pca_claim_ref(claim), (GDestroyNotify)pca_claim_unref);
    /* While the answer is on its way; whoever asks for properties next gets those of now. */
    pca_service_look_at_claim(pending->service, held);
}

/* What one uid may have. Root may have any number. */
static gboolean is_within_limits(const Pending *pending, guint functions, GError **error) {
    const PcaService *service = pending->service;
    guint32 uid = pending->subject->uid;
    guint claims = pca_claims_count(service->claims, uid);
    guint devices = pca_claims_count_devices(service->claims, uid);
    if (uid == 0)
        return TRUE;
    if (claims >= service->max_claims)
        g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                    "you hold %u claims, which is the limit; release one first", claims);
    else if (devices + functions > service->max_devices)
        g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                    "you hold %u devices, and %u more would be over the limit of %u; release some "
                    "first",
                    devices, functions, service->max_devices);
    else
        return TRUE;
    return FALSE;
}

static gboolean may_claim(const Pending *pending, PcaExamination *e, GError **error) {
    if (!pca_may_join(pending->service->claims, pending->subject, pending->request, error) ||
        !pca_findings_to_error(e->findings, error))
        return FALSE;
    guint wanted = 0;
    for (guint i = 0; i < e->targets->len; i++)
        wanted += !((PcaTarget *)g_ptr_array_index(e->targets, i))->stub;
    if (wanted + 1 > PCA_OPEN_MAX_FDS) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                    "one claim may have %d functions, not %u; make several claims",
                    PCA_OPEN_MAX_FDS - 1, wanted);
        return FALSE;
    }
    return is_within_limits(pending, e->targets->len, error);
}

static void on_claim_examined(PcaExamination *examination, const GError *error, gpointer data);

static void examine_again(GTask *task) {
    Pending *pending = g_task_get_task_data(task);
    g_clear_handle_id(&pending->timer, g_source_remove);
    pca_examine(pending->service, pending->subject, pending->request, on_claim_examined, task);
}

static gboolean on_deadline(gpointer data) {
    GTask *task = data;
    Pending *pending = g_task_get_task_data(task);
    pending->timer = 0;
    if (!g_ptr_array_remove(pending->service->parked, task))
        g_ptr_array_remove(pending->service->woken, task);
    examine_again(task);
    return G_SOURCE_REMOVE;
}

/* One after the other: who came first is served first. */
static void examine_next(PcaService *service) {
    if (service->examined || service->woken->len == 0)
        return;
    service->examined = g_ptr_array_steal_index(service->woken, 0);
    examine_again(service->examined);
}

void pca_service_wake_parked(PcaService *service) {
    g_ptr_array_extend_and_steal(service->woken, service->parked);
    service->parked = g_ptr_array_new();
    examine_next(service);
}

/* Whether all that stands in the way are claims that are being released. */
static gboolean will_be_free(const Pending *pending, const PcaExamination *e) {
    for (guint i = 0; i < e->findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(e->findings, i);
        if (!finding->ok && finding->error != PCA_ERROR_BUSY)
            return FALSE;
    }
    for (guint i = 0; i < e->targets->len; i++) {
        const PcaFunction *f = ((PcaTarget *)g_ptr_array_index(e->targets, i))->function;
        const PcaClaim *claim = pca_claims_find_group(pending->service->claims, f->iommu_group);
        if (claim && claim->state != PCA_CLAIM_RELEASING)
            return FALSE;
    }
    return e->targets->len > 0 && pca_findings_failed(e->findings, "busy");
}

/* Parks the request until a claim ends or its time to wait is over; FALSE when that is pointless.
 */
static gboolean park(GTask *task, const PcaExamination *e) {
    Pending *pending = g_task_get_task_data(task);
    gint64 left = (pending->deadline - g_get_monotonic_time()) / 1000;
    if (left <= 0 || !will_be_free(pending, e))
        return FALSE;
    pending->timer = g_timeout_add((guint)left + 1, on_deadline, task);
    g_ptr_array_add(pending->service->parked, task);
    return TRUE;
}

/* A yes is one condition of many: everything is looked at and judged again, by the policy that is
 * in force by then. */
static void on_authorised(GObject *source, GAsyncResult *result, gpointer data) {
    GTask *task = data;
    Pending *pending = g_task_get_task_data(task);
    g_autoptr(GVariant) question = g_steal_pointer(&pending->question);
    pending->deadline += g_get_monotonic_time() - pending->asked;
    pca_polkit_ask_finish(result, &pending->refusal);
    if (!pending->refusal)
        pca_authorised_add(pending->authorised, question);
    examine_again(task);
}

/* Whether polkit is asked first; then takes the task over. */
static gboolean ask_polkit(GTask *task, const PcaExamination *e, GError **error) {
    Pending *pending = g_task_get_task_data(task);
    PcaService *service = pending->service;
    if (!pending->authorised)
        pending->authorised = pca_authorised_new();
    pending->question =
        pending->subject->uid == 0 ? NULL : pca_authorised_lack(service, e, pending->authorised);
    if (!pending->question)
        return FALSE;
    if (!service->polkit) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "polkit cannot be asked");
        return FALSE;
    }
    pending->asked = g_get_monotonic_time();
    pca_polkit_ask_async(service->polkit, pending->subject, PCA_ACTION_CLAIM, pending->question,
                         pending->request->interactive, on_authorised, task);
    return TRUE;
}

/* Takes the task over. */
static void go_on_examined(GTask *examined, PcaExamination *e, const GError *error) {
    g_autoptr(GTask) task = examined;
    g_autoptr(GError) refusal = NULL;
    Pending *pending = g_task_get_task_data(task);
    if (!e) {
        g_task_return_error(task, g_error_copy(error));
        return;
    }
    if (pending->refusal)
        refusal = g_steal_pointer(&pending->refusal);
    else
        may_claim(pending, e, &refusal);
    if ((g_error_matches(refusal, PCA_ERROR, PCA_ERROR_BUSY) && park(task, e)) ||
        (!refusal && ask_polkit(task, e, &refusal))) {
        g_steal_pointer(&task);
        return;
    }
    if (refusal) {
        log_decision(pending->subject, e, refusal);
        g_task_return_error(task, g_steal_pointer(&refusal));
        return;
    }
    gint64 left = MAX(pending->deadline - g_get_monotonic_time(), 0);
    g_autoptr(PcaClaim) claim = make_claim(pending->subject, pending->request, e);
    pca_claims_prepare(pending->service->claims, claim, left, on_prepared, g_object_ref(task));
    /* The worker begins while the journal is told. */
    log_decision(pending->subject, e, NULL);
    if (!claim->async || pending->answered)
        return;
    pending->answered = TRUE;
    g_task_return_pointer(task, g_steal_pointer(&claim), (GDestroyNotify)pca_claim_unref);
}

static void on_claim_examined(PcaExamination *examination, const GError *error, gpointer data) {
    g_autoptr(PcaExamination) e = examination;
    PcaService *service = ((Pending *)g_task_get_task_data(data))->service;
    if (service->examined == data)
        service->examined = NULL;
    go_on_examined(data, e, error);
    examine_next(service);
}

void pca_service_claim_async(PcaService *service, PcaSubject *subject, PcaRequest *request,
                             GAsyncReadyCallback callback, gpointer data) {
    GTask *task = task_new(service, subject, request, callback, data);
    pca_examine(service, subject, request, on_claim_examined, task);
}

PcaClaim *pca_service_claim_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_pointer(G_TASK(result), error);
}
