/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: requests and their targets.
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/request.h"

#include "base/fds.h"
#include "judge/bus-reset.h"

#define CLASS_BRIDGE 0x06

static void spec_free(gpointer data) {
    PcaRequestSpec *spec = data;
    g_free(spec->text);
    g_free(spec->alias);
    g_free(spec);
}

PcaRequest *pca_request_new(void) {
    PcaRequest *request = g_new0(PcaRequest, 1);
    request->specs = g_ptr_array_new_with_free_func(spec_free);
    request->wait = PCA_WAIT_DEFAULT;
    request->join_lease = -1;
    request->arrived = g_get_monotonic_time();
    request->refs = 1;
    return request;
}

void pca_request_add(PcaRequest *request, const char *text, const char *alias) {
    PcaRequestSpec *spec = g_new0(PcaRequestSpec, 1);
    spec->text = g_strdup(text);
    spec->alias = g_strdup(alias);
    g_ptr_array_add(request->specs, spec);
}

PcaRequest *pca_request_ref(PcaRequest *request) {
    request->refs++;
    return request;
}

void pca_request_unref(PcaRequest *request) {
    if (--request->refs > 0)
        return;
    g_ptr_array_unref(request->specs);
    g_free(request->as);
    g_free(request->title);
    g_free(request->handoff);
    g_free(request->join);
    pca_fd_close(&request->join_lease);
    g_free(request);
}

static void target_free(gpointer data) {
    PcaTarget *target = data;
    pca_function_unref(target->function);
    pca_match_clear(&target->match);
    g_free(target->name);
    g_free(target->driver);
    g_free(target->module);
    g_free(target->methods);
    g_free(target->files);
    g_free(target);
}

guint pca_target_allowed_uses(const PcaTarget *target) {
    return target->terms ? target->terms->allow_in_use : 0;
}

const char *pca_target_driver(const PcaTarget *target) {
    return target->driver ? target->driver : PCA_VFIO_DRIVER;
}

static gboolean is_target(PcaTargets *targets, const PcaFunction *function) {
    for (guint i = 0; i < targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(targets, i);
        if (pca_address_equal(&target->function->address, &function->address))
            return TRUE;
    }
    return FALSE;
}

typedef struct {
    const PcaSnapshot *snapshot;
    const PcaPolicy *policy; /* NULL: none in force */
    PcaSerialFunc serial;
    gpointer data; /* of that */
    PcaTargets *targets;
    PcaFindings *findings;
} Resolver;

static PcaTarget *append_target(const Resolver *r, PcaFunction *function, const char *name) {
    PcaTarget *target = g_new0(PcaTarget, 1);
    target->function = pca_function_ref(function);
    target->name = g_strdup(name);
    if (r->policy)
        pca_policy_match(r->policy, r->snapshot, function, r->serial, r->data, &target->match);
    if (!target->match.ambiguous && !target->match.mismatch)
        target->terms = target->match.device;
    g_ptr_array_add(r->targets, target);
    return target;
}

static void add_target(const Resolver *r, PcaFunction *function, const PcaRequestSpec *spec) {
    if (is_target(r->targets, function)) {
        pca_findings_fail(r->findings, "exists", PCA_ERROR_INVALID_ARGUMENT, spec->text,
                          "name each device once", "%s is named twice", spec->text);
        return;
    }
    append_target(r, function, spec->alias ? spec->alias : spec->text);
}

static void resolve_section(const Resolver *r, const PcaSection *section,
                            const PcaRequestSpec *spec) {
    g_autoptr(GPtrArray) functions = pca_section_functions(section, r->snapshot);
    if (functions->len == 0)
        pca_findings_fail(r->findings, "exists", PCA_ERROR_NOT_FOUND, spec->text,
                          "look at the slots that are filled: pcassignctl list",
                          "%s (%s:%u): nothing is plugged into %s", spec->text, section->file,
                          section->line, section->path);
    for (guint i = 0; i < functions->len; i++)
        add_target(r, g_ptr_array_index(functions, i), spec);
}

