/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: building, describing and serialising plans.
 * Thread: any. Ownership: see the header.
 */
#include "engine/plan.h"

#include "base/error.h"

static const char *const op_names[PCA_N_OPS] = {
    [PCA_OP_NONE] = "",           [PCA_OP_VERIFY] = "verify",
    [PCA_OP_IDLE] = "idle",       [PCA_OP_OVERRIDE] = "override",
    [PCA_OP_UNBIND] = "unbind",   [PCA_OP_BIND] = "bind",
    [PCA_OP_QUIESCE] = "quiesce", [PCA_OP_RESET] = "reset",
    [PCA_OP_ALIVE] = "alive",     [PCA_OP_RESTORE] = "restore",
    [PCA_OP_METHOD] = "method",   [PCA_OP_GIVE] = "give",
    [PCA_OP_TAKE] = "take",       [PCA_OP_LEND] = "lend",
    [PCA_OP_REGAIN] = "regain",   [PCA_OP_POWER] = "power",
};

const char *pca_op_name(PcaOp op) {
    return op_names[op];
}

static int op_from_name(const char *name) {
    for (int op = 0; op < PCA_N_OPS; op++)
        if (g_str_equal(op_names[op], name))
            return op;
    return -1;
}

char *pca_function_identity(const PcaFunction *f) {
    return g_strdup_printf("%04x:%04x %04x:%04x", f->vendor, f->device, f->subsystem_vendor,
                           f->subsystem_device);
}

char *pca_binding_format(const char *driver, const char *override) {
    return g_strdup_printf("driver=%s override=%s", driver ? driver : "", override ? override : "");
}

static const char node_key[] = "node=";

static const char power_key[] = "power=";

static const char methods_key[] = "methods=";

/* How it was found. That it is to be reset in its own way changes nothing of that. */
static char *format_found(const PcaFunction *f, const PcaPlanDevice *device, gboolean power) {
    g_autofree char *binding = pca_binding_format(f->driver, f->driver_override);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *methods = g_strjoinv(",", f->reset_methods);
    if (f->node_owner)
        g_string_append_printf(text, "%s%s ", node_key, f->node_owner);
    if (power && f->power)
        g_string_append_printf(text, "%s%s ", power_key, f->power);
    if (device && device->methods && *device->methods && *methods)
        g_string_append_printf(text, "%s%s ", methods_key, methods);
    g_string_append(text, binding);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

gboolean pca_binding_node(const char *text, PcaOwner *owner) {
    const char *space = strchr(text, ' ');
    if (!g_str_has_prefix(text, node_key) || !space)
        return FALSE;
    const char *start = text + strlen(node_key);
    g_autofree char *value = g_strndup(start, (gsize)(space - start));
    return pca_owner_parse(value, owner);
}

static const char *skip_node(const char *text) {
    PcaOwner owner;
    return pca_binding_node(text, &owner) ? strchr(text, ' ') + 1 : text;
}

/* The value of the word with this key that the text begins with, newly allocated; NULL without. */
static char *first_value(const char *text, const char *key) {
    const char *space = strchr(text, ' ');
    if (!g_str_has_prefix(text, key) || !space)
        return NULL;
    const char *start = text + strlen(key);
    return g_strndup(start, (gsize)(space - start));
}

char *pca_binding_power(const char *text) {
    return first_value(skip_node(text), power_key);
}

static const char *skip_power(const char *text) {
    g_autofree char *power = first_value(text, power_key);
    return power ? strchr(text, ' ') + 1 : text;
}

char *pca_binding_methods(const char *text) {
    char *methods = first_value(skip_power(skip_node(text)), methods_key);
    return methods ? g_strdelimit(methods, ",", ' ') : NULL;
}

const char *pca_binding_plain(const char *text) {
    g_autofree char *methods = pca_binding_methods(text);
    text = skip_power(skip_node(text));
    return methods ? strchr(text, ' ') + 1 : text;
}

gboolean pca_give_parse(const char *detail, int *group, PcaOwner *owner) {
    const char *space = strchr(detail, ' ');
    g_autofree char *number = g_strndup(detail, space ? (gsize)(space - detail) : 0);
    guint64 wide;
    if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT, &wide, NULL))
        return FALSE;
    *group = (int)wide;
    return pca_owner_parse(space + 1, owner);
}

gboolean pca_binding_parse(const char *text, char **driver, char **override) {
    static const char first[] = "driver=", second[] = " override=";
    text = pca_binding_plain(text);
    const char *middle = strstr(text, second);
    if (!g_str_has_prefix(text, first) || !middle)
        return FALSE;
    const char *start = text + strlen(first), *rest = middle + strlen(second);
    *driver = middle > start ? g_strndup(start, (gsize)(middle - start)) : NULL;
    /* The kernel takes any line as an override, also one with spaces. */
    *override = *rest ? g_strdup(rest) : NULL;
    return TRUE;
}

