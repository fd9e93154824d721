/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: plans: what the worker will do to which function, step by step, each with the identity
 * that the function must have and the step that undoes it. Building one is pure.
 * Thread: any. Ownership: a plan owns its steps, a step its strings.
 */
#pragma once

#include "pci/function.h"
#include "sys/owner.h"

/* What a reset waits for. sysfs' reset returns when the function is ready again, or the kernel has
 * given up: it waits for pending transactions and then 100 ms for an FLR (pcie_flr()), 10 ms each
 * way for one through D3hot (pci_pm_reset()), and for a bus reset until the link is up and 100 ms
 * more, on a conventional bus a second (pci_bridge_wait_for_secondary_bus()); after each it asks
 * for up to 60 s until the function answers (pci_dev_wait(); all in drivers/pci/pci.c). It does not
 * ask after ACPI's _RST and some resets of its quirks: so `alive` does, for 5 s, after any. */

typedef enum {
    PCA_OP_NONE,
    PCA_OP_VERIFY,   /* the function is bound as it was when the plan was made; detail: binding */
    PCA_OP_IDLE,     /* nobody uses the IOMMU group of a function on vfio; detail: the group */
    PCA_OP_OVERRIDE, /* write driver_override; detail: the driver */
    PCA_OP_UNBIND,   /* from the driver in detail; the barrier when that is a vfio driver */
    PCA_OP_BIND,     /* to the driver in detail; verified, the VFIO node awaited */
    PCA_OP_QUIESCE,  /* bus mastering off */
    PCA_OP_RESET,    /* by the methods that reset_method names, in their order */
    PCA_OP_ALIVE,    /* config space answers within 5 s, and bus mastering is off */
    PCA_OP_RESTORE,  /* driver, override, reset methods, power and node as found; detail: binding */
    PCA_OP_GIVE,     /* the node of its IOMMU group to a user; detail:
                        "GROUP UID:GID:MODE", with ":LABEL" where SELinux is on */
    PCA_OP_METHOD,   /* write reset_method; detail: the list of methods */
    PCA_OP_TAKE,     /* that node is root's again; detail: the group */
    PCA_OP_LEND,     /* the function's files in sysfs to a user; detail:
                        "UID FILE=OWNER..." or "UID:LABEL FILE=OWNER..." */
    PCA_OP_REGAIN,   /* these files as they were; the same detail */
    PCA_OP_POWER,    /* power/control and d3cold_allowed; detail: "on,0" (engine/power.h) */
    PCA_OP_STAGE,    /* to the driver in detail, unused, for a reset of its bus */
    PCA_OP_BUS_RESET, /* that of the bus with all of the plan that are on it; detail: these */
    PCA_N_OPS,
} PcaOp;

typedef struct {
    PcaOp op;
    char *device;   /* address */
    char *identity; /* "vvvv:dddd ssss:dddd", see pca_function_identity */
    char *detail;   /* never NULL */
    PcaOp undo;     /* PCA_OP_NONE when there is nothing to undo */
    char *undo_detail;
} PcaStep;

typedef enum { PCA_PLAN_CLAIM, PCA_PLAN_RELEASE } PcaPlanKind;

typedef struct {
    PcaPlanKind kind;
    GPtrArray *steps; /* of PcaStep */
} PcaPlan;

/* "override", "unbind", ...; the names of `pcassignctl plan` and of the journal. */
const char *pca_op_name(PcaOp op);

/* "8086:10d3 8086:a01f": vendor, device and their subsystem's. Free with g_free. */
char *pca_function_identity(const PcaFunction *function);

/* What a plan does with one function, beside what the function tells of itself; borrowed. */
typedef struct {
    const char *driver;  /* that a claim binds it to */
    const char *methods; /* "flr bus": what resets it, in this order, also while it is claimed; "":
                            it is never reset; NULL: what it has, in the kernel's order */
    const char *files;   /* "1000 config=0:0:0644 ...": the uid that its files in sysfs are lent to,
                            with ":LABEL" where SELinux is on, and whose they were
                            (pca_owner_list_files); NULL: they are not */
    gboolean keep;       /* given back, it stays on that driver */
    gboolean with_bus;   /* reset by that of its bus, with all others of the plan that are on it, in
                            place of its own methods */
} PcaPlanDevice;

/* Whether a release proves that nothing of the owner is left in the function. */
gboolean pca_plan_device_proves(const PcaPlanDevice *device);

/* Takes functions (of PcaFunction) from where they are to their drivers; `devices` has one entry
 * for each. */
PcaPlan *pca_plan_claim(GPtrArray *functions, const PcaPlanDevice *devices);

/* Gives them back as they were found, or keeps them; `functions` are those that the claim was made
 * with. */
PcaPlan *pca_plan_release(GPtrArray *functions, const PcaPlanDevice *devices);

/* How many steps from `first` on may be done side by side, at least one: those of one op that waits
 * in the kernel, each for a function of another slot. */
guint pca_plan_side_by_side(const PcaPlan *plan, guint first);

/* Whether a step of a release comes after everything that proves the function clean. */
gboolean pca_op_gives_back(PcaOp op);

/* Whether a step of a claim puts what it is about within reach of the owner: from its beginning on
 * nothing but a release proves the claim's functions clean. */
gboolean pca_op_hands_out(PcaOp op);

/* How one function is recovered that an earlier release or claim could not put back. */
typedef enum {
    PCA_RECOVER_PROVED,   /* as a release does: what is not provably clean */
    PCA_RECOVER_UNPROVED, /* without reset and proof, at an administrator's word */
    PCA_RECOVER_BINDING,  /* clean already: only driver and override */
} PcaRecovery;

/* Gives `functions` back as a release does, each the way that `how` (one for each) says. */
PcaPlan *pca_plan_recover(GPtrArray *functions, const PcaPlanDevice *devices,
                          const PcaRecovery *how);

/* Resets a function that has no driver or a vfio driver, which it loses for the time being: by
 * `methods` alone ("flr bus", of its reset_methods), or with NULL by all of them in their order.
 * Undone, it is bound as it was found, with the reset_methods that it had. */
PcaPlan *pca_plan_reset(const PcaFunction *function, const char *methods);

/* For a claim whose owner opens the group's node by its path (handoff "node"). Adds to a claim plan
 * that the node of each IOMMU group of those `functions` that are bound to a vfio driver is given
 * to `uid` and gets its `label` (NULL: keeps its own), and to a release plan that it is taken back,
 * before anything else. */
void pca_plan_add_nodes(PcaPlan *plan, GPtrArray *functions, const PcaPlanDevice *devices,
                        uid_t uid, const char *label);

/* Adds to a claim plan that those of `functions` which are bound to a vfio driver stay in full
 * power while they are claimed; the restore of a release puts back what was found. */
void pca_plan_add_power(PcaPlan *plan, GPtrArray *functions, const PcaPlanDevice *devices);

/* describe.c: what the step does, and what undoing it does, in words; the latter NULL when nothing.
 */
char *pca_step_describe(const PcaStep *step);
char *pca_step_describe_undo(const PcaStep *step);

/* An aa{sv} of the steps, floating: op, device, detail, undo s, the latter two in words. */
GVariant *pca_plan_describe(const PcaPlan *plan);

/* Transport and journal form, type PCA_PLAN_TYPE. NULL (with error) when malformed. */
#define PCA_PLAN_TYPE "(ya(ssssss))"
GVariant *pca_plan_to_variant(const PcaPlan *plan);
PcaPlan *pca_plan_from_variant(GVariant *variant, GError **error);

void pca_plan_free(PcaPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaPlan, pca_plan_free)
