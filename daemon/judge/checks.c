/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the checks.
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/checks.h"

#include "engine/handover.h"
#include "judge/check-in-use.h"
#include "judge/check-interrupts.h"
#include "judge/check-isolation.h"
#include "judge/check-limits.h"
#include "judge/check-reset.h"
#include "judge/check-sriov.h"
#include "sys/drivers.h"

/* One function under examination. */
typedef struct {
    const PcaCheckContext *context;
    const PcaTarget *target;
    PcaFunction *function;
    const char *address;
    PcaFindings *findings;
} Check;

static void check_iommu(const Check *c) {
    if (c->context->snapshot->noiommu)
        pca_findings_fail(c->findings, "iommu", PCA_ERROR_NOT_ISOLATED,
                          "enable_unsafe_noiommu_mode",
                          "unload vfio and load it without enable_unsafe_noiommu_mode",
                          "vfio is in its no-IOMMU mode, in which a device reaches all memory");
    else if (!c->context->snapshot->has_iommu)
        pca_findings_fail(c->findings, "iommu", PCA_ERROR_NOT_ISOLATED, NULL,
                          "switch the IOMMU on in the firmware (VT-d or AMD-Vi) and boot with "
                          "intel_iommu=on on Intel",
                          "this host has no IOMMU in use, so a device would reach all memory");
    else if (c->function->iommu_group == PCA_NO_GROUP)
        pca_findings_fail(c->findings, "iommu", PCA_ERROR_NOT_ISOLATED, c->address, NULL,
                          "%s is behind no IOMMU: it has no IOMMU group", c->address);
}

static void refuse_without_grant(const Check *c) {
    const PcaFunction *f = c->function;
    const char *user = c->context->names->user ? c->context->names->user : "USER";
    g_autofree char *fix = g_strdup_printf(
        "as root: pcassignctl policy new %s --name=NAME --user=%s --write; that is [Device NAME], "
        "Path=%s, Id=%04x:%04x, AllowUser=%s in /etc/pcassign/policy.d/50-NAME.conf",
        c->address, user, f->slot_path ? f->slot_path : "?", f->vendor, f->device, user);
    pca_findings_fail(c->findings, "policy", PCA_ERROR_NOT_PERMITTED, c->address, fix,
                      "no [Device] section of the policy names %s", c->address);
}

static gboolean asks_for_unit_or_label(const PcaSection *section) {
    return section->allow_units[0] || section->require_units[0] || section->require_labels[0];
}

static void refuse_caller(const Check *c, const PcaSection *section, const char *reason) {
    const PcaNames *names = c->context->names;
    g_autofree char *number = g_strdup_printf("uid %u", names->uid);
    g_autofree char *fix = g_strdup_printf(
        "an administrator can add AllowUser=%s or a group of theirs to [Device %s]; then "
        "pcassignctl policy reload",
        names->user ? names->user : "USER", section->name);
    pca_findings_fail(
        c->findings, "policy", PCA_ERROR_NOT_PERMITTED, section->name, fix,
        "%s is not for %s: [Device %s] does not allow them (%s:%u): %s%s", c->address,
        names->user ? names->user : number, section->name, section->file, section->line, reason,
        names->late ? "; its names of users and groups could not be looked up in time" : "");
}

static void check_caller(const Check *c, const PcaSection *section) {
    g_autofree char *reason = NULL;
    PcaCaller caller = pca_names_caller(c->context->names);
    const PcaUnseen *unseen = &c->context->unseen;
    if (pca_section_allows(section, &caller, c->context->accounts, &reason))
        pca_check_limits(c->context, c->target, c->findings);
    else if (unseen->caller && asks_for_unit_or_label(section))
        pca_findings_doubt(c->findings, "policy", PCA_ERROR_NOT_PERMITTED, section->name,
                           unseen->fix, "cannot tell whether [Device %s] allows them (%s:%u): %s",
                           section->name, section->file, section->line, unseen->caller);
    else
        refuse_caller(c, section, reason);
}

