/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: on which terms the policy has functions claimed: driver, reset methods, what becomes of
 * them afterwards.
 * Thread: the main one. Ownership: targets own what is set.
 */
#include "judge/terms.h"

#include "engine/handover.h"
#include "judge/bus-reset.h"
#include "sys/drivers.h"
#include "sys/owner.h"

typedef struct {
    const PcaNames *names;
    const PcaRoot *root;
    const PcaSources *sources;
} Terms;

static const PcaSection *section_of(const PcaTarget *target) {
    return target->match.ambiguous ? NULL : target->match.device;
}

/* "" for none at all; NULL where the function's own will do, and where it has none of those that
 * the section names, which check_reset refuses. */
static char *choose_methods(const PcaSection *section, const PcaFunction *function) {
    g_autoptr(GPtrArray) methods = g_ptr_array_new();
    if (!section || !section->reset)
        return NULL;
    if (!section->reset[0])
        return g_strdup("");
    for (char **method = section->reset; *method; method++)
        if (g_strv_contains((const char *const *)function->reset_methods, *method))
            g_ptr_array_add(methods, *method);
    if (methods->len == 0)
        return NULL;
    g_ptr_array_add(methods, NULL);
    return g_strjoinv(" ", (char **)methods->pdata);
}

/* Of no driver's module but these will anybody be asked for. */
static gboolean may_be_loaded(const char *module) {
    return pca_driver_is_vfio(module) || g_str_equal(module, PCA_STUB_DRIVER);
}

/* A variant is made for the device; where it cannot be had, vfio-pci will do. */
static void choose_driver(const Terms *terms, const PcaSection *section, PcaTarget *target) {
    const char *wanted = section ? section->driver : NULL;
    const PcaSources *sources = terms->sources;
    g_autofree char *variant =
        wanted ? NULL : pca_variants_find(sources->ops->variants(sources->data), target->function);
    const char *module = wanted ? wanted : variant ? variant : PCA_VFIO_DRIVER;
    char *loaded = pca_driver_of_module(terms->root, module);
    target->module = !loaded && may_be_loaded(module) ? g_strdup(module) : NULL;
    target->driver = loaded ? loaded : g_strdup(wanted ? wanted : PCA_VFIO_DRIVER);
}

/* Root may use them anyway. */
static char *choose_files(const Terms *terms, const PcaSection *section,
                          const PcaFunction *function) {
    const PcaNames *names = terms->names;
    if (!section || !section->sysfs_files || names->uid == 0)
        return NULL;
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *found = pca_owner_list_files(terms->root, address);
    const char *label = names->node_label;
    return found ? g_strdup_printf("%u%s%s %s", names->uid, label ? ":" : "", label ? label : "",
                                   found)
                 : NULL;
}

/* Nobody has it, so nothing has to be reset. */
static void set_stub_terms(PcaTarget *target) {
    target->methods = g_strdup("");
    target->driver = g_strdup(PCA_STUB_DRIVER);
    target->files = NULL;
    target->keep = FALSE;
}

static void set_terms(const Terms *terms, PcaTarget *target) {
    const PcaSection *section = section_of(target);
    g_free(target->methods);
    g_free(target->driver);
    g_free(target->files);
    g_clear_pointer(&target->module, g_free);
    if (target->stub) {
        set_stub_terms(target);
        return;
    }
    target->methods = choose_methods(section, target->function);
    choose_driver(terms, section, target);
    target->files = choose_files(terms, section, target->function);
}

static void set_keep(const Terms *terms, PcaTarget *target) {
    const PcaSection *section = section_of(target);
    PcaPlanDevice plan = {
        .methods = target->methods, .files = target->files, .with_bus = target->with_bus};
    gboolean stays = (section && section->reserve_on_release) || !pca_plan_device_proves(&plan);
    target->keep = stays && !pca_sources_reservation(terms->sources, target->function);
}

void pca_targets_set_terms(PcaTargets *targets, const PcaNames *names, const PcaRoot *root,
                           const PcaSnapshot *snapshot, const PcaSources *sources) {
    const Terms terms = {names, root, sources};
    for (guint i = 0; i < targets->len; i++)
        set_terms(&terms, g_ptr_array_index(targets, i));
    pca_bus_reset_arrange(snapshot, targets);
    for (guint i = 0; i < targets->len; i++) {
        PcaTarget *target = g_ptr_array_index(targets, i);
        if (!target->stub)
            set_keep(&terms, target);
    }
}

PcaPlan *pca_targets_plan(PcaTargets *targets, const PcaNames *names, const char *handoff) {
    g_autoptr(GPtrArray) functions =
        g_ptr_array_new_with_free_func((GDestroyNotify)pca_function_unref);
    g_autofree PcaPlanDevice *devices = g_new0(PcaPlanDevice, targets->len);
    for (guint i = 0; i < targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(targets, i);
        g_ptr_array_add(functions, pca_function_ref(target->function));
        devices[i] = (PcaPlanDevice){.driver = pca_target_driver(target),
                                     .methods = target->methods,
                                     .files = target->files,
                                     .keep = target->keep,
                                     .with_bus = target->with_bus};
    }
    PcaPlan *plan = pca_plan_claim(functions, devices);
    pca_plan_add_power(plan, functions, devices);
    if (g_strcmp0(handoff, PCA_HANDOFF_NODE) == 0)
        pca_plan_add_nodes(plan, functions, devices, names->uid, names->node_label);
    return plan;
}

const char *pca_handoff_best(const PcaSnapshot *snapshot) {
    return snapshot->has_cdev || !snapshot->has_group ? PCA_HANDOFF_CDEV : PCA_HANDOFF_GROUP;
}