static void step_free(gpointer data) {
    PcaStep *step = data;
    g_free(step->device);
    g_free(step->identity);
    g_free(step->detail);
    g_free(step->undo_detail);
    g_free(step);
}

static PcaPlan *plan_new(PcaPlanKind kind) {
    PcaPlan *plan = g_new0(PcaPlan, 1);
    plan->kind = kind;
    plan->steps = g_ptr_array_new_with_free_func(step_free);
    return plan;
}

void pca_plan_free(PcaPlan *plan) {
    g_ptr_array_unref(plan->steps);
    g_free(plan);
}

static PcaStep *step_new(const PcaFunction *function, PcaOp op, const char *detail) {
    PcaStep *step = g_new0(PcaStep, 1);
    step->op = op;
    step->device = pca_address_format(&function->address);
    step->identity = pca_function_identity(function);
    step->detail = g_strdup(detail);
    step->undo_detail = g_strdup("");
    return step;
}

static PcaStep *append(PcaPlan *plan, const PcaFunction *function, PcaOp op, const char *detail) {
    PcaStep *step = step_new(function, op, detail);
    g_ptr_array_add(plan->steps, step);
    return step;
}

static void set_undo(PcaStep *step, PcaOp undo, const char *detail) {
    step->undo = undo;
    g_free(step->undo_detail);
    step->undo_detail = g_strdup(detail);
}

static gboolean is_reset(const PcaPlanDevice *device) {
    return !device->methods || *device->methods;
}

/* Nothing closes what the owner has opened of the files. */
gboolean pca_plan_device_proves(const PcaPlanDevice *device) {
    return !device->files && is_reset(device);
}

static gboolean has_own_methods(const PcaPlanDevice *device) {
    return device->methods && *device->methods;
}

gboolean pca_op_gives_back(PcaOp op) {
    return op == PCA_OP_RESTORE || op == PCA_OP_OVERRIDE || op == PCA_OP_BIND || op == PCA_OP_POWER;
}

/* A remove of a host driver and a reset wait most of the time. A probe does not, and numbers of
 * disks and interfaces go by the order in which the host's driver finds them. */
static gboolean waits_in_kernel(PcaOp op) {
    return op == PCA_OP_UNBIND || op == PCA_OP_RESET;
}

/* "0000:02:00." */
static gsize slot_length(const PcaStep *step) {
    const char *dot = strrchr(step->device, '.');
    return dot ? (gsize)(dot - step->device) + 1 : strlen(step->device);
}

static gboolean same_slot(const PcaStep *a, const PcaStep *b) {
    return slot_length(a) == slot_length(b) && strncmp(a->device, b->device, slot_length(a)) == 0;
}

guint pca_plan_side_by_side(const PcaPlan *plan, guint first) {
    const PcaStep *step = g_ptr_array_index(plan->steps, first);
    guint end = first + 1;
    for (; waits_in_kernel(step->op) && end < plan->steps->len; end++) {
        const PcaStep *next = g_ptr_array_index(plan->steps, end);
        if (next->op != step->op)
            break;
        /* What functions of one slot share may be in the reach of either. */
        for (guint i = first; i < end; i++)
            if (same_slot(g_ptr_array_index(plan->steps, i), next))
                return end - first;
    }
    return end - first;
}

static void append_verify(PcaPlan *plan, const PcaFunction *function, const PcaPlanDevice *device) {
    /* Power is nothing that anybody else would take the function by. */
    g_autofree char *found = format_found(function, device, FALSE);
    append(plan, function, PCA_OP_VERIFY, found);
    if (pca_driver_is_vfio(function->driver)) {
        g_autofree char *group = g_strdup_printf("%d", function->iommu_group);
        append(plan, function, PCA_OP_IDLE, group);
    }
}

/* Its undo brings the driver and the reset methods back as well: it runs last, when nothing is
 * bound any more. */
static void append_override(PcaPlan *plan, const PcaFunction *function,
                            const PcaPlanDevice *device) {
    g_autofree char *found = format_found(function, device, TRUE);
    set_undo(append(plan, function, PCA_OP_OVERRIDE, device->driver), PCA_OP_RESTORE, found);
}

