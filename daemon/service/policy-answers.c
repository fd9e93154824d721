/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the service's answers about the policy in force: its sections, and who may have what.
 * Thread: the main one. Ownership: a question is its GTask's data.
 */
#include "base/error.h"
#include "policy/explanation.h"
#include "service/caller.h"
#include "judge/names.h"
#include "service/other-user.h"
#include "service/private.h"

/* How long a question waits for names of the policy. */
#define NAMES_PATIENCE (3 * G_TIME_SPAN_SECOND)

typedef struct {
    PcaService *service;
    PcaSubject *subject; /* who is judged; NULL while that is looked up */
    char *device;
    char *user; /* the subject's name; NULL: it has none */
    gint64 began;
} Question;

static void question_free(gpointer data) {
    Question *question = data;
    g_clear_pointer(&question->subject, pca_subject_unref);
    g_free(question->device);
    g_free(question->user);
    g_free(question);
}

static PcaPolicyView view_of(const PcaService *service) {
    return (PcaPolicyView){.policy = service->policy,
                           .snapshot = service->snapshot,
                           .accounts = pca_directory_accounts(service->directory),
                           .serial = pca_configs_serial,
                           .data = service->configs};
}

GVariant *pca_service_describe_policy(PcaService *service) {
    PcaPolicyView view = view_of(service);
    return pca_policy_view_sections(&view);
}

/* Takes the task over. */
static void answer(gpointer data) {
    g_autoptr(GTask) task = data;
    Question *question = g_task_get_task_data(task);
    PcaService *service = question->service;
    GError *error = NULL;
    pca_service_freshen(service, question->began);
    PcaPolicyView view = view_of(service);
    const PcaFunction *function = pca_policy_view_find(&view, question->device, &error);
    if (!function) {
        g_task_return_error(task, error);
        return;
    }
    g_autoptr(PcaNames) names = pca_names_of(question->subject);
    const PcaCaller caller = pca_names_caller(names);
    GVariant *explanation = pca_policy_view_explain(&view, function, &caller, question->user);
    g_task_return_pointer(task, g_variant_ref_sink(explanation), (GDestroyNotify)g_variant_unref);
}

/* Right after the start the config spaces with the serial numbers are still being read. */
static void on_resolved(GObject *source, GAsyncResult *result, gpointer data) {
    Question *question = g_task_get_task_data(data);
    g_autoptr(PcaAccounts) ignored = pca_directory_resolve_finish(result);
    pca_configs_await(question->service->configs, answer, data);
}

static void on_name(GObject *source, GAsyncResult *result, gpointer data) {
    Question *question = g_task_get_task_data(data);
    PcaService *service = question->service;
    question->user = pca_directory_name_finish(result);
    if (service->policy &&
        (pca_directory_is_due(service->directory, service->policy) ||
         pca_directory_contradicts(service->directory, question->subject->uid, question->user)))
        pca_directory_resolve_async(service->directory, service->policy, NAMES_PATIENCE,
                                    on_resolved, data);
    else
        pca_configs_await(service->configs, answer, data);
}

/* Takes the task over. */
static void judge(GTask *task) {
    const Question *question = g_task_get_task_data(task);
    pca_directory_name_async(question->service->directory, question->subject->uid, on_name, task);
}

static void on_other_user(GObject *source, GAsyncResult *result, gpointer data) {
    g_autoptr(GTask) task = data;
    Question *question = g_task_get_task_data(task);
    GError *error = NULL;
    question->subject = pca_other_user_finish(result, &error);
    if (question->subject)
        judge(g_steal_pointer(&task));
    else
        g_task_return_error(task, error);
}

void pca_service_explain_policy_async(PcaService *service, PcaSubject *subject, const char *device,
                                      const char *user, GAsyncReadyCallback callback,
                                      gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    Question *question = g_new0(Question, 1);
    question->service = service;
    question->device = g_strdup(device);
    question->began = g_get_monotonic_time();
    g_task_set_task_data(task, question, question_free);
    if (*user) {
        pca_other_user_async(user, on_other_user, task);
        return;
    }
    question->subject = pca_subject_ref(subject);
    judge(task);
}

GVariant *pca_service_explain_policy_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_pointer(G_TASK(result), error);
}
