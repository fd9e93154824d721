/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the steps of a plan in words.
 * Thread: any. Ownership: see the header.
 */
#include "engine/binding.h"
#include "engine/plan.h"

static char *describe_node(const char *binding) {
    PcaOwner owner;
    return pca_binding_node(binding, &owner)
               ? g_strdup_printf(", uid %u, gid %u, mode %04o%s%s for its VFIO node", owner.uid,
                                 owner.gid, owner.mode, *owner.label ? ", label " : "", owner.label)
               : g_strdup("");
}

static char *describe_methods(const char *binding) {
    g_autofree char *methods = pca_binding_methods(binding);
    return methods ? g_strdup_printf(", reset_method %s", methods) : g_strdup("");
}

/* "power/control on, d3cold_allowed 0", with `between` in place of the spaces within. */
static char *name_power(const char *power, const char *between) {
    static const char *const names[] = {"power/control", "d3cold_allowed"};
    g_auto(GStrv) values = g_strsplit(power, ",", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(names) && values[i]; i++)
        if (*values[i])
            g_string_append_printf(text, "%s%s%s%s", text->len ? ", " : "", names[i], between,
                                   values[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *describe_found_power(const char *binding) {
    g_autofree char *power = pca_binding_power(binding);
    g_autofree char *text = power ? name_power(power, " ") : NULL;
    return text ? g_strdup_printf(", %s", text) : g_strdup("");
}

static char *describe_power(const char *detail) {
    g_autofree char *text = name_power(detail, " to ");
    return g_strdup_printf("set %s", text);
}

static char *describe_restore(const char *binding) {
    g_autofree char *driver = NULL, *override = NULL;
    if (!pca_binding_parse(binding, &driver, &override))
        return g_strdup(binding);
    g_autofree char *node = describe_node(binding);
    g_autofree char *methods = describe_methods(binding);
    g_autofree char *power = describe_found_power(binding);
    g_autofree char *tail = override ? g_strdup_printf("set driver_override to %s", override)
                                     : g_strdup("clear driver_override");
    return driver
               ? g_strdup_printf("bind to %s again, %s%s%s%s", driver, tail, methods, power, node)
               : g_strdup_printf("leave without a driver, %s%s%s", tail, methods, power);
}

static char *describe_give(const char *detail) {
    int group;
    PcaOwner owner;
    return pca_give_parse(detail, &group, &owner)
               ? g_strdup_printf("let uid %u, and nobody else, open /dev/vfio/%d%s%s", owner.uid,
                                 group, *owner.label ? ", label " : "", owner.label)
               : g_strdup(detail);
}

static char *describe_verify(const char *binding) {
    g_autofree char *driver = NULL, *override = NULL;
    if (!pca_binding_parse(binding, &driver, &override))
        return g_strdup(binding);
    g_autofree char *node = describe_node(binding);
    g_autofree char *methods = describe_methods(binding);
    return g_strdup_printf("check that the driver is still %s and driver_override %s%s%s",
                           driver ? driver : "none", override ? override : "empty", methods, node);
}

static char *describe_lend(const char *detail) {
    g_auto(GStrv) words = g_strsplit(detail, " ", 2);
    if (!words[0] || !words[1])
        return g_strdup(detail);
    char *label = strchr(words[0], ':');
    if (label)
        *label++ = '\0';
    return g_strdup_printf("let uid %s use its files in sysfs%s%s: %s", words[0],
                           label ? ", label " : "", label ? label : "", words[1]);
}

static char *describe_regain(const char *detail) {
    const char *space = strchr(detail, ' ');
    return g_strdup_printf("give its files in sysfs back: %s", space ? space + 1 : detail);
}

static char *describe(PcaOp op, const char *detail) {
    switch (op) {
    case PCA_OP_VERIFY:
        return describe_verify(detail);
    case PCA_OP_IDLE:
        return g_strdup_printf("check that nobody uses IOMMU group %s", detail);
    case PCA_OP_OVERRIDE:
        return g_strdup_printf("set driver_override to %s", detail);
    case PCA_OP_UNBIND:
        return g_strdup_printf("unbind from %s", detail);
    case PCA_OP_BIND:
        return g_strdup_printf(pca_driver_is_vfio(detail)
                                   ? "bind to %s, check it, wait for the VFIO node"
                                   : "bind to %s, check it",
                               detail);
    case PCA_OP_QUIESCE:
        return g_strdup("switch bus mastering off");
    case PCA_OP_RESET:
        return g_strdup("reset the function");
    case PCA_OP_ALIVE:
        return g_strdup("check that the function answers and does not master the bus");
    case PCA_OP_RESTORE:
        return describe_restore(detail);
    case PCA_OP_METHOD:
        return g_strdup_printf("set reset_method to %s", detail);
    case PCA_OP_GIVE:
        return describe_give(detail);
    case PCA_OP_LEND:
        return describe_lend(detail);
    case PCA_OP_REGAIN:
        return describe_regain(detail);
    case PCA_OP_STAGE:
        return g_strdup_printf("bind to %s, for nobody, to reset its bus", detail);
    case PCA_OP_BUS_RESET:
        return g_strdup_printf("reset its bus with %s", detail);
    case PCA_OP_POWER:
        return describe_power(detail);
    case PCA_OP_TAKE:
        return g_strdup_printf("take /dev/vfio/%s back", detail);
    default:
        return NULL;
    }
}

char *pca_step_describe(const PcaStep *step) {
    return describe(step->op, step->detail);
}

char *pca_step_describe_undo(const PcaStep *step) {
    return describe(step->undo, step->undo_detail);
}

GVariant *pca_plan_describe(const PcaPlan *plan) {
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(plan->steps, i);
        g_autofree char *detail = pca_step_describe(step);
        g_autofree char *undo = pca_step_describe_undo(step);
        g_auto(GVariantDict) dict;
        g_variant_dict_init(&dict, NULL);
        g_variant_dict_insert(&dict, "op", "s", pca_op_name(step->op));
        g_variant_dict_insert(&dict, "device", "s", step->device);
        g_variant_dict_insert(&dict, "detail", "s", detail);
        g_variant_dict_insert(&dict, "undo", "s", undo ? undo : "");
        g_variant_builder_add_value(&list, g_variant_dict_end(&dict));
    }
    return g_variant_builder_end(&list);
}
