/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: examining requests.
 * Thread: the main one. Ownership: an Examiner frees itself with its callback.
 */
#include "service/examine.h"

#include "engine/client.h"
#include "service/caller.h"
#include "service/check-label.h"
#include "judge/checks.h"
#include "service/private.h"
#include "service/uses.h"
#include "judge/terms.h"

#define FUNCTIONS_OF_A_SLOT 8

/* Names and the worker may let us wait; a look that is older than this is made again. */
#define LOOK_LASTS (100 * G_TIME_SPAN_MILLISECOND)

/* How long somebody who is not allowed yet waits for names of the policy. */
#define NAMES_PATIENCE (3 * G_TIME_SPAN_SECOND)

typedef struct {
    PcaService *service;
    PcaSubject *subject;
    PcaRequest *request;
    PcaNames *names;
    GHashTable *busy_groups; /* group → who */
    GHashTable *owners;   /* group → owner of its node, for groups of functions found on vfio */
    PcaProgramUses *uses; /* or NULL */
    PcaUseLook *look;     /* as old as the question to the worker; or NULL */
    gint64 asked;         /* when that was; monotonic, microseconds */
    GHashTable *tried;    /* a set of modules that were to be loaded */
    gint64 began;         /* a look that began then or later will do; monotonic, microseconds */
    PcaExamineFunc func;
    gpointer data;
} Examiner;

void pca_examination_free(PcaExamination *examination) {
    g_clear_pointer(&examination->findings, g_ptr_array_unref);
    g_clear_pointer(&examination->targets, g_ptr_array_unref);
    g_clear_pointer(&examination->names, pca_names_free);
    g_clear_pointer(&examination->policy, pca_policy_unref);
    g_free(examination);
}

PcaClaim *pca_examination_to_claim(const PcaExamination *examination, const PcaSubject *subject) {
    PcaClaim *claim = pca_claim_new();
    claim->uid = subject->uid;
    claim->user = g_strdup(examination->names->user);
    claim->pid = subject->pid;
    claim->label = g_strdup(subject->label);
    claim->unit = g_strdup(examination->names->unit);
    g_array_append_vals(claim->gids, subject->gids->data, subject->gids->len);
    for (guint i = 0; i < examination->targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(examination->targets, i);
        PcaClaimDevice *device =
            pca_claim_add_device(claim, target->function, target->name, pca_target_driver(target));
        device->stub = target->stub;
        device->methods = g_strdup(target->methods);
    }
    return claim;
}

static void finish(Examiner *x, PcaExamination *examination, const GError *error) {
    x->func(examination, error, x->data);
    pca_subject_unref(x->subject);
    pca_request_unref(x->request);
    g_clear_pointer(&x->names, pca_names_free);
    g_hash_table_unref(x->busy_groups);
    g_hash_table_unref(x->owners);
    g_hash_table_unref(x->tried);
    g_clear_pointer(&x->uses, pca_program_uses_free);
    g_clear_pointer(&x->look, pca_use_look_free);
    g_free(x);
}

/* The function, the others of its slot, those of its group, and of a virtual one the physical one:
 * the verdict depends on them. */
static void add_neighbours(PcaService *service, const PcaFunction *function, GHashTable *set) {
    PcaAddress address = function->address;
    for (address.function = 0; address.function < FUNCTIONS_OF_A_SLOT; address.function++)
        g_hash_table_add(set, pca_address_format(&address));
    if (function->is_vf)
        g_hash_table_add(set, pca_address_format(&function->pf));
    if (function->iommu_group == PCA_NO_GROUP)
        return;
    g_autofree char *path = g_strdup_printf("%s/kernel/iommu_groups/%d/devices",
                                            service->root->sysfs, function->iommu_group);
    g_auto(GStrv) names = pca_read_directory(path);
    for (char **name = names; *name; name++)
        g_hash_table_add(set, g_strdup(*name));
}

