/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the files of this folder share; nobody else includes it.
 * Thread: the main one. Ownership: a call owns references on its message and its subject.
 */
#pragma once

#include "auth/credentials.h"
#include "auth/pending.h"
#include "auth/polkit.h"
#include "auth/units.h"
#include "bus/bus.h"
#include "bus/pcassign-dbus.h"

struct PcaBus {
    GDBusConnection *connection;
    PcaCredentials *credentials;
    PcaPolkit *polkit;
    PcaUnits *units;
    PcaPending *pending;
    PcaService *service; /* NULL until exported */
    GDBusObjectManagerServer *objects;
    PcaBusManager *manager;
    GHashTable *claims; /* id → PcaBusClaim */
    GHashTable *due;    /* set of paths of devices that are to be described anew; or NULL */
    guint due_timer;    /* when; or 0 */
};

/* One method call that has passed the gate. */
typedef struct PcaCall PcaCall;
typedef void (*PcaCallFunc)(PcaCall *call);

struct PcaCall {
    PcaBus *bus;
    GDBusMethodInvocation *invocation;
    PcaSubject *subject;
    PcaClaim *claim; /* of the object; NULL on the manager */
    PcaCallFunc func;
    gint64 arrived;       /* monotonic, microseconds */
    GUnixFDList *fds;     /* that came with the message; NULL without any */
    int channel;          /* of Open, or -1 */
    gboolean interactive; /* polkit may ask a person */
    gboolean counted;     /* among the pending calls of its uid */
    const char *action;   /* that polkit was asked about; NULL: it was not */
    GError *refusal;      /* while it is asked: what else would be the answer */
};

/* Asks the bus who calls, unless it is `known` already (may be NULL), then the gate and where that
 * says so polkit, then goes on with `func`; a refusal is answered here. Takes the invocation over.
 * `fds` may be NULL. */
void pca_call_begin(PcaBus *bus, GDBusMethodInvocation *invocation, PcaClaim *claim,
                    PcaSubject *known, GUnixFDList *fds, PcaCallFunc func);

/* Goes on with `func` if the caller is an administrator; otherwise a refusal is answered. For what
 * is anyone's in one form and an administrator's in another. */
void pca_call_demand_admin(PcaCall *call, PcaCallFunc func);

/* A copy of the descriptor with that index in the message, the caller's; -1 when there is none. */
int pca_call_dup_fd(PcaCall *call, gint index);

/* Each ends the call, which is freed. `value` is a floating tuple. */
void pca_call_return(PcaCall *call, GVariant *value);
void pca_call_return_fds(PcaCall *call, GVariant *value, GUnixFDList *fds);
void pca_call_fail(PcaCall *call, const GError *error);

/* translate.c: pure translation between D-Bus values and ours. */
/* `claiming`: the options that only Claim knows are taken as well, all but the lease to join. */
PcaRequest *pca_translate_request(GVariant *devices, GVariant *options, gboolean claiming,
                                  GError **error);

/* The options of Revoke. */
gboolean pca_translate_revoke(GVariant *options, gboolean *force, GError **error);

/* FALSE when it is not the path of a device object. */
gboolean pca_translate_device_path(const char *path, PcaAddress *address);

/* Addresses (of PcaAddress) from the paths of device objects, an ao. */
GArray *pca_translate_addresses(GVariant *paths, GError **error);
GVariant *pca_translate_findings(PcaFindings *findings);
GVariant *pca_translate_diagnostics(PcaDiagnostics *diagnostics);

/* What `subject` may see of the claim; everything for its owner and root. */
GVariant *pca_translate_claim(const PcaClaim *claim, const PcaSubject *subject);
char *pca_translate_claim_path(const PcaClaim *claim);

/* modules.c: see PcaServiceEvents. */
void pca_bus_load_module(const char *module, void (*done)(gpointer data), gpointer done_data,
                         gpointer data);

/* policy-methods.c */
void pca_policy_methods_connect(PcaBus *bus);

/* device-methods.c */
void pca_device_connect(PcaBus *bus, PcaBusDevice *device);

/* hardware.c: what the function is, where that may have changed; and the answer to Explain. */
void pca_device_show_hardware(PcaBus *bus, PcaBusDevice *device, const PcaFunction *function);
void pca_device_explain(PcaCall *call, const char *address);

/* group.c: the group's object becomes what the snapshot says; PCA_NO_GROUP is no group. */
void pca_group_changed(PcaBus *bus, int group);

/* bus.c: "/org/pcassign1/device/0000_01_00_0"; free with g_free. */
char *pca_bus_device_path(const PcaAddress *address);

/* manager-methods.c */
void pca_manager_connect(PcaBus *bus);

/* claim-methods.c: the claim's object becomes what the claim is. */
void pca_claim_object_changed(PcaBus *bus, PcaClaim *claim);

/* What the bus tells of a connection never changes: who has claimed is not asked for again. */
void pca_claim_object_remember(PcaCall *call, const PcaClaim *claim);

/* listeners.c: the connections that are told when the owner of a claim is to give it back; they are
 * the object's. */
void pca_listeners_add(PcaBusClaim *object, const char *sender);

/* How many were told; where none of them is still there, the service hears of it later. */
guint pca_listeners_tell(PcaBus *bus, PcaClaim *claim);