/* Nobody gets a stub, so only a [Deny] matters. */
static void check_policy(const Check *c) {
    const PcaMatch *match = &c->target->match;
    g_autofree char *place =
        match->deny ? g_strdup_printf("%s:%u", match->deny->file, match->deny->line) : NULL;
    if (!c->context->has_policy)
        pca_findings_fail(c->findings, "policy", PCA_ERROR_NOT_PERMITTED, "policy files",
                          "pcassignctl policy reload tells file and line",
                          "the policy files are broken and none was read before: nobody gets a "
                          "device");
    else if (match->deny)
        pca_findings_fail(c->findings, "policy", PCA_ERROR_NOT_PERMITTED, place, NULL,
                          "%s is denied to everybody by [Deny %s]", c->address, match->deny->name);
    else if (c->target->stub)
        return;
    else if (c->context->unseen.policy)
        pca_findings_doubt(
            c->findings, "policy", PCA_ERROR_NOT_PERMITTED, "policy files", c->context->unseen.fix,
            "cannot tell whether the policy lets them have %s: %s; all else is judged "
            "as if nothing stood there",
            c->address, c->context->unseen.policy);
    else if (match->ambiguous)
        pca_findings_fail(c->findings, "policy", PCA_ERROR_NOT_PERMITTED, c->address,
                          "leave only one of the sections that mean it",
                          "two [Device] sections mean %s", c->address);
    else if (c->context->names->uid == 0)
        return;
    else if (!match->device)
        refuse_without_grant(c);
    else
        check_caller(c, match->device);
}

static void check_identity(const Check *c) {
    const char *mismatch = c->target->match.ambiguous ? NULL : c->target->match.mismatch;
    const PcaUnseen *unseen = &c->context->unseen;
    if (c->target->stub)
        return;
    if (mismatch)
        pca_findings_fail(c->findings, "identity", PCA_ERROR_IDENTITY_MISMATCH, c->address,
                          "put the right device into the slot, or correct the policy",
                          "%s is not the device that the policy means: %s", c->address, mismatch);
    else if (unseen->policy)
        pca_findings_doubt(c->findings, "identity", PCA_ERROR_IDENTITY_MISMATCH, c->address,
                           unseen->fix,
                           "cannot tell whether the policy means another device than %s: %s",
                           c->address, unseen->policy);
}

static gboolean may_know(const PcaCheckContext *context, const PcaClaim *claim) {
    return context->names->uid == 0 || context->names->uid == claim->uid;
}

char *pca_check_holder(const PcaCheckContext *context, const PcaClaim *claim) {
    if (!may_know(context, claim))
        return g_strdup("another user");
    return claim->user ? g_strdup(claim->user) : g_strdup_printf("uid %u", claim->uid);
}

static void refuse_held(const Check *c, const PcaClaim *claim) {
    gboolean itself = pca_claim_has_device(claim, &c->function->address);
    g_autofree char *holder = pca_check_holder(c->context, claim);
    gboolean released = may_know(c->context, claim) && claim->kind == PCA_KIND_CLAIM;
    g_autofree char *fix = released ? g_strdup_printf("pcassignctl release %s", claim->id) : NULL;
    g_autofree char *what = itself ? g_strdup(c->address)
                                   : g_strdup_printf("a member of IOMMU group %d of %s",
                                                     c->function->iommu_group, c->address);
    pca_findings_fail(c->findings, "busy", PCA_ERROR_BUSY, holder, fix,
                      "%s is held by %s (the %s is %s)", what, holder,
                      pca_claim_kind_name(claim->kind), pca_claim_state_name(claim->state));
}