/* Where everything that was asked for is known already, a look at it and its neighbours will do. */
static void freshen(Examiner *x) {
    PcaService *service = x->service;
    if (service->scanned >= x->began)
        return;
    g_autoptr(GPtrArray) findings = pca_findings_new();
    g_autoptr(GPtrArray) targets = pca_service_resolve(service, x->request, findings);
    if (pca_findings_failed(findings, NULL)) {
        pca_service_freshen(service, x->began);
        return;
    }
    g_autoptr(GHashTable) set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < targets->len; i++)
        add_neighbours(service, ((PcaTarget *)g_ptr_array_index(targets, i))->function, set);
    pca_service_look_at(service, set);
}

/* Whoever joins a claim gets what it has; whether it may, and may have asked for this, is for the
 * caller to find out. */
static const char *choose_handoff(PcaService *service, const PcaRequest *request,
                                  const PcaSnapshot *snapshot) {
    const PcaClaim *joined = request->join ? pca_claims_find(service->claims, request->join) : NULL;
    if (joined && joined->handoff)
        return g_intern_string(joined->handoff);
    if (request->handoff)
        return g_intern_string(request->handoff);
    return pca_handoff_best(snapshot);
}

/* Who joins a machine is let map its memory, whatever it asks for itself. */
static guint64 memory_of(PcaService *service, const PcaRequest *request) {
    const PcaClaim *joined = request->join ? pca_claims_find(service->claims, request->join) : NULL;
    guint64 machine = joined ? pca_claims_machine_memory(service->claims, joined) : 0;
    return MAX(request->memory, machine);
}

/* Each binding makes the node of a group anew: who had it is part of how the function was found. */
static void note_owners(Examiner *x, PcaTargets *targets) {
    for (guint i = 0; i < targets->len; i++) {
        PcaTarget *target = g_ptr_array_index(targets, i);
        const char *owner =
            g_hash_table_lookup(x->owners, GINT_TO_POINTER(target->function->iommu_group));
        if (!owner || !pca_driver_is_vfio(target->function->driver))
            continue;
        g_autoptr(PcaFunction) function = target->function;
        target->function = pca_function_with_node_owner(function, owner);
    }
}

static void look_again_if_late(Examiner *x) {
    gint64 now = g_get_monotonic_time();
    if (now - x->began > LOOK_LASTS) {
        x->began = now;
        freshen(x);
    }
    if (now - x->asked > LOOK_LASTS) {
        g_clear_pointer(&x->look, pca_use_look_free);
        x->look = pca_use_look_new(x->service->root);
    }
}

static void judge(Examiner *x) {
    PcaService *service = x->service;
    PcaExamination *e = g_new0(PcaExamination, 1);
    look_again_if_late(x);
    e->findings = pca_findings_new();
    e->policy = service->policy ? pca_policy_ref(service->policy) : NULL;
    e->names = g_steal_pointer(&x->names);
    e->targets = pca_service_resolve(service, x->request, e->findings);
    note_owners(x, e->targets);
    pca_service_set_terms(service, e->targets, e->names);
    e->handoff = choose_handoff(service, x->request, service->snapshot);
    PcaCheckContext context = {
        .root = service->root,
        .snapshot = service->snapshot,
        .sources = &service->sources,
        .names = e->names,
        .accounts = pca_directory_accounts(service->directory),
        .targets = e->targets,
        .handoff = e->handoff,
        .memory = memory_of(service, x->request),
        .only = x->request->checks,
        .has_policy = e->policy != NULL,
        .busy_groups = x->busy_groups,
        .uses = x->uses,
        .look = x->look,
    };
    pca_checks_run(&context, e->findings);
    if (pca_check_is_wanted(&context, "label"))
        pca_check_label(&context, e->findings);
    pca_findings_sort(e->findings);
    finish(x, e, NULL);
}

static PcaTargets *resolve(const Examiner *x) {
    g_autoptr(GPtrArray) ignored = pca_findings_new();
    return pca_service_resolve(x->service, x->request, ignored);
}

static void on_uses(PcaProgramUses *uses, gpointer data) {
    Examiner *x = data;
    x->uses = uses;
    judge(x);
}

