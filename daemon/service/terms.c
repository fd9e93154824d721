/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: on which terms the policy has functions claimed: driver, reset methods, what becomes of
 * them afterwards.
 * Thread: the main one. Ownership: targets own what is set.
 */
#include "service/bus-reset.h"
#include "service/private.h"
#include "sys/owner.h"

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
static void choose_driver(PcaService *service, const PcaSection *section, PcaTarget *target) {
    const char *wanted = section ? section->driver : NULL;
    g_autofree char *variant =
        wanted ? NULL : pca_variants_find(pca_service_variants(service), target->function);
    const char *module = wanted ? wanted : variant ? variant : PCA_VFIO_DRIVER;
    char *loaded = pca_driver_of_module(service->root, module);
    target->module = !loaded && may_be_loaded(module) ? g_strdup(module) : NULL;
    target->driver = loaded ? loaded : g_strdup(wanted ? wanted : PCA_VFIO_DRIVER);
}

/* Root may use them anyway. */
static char *choose_files(PcaService *service, const PcaSection *section,
                          const PcaFunction *function, const PcaNames *names) {
    if (!section || !section->sysfs_files || names->uid == 0)
        return NULL;
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *found = pca_owner_list_files(service->root, address);
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

static void set_terms(PcaService *service, PcaTarget *target, const PcaNames *names) {
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
    choose_driver(service, section, target);
    target->files = choose_files(service, section, target->function, names);
}

static void set_keep(PcaService *service, PcaTarget *target) {
    const PcaSection *section = section_of(target);
    PcaPlanDevice plan = {
        .methods = target->methods, .files = target->files, .with_bus = target->with_bus};
    gboolean stays = (section && section->reserve_on_release) || !pca_plan_device_proves(&plan);
    target->keep = stays && !pca_service_reservation(service, target->function);
}

void pca_service_set_terms(PcaService *service, PcaTargets *targets, const PcaNames *names) {
    for (guint i = 0; i < targets->len; i++)
        set_terms(service, g_ptr_array_index(targets, i), names);
    pca_bus_reset_arrange(service->snapshot, targets);
    for (guint i = 0; i < targets->len; i++) {
        PcaTarget *target = g_ptr_array_index(targets, i);
        if (!target->stub)
            set_keep(service, target);
    }
}
