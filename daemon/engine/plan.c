/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: building and serialising plans.
 * Thread: any. Ownership: see the header.
 */
#include "engine/plan.h"

#include "base/error.h"
#include "engine/binding.h"

static const char *const op_names[PCA_N_OPS] = {
    [PCA_OP_NONE] = "",           [PCA_OP_VERIFY] = "verify",
    [PCA_OP_IDLE] = "idle",       [PCA_OP_OVERRIDE] = "override",
    [PCA_OP_UNBIND] = "unbind",   [PCA_OP_BIND] = "bind",
    [PCA_OP_QUIESCE] = "quiesce", [PCA_OP_RESET] = "reset",
    [PCA_OP_ALIVE] = "alive",     [PCA_OP_RESTORE] = "restore",
    [PCA_OP_METHOD] = "method",   [PCA_OP_GIVE] = "give",
    [PCA_OP_TAKE] = "take",       [PCA_OP_LEND] = "lend",
    [PCA_OP_REGAIN] = "regain",   [PCA_OP_POWER] = "power",
    [PCA_OP_STAGE] = "stage",     [PCA_OP_BUS_RESET] = "busreset",
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

/* That a bus can be reset through (drivers/vfio/pci/vfio_pci_core.c). */
static const char stage_driver[] = "vfio-pci";

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
    return device->with_bus || !device->methods || *device->methods;
}

/* Nothing closes what the owner has opened of the files. */
gboolean pca_plan_device_proves(const PcaPlanDevice *device) {
    return !device->files && is_reset(device);
}

static gboolean has_own_methods(const PcaPlanDevice *device) {
    return device && !device->with_bus && device->methods && *device->methods;
}

gboolean pca_op_gives_back(PcaOp op) {
    return op == PCA_OP_RESTORE || op == PCA_OP_OVERRIDE || op == PCA_OP_BIND || op == PCA_OP_POWER;
}

gboolean pca_op_hands_out(PcaOp op) {
    return op == PCA_OP_GIVE || op == PCA_OP_LEND;
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
    g_autofree char *found = pca_binding_of(function, has_own_methods(device), FALSE);
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
    g_autofree char *found = pca_binding_of(function, has_own_methods(device), TRUE);
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
    g_autofree char *found = pca_binding_of(function, has_own_methods(device), TRUE);
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
        return how == PCA_RECOVER_PROVED && is_reset(device) && !device->with_bus;
    case PCA_OP_STAGE:
    case PCA_OP_BUS_RESET:
        return how == PCA_RECOVER_PROVED && device->with_bus;
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

typedef struct {
    PcaPlan *plan;
    GPtrArray *functions;
    const PcaPlanDevice *devices;
    const PcaRecovery *how;
} GiveBack;

static void append_all(const GiveBack *g, const PcaOp *ops, gsize n_ops) {
    for (gsize op = 0; op < n_ops; op++)
        for (guint i = 0; i < g->functions->len; i++)
            if (takes_part(g->how[i], &g->devices[i], ops[op]))
                append_give_back(g->plan, g_ptr_array_index(g->functions, i), &g->devices[i],
                                 ops[op]);
}

static gboolean goes_with_bus(const GiveBack *g, guint i) {
    return takes_part(g->how[i], &g->devices[i], PCA_OP_BUS_RESET);
}

static char *list_members(const GiveBack *g, const PcaAddress *bus) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < g->functions->len; i++) {
        const PcaAddress *address = &((PcaFunction *)g_ptr_array_index(g->functions, i))->address;
        g_autofree char *member = pca_address_format(address);
        if (goes_with_bus(g, i) && address->domain == bus->domain && address->bus == bus->bus)
            g_string_append_printf(text, "%s%s", text->len ? " " : "", member);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Whatever a run that died has left staged. */
static void append_unstage(const GiveBack *g, gboolean all) {
    for (guint i = 0; i < g->functions->len; i++)
        if (goes_with_bus(g, i) && (all || !g_str_equal(g->devices[i].driver, stage_driver)))
            append(g->plan, g_ptr_array_index(g->functions, i), PCA_OP_UNBIND, stage_driver);
}

static void append_bus_resets(const GiveBack *g) {
    for (guint i = 0; i < g->functions->len; i++)
        if (goes_with_bus(g, i))
            append(g->plan, g_ptr_array_index(g->functions, i), PCA_OP_STAGE, stage_driver);
    for (guint i = 0; i < g->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(g->functions, i);
        g_autofree char *members = list_members(g, &function->address);
        if (goes_with_bus(g, i))
            append(g->plan, function, PCA_OP_BUS_RESET, members);
    }
    append_unstage(g, TRUE);
}

PcaPlan *pca_plan_recover(GPtrArray *functions, const PcaPlanDevice *devices,
                          const PcaRecovery *how) {
    static const PcaOp first[] = {PCA_OP_REGAIN, PCA_OP_UNBIND};
    static const PcaOp clean[] = {PCA_OP_QUIESCE, PCA_OP_METHOD, PCA_OP_RESET};
    static const PcaOp last[] = {PCA_OP_ALIVE, PCA_OP_RESTORE, PCA_OP_OVERRIDE, PCA_OP_BIND,
                                 PCA_OP_POWER};
    PcaPlan *plan = plan_new(PCA_PLAN_RELEASE);
    const GiveBack g = {plan, functions, devices, how};
    append_all(&g, first, G_N_ELEMENTS(first));
    append_unstage(&g, FALSE);
    append_all(&g, clean, G_N_ELEMENTS(clean));
    append_bus_resets(&g);
    append_all(&g, last, G_N_ELEMENTS(last));
    return plan;
}

PcaPlan *pca_plan_release(GPtrArray *functions, const PcaPlanDevice *devices) {
    g_autofree PcaRecovery *how = g_new0(PcaRecovery, functions->len);
    return pca_plan_recover(functions, devices, how);
}

PcaPlan *pca_plan_reset(const PcaFunction *function, const char *method) {
    PcaPlan *plan = plan_new(PCA_PLAN_CLAIM);
    g_autofree char *found = pca_binding_of(function, FALSE, TRUE);
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
