/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: questions to polkit.
 * Thread: the main one. Ownership: see the header; a question is its task's data.
 */
#include "auth/polkit.h"

#include "base/error.h"

#define NAME "org.freedesktop.PolicyKit1"
#define PATH "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE NAME ".Authority"
#define ALLOW_USER_INTERACTION 1 /* of CheckAuthorizationFlags */

/* It may have to be started and runs rules that are scripts; a person types a password. */
#define TIMEOUT_MS (10 * 1000)
#define INTERACTIVE_TIMEOUT_MS (2 * 60 * 1000)

struct PcaPolkit {
    GDBusConnection *bus;
    GHashTable *questions; /* a set of GTask, borrowed */
    guint watch;           /* while there are any: who disconnects */
    guint serial;          /* of the last question */
    guint patience_ms;     /* of a question that is not interactive */
    guint refs;
};

typedef struct {
    PcaPolkit *polkit;
    char *sender, *action;
    char *id; /* by which it is withdrawn */
    GCancellable *cancellable;
    gboolean interactive;
} Question;

static void question_free(gpointer data) {
    Question *question = data;
    g_free(question->sender);
    g_free(question->action);
    g_free(question->id);
    g_object_unref(question->cancellable);
    pca_polkit_unref(question->polkit);
    g_free(question);
}

PcaPolkit *pca_polkit_new(GDBusConnection *bus) {
    PcaPolkit *polkit = g_new0(PcaPolkit, 1);
    polkit->bus = g_object_ref(bus);
    polkit->questions = g_hash_table_new(NULL, NULL);
    polkit->patience_ms = TIMEOUT_MS;
    polkit->refs = 1;
    return polkit;
}

void pca_polkit_set_patience(PcaPolkit *polkit, guint milliseconds) {
    polkit->patience_ms = milliseconds;
}

PcaPolkit *pca_polkit_ref(PcaPolkit *polkit) {
    polkit->refs++;
    return polkit;
}

void pca_polkit_unref(PcaPolkit *polkit) {
    if (--polkit->refs > 0)
        return;
    g_hash_table_unref(polkit->questions);
    g_object_unref(polkit->bus);
    g_free(polkit);
}

/* A dialog that nobody is waiting for goes away. */
static void withdraw(const Question *question) {
    g_dbus_connection_call(question->polkit->bus, NAME, PATH, INTERFACE, "CancelCheckAuthorization",
                           g_variant_new("(s)", question->id), NULL,
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS, NULL, NULL, NULL);
}

static void on_owner_changed(GDBusConnection *bus, const char *sender, const char *path,
                             const char *interface, const char *signal, GVariant *args,
                             gpointer data) {
    PcaPolkit *polkit = data;
    const char *name, *owner;
    GHashTableIter iter;
    gpointer task;
    if (!g_variant_is_of_type(args, G_VARIANT_TYPE("(sss)")))
        return;
    g_variant_get(args, "(&s&s&s)", &name, NULL, &owner);
    g_hash_table_iter_init(&iter, polkit->questions);
    while (*owner == '\0' && g_hash_table_iter_next(&iter, &task, NULL)) {
        Question *question = g_task_get_task_data(task);
        if (g_str_equal(question->sender, name))
            g_cancellable_cancel(question->cancellable);
    }
}

static void open_question(PcaPolkit *polkit, GTask *task) {
    g_hash_table_add(polkit->questions, task);
    if (polkit->watch == 0)
        polkit->watch = g_dbus_connection_signal_subscribe(
            polkit->bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
            "/org/freedesktop/DBus", NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, polkit,
            NULL);
}

static void close_question(PcaPolkit *polkit, GTask *task) {
    g_hash_table_remove(polkit->questions, task);
    if (g_hash_table_size(polkit->questions) > 0)
        return;
    g_dbus_connection_signal_unsubscribe(polkit->bus, polkit->watch);
    polkit->watch = 0;
}

