/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: looking up users with their groups.
 * Thread: as in the header; a look-up that hangs is left behind with its own copy of the name.
 * Ownership: a task owns its question.
 */
#include "service/other-user.h"

#include "base/error.h"
#include "sys/accounts.h"

#define PATIENCE_MS 3000

typedef struct {
    char *user;
    GCancellable *cancellable;
    guint timer; /* of the main loop; 0 when it is over */
} Question;

static void question_free(gpointer data) {
    Question *question = data;
    g_free(question->user);
    g_object_unref(question->cancellable);
    g_free(question);
}

/* In a thread. */
static void look_up(GTask *task, gpointer source, gpointer data, GCancellable *cancellable) {
    const Question *question = data;
    GError *error = NULL;
    g_autoptr(PcaAccount) account = pca_account_find(question->user, &error);
    if (!account) {
        g_task_return_error(task, error);
        return;
    }
    PcaSubject *subject = pca_subject_new("", account->uid, 0);
    g_array_append_vals(subject->gids, account->gids->data, account->gids->len);
    g_task_return_pointer(task, subject, (GDestroyNotify)pca_subject_unref);
}

static gboolean on_late(gpointer data) {
    Question *question = g_task_get_task_data(data);
    question->timer = 0;
    g_cancellable_cancel(question->cancellable);
    return G_SOURCE_REMOVE;
}

void pca_other_user_async(const char *user, GAsyncReadyCallback callback, gpointer data) {
    Question *question = g_new0(Question, 1);
    question->user = g_strdup(user);
    question->cancellable = g_cancellable_new();
    g_autoptr(GTask) task = g_task_new(NULL, question->cancellable, callback, data);
    g_task_set_task_data(task, question, question_free);
    g_task_set_return_on_cancel(task, TRUE);
    question->timer = g_timeout_add_full(G_PRIORITY_DEFAULT, PATIENCE_MS, on_late,
                                         g_object_ref(task), g_object_unref);
    g_task_run_in_thread(task, look_up);
}

PcaSubject *pca_other_user_finish(GAsyncResult *result, GError **error) {
    Question *question = g_task_get_task_data(G_TASK(result));
    g_autoptr(GError) problem = NULL;
    PcaSubject *subject = g_task_propagate_pointer(G_TASK(result), &problem);
    g_clear_handle_id(&question->timer, g_source_remove);
    if (subject)
        return subject;
    if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_set_error(error, PCA_ERROR, PCA_ERROR_TIMED_OUT,
                    "the user %s could not be looked up within %d s", question->user,
                    PATIENCE_MS / 1000);
    else
        g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}