/* The claim that holds the function or, because a group goes to one owner only, its group. */
static const PcaClaim *find_holder(const Check *c) {
    const PcaSources *sources = c->context->sources;
    const PcaClaim *claim = pca_sources_device(sources, &c->function->address);
    if (claim || c->function->iommu_group == PCA_NO_GROUP)
        return claim;
    return pca_sources_group(sources, c->function->iommu_group);
}

/* Also where the policy has it reset by now: nobody has done so yet. What an administrator does is
 * not handed to anybody. */
static void check_taint(const Check *c) {
    const PcaNames *names = c->context->names;
    const PcaSources *sources = c->context->sources;
    const PcaTaint *taint = sources->ops->taint(sources->data, c->function);
    if (!taint || c->context->only || (taint->known && taint->uid == names->uid))
        return;
    if (taint->foreign) {
        pca_findings_fail(c->findings, "busy", PCA_ERROR_QUARANTINED, c->address, "reboot",
                          "%s: %s", c->address, pca_taint_text(taint));
        return;
    }
    g_autofree char *uid = g_strdup_printf("uid %u", taint->uid);
    const char *owner = !taint->known || names->uid != 0 ? "another user"
                        : taint->user                    ? taint->user
                                                         : uid;
    g_autofree char *mend =
        g_strdup_printf("reboot, or as root: pcassignctl recover %s --accept-risk", c->address);
    pca_findings_fail(c->findings, "busy", PCA_ERROR_QUARANTINED, c->address, mend,
                      taint->lent ? "%s: its files in sysfs were lent to %s, who may have them "
                                    "open still, so nobody else may have it until the next boot"
                                  : "%s was not reset since %s had it, so nobody else may have it "
                                    "until the next boot",
                      c->address, owner);
}

static void check_busy(const Check *c) {
    const PcaSources *sources = c->context->sources;
    const PcaClaim *claim = find_holder(c);
    const PcaClaimResidue *residue = sources->ops->residue(sources->data, &c->function->address);
    if (claim)
        refuse_held(c, claim);
    else if (c->context->unseen.claims)
        pca_findings_doubt(c->findings, "busy", PCA_ERROR_BUSY, c->address, c->context->unseen.fix,
                           "cannot tell who holds %s: %s", c->address, c->context->unseen.claims);
    check_taint(c);
    if (!residue)
        return;
    g_autofree char *mend = g_strdup_printf("as root: pcassignctl recover %s", c->address);
    pca_findings_fail(c->findings, "busy", PCA_ERROR_QUARANTINED, c->address, mend,
                      "%s is %s since its last owner: %s", c->address,
                      residue->quarantined ? "quarantined" : "degraded", residue->text);
}

static void check_in_use(const Check *c) {
    pca_check_in_use(c->context, c->target, c->findings);
}

static gboolean is_target(const PcaTargets *targets, const PcaFunction *function) {
    for (guint i = 0; i < targets->len; i++)
        if (pca_address_equal(&((PcaTarget *)g_ptr_array_index(targets, i))->function->address,
                              &function->address))
            return TRUE;
    return FALSE;
}

static char *group_fix(const Check *c, const char *sibling) {
    const PcaSection *terms = c->target->terms;
    return terms ? g_strdup_printf("claim both together: %s %s; or an administrator can have the "
                                   "other kept from the host meanwhile: Siblings=stub in [Device "
                                   "%s] (%s:%u)",
                                   c->address, sibling, terms->name, terms->file, terms->line)
                 : g_strdup_printf("claim both together: %s %s", c->address, sibling);
}

/* Of a member that a look at the hardware failed at, nothing is known. */
static void check_unread(const Check *c) {
    int group = c->function->iommu_group;
    if (group == PCA_NO_GROUP)
        return;
    g_autofree char *path =
        g_strdup_printf("%s/kernel/iommu_groups/%d/devices", c->context->root->sysfs, group);
    g_auto(GStrv) names = pca_read_directory(path);
    if (!names[0])
        pca_findings_fail(c->findings, "group", PCA_ERROR_GROUP_INCOMPLETE, path, NULL,
                          "the members of IOMMU group %d of %s cannot be read", group, c->address);
    for (char **name = names; *name; name++) {
        PcaAddress address;
        if (pca_address_parse(*name, &address) &&
            !pca_snapshot_find(c->context->snapshot, &address))
            pca_findings_fail(c->findings, "group", PCA_ERROR_GROUP_INCOMPLETE, *name, NULL,
                              "%s shares IOMMU group %d with %s, which cannot be read", c->address,
                              group, *name);
    }
}

