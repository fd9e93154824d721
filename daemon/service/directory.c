/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: look-ups in threads.
 * Thread: the main one, but for what is said to run in a thread, on a job of its own.
 * Ownership: a job holds a reference on the directory until the main loop has taken it back, and so
 * does whoever waits.
 */
#include "service/directory.h"

#define NAME_PATIENCE_MS 1000
#define AGAIN_AFTER (10 * G_TIME_SPAN_SECOND)

struct PcaDirectory {
    const PcaLookups *lookups;
    PcaAccounts *accounts;
    PcaPolicy *wanted;      /* the last one that was asked for; NULL: none was */
    PcaPolicy *looked_up;   /* of which the accounts are; NULL: of none yet */
    GPtrArray *users;       /* its names of users, which are in it */
    gint64 when;            /* that was; monotonic, microseconds */
    gboolean incomplete;    /* some of its names were missing */
    gboolean resolving;     /* a thread is at the policy's names */
    GPtrArray *resolutions; /* of GTask: those that wait for it */
    gint64 naming;          /* since when a thread is at a caller's name; 0: none is */
    GPtrArray *namings;     /* of GTask */
    gboolean closed;
    guint refs;
};

static const PcaLookups name_service = {pca_account_uid, pca_account_gid, pca_account_name};

PcaDirectory *pca_directory_new(const PcaLookups *lookups) {
    PcaDirectory *directory = g_new0(PcaDirectory, 1);
    directory->lookups = lookups ? lookups : &name_service;
    directory->accounts = pca_accounts_new();
    directory->resolutions = g_ptr_array_new();
    directory->namings = g_ptr_array_new();
    directory->refs = 1;
    return directory;
}

static void unref(PcaDirectory *directory) {
    if (--directory->refs > 0)
        return;
    pca_accounts_unref(directory->accounts);
    g_clear_pointer(&directory->wanted, pca_policy_unref);
    g_clear_pointer(&directory->users, g_ptr_array_unref);
    g_clear_pointer(&directory->looked_up, pca_policy_unref);
    g_ptr_array_unref(directory->resolutions);
    g_ptr_array_unref(directory->namings);
    g_free(directory);
}

void pca_directory_free(PcaDirectory *directory) {
    directory->closed = TRUE;
    unref(directory);
}

PcaAccounts *pca_directory_accounts(const PcaDirectory *directory) {
    return directory->accounts;
}

/* Runs `func` in a thread and then `done` in the main loop, both with the job. */
static gboolean start(const char *name, GThreadFunc func, gpointer job) {
    g_autoptr(GError) error = NULL;
    GThread *thread = g_thread_try_new(name, func, job, &error);
    if (thread)
        g_thread_unref(thread);
    else
        g_warning("names cannot be looked up: %s", error->message);
    return thread != NULL;
}

/* ---- Whoever waits ---- */

typedef struct {
    PcaDirectory *directory;
    GPtrArray *list;   /* of the directory's, that the task is in */
    gboolean resolves; /* otherwise it is for a name */
    guint32 uid;       /* whose */
    guint timer;
} Waiter;

static void waiter_free(gpointer data) {
    Waiter *waiter = data;
    g_clear_handle_id(&waiter->timer, g_source_remove);
    unref(waiter->directory);
    g_free(waiter);
}

/* Takes the task and the name over. */
static void answer(GTask *task, char *name, gboolean done) {
    Waiter *waiter = g_task_get_task_data(task);
    g_ptr_array_remove(waiter->list, task);
    g_clear_handle_id(&waiter->timer, g_source_remove);
    if (waiter->resolves)
        g_task_return_pointer(task, done ? pca_accounts_ref(waiter->directory->accounts) : NULL,
                              (GDestroyNotify)pca_accounts_unref);
    else
        g_task_return_pointer(task, name, g_free);
    g_object_unref(task);
}

static gboolean on_late(gpointer data) {
    Waiter *waiter = g_task_get_task_data(data);
    waiter->timer = 0;
    answer(data, NULL, FALSE);
    return G_SOURCE_REMOVE;
}

