/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: taking a claim back from its owner, one step after the other, each only when the one
 * before was not enough: ask the owner; release, of which the kernel tells whoever has the devices
 * open; and by force, stop the services and then the processes that still have them open.
 * Thread: the main one. Ownership: a revocation is its GTask's data; the service's list borrows
 * those that wait for the owner.
 */
#include "auth/audit.h"
#include "base/error.h"
#include "service/private.h"

typedef enum {
    NOTHING,  /* nobody was stopped yet */
    SERVICES, /* those services that can be were told to stop */
    ALL,      /* processes were ended */
} Forced;

typedef struct {
    PcaService *service;
    PcaClaim *claim;
    char *reason;
    gboolean force;
    Forced forced;
    guint timer; /* while the owner has time; or 0 */
    char **units;
    GVariant *processes; /* a(uus), as the worker tells; NULL: none was ended */
} Revocation;

static void revocation_free(gpointer data) {
    Revocation *r = data;
    g_clear_handle_id(&r->timer, g_source_remove);
    pca_claim_unref(r->claim);
    g_free(r->reason);
    g_strfreev(r->units);
    g_clear_pointer(&r->processes, g_variant_unref);
    g_free(r);
}

/* ---- The end ---- */

static char *describe_stopped(const Revocation *r) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (char **unit = r->units; unit && *unit; unit++)
        g_string_append_printf(text, "%s%s", text->len ? ", " : "", *unit);
    for (gsize i = 0; r->processes && i < g_variant_n_children(r->processes); i++) {
        guint32 pid, uid;
        const char *comm;
        g_variant_get_child(r->processes, i, "(uu&s)", &pid, &uid, &comm);
        g_string_append_printf(text, "%s%s (process %u of uid %u)", text->len ? ", " : "", comm,
                               pid, uid);
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static GVariant *describe_result(const Revocation *r) {
    static const char *const none[] = {NULL};
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "units", "^as", r->units ? (const char *const *)r->units : none);
    g_variant_dict_insert_value(&dict, "processes",
                                r->processes ? r->processes : g_variant_new("a(uus)", NULL));
    return g_variant_ref_sink(g_variant_dict_end(&dict));
}

/* Takes the task over. */
static void finish(GTask *data, const GError *error) {
    g_autoptr(GTask) task = data;
    Revocation *r = g_task_get_task_data(task);
    g_autofree char *stopped = describe_stopped(r);
    pca_service_look_at_claim(r->service, r->claim);
    if (!error)
        g_task_return_pointer(task, describe_result(r), (GDestroyNotify)g_variant_unref);
    else if (!r->force)
        g_task_return_error(task, g_error_copy(error));
    else
        g_task_return_new_error(task, error->domain, error->code, "%s; %s%s", error->message,
                                stopped ? "stopped: "
                                        : "no process of the owner is seen to have them open",
                                stopped ? stopped : "");
}

/* ---- By force ---- */

static void release(GTask *task);

static void log_stopped(const Revocation *r) {
    g_autofree char *stopped = describe_stopped(r);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "PCASSIGN_CLAIM", r->claim->id, "MESSAGE",
                     "claim %s of uid %u is taken back by force: %s%s", r->claim->id, r->claim->uid,
                     stopped ? "stopped " : "nobody of the owner's to stop",
                     stopped ? stopped : "");
}

static void on_killed(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    Revocation *r = g_task_get_task_data(data);
    if (reply)
        r->processes = g_variant_lookup_value(reply, "processes", G_VARIANT_TYPE("a(uus)"));
    if (error)
        g_warning("claim %s: its owner's processes were not stopped: %s", r->claim->id,
                  error->message);
    log_stopped(r);
    release(data);
}

static void kill_processes(GTask *task) {
    Revocation *r = g_task_get_task_data(task);
    r->forced = ALL;
    pca_claims_stop_holders(r->service->claims, r->claim, TRUE, on_killed, task);
}

static void on_units_stopped(GObject *source, GAsyncResult *result, gpointer data) {
    Revocation *r = g_task_get_task_data(data);
    r->units = pca_units_stop_finish(result);
    if (!r->units || !*r->units) {
        kill_processes(data);
        return;
    }
    r->forced = SERVICES;
    log_stopped(r);
    release(data);
}