static char *describe_failure(const Question *question, GError *error) {
    gboolean late = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return g_strdup("the caller has gone while polkit was asked");
    if (late)
        return g_strdup_printf("polkit has not answered in time about %s", question->action);
    g_dbus_error_strip_remote_error(error);
    return g_strdup_printf("polkit cannot be asked about %s: %s", question->action, error->message);
}

static char *describe_no(const Question *question, gboolean challenge, GVariant *details) {
    if (g_variant_lookup(details, "polkit.dismissed", "&s", NULL))
        return g_strdup_printf("the authentication for %s was dismissed", question->action);
    if (challenge && question->interactive)
        return g_strdup_printf("polkit wants an authentication for %s, and there is no agent to "
                               "ask for it (pkttyagent(1) is one)",
                               question->action);
    if (challenge)
        return g_strdup_printf("polkit wants an authentication for %s, and the message does not "
                               "allow to ask for it",
                               question->action);
    return g_strdup_printf("polkit does not authorise it (%s)", question->action);
}

/* NULL: yes. */
static char *read_answer(const Question *question, GVariant *reply) {
    gboolean authorized, challenge;
    g_autoptr(GVariant) details = NULL;
    if (!g_variant_is_of_type(reply, G_VARIANT_TYPE("((bba{ss}))")))
        return g_strdup("polkit's answer is malformed");
    g_variant_get(reply, "((bb@a{ss}))", &authorized, &challenge, &details);
    return authorized ? NULL : describe_no(question, challenge, details);
}

static void on_answer(GObject *source, GAsyncResult *result, gpointer data) {
    g_autoptr(GTask) task = data;
    g_autoptr(GError) error = NULL;
    Question *question = g_task_get_task_data(task);
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    close_question(question->polkit, task);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
        g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
        withdraw(question);
    /* Also where the answer had been on its way. */
    if (reply && g_cancellable_is_cancelled(question->cancellable))
        g_set_error(&error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
    g_autofree char *refusal =
        error ? describe_failure(question, error) : read_answer(question, reply);
    if (refusal)
        g_task_return_new_error(task, PCA_ERROR, PCA_ERROR_NOT_PERMITTED, "%s", refusal);
    else
        g_task_return_boolean(task, TRUE);
}

static Question *question_new(PcaPolkit *polkit, const PcaSubject *subject, const char *action,
                              gboolean interactive) {
    Question *question = g_new0(Question, 1);
    question->polkit = pca_polkit_ref(polkit);
    question->sender = g_strdup(subject->sender);
    question->action = g_strdup(action);
    question->id = g_strdup_printf("pcassign-%u", ++polkit->serial);
    question->cancellable = g_cancellable_new();
    question->interactive = interactive;
    return question;
}

/* polkit finds out by itself who has the connection: a process id could be somebody else's by then.
 */
static GVariant *make_question(const Question *question, GVariant *details) {
    GVariantBuilder subject;
    g_variant_builder_init(&subject, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&subject, "{sv}", "name", g_variant_new_string(question->sender));
    return g_variant_new("((sa{sv})s@a{ss}us)", "system-bus-name", &subject, question->action,
                         details ? details : g_variant_new("a{ss}", NULL),
                         question->interactive ? ALLOW_USER_INTERACTION : 0, question->id);
}

void pca_polkit_ask_async(PcaPolkit *polkit, const PcaSubject *subject, const char *action,
                          GVariant *details, gboolean interactive, GAsyncReadyCallback callback,
                          gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    Question *question = question_new(polkit, subject, action, interactive);
    g_task_set_task_data(task, question, question_free);
    open_question(polkit, task);
    g_dbus_connection_call(polkit->bus, NAME, PATH, INTERFACE, "CheckAuthorization",
                           make_question(question, details), NULL, G_DBUS_CALL_FLAGS_NONE,
                           (int)(interactive ? INTERACTIVE_TIMEOUT_MS : polkit->patience_ms),
                           question->cancellable, on_answer, task);
}

gboolean pca_polkit_ask_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_boolean(G_TASK(result), error);
}