/* Takes the task over. */
static Waiter *wait(GTask *task, PcaDirectory *directory, GPtrArray *list, guint patience_ms) {
    Waiter *waiter = g_new0(Waiter, 1);
    waiter->directory = directory;
    directory->refs++;
    waiter->list = list;
    waiter->timer = g_timeout_add(patience_ms, on_late, task);
    g_task_set_task_data(task, waiter, waiter_free);
    g_ptr_array_add(list, task);
    return waiter;
}

/* Those that wait for the name of this uid, or for anything where it is NULL; in their order. An
 * answer may make its receiver ask again. */
static void answer_all(GPtrArray *list, const guint32 *uid, const char *name) {
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();
    for (guint i = 0; i < list->len; i++) {
        const Waiter *waiter = g_task_get_task_data(g_ptr_array_index(list, i));
        if (!uid || waiter->uid == *uid)
            g_ptr_array_add(chosen, g_ptr_array_index(list, i));
    }
    for (guint i = 0; i < chosen->len; i++)
        answer(g_ptr_array_index(chosen, i), g_strdup(name), TRUE);
}

/* ---- Names of the policy ---- */

typedef struct {
    PcaDirectory *directory;
    PcaPolicy *policy; /* keeps the names */
    GPtrArray *users, *groups;
    GArray *found; /* of Found: of the users, then of the groups */
} Resolution;

typedef struct {
    PcaLookup lookup;
    guint32 number;
} Found;

static void resolve_next(PcaDirectory *directory);

static void resolution_free(Resolution *job) {
    pca_policy_unref(job->policy);
    g_ptr_array_unref(job->users);
    g_ptr_array_unref(job->groups);
    g_array_unref(job->found);
    unref(job->directory);
    g_free(job);
}

/* The number that the name has now: FALSE when it has none. */
static gboolean number_of(const Resolution *job, gboolean user, const char *name,
                          const Found *found, guint32 *number) {
    const PcaAccounts *before = job->directory->accounts;
    *number = found->number;
    if (found->lookup == PCA_LOOKUP_FAILED)
        return (user ? pca_accounts_user : pca_accounts_group)(before, name, number);
    return found->lookup == PCA_LOOKUP_FOUND;
}

static void take_accounts(const Resolution *job) {
    PcaDirectory *directory = job->directory;
    PcaAccounts *accounts = pca_accounts_new();
    directory->incomplete = FALSE;
    for (guint i = 0; i < job->found->len; i++) {
        gboolean user = i < job->users->len;
        const char *name = user ? g_ptr_array_index(job->users, i)
                                : g_ptr_array_index(job->groups, i - job->users->len);
        guint32 number;
        if (!number_of(job, user, name, &g_array_index(job->found, Found, i), &number))
            directory->incomplete = TRUE;
        else if (user)
            pca_accounts_add_user(accounts, name, number);
        else
            pca_accounts_add_group(accounts, name, number);
    }
    pca_accounts_unref(directory->accounts);
    directory->accounts = accounts;
    g_clear_pointer(&directory->users, g_ptr_array_unref);
    directory->users = g_ptr_array_ref(job->users);
    g_clear_pointer(&directory->looked_up, pca_policy_unref);
    directory->looked_up = pca_policy_ref(job->policy);
    directory->when = g_get_monotonic_time();
}

static gboolean on_resolved(gpointer data) {
    Resolution *job = data;
    PcaDirectory *directory = job->directory;
    directory->resolving = FALSE;
    if (!directory->closed) {
        take_accounts(job);
        /* A newer policy is looked up next, for all. */
        if (job->policy == directory->wanted)
            answer_all(directory->resolutions, NULL, NULL);
        resolve_next(directory);
    }
    resolution_free(job);
    return G_SOURCE_REMOVE;
}

/* In a thread. */
static gpointer resolve(gpointer data) {
    Resolution *job = data;
    const PcaLookups *lookups = job->directory->lookups;
    for (guint i = 0; i < job->users->len + job->groups->len; i++) {
        Found found = {PCA_LOOKUP_FAILED, 0};
        if (i < job->users->len)
            found.lookup = lookups->user(g_ptr_array_index(job->users, i), &found.number);
        else
            found.lookup =
                lookups->group(g_ptr_array_index(job->groups, i - job->users->len), &found.number);
        g_array_append_val(job->found, found);
    }
    g_idle_add_full(G_PRIORITY_DEFAULT, on_resolved, job, NULL);
    return NULL;
}