static void resolve_spec(const Resolver *r, const PcaRequestSpec *spec) {
    PcaAddress address;
    const PcaSection *section = r->policy ? pca_policy_find(r->policy, spec->text) : NULL;
    PcaFunction *function = NULL;
    if (section) {
        resolve_section(r, section, spec);
        return;
    }
    gboolean is_address = pca_address_parse(spec->text, &address);
    if (is_address)
        function = pca_snapshot_find(r->snapshot, &address);
    if (function)
        add_target(r, function, spec);
    else if (is_address)
        pca_findings_fail(r->findings, "exists", PCA_ERROR_NOT_FOUND, spec->text,
                          "see which there are: pcassignctl list", "there is no PCI function %s",
                          spec->text);
    else if (strchr(spec->text, ':'))
        pca_findings_fail(r->findings, "exists", PCA_ERROR_INVALID_ARGUMENT, spec->text,
                          "write DDDD:BB:DD.F or BB:DD.F, as pcassignctl list does",
                          "%s is not a PCI address", spec->text);
    else
        pca_findings_fail(r->findings, "exists", PCA_ERROR_NOT_FOUND, spec->text,
                          "see which there are: pcassignctl list",
                          "%s is neither a PCI address nor the name of a [Device] in the policy",
                          spec->text);
}

/* ---- Siblings ---- */

/* What the policy says of the group: the boldest word of those that mean the targets in it. */
static const PcaSection *find_terms(const Resolver *r, guint n, int group) {
    const PcaSection *terms = NULL;
    for (guint i = 0; i < n; i++) {
        const PcaTarget *target = g_ptr_array_index(r->targets, i);
        if (target->function->iommu_group == group && target->terms &&
            (!terms || target->terms->siblings > terms->siblings))
            terms = target->terms;
    }
    return terms;
}

/* What belongs to the machine itself, and has no driver of its own. */
static gboolean is_furniture(const PcaFunction *function) {
    return pca_function_is_bridge(function) ||
           (!function->driver && function->class >> 16 == CLASS_BRIDGE);
}

/* Where it stands in nobody's way: it is left as it is, unless a reset of its bus would reach it.
 */
static gboolean is_harmless(const PcaFunction *function) {
    return pca_function_lets_group_go(function) && !pca_driver_is_vfio(function->driver);
}

static void add_sibling(const Resolver *r, PcaFunction *function, const PcaSection *terms) {
    gboolean stub = terms->siblings == PCA_SIBLINGS_STUB;
    if (is_target(r->targets, function) || is_furniture(function))
        return;
    g_autofree char *name = pca_address_format(&function->address);
    PcaTarget *target = append_target(r, function, name);
    if (!stub)
        return;
    target->stub = TRUE;
    target->terms = terms;
}

static void add_group(const Resolver *r, int group, const PcaSection *terms) {
    g_autoptr(GPtrArray) members = pca_snapshot_group(r->snapshot, group);
    for (guint i = 0; i < members->len; i++) {
        PcaFunction *member = g_ptr_array_index(members, i);
        if (terms->siblings == PCA_SIBLINGS_CLAIM || !is_harmless(member))
            add_sibling(r, member, terms);
    }
}

static void add_bus(const Resolver *r, const PcaTarget *target) {
    const PcaSection *terms = target->terms;
    if (!terms || terms->siblings == PCA_SIBLINGS_REFUSE ||
        !pca_bus_reset_needed(r->snapshot, target->function, terms))
        return;
    g_autoptr(GPtrArray) members = pca_bus_members(r->snapshot, target->function);
    for (guint i = 0; i < members->len; i++)
        add_sibling(r, g_ptr_array_index(members, i), terms);
}

static void add_siblings(const Resolver *r) {
    guint n = r->targets->len;
    for (guint i = 0; i < n; i++) {
        const PcaTarget *target = g_ptr_array_index(r->targets, i);
        int group = target->function->iommu_group;
        const PcaSection *terms = group == PCA_NO_GROUP ? NULL : find_terms(r, n, group);
        if (terms && terms->siblings != PCA_SIBLINGS_REFUSE)
            add_group(r, group, terms);
        add_bus(r, target);
    }
}

PcaTargets *pca_request_resolve(const PcaRequest *request, const PcaSnapshot *snapshot,
                                const PcaPolicy *policy, PcaSerialFunc serial, gpointer data,
                                PcaFindings *findings) {
    PcaTargets *targets = g_ptr_array_new_with_free_func(target_free);
    Resolver resolver = {snapshot, policy, serial, data, targets, findings};
    for (guint i = 0; i < request->specs->len; i++)
        resolve_spec(&resolver, g_ptr_array_index(request->specs, i));
    if (!request->checks)
        add_siblings(&resolver);
    return targets;
}