/* A member on vfio that is not claimed together could be handed to somebody else: refused as well.
 */
static void check_group(const Check *c) {
    const PcaSection *terms = c->target->terms;
    if (c->target->stub)
        pca_findings_pass(c->findings, "group",
                          "%s of its IOMMU group%s is bound to pci-stub meanwhile: Siblings=stub "
                          "of [Device %s] (%s:%u)",
                          c->address, c->target->with_bus ? " or bus" : "", terms->name,
                          terms->file, pca_section_line(terms, PCA_KEY_SIBLINGS));
    check_unread(c);
    g_autoptr(GPtrArray) members =
        pca_snapshot_group(c->context->snapshot, c->function->iommu_group);
    for (guint i = 0; i < members->len; i++) {
        const PcaFunction *member = g_ptr_array_index(members, i);
        if (is_target(c->context->targets, member) ||
            (pca_function_lets_group_go(member) && !pca_driver_is_vfio(member->driver)))
            continue;
        g_autofree char *sibling = pca_address_format(&member->address);
        g_autofree char *fix = group_fix(c, sibling);
        const char *why = pca_isolation_why(c->context, c->function, &member->address);
        pca_findings_fail(c->findings, "group", PCA_ERROR_GROUP_INCOMPLETE, sibling, fix,
                          "%s shares IOMMU group %d with %s, which is on the driver %s%s%s",
                          c->address, c->function->iommu_group, sibling, member->driver,
                          why ? ": " : "", why ? why : "");
    }
}

static void refuse_driver(const Check *c, const char *driver) {
    const PcaSection *section = c->target->stub ? NULL : c->target->match.device;
    g_autofree char *fix = g_strdup_printf("modprobe %s", driver);
    g_autofree char *why =
        section && section->driver
            ? g_strdup_printf(", which [Device %s] names (Driver, %s:%u)", section->name,
                              section->file, pca_section_line(section, PCA_KEY_DRIVER))
            : g_strdup("");
    pca_findings_fail(c->findings, "driver", PCA_ERROR_UNSUPPORTED, driver, fix,
                      "the driver %s%s is not loaded", driver, why);
}

static void check_driver(const Check *c) {
    const PcaFunction *f = c->function;
    gboolean cdev = g_str_equal(c->context->handoff, PCA_HANDOFF_CDEV), group = !cdev;
    const char *driver = pca_target_driver(c->target);
    if (!pca_driver_is_loaded(c->context->root, driver))
        refuse_driver(c, driver);
    else if (!g_str_equal(driver, PCA_VFIO_DRIVER))
        pca_findings_pass(c->findings, "driver", "%s can take %s", driver, c->address);
    const PcaSection *section = c->target->match.device;
    if (section && section->sysfs_files && c->context->names->uid != 0 && !c->target->files)
        pca_findings_fail(c->findings, "driver", PCA_ERROR_FAILED, c->address, NULL,
                          "%s: whose its files in sysfs are cannot be read, so they cannot be lent "
                          "(SysfsFiles, %s:%u)",
                          c->address, section->file,
                          pca_section_line(section, PCA_KEY_SYSFS_FILES));
    /* It has no node that could be handed out. */
    if (!pca_driver_is_vfio(driver))
        cdev = group = FALSE;
    if (cdev && !c->context->snapshot->has_cdev)
        pca_findings_fail(c->findings, "driver", PCA_ERROR_UNSUPPORTED, "/dev/iommu",
                          "load iommufd (modprobe iommufd) on a kernel with CONFIG_IOMMUFD and "
                          "CONFIG_VFIO_DEVICE_CDEV, or ask for handoff \"node\" or \"group\"",
                          "this kernel has no iommufd loaded");
    if (group && !c->context->snapshot->has_group)
        pca_findings_fail(c->findings, "driver", PCA_ERROR_UNSUPPORTED, "/dev/vfio/vfio",
                          "modprobe vfio-pci, or ask for handoff \"cdev\"",
                          "this kernel has no VFIO containers loaded");
    if (f->driver_override && !pca_driver_is_vfio(f->driver_override) &&
        g_strcmp0(f->driver_override, f->driver) != 0)
        pca_findings_fail(c->findings, "driver", PCA_ERROR_BUSY, f->driver_override,
                          "clear it with the tool that set it (driverctl, libvirt, a udev rule)",
                          "another tool set driver_override of %s to %s", c->address,
                          f->driver_override);
}