static void on_holders(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    Revocation *r = g_task_get_task_data(data);
    if (!error && r->service->units && fds->len > 0)
        pca_units_stop_async(r->service->units, fds, on_units_stopped, data);
    else
        kill_processes(data);
}

/* ---- Release ---- */

static void on_released(PcaClaim *claim, const GError *error, gpointer data) {
    Revocation *r = g_task_get_task_data(data);
    if (!r->force || !g_error_matches(error, PCA_ERROR, PCA_ERROR_UNBIND_TIMEOUT) ||
        r->forced == ALL)
        finish(data, error);
    else if (r->forced == NOTHING)
        pca_claims_stop_holders(r->service->claims, claim, FALSE, on_holders, data);
    else
        kill_processes(data);
}

/* Also waits once more, for the grace time, for a release that is on its way. */
static void release(GTask *task) {
    Revocation *r = g_task_get_task_data(task);
    pca_claims_release(r->service->claims, r->claim, r->reason, on_released, task);
}

/* ---- The owner's time ---- */

static gboolean on_time_over(gpointer data) {
    Revocation *r = g_task_get_task_data(data);
    r->timer = 0;
    g_ptr_array_remove_fast(r->service->revocations, data);
    release(data);
    return G_SOURCE_REMOVE;
}

static void hurry(PcaService *service, const PcaClaim *claim) {
    for (guint i = 0; i < service->revocations->len; i++) {
        GTask *task = g_ptr_array_index(service->revocations, i);
        Revocation *r = g_task_get_task_data(task);
        if (r->claim != claim)
            continue;
        /* Not from here: the claim is just being changed. */
        g_clear_handle_id(&r->timer, g_source_remove);
        r->timer = g_idle_add(on_time_over, task);
    }
}

void pca_service_hurry_revocations(PcaService *service, const PcaClaim *claim) {
    if (claim->state != PCA_CLAIM_READY)
        hurry(service, claim);
}

void pca_service_nobody_listens(PcaService *service, PcaClaim *claim) {
    claim->release_deadline = g_get_monotonic_time();
    hurry(service, claim);
}

/* How long the owner may take, in microseconds; 0 where nobody can be told. */
static gint64 ask_owner(PcaService *service, PcaClaim *claim, const char *reason) {
    gint64 now = g_get_monotonic_time();
    if (claim->state != PCA_CLAIM_READY || !service->events.release_requested)
        return 0;
    if (claim->release_deadline == 0) {
        claim->release_deadline = now + service->release_grace;
        claim->release_reason = g_strdup(reason);
        if (service->events.release_requested(claim, service->events_data) == 0)
            claim->release_deadline = now;
    }
    return MAX(claim->release_deadline - now, 0);
}

void pca_service_revoke_async(PcaService *service, PcaSubject *subject, PcaClaim *claim,
                              gboolean force, const char *rule, GAsyncReadyCallback callback,
                              gpointer data) {
    GTask *task = g_task_new(NULL, NULL, callback, data);
    Revocation *r = g_new0(Revocation, 1);
    r->service = service;
    r->claim = pca_claim_ref(claim);
    r->reason = g_strdup_printf("taken back by uid %u", subject->uid);
    r->force = force;
    g_task_set_task_data(task, r, revocation_free);
    pca_audit(subject,
              &(PcaDecision){.verb = force ? "revoke" : "release",
                             .claim = claim->id,
                             .rule = rule,
                             .remark = force ? "by force" : NULL,
                             .risky = force},
              NULL);
    gint64 time = ask_owner(service, claim, r->reason);
    if (time == 0) {
        release(task);
        return;
    }
    g_ptr_array_add(service->revocations, task);
    r->timer = g_timeout_add((guint)CLAMP(time / 1000 + 1, 0, G_MAXINT32), on_time_over, task);
}

GVariant *pca_service_revoke_finish(GAsyncResult *result, GError **error) {
    return g_task_propagate_pointer(G_TASK(result), error);
}