PcaPlan *pca_plan_claim(GPtrArray *functions, const PcaPlanDevice *devices) {
    PcaPlan *plan = plan_new(PCA_PLAN_CLAIM);
    /* All of them are verified before the first one is touched: all or nothing. */
    for (guint i = 0; i < functions->len; i++)
        append_verify(plan, g_ptr_array_index(functions, i), &devices[i]);
    /* The override comes before the unbind, so that no probe in between finds the host driver. */
    for (guint i = 0; i < functions->len; i++)
        append_override(plan, g_ptr_array_index(functions, i), &devices[i]);
    for (guint i = 0; i < functions->len; i++) {
        PcaFunction *function = g_ptr_array_index(functions, i);
        if (function->driver)
            append(plan, function, PCA_OP_UNBIND, function->driver);
    }
    /* Before vfio has it, which resets it as well, when it is opened and closed. */
    for (guint i = 0; i < functions->len; i++)
        if (has_own_methods(&devices[i]))
            append(plan, g_ptr_array_index(functions, i), PCA_OP_METHOD, devices[i].methods);
    for (guint i = 0; i < functions->len; i++)
        set_undo(append(plan, g_ptr_array_index(functions, i), PCA_OP_BIND, devices[i].driver),
                 PCA_OP_UNBIND, devices[i].driver);
    for (guint i = 0; i < functions->len; i++)
        if (devices[i].files)
            set_undo(append(plan, g_ptr_array_index(functions, i), PCA_OP_LEND, devices[i].files),
                     PCA_OP_REGAIN, devices[i].files);
    return plan;
}

static void append_restore(PcaPlan *plan, const PcaFunction *function,
                           const PcaPlanDevice *device) {
    g_autofree char *found = format_found(function, device, TRUE);
    append(plan, function, PCA_OP_RESTORE, found);
}

/* Bus mastering goes off in any case: that proves nothing, but keeps the host's memory. */
static gboolean takes_part(PcaRecovery how, const PcaPlanDevice *device, PcaOp op) {
    switch (op) {
    case PCA_OP_QUIESCE:
        return how != PCA_RECOVER_BINDING;
    case PCA_OP_METHOD:
        return how == PCA_RECOVER_PROVED && has_own_methods(device);
    case PCA_OP_RESET:
        return how == PCA_RECOVER_PROVED && is_reset(device);
    case PCA_OP_REGAIN:
        return device->files != NULL;
    case PCA_OP_ALIVE:
        return how == PCA_RECOVER_PROVED;
    case PCA_OP_RESTORE:
        return !device->keep;
    case PCA_OP_OVERRIDE:
    case PCA_OP_BIND:
    case PCA_OP_POWER:
        return device->keep;
    default:
        return TRUE;
    }
}

/* Whatever stays on a vfio driver without an owner may sleep again, as that driver has it. */
static void append_sleep(PcaPlan *plan, const PcaFunction *function) {
    const char *cold = function->power ? strchr(function->power, ',') : NULL;
    if (cold && cold[1])
        append(plan, function, PCA_OP_POWER, cold);
}

static void append_give_back(PcaPlan *plan, const PcaFunction *function,
                             const PcaPlanDevice *device, PcaOp op) {
    switch (op) {
    case PCA_OP_UNBIND:
    case PCA_OP_OVERRIDE:
    case PCA_OP_BIND:
        append(plan, function, op, device->driver);
        return;
    case PCA_OP_METHOD:
        /* Again, since somebody may have written to it meanwhile. */
        append(plan, function, op, device->methods);
        return;
    case PCA_OP_REGAIN:
        append(plan, function, op, device->files);
        return;
    case PCA_OP_RESTORE:
        append_restore(plan, function, device);
        return;
    case PCA_OP_POWER:
        append_sleep(plan, function);
        return;
    default:
        append(plan, function, op, "");
    }
}

PcaPlan *pca_plan_recover(GPtrArray *functions, const PcaPlanDevice *devices,
                          const PcaRecovery *how) {
    static const PcaOp ops[] = {PCA_OP_REGAIN, PCA_OP_UNBIND, PCA_OP_QUIESCE, PCA_OP_METHOD,
                                PCA_OP_RESET,  PCA_OP_ALIVE,  PCA_OP_RESTORE, PCA_OP_OVERRIDE,
                                PCA_OP_BIND,   PCA_OP_POWER};
    PcaPlan *plan = plan_new(PCA_PLAN_RELEASE);
    for (gsize op = 0; op < G_N_ELEMENTS(ops); op++)
        for (guint i = 0; i < functions->len; i++)
            if (takes_part(how[i], &devices[i], ops[op]))
                append_give_back(plan, g_ptr_array_index(functions, i), &devices[i], ops[op]);
    return plan;
}

PcaPlan *pca_plan_release(GPtrArray *functions, const PcaPlanDevice *devices) {
    g_autofree PcaRecovery *how = g_new0(PcaRecovery, functions->len);
    return pca_plan_recover(functions, devices, how);
}