/* The newest policy: those of before are not in force any more. */
static void resolve_next(PcaDirectory *directory) {
    if (directory->resolving || directory->resolutions->len == 0)
        return;
    Resolution *job = g_new0(Resolution, 1);
    job->directory = directory;
    directory->refs++;
    job->policy = pca_policy_ref(directory->wanted);
    job->users = g_ptr_array_new();
    job->groups = g_ptr_array_new();
    job->found = g_array_new(FALSE, FALSE, sizeof(Found));
    pca_policy_names(job->policy, job->users, job->groups);
    directory->resolving = start("names", resolve, job);
    if (!directory->resolving)
        resolution_free(job);
}

void pca_directory_resolve_async(PcaDirectory *directory, PcaPolicy *policy, gint64 patience,
                                 GAsyncReadyCallback callback, gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    Waiter *waiter = wait(task, directory, directory->resolutions, (guint)(patience / 1000));
    waiter->resolves = TRUE;
    g_clear_pointer(&directory->wanted, pca_policy_unref);
    directory->wanted = pca_policy_ref(policy);
    resolve_next(directory);
}

PcaAccounts *pca_directory_resolve_finish(GAsyncResult *result) {
    return g_task_propagate_pointer(G_TASK(result), NULL);
}

gboolean pca_directory_is_due(const PcaDirectory *directory, const PcaPolicy *policy) {
    gint64 age = g_get_monotonic_time() - directory->when;
    return directory->looked_up != policy || directory->resolving ||
           (directory->incomplete && age >= AGAIN_AFTER);
}

gboolean pca_directory_contradicts(const PcaDirectory *directory, guint32 uid, const char *name) {
    for (guint i = 0; name && directory->users && i < directory->users->len; i++) {
        const char *user = g_ptr_array_index(directory->users, i);
        guint32 number;
        gboolean has_uid = pca_accounts_user(directory->accounts, user, &number) && number == uid;
        if (has_uid != g_str_equal(user, name))
            return TRUE;
    }
    return FALSE;
}

/* ---- The name of a caller ---- */

typedef struct {
    PcaDirectory *directory;
    guint32 uid;
    char *name;
} Naming;

static void name_next(PcaDirectory *directory);

static gboolean on_named(gpointer data) {
    Naming *job = data;
    PcaDirectory *directory = job->directory;
    directory->naming = 0;
    if (!directory->closed) {
        answer_all(directory->namings, &job->uid, job->name);
        name_next(directory);
    }
    unref(directory);
    g_free(job->name);
    g_free(job);
    return G_SOURCE_REMOVE;
}

/* In a thread. */
static gpointer name(gpointer data) {
    Naming *job = data;
    job->name = job->directory->lookups->name(job->uid);
    g_idle_add_full(G_PRIORITY_DEFAULT, on_named, job, NULL);
    return NULL;
}

static void name_next(PcaDirectory *directory) {
    if (directory->naming || directory->namings->len == 0)
        return;
    Naming *job = g_new0(Naming, 1);
    job->directory = directory;
    job->uid = ((Waiter *)g_task_get_task_data(g_ptr_array_index(directory->namings, 0)))->uid;
    directory->refs++;
    if (start("name", name, job)) {
        directory->naming = g_get_monotonic_time();
        return;
    }
    unref(directory);
    g_free(job);
}

void pca_directory_name_async(PcaDirectory *directory, guint32 uid, GAsyncReadyCallback callback,
                              gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    gint64 late = directory->naming + NAME_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
    if (directory->naming && g_get_monotonic_time() > late) {
        g_task_return_pointer(task, NULL, NULL);
        g_object_unref(task);
        return;
    }
    wait(task, directory, directory->namings, NAME_PATIENCE_MS)->uid = uid;
    name_next(directory);
}

char *pca_directory_name_finish(GAsyncResult *result) {
    return g_task_propagate_pointer(G_TASK(result), NULL);
}