/* The last thing that is asked, since programs come and go fastest. */
static void find_uses(Examiner *x) {
    const char *const *only = x->request->checks;
    g_autoptr(GPtrArray) targets = resolve(x);
    if (only && !g_strv_contains(only, "in-use"))
        g_ptr_array_set_size(targets, 0);
    x->look = pca_use_look_new(x->service->root);
    x->asked = g_get_monotonic_time();
    pca_program_uses_find(x->look, x->service->worker_socket, targets, on_uses, x);
}

static void on_holders(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    Examiner *x = data;
    g_autoptr(GVariant) list =
        reply ? g_variant_lookup_value(reply, "holders", G_VARIANT_TYPE("a(uus)")) : NULL;
    GHashTableIter iter;
    gpointer group;
    if (list && g_variant_n_children(list) > 0) {
        guint32 pid, uid;
        const char *comm;
        g_variant_get_child(list, 0, "(uu&s)", &pid, &uid, &comm);
        g_hash_table_iter_init(&iter, x->busy_groups);
        while (g_hash_table_iter_next(&iter, &group, NULL))
            g_hash_table_iter_replace(&iter,
                                      g_strdup_printf("%s (process %u of uid %u)", comm, pid, uid));
    }
    find_uses(x);
}

/* The functions in these groups: who uses one through its cdev does not hold the group's node. */
static GVariant *members(Examiner *x, GVariant *groups) {
    GVariantBuilder addresses;
    g_variant_builder_init(&addresses, G_VARIANT_TYPE_STRING_ARRAY);
    for (gsize i = 0; i < g_variant_n_children(groups); i++) {
        gint32 group;
        g_variant_get_child(groups, i, "i", &group);
        g_autoptr(GPtrArray) functions = pca_snapshot_group(x->service->snapshot, group);
        for (guint j = 0; j < functions->len; j++) {
            const PcaFunction *function = g_ptr_array_index(functions, j);
            g_autofree char *address = pca_address_format(&function->address);
            g_variant_builder_add(&addresses, "s", address);
        }
    }
    return g_variant_builder_end(&addresses);
}

static void ask(Examiner *x, const char *kind, GVariant *groups, PcaWorkerFunc func) {
    g_auto(GVariantDict) request;
    g_variant_dict_init(&request, NULL);
    g_variant_dict_insert(&request, "kind", "s", kind);
    g_variant_dict_insert_value(&request, "groups", groups);
    g_variant_dict_insert_value(&request, "devices", members(x, groups));
    pca_worker_call(x->service->worker_socket, g_variant_dict_end(&request), NULL, 0, func, x);
}

static void take_owners(Examiner *x, GVariant *reply) {
    g_autoptr(GVariant) list = g_variant_lookup_value(reply, "owners", G_VARIANT_TYPE("a(is)"));
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        gint32 group;
        const char *owner;
        g_variant_get_child(list, i, "(i&s)", &group, &owner);
        g_hash_table_insert(x->owners, GINT_TO_POINTER(group), g_strdup(owner));
    }
}

static void on_probed(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    Examiner *x = data;
    if (error) {
        finish(x, NULL, error);
        return;
    }
    g_autoptr(GVariant) busy = g_variant_lookup_value(reply, "busy", G_VARIANT_TYPE("ai"));
    gsize n = busy ? g_variant_n_children(busy) : 0;
    take_owners(x, reply);
    for (gsize i = 0; i < n; i++) {
        gint32 group;
        g_variant_get_child(busy, i, "i", &group);
        g_hash_table_insert(x->busy_groups, GINT_TO_POINTER(group), g_strdup("another process"));
    }
    if (n > 0)
        ask(x, "holders", busy, on_holders);
    else
        find_uses(x);
}

/* The groups of the request's functions that are on a vfio driver without a claim of ours. */
static GVariant *groups_to_probe(Examiner *x) {
    g_autoptr(GPtrArray) targets = resolve(x);
    GVariantBuilder groups;
    g_variant_builder_init(&groups, G_VARIANT_TYPE("ai"));
    for (guint i = 0; i < targets->len; i++) {
        const PcaFunction *f = ((PcaTarget *)g_ptr_array_index(targets, i))->function;
        if (pca_driver_is_vfio(f->driver) && f->iommu_group != PCA_NO_GROUP &&
            !pca_claims_find_device(x->service->claims, &f->address))
            g_variant_builder_add(&groups, "i", f->iommu_group);
    }
    return g_variant_ref_sink(g_variant_builder_end(&groups));
}