PcaPlan *pca_plan_reset(const PcaFunction *function, const char *method) {
    PcaPlan *plan = plan_new(PCA_PLAN_CLAIM);
    g_autofree char *found = format_found(function, NULL, TRUE);
    g_autofree char *methods = g_strjoinv(" ", function->reset_methods);
    append_verify(plan, function, NULL);
    /* The unbind returns only when nobody has the device any more. */
    if (function->driver)
        set_undo(append(plan, function, PCA_OP_UNBIND, function->driver), PCA_OP_RESTORE, found);
    append(plan, function, PCA_OP_QUIESCE, "");
    if (method)
        set_undo(append(plan, function, PCA_OP_METHOD, method), PCA_OP_METHOD, methods);
    append(plan, function, PCA_OP_RESET, "");
    append(plan, function, PCA_OP_ALIVE, "");
    if (method)
        append(plan, function, PCA_OP_METHOD, methods);
    if (function->driver)
        append_restore(plan, function, NULL);
    return plan;
}

void pca_plan_add_nodes(PcaPlan *plan, GPtrArray *functions, const PcaPlanDevice *devices,
                        uid_t uid, const char *label) {
    PcaOwner wanted = {uid, 0, 0600, ""};
    pca_owner_set_label(&wanted, label);
    g_autofree char *owner = pca_owner_format(&wanted);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    for (guint i = 0, first = 0; i < functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(functions, i);
        if (!pca_driver_is_vfio(devices[i].driver))
            continue;
        g_autofree char *group = g_strdup_printf("%d", function->iommu_group);
        g_autofree char *detail = g_strdup_printf("%s %s", group, owner);
        if (plan->kind == PCA_PLAN_CLAIM) {
            if (g_hash_table_add(seen, GINT_TO_POINTER(function->iommu_group)))
                set_undo(append(plan, function, PCA_OP_GIVE, detail), PCA_OP_TAKE, group);
            continue;
        }
        /* For each function, since the first of its group may have been removed meanwhile. */
        g_ptr_array_insert(plan->steps, (int)first++, step_new(function, PCA_OP_TAKE, group));
    }
}

/* After the bind: vfio-pci lets a function sleep from its probe on
 * (vfio_pci_core_register_device() in drivers/vfio/pci/vfio_pci_core.c). */
void pca_plan_add_power(PcaPlan *plan, GPtrArray *functions, const PcaPlanDevice *devices) {
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(functions, i);
        if (!function->power || !pca_driver_is_vfio(devices[i].driver))
            continue;
        gboolean control = *function->power != ',', cold = !g_str_has_suffix(function->power, ",");
        g_autofree char *wanted = g_strdup_printf("%s,%s", control ? "on" : "", cold ? "0" : "");
        append(plan, function, PCA_OP_POWER, wanted);
    }
}

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

GVariant *pca_plan_to_variant(const PcaPlan *plan) {
    GVariantBuilder steps;
    g_variant_builder_init(&steps, G_VARIANT_TYPE("a(ssssss)"));
    for (guint i = 0; i < plan->steps->len; i++) {
        const PcaStep *step = g_ptr_array_index(plan->steps, i);
        g_variant_builder_add(&steps, "(ssssss)", pca_op_name(step->op), step->device,
                              step->identity, step->detail, pca_op_name(step->undo),
                              step->undo_detail);
    }
    return g_variant_new(PCA_PLAN_TYPE, (guchar)plan->kind, &steps);
}

static gboolean step_from_variant(PcaPlan *plan, GVariant *variant, GError **error) {
    const char *op, *undo;
    PcaStep *step = g_new0(PcaStep, 1);
    g_ptr_array_add(plan->steps, step);
    g_variant_get(variant, "(&ssss&ss)", &op, &step->device, &step->identity, &step->detail, &undo,
                  &step->undo_detail);
    PcaAddress address;
    int code = op_from_name(op), undo_code = op_from_name(undo);
    if (code <= PCA_OP_NONE || undo_code < 0 || !pca_address_parse(step->device, &address)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "a plan has a malformed step: %s of %s, undone by %s", op, step->device, undo);
        return FALSE;
    }
    step->op = (PcaOp)code;
    step->undo = (PcaOp)undo_code;
    return TRUE;
}

PcaPlan *pca_plan_from_variant(GVariant *variant, GError **error) {
    guchar kind;
    g_autoptr(GVariant) steps = NULL;
    g_variant_get(variant, "(y@a(ssssss))", &kind, &steps);
    if (kind != PCA_PLAN_CLAIM && kind != PCA_PLAN_RELEASE) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "a plan of unknown kind %u",
                    kind);
        return NULL;
    }
    g_autoptr(PcaPlan) plan = plan_new((PcaPlanKind)kind);
    for (gsize i = 0; i < g_variant_n_children(steps); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(steps, i);
        if (!step_from_variant(plan, child, error))
            return NULL;
    }
    return g_steal_pointer(&plan);
}
