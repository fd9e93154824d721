/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: each request from its arguments to its result. The only place that knows policy, claims,
 * hardware and callers together.
 * Thread: the main one; nothing here blocks on the kernel's driver core. Ownership: results are the
 * caller's unless said otherwise.
 */
#pragma once

#include "auth/polkit.h"
#include "auth/subject.h"
#include "auth/units.h"
#include "base/fds.h"
#include "claim/claims.h"
#include "engine/plan.h"
#include "pci/config.h"
#include "service/directory.h"
#include "judge/request.h"
#include "sys/root.h"

typedef struct PcaService PcaService;

typedef struct {
    const PcaRoot *root;
    const char *state_directory; /* "/run/pcassign"; claims go below it */
    const char *worker_socket;
    const char *const *policy_directories; /* see pca_policy_load */
    guint32 policy_owner;
    gint64 unbind_grace;  /* microseconds */
    guint max_claims;     /* of one uid */
    guint max_devices;    /* in them */
    PcaPolkit *polkit;    /* NULL: there is none, and what needs it is refused */
    PcaUnits *units;      /* NULL: no service is stopped, only processes */
    gint64 release_grace; /* microseconds that an owner has who is asked to give a claim back */
    const PcaLookups *lookups; /* NULL: libc's */
} PcaServiceConfig;

/* What the service tells whoever publishes it. Functions are borrowed. */
typedef struct {
    void (*function_added)(const PcaFunction *function, gpointer data);
    void (*function_changed)(const PcaFunction *function, gpointer data);
    void (*function_state)(const PcaFunction *function, gpointer data); /* that alone changed */
    void (*function_removed)(const PcaFunction *function, gpointer data);
    void (*claim_changed)(PcaClaim *claim, gpointer data);
    void (*policy_changed)(gpointer data);
    /* The owner is to give the claim back by its release_deadline. How many of the owner's
     * connections were told; see pca_service_nobody_listens. May be NULL: there are none. */
    guint (*release_requested)(PcaClaim *claim, gpointer data);

    /* Has the system load a module, and calls `done` once, later, whether it did or could not.
     * NULL: there is nobody to ask. */
    void (*load_module)(const char *module, void (*done)(gpointer data), gpointer done_data,
                        gpointer data);
} PcaServiceEvents;

/* Reads the policy, scans the host, takes up old claims, and watches from then on. NULL with *error
 * when the state directory cannot be made or uevents cannot be had. A broken policy is no error:
 * then nothing is granted. */
PcaService *pca_service_new(const PcaServiceConfig *config, const PcaServiceEvents *events,
                            gpointer data, GError **error);
void pca_service_free(PcaService *service);

/* Borrowed, current until the next return to the main loop. */
const PcaSnapshot *pca_service_snapshot(const PcaService *service);
PcaClaims *pca_service_claims(const PcaService *service);

/* "host", "free", "claimed", ...; static. */
const char *pca_service_function_state(const PcaService *service, const PcaFunction *function);

/* Since when it is so, microseconds of wall clock; 0 when that did not begin with this service. */
gint64 pca_service_function_state_since(const PcaService *service, const PcaFunction *function);

/* Why it is degraded or quarantined; NULL otherwise. Borrowed, as the snapshot is. */
const char *pca_service_function_state_reason(const PcaService *service,
                                              const PcaFunction *function);

/* The name of the [Device] that means the function; NULL when none does. */
char *pca_service_function_name(const PcaService *service, const PcaFunction *function);

/* What is known of the function's config space; borrowed, NULL when nothing is. */
const PcaConfig *pca_service_function_config(const PcaService *service,
                                             const PcaFunction *function);

/* Everything about the function, as pca_describe_function. Reads sysfs; of a function that somebody
 * has claimed it leaves out what only a read of its registers tells. Floating. */
GVariant *pca_service_describe(PcaService *service, const PcaFunction *function);

/* What shares with the function at that address (text), and why, as pca_describe_isolation: after a
 * look that began at `since` (monotonic, microseconds) or later. The callback comes once, with a
 * floating description, or with NotFound. */
typedef void (*PcaServiceExplainFunc)(GVariant *description, const GError *error, gpointer data);
void pca_service_explain_async(PcaService *service, const char *address, gint64 since,
                               PcaServiceExplainFunc func, gpointer data);

guint64 pca_service_policy_generation(const PcaService *service);
gboolean pca_service_policy_stale(const PcaService *service);

/* Reads the policy again, for a caller who may have that done; `rule` (may be NULL) is by what. It
 * is in force at once; the answer waits a while for the names in it. The diagnostics are the
 * caller's. */
void pca_service_reload_policy_async(PcaService *service, PcaSubject *subject, const char *rule,
                                     GAsyncReadyCallback callback, gpointer data);
PcaDiagnostics *pca_service_reload_policy_finish(GAsyncResult *result);

