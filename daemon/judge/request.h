/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a client asks for, and the functions that it means.
 * Thread: the main one; a request never changes after it was made. Ownership: a request owns its
 * strings; targets own a reference on their function and borrow their section from the policy.
 */
#pragma once

#include "base/finding.h"
#include "policy/policy.h"

#define PCA_WAIT_DEFAULT (20 * G_TIME_SPAN_SECOND)
#define PCA_WAIT_MAX (10 * G_TIME_SPAN_MINUTE)

/* dbus-daemon 1.14 disconnects a sender of more than 16 descriptors in one message; a claim is kept
 * to what fits a reply to Open, its iommufd included. */
#define PCA_OPEN_MAX_FDS 14

#define PCA_VFIO_DRIVER "vfio-pci"
#define PCA_STUB_DRIVER "pci-stub"

/* One device as it was named: an address or the name of a [Device] section. */
typedef struct {
    char *text;
    char *alias; /* NULL: the text is the name */
} PcaRequestSpec;

typedef struct {
    GPtrArray *specs; /* of PcaRequestSpec */
    char *as;         /* of Check: the user whom it is about; NULL: the caller */
    char *title;      /* NULL without one */
    char *handoff;    /* "cdev", "group", "node"; NULL: the best that the kernel has */
    guint64 memory;   /* bytes; 0: not told */
    gboolean viommu;  /* the guest has an IOMMU of its own */
    gint64 wait;      /* microseconds */
    gboolean async;   /* answered before the claim is ready */
    gboolean loads;   /* modules that it lacks may be loaded for it */
    char *join;       /* id of the claim whose VM it is for; NULL: a VM of its own */
    int join_lease;   /* what proves it, owned; or -1 */
    gint64 arrived;   /* monotonic, microseconds */
    /* The names of the only checks to make, static; NULL: all. */
    const char *const *checks;
    /* Polkit may ask a person. */
    gboolean interactive;
    guint refs;
} PcaRequest;

/* Without devices and with the default options; fill in before sharing. */
PcaRequest *pca_request_new(void);
void pca_request_add(PcaRequest *request, const char *text, const char *alias);
PcaRequest *pca_request_ref(PcaRequest *request);
void pca_request_unref(PcaRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaRequest, pca_request_unref)

typedef struct {
    PcaFunction *function;
    char *name;     /* alias or text of its spec; of a sibling its address */
    PcaMatch match; /* what the policy says of it */
    /* The [Device] whose terms hold for it: the one that means it, or of a stub the one that asks
     * for stubs; NULL without one. */
    const PcaSection *terms;
    gboolean stub; /* a sibling that is only kept from the host */

    /* Of a claim of it; see PcaPlanDevice. pca_service_set_terms fills them in. */
    char *driver;
    char *module; /* that would have the driver, and is not loaded; NULL otherwise */
    char *methods;
    char *files;
    gboolean keep;
    gboolean with_bus;
} PcaTarget;

typedef GPtrArray PcaTargets; /* owns PcaTarget */

/* The uses that the host makes of it which the policy lets a claim end: a set of PcaUses. */
guint pca_target_allowed_uses(const PcaTarget *target);

/* The driver that a claim binds it to; static or the target's. */
const char *pca_target_driver(const PcaTarget *target);

/* The functions that the request means in this snapshot under this policy (NULL: none in force), in
 * the order of the specs, and after them the siblings that the policy adds (Siblings=), unless only
 * some checks are to be made: those are an administrator's, about the function alone. `serial`
 * is as in pca_policy_match. What is not there, malformed or named twice becomes
 * a failure called "exists". */
PcaTargets *pca_request_resolve(const PcaRequest *request, const PcaSnapshot *snapshot,
                                const PcaPolicy *policy, PcaSerialFunc serial, gpointer data,
                                PcaFindings *findings);