/* Nobody has a module loaded who may not have the device. */
static gboolean may_have(Examiner *x, const PcaTarget *target) {
    const PcaMatch *match = &target->match;
    PcaCaller caller = pca_names_caller(x->names);
    if (match->deny || match->ambiguous || match->mismatch)
        return FALSE;
    return x->names->uid == 0 ||
           (match->device &&
            pca_section_allows(match->device, &caller,
                               pca_directory_accounts(x->service->directory), NULL));
}

/* One that was not asked for yet; NULL when none is. */
static char *module_to_load(Examiner *x) {
    PcaService *service = x->service;
    if (!x->request->loads || !service->events.load_module)
        return NULL;
    g_autoptr(GPtrArray) targets = resolve(x);
    pca_service_set_terms(service, targets, x->names);
    for (guint i = 0; i < targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(targets, i);
        if (target->module && !g_hash_table_contains(x->tried, target->module) &&
            may_have(x, target))
            return g_strdup(target->module);
    }
    return NULL;
}

/* Also when a module was loaded, or could not be. */
static void on_configs(gpointer data) {
    Examiner *x = data;
    char *module = module_to_load(x);
    if (module) {
        g_hash_table_add(x->tried, module);
        x->service->events.load_module(module, on_configs, x, x->service->events_data);
        return;
    }
    g_autoptr(GVariant) groups = groups_to_probe(x);
    if (g_variant_n_children(groups) > 0)
        ask(x, "probe", groups, on_probed);
    else
        find_uses(x);
}

/* Right after the start the worker is still at the config spaces, which decide about isolation. */
static void on_resolved(GObject *source, GAsyncResult *result, gpointer data) {
    Examiner *x = data;
    g_autoptr(PcaAccounts) accounts = pca_directory_resolve_finish(result);
    x->names->late = !accounts;
    pca_configs_await(x->service->configs, on_configs, x);
}

/* Whether names that are looked up could change what the policy says of the caller. */
static gboolean awaits_names(Examiner *x) {
    PcaService *service = x->service;
    if (x->subject->uid == 0 || !service->policy)
        return FALSE;
    if (pca_directory_contradicts(service->directory, x->subject->uid, x->names->user))
        return TRUE;
    if (!pca_directory_is_due(service->directory, service->policy))
        return FALSE;
    g_autoptr(GPtrArray) targets = resolve(x);
    PcaCaller caller = pca_names_caller(x->names);
    for (guint i = 0; i < targets->len; i++) {
        const PcaSection *section = ((PcaTarget *)g_ptr_array_index(targets, i))->match.device;
        if (section &&
            !pca_section_allows(section, &caller, pca_directory_accounts(service->directory), NULL))
            return TRUE;
    }
    return FALSE;
}

static void on_name(GObject *source, GAsyncResult *result, gpointer data) {
    Examiner *x = data;
    PcaService *service = x->service;
    x->names = pca_names_of(x->subject);
    x->names->user = pca_directory_name_finish(result);
    if (awaits_names(x))
        pca_directory_resolve_async(service->directory, service->policy, NAMES_PATIENCE,
                                    on_resolved, x);
    else
        pca_configs_await(service->configs, on_configs, x);
}

void pca_examine(PcaService *service, PcaSubject *subject, PcaRequest *request, PcaExamineFunc func,
                 gpointer data) {
    Examiner *x = g_new0(Examiner, 1);
    x->service = service;
    x->subject = pca_subject_ref(subject);
    x->request = pca_request_ref(request);
    x->busy_groups = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    x->owners = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    x->tried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    x->began = g_get_monotonic_time();
    x->func = func;
    x->data = data;
    pca_directory_name_async(service->directory, subject->uid, on_name, x);
    /* While the name is looked up. */
    freshen(x);
}