/* What polkit's rules can go by, a{ss}, floating: the method, and where there are functions at the
 * addresses (of PcaAddress) these as "device", "path", "id" and "name" (of their section), of
 * several one behind the other with spaces between. */
GVariant *pca_service_details(const PcaService *service, const char *method,
                              const GArray *addresses);

/* pca_policy_view_sections of the policy in force. Floating. */
GVariant *pca_service_describe_policy(PcaService *service);

/* pca_policy_view_explain of the device (an address or a name) for `user` (a name or a number), ""
 * for the subject. NotFound where there is no such function or user. */
void pca_service_explain_policy_async(PcaService *service, PcaSubject *subject, const char *device,
                                      const char *user, GAsyncReadyCallback callback,
                                      gpointer data);
GVariant *pca_service_explain_policy_finish(GAsyncResult *result, GError **error);

/* Every check, for the subject, or where the request has `as`, for that user; FALSE with *error
 * only when they could not be made at all. */
void pca_service_check_async(PcaService *service, PcaSubject *subject, PcaRequest *request,
                             GAsyncReadyCallback callback, gpointer data);
PcaFindings *pca_service_check_finish(GAsyncResult *result, GError **error);

/* The steps that a claim of the caller would take; checks are not made, except that the devices
 * exist. */
PcaPlan *pca_service_plan(PcaService *service, PcaSubject *subject, PcaRequest *request,
                          GError **error);

/* All or nothing. The claim is `ready`, or where the request is async `preparing`, its lease_writer
 * to be taken by whoever answers the client. A request to join needs the lease of a ready claim of
 * the same uid and label; that claim's handoff is taken, and another one is InvalidArgument. */
void pca_service_claim_async(PcaService *service, PcaSubject *subject, PcaRequest *request,
                             GAsyncReadyCallback callback, gpointer data);
PcaClaim *pca_service_claim_finish(GAsyncResult *result, GError **error);

/* Descriptors for whoever presents the lease (borrowed). */
void pca_service_open_async(PcaService *service, PcaSubject *subject, PcaClaim *claim, int lease,
                            GAsyncReadyCallback callback, gpointer data);
PcaFds *pca_service_open_finish(GAsyncResult *result, GError **error);

/* What an administrator does to one function, named by its address. That the caller may do it was
 * decided before. */
typedef enum {
    PCA_ADMIN_RESERVE,   /* keep it from its host driver, on vfio-pci, until it is claimed */
    PCA_ADMIN_UNRESERVE, /* give it back as it was found */
    PCA_ADMIN_RESET,     /* a free or reserved one */
    PCA_ADMIN_RECOVER,   /* try again what is stuck, degraded or quarantined */
} PcaAdminVerb;

typedef struct {
    PcaAdminVerb verb;
    const char *address;
    const char *method;   /* of a reset, one of its reset methods; NULL: all in their order */
    gboolean accept_risk; /* of a recovery: a quarantined function goes back without proof */
    const char *rule;     /* by what the caller may do it, static; NULL: it is root */
} PcaAdminRequest;

/* The request is copied. Ends when the worker is done, or with UnbindTimeout or TimedOut when the
 * kernel takes longer. */
void pca_service_admin_async(PcaService *service, PcaSubject *subject,
                             const PcaAdminRequest *request, GAsyncReadyCallback callback,
                             gpointer data);
gboolean pca_service_admin_finish(GAsyncResult *result, GError **error);

/* `rule`: by what a caller may do it who is neither the owner nor root; else NULL. */
void pca_service_release_async(PcaService *service, PcaSubject *subject, PcaClaim *claim,
                               const char *rule, GAsyncReadyCallback callback, gpointer data);
/* Some of a claim's devices (of PcaAddress, copied) while the others stay; see
 * pca_claims_release_devices. */
void pca_service_release_devices_async(PcaService *service, PcaSubject *subject, PcaClaim *claim,
                                       const GArray *addresses, const char *rule,
                                       GAsyncReadyCallback callback, gpointer data);
gboolean pca_service_release_finish(GAsyncResult *result, GError **error);

/* An administrator takes a claim back: its owner is asked and has the time of `release_grace`,
 * unless nobody is there to be told; then it is released. Where that takes longer than the grace
 * time of an unbind and `force` is set, the services and processes of the owner's uid are stopped
 * that have its devices open. `rule` as above. */
void pca_service_revoke_async(PcaService *service, PcaSubject *subject, PcaClaim *claim,
                              gboolean force, const char *rule, GAsyncReadyCallback callback,
                              gpointer data);

/* None of the connections that were told to give the claim back is still there: whoever takes it
 * back waits no longer. */
void pca_service_nobody_listens(PcaService *service, PcaClaim *claim);

/* What was stopped, an a{sv}, the caller's: "units" as, "processes" a(uus) (process, uid, comm).
 * UnbindTimeout when that was not enough either; it goes on. */
GVariant *pca_service_revoke_finish(GAsyncResult *result, GError **error);
