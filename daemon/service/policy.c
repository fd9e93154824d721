/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the policy in force: read, its names looked up, claims judged by it.
 * Thread: the main one. Ownership: a Loaded frees itself once its names are looked up.
 */
#include "auth/audit.h"
#include "service/private.h"
#include "service/standing.h"
#include "sys/policy-files.h"

/* How long the answer to a reload waits for names. */
#define NAMES_PATIENCE (5 * G_TIME_SPAN_SECOND)

static void log_diagnostics(PcaDiagnostics *diagnostics) {
    for (guint i = 0; i < diagnostics->len; i++) {
        const PcaDiagnostic *diagnostic = g_ptr_array_index(diagnostics, i);
        g_autofree char *text = pca_diagnostic_format(diagnostic);
        if (diagnostic->severity == PCA_SEVERITY_NOTE)
            g_info("%s", text);
        else
            g_warning("%s", text);
    }
}

PcaDiagnostics *pca_service_load_policy(PcaService *service) {
    PcaDiagnostics *diagnostics = pca_diagnostics_new();
    PcaPolicy *policy = pca_policy_load((const char *const *)service->policy_directories,
                                        service->policy_owner, diagnostics);
    service->policy_stale = !policy;
    if (policy) {
        g_clear_pointer(&service->policy, pca_policy_unref);
        service->policy = policy;
        service->policy_generation++;
        if (service->snapshot)
            pca_policy_note_absent(policy, service->snapshot, diagnostics);
    }
    log_diagnostics(diagnostics);
    if (policy)
        g_message("policy in force, generation %" G_GUINT64_FORMAT, service->policy_generation);
    else
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID",
                         PCA_MESSAGE_POLICY_REFUSED, "MESSAGE", "the policy files are refused; %s",
                         service->policy ? "the policy read before stays in force"
                                         : "no policy is in force and nothing is granted");
    if (service->snapshot)
        service->events.policy_changed(service->events_data);
    return diagnostics;
}

/* ---- Names in the policy ---- */

/* What is to be done with what is found out about the names of a policy that was loaded. */
typedef struct {
    PcaService *service; /* NULL: it has gone */
    PcaPolicy *policy;
    PcaDiagnostics *diagnostics;
    GTask *task;        /* that waits for the diagnostics; NULL: the journal alone is told */
    gboolean has_units; /* the bus tells who is in which */
} Loaded;

static void warn_late(const PcaPolicy *policy, PcaDiagnostics *diagnostics) {
    const PcaSection *first = g_ptr_array_index(pca_policy_sections(policy), 0);
    pca_diagnostics_add(diagnostics, first->file, 0, 0, PCA_SEVERITY_WARNING,
                        "the names of users and groups could not be looked up in time: those that "
                        "are not known yet grant nobody until they can");
}

static void on_names(GObject *source, GAsyncResult *result, gpointer data) {
    Loaded *loaded = data;
    g_autoptr(GPtrArray) more = pca_diagnostics_new();
    g_autoptr(PcaAccounts) accounts = pca_directory_resolve_finish(result);
    if (accounts)
        pca_policy_warn_unknown(loaded->policy, accounts, more);
    else
        warn_late(loaded->policy, more);
    if (loaded->task && !loaded->has_units)
        pca_policy_warn_units(loaded->policy, more);
    if (loaded->service)
        g_ptr_array_remove_fast(loaded->service->loads, loaded);
    if (accounts && loaded->service && loaded->service->policy == loaded->policy)
        pca_service_judge_claims(loaded->service, more);
    log_diagnostics(more);
    g_ptr_array_extend_and_steal(loaded->diagnostics, g_steal_pointer(&more));
    if (loaded->task)
        g_task_return_pointer(loaded->task, g_ptr_array_ref(loaded->diagnostics),
                              (GDestroyNotify)g_ptr_array_unref);
    g_clear_object(&loaded->task);
    g_ptr_array_unref(loaded->diagnostics);
    pca_policy_unref(loaded->policy);
    g_free(loaded);
}

/* Takes the diagnostics and the task over. */
static void look_up_names(PcaService *service, PcaDiagnostics *diagnostics, GTask *task,
                          gboolean has_units) {
    Loaded *loaded = g_new0(Loaded, 1);
    loaded->service = service;
    loaded->policy = pca_policy_ref(service->policy);
    loaded->diagnostics = diagnostics;
    loaded->task = task;
    loaded->has_units = has_units;
    g_ptr_array_add(service->loads, loaded);
    pca_directory_resolve_async(service->directory, service->policy, NAMES_PATIENCE, on_names,
                                loaded);
}

/* By a policy without names, or none. */
static void judge_at_once(PcaService *service, PcaDiagnostics *diagnostics) {
    g_autoptr(GPtrArray) more = pca_diagnostics_new();
    pca_service_judge_claims(service, more);
    log_diagnostics(more);
    g_ptr_array_extend_and_steal(diagnostics, g_steal_pointer(&more));
}

void pca_service_reload_policy_async(PcaService *service, PcaSubject *subject, const char *rule,
                                     GAsyncReadyCallback callback, gpointer data) {
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, data);
    const PcaDecision decision = {.verb = "reload-policy", .rule = rule};
    pca_audit(subject, &decision, NULL);
    PcaDiagnostics *diagnostics = pca_service_load_policy(service);
    if (!service->policy_stale && pca_policy_sections(service->policy)->len > 0) {
        look_up_names(service, diagnostics, g_steal_pointer(&task), subject->pidfd_from_bus);
        return;
    }
    if (!service->policy_stale)
        judge_at_once(service, diagnostics);
    g_task_return_pointer(task, diagnostics, (GDestroyNotify)g_ptr_array_unref);
}

PcaDiagnostics *pca_service_reload_policy_finish(GAsyncResult *result) {
    return g_task_propagate_pointer(G_TASK(result), NULL);
}

void pca_service_begin_policy(PcaService *service, PcaDiagnostics *diagnostics) {
    if (service->policy && pca_policy_sections(service->policy)->len > 0)
        look_up_names(service, g_ptr_array_ref(diagnostics), NULL, FALSE);
    else
        judge_at_once(service, diagnostics);
}

void pca_service_forget_loads(GPtrArray *loads) {
    for (guint i = 0; i < loads->len; i++)
        ((Loaded *)g_ptr_array_index(loads, i))->service = NULL;
    g_ptr_array_unref(loads);
}
