/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the questions to the bus about its connections: one for each, some at a time.
 * Thread: the main one. Ownership: see the header; a question owns the tasks that wait for it.
 */
#include "auth/credentials.h"

#include "auth/pending.h"
#include "base/error.h"

#define BUS_TIMEOUT_MS 5000
#define MAX_ASKED 16 /* dbus-daemon queues 64 descriptors by default (max_outgoing_unix_fds) */

struct PcaCredentials {
    GDBusConnection *bus;
    GHashTable *questions; /* by sender; owns them */
    GQueue waiting;        /* of Question, not asked yet */
    guint asked;
    guint refs;
};

typedef struct {
    PcaCredentials *credentials;
    char *sender;
    GPtrArray *tasks; /* of GTask */
} Question;

static void question_free(gpointer data) {
    Question *question = data;
    g_ptr_array_unref(question->tasks);
    g_free(question->sender);
    g_free(question);
}

PcaCredentials *pca_credentials_new(GDBusConnection *bus) {
    PcaCredentials *credentials = g_new0(PcaCredentials, 1);
    credentials->bus = g_object_ref(bus);
    credentials->questions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, question_free);
    g_queue_init(&credentials->waiting);
    credentials->refs = 1;
    return credentials;
}

void pca_credentials_unref(PcaCredentials *credentials) {
    if (--credentials->refs > 0)
        return;
    g_queue_clear(&credentials->waiting);
    g_hash_table_unref(credentials->questions);
    g_object_unref(credentials->bus);
    g_free(credentials);
}

static void answer(GPtrArray *tasks, PcaSubject *subject, const char *sender, const GError *error) {
    for (guint i = 0; i < tasks->len; i++) {
        GTask *task = g_ptr_array_index(tasks, i);
        if (subject)
            g_task_return_pointer(task, pca_subject_ref(subject),
                                  (GDestroyNotify)pca_subject_unref);
        else
            g_task_return_new_error(task, PCA_ERROR, PCA_ERROR_NOT_PERMITTED,
                                    "the bus does not tell who %s is: %s", sender,
                                    error ? error->message : "no uid");
    }
}

static void ask_next(PcaCredentials *credentials);

static void on_answer(GObject *source, GAsyncResult *result, gpointer data) {
    Question *question = data;
    g_autoptr(PcaCredentials) credentials = question->credentials;
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &fds, result, &error);
    g_autoptr(GVariant) dictionary = reply ? g_variant_get_child_value(reply, 0) : NULL;
    g_autoptr(PcaSubject) subject =
        dictionary ? pca_subject_read(question->sender, dictionary, fds) : NULL;
    /* An answer may make its receiver ask again. */
    g_hash_table_steal(credentials->questions, question->sender);
    credentials->asked--;
    answer(question->tasks, subject, question->sender, error);
    question_free(question);
    ask_next(credentials);
}

static void ask_next(PcaCredentials *credentials) {
    Question *question;
    while (credentials->asked < MAX_ASKED && (question = g_queue_pop_head(&credentials->waiting))) {
        credentials->asked++;
        credentials->refs++;
        g_dbus_connection_call_with_unix_fd_list(
            credentials->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "GetConnectionCredentials",
            g_variant_new("(s)", question->sender), G_VARIANT_TYPE("(a{sv})"),
            G_DBUS_CALL_FLAGS_NONE, BUS_TIMEOUT_MS, NULL, NULL, on_answer, question);
    }
}

static Question *question_about(PcaCredentials *credentials, const char *sender) {
    Question *question = g_hash_table_lookup(credentials->questions, sender);
    if (question)
        return question;
    question = g_new0(Question, 1);
    question->credentials = credentials;
    question->sender = g_strdup(sender);
    question->tasks = g_ptr_array_new_with_free_func(g_object_unref);
    g_hash_table_insert(credentials->questions, question->sender, question);
    g_queue_push_tail(&credentials->waiting, question);
    return question;
}

void pca_credentials_get_async(PcaCredentials *credentials, const char *sender,
                               GAsyncReadyCallback callback, gpointer data) {
    Question *question = question_about(credentials, sender);
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, data);
    if (question->tasks->len >= PCA_MAX_PENDING) {
        g_task_return_new_error(task, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                                "%s has %d calls that are not answered yet, which is the limit",
                                sender, PCA_MAX_PENDING);
        return;
    }
    g_ptr_array_add(question->tasks, g_steal_pointer(&task));
    ask_next(credentials);
}

PcaSubject *pca_credentials_get_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_pointer(G_TASK(result), error);
}