static void check_sriov(const Check *c) {
    pca_check_sriov(c->context, c->target, c->findings);
}

static void check_reset(const Check *c) {
    pca_check_reset(c->context, c->target, c->findings);
}

static const struct {
    const char *name;
    void (*run)(const Check *check);
    const char *passed;
} table[] = {
    {"iommu", check_iommu, "behind an IOMMU"},
    {"policy", check_policy, "allowed"},
    {"identity", check_identity, "nothing contradicts the policy"},
    {"busy", check_busy, "nobody holds it"},
    {"in-use", check_in_use, "the host does not use it"},
    {"group", check_group, "its IOMMU group is complete"},
    {"driver", check_driver, "vfio-pci can take it"},
    {"sriov", check_sriov, "no conflict between physical and virtual functions"},
    {"reset", check_reset, "it can be reset"},
};

static void run_one(const PcaCheckContext *context, gsize row, const PcaTarget *target,
                    PcaFindings *findings) {
    g_autofree char *address = pca_address_format(&target->function->address);
    Check check = {context, target, target->function, address, findings};
    table[row].run(&check);
}

gboolean pca_check_is_wanted(const PcaCheckContext *context, const char *name) {
    return !context->only || g_strv_contains(context->only, name);
}

/* A check asks nobody; that a claim will is part of what it says. */
static const char *passed_text(const PcaCheckContext *context, gsize row) {
    for (guint i = 0; table[row].run == check_policy && i < context->targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(context->targets, i);
        if (target->match.device && target->match.device->polkit && context->names->uid != 0)
            return "allowed, if polkit says yes as well when it is claimed";
    }
    return table[row].passed;
}

/* Refused, or passed with words of its own. */
static gboolean is_told(PcaFindings *findings, const char *name) {
    for (guint i = 0; i < findings->len; i++)
        if (g_str_equal(((PcaFinding *)g_ptr_array_index(findings, i))->name, name))
            return TRUE;
    return FALSE;
}

void pca_checks_run(const PcaCheckContext *context, PcaFindings *findings) {
    if (!pca_findings_failed(findings, "exists"))
        pca_findings_pass(findings, "exists", "found");
    for (gsize row = 0; row < G_N_ELEMENTS(table); row++) {
        if (!pca_check_is_wanted(context, table[row].name))
            continue;
        for (guint i = 0; i < context->targets->len; i++)
            run_one(context, row, g_ptr_array_index(context->targets, i), findings);
        if (context->targets->len > 0 && !is_told(findings, table[row].name))
            pca_findings_pass(findings, table[row].name, "%s", passed_text(context, row));
    }
    if (pca_check_is_wanted(context, "isolation"))
        pca_check_isolation(context, findings);
    if (pca_check_is_wanted(context, "interrupts"))
        pca_check_interrupts(context, findings);
    pca_findings_sort(findings);
}
