/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the worker's requests.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/serve.h"

#include <errno.h>
#include <sys/file.h>

#include "base/error.h"
#include "engine/handover.h"
#include "engine/run.h"
#include "engine/wire.h"
#include "sys/holders.h"

typedef struct {
    PcaKernel *kernel;
    GVariant *request;
    GArray *fds;         /* that came with the request */
    GVariantDict *reply; /* being made */
    PcaFds *reply_fds;
} Exchange;

static void reply_residues(Exchange *x, PcaResidues *residues) {
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(sbs)"));
    for (guint i = 0; i < residues->len; i++) {
        const PcaResidue *residue = g_ptr_array_index(residues, i);
        g_variant_builder_add(&builder, "(sbs)", residue->device, residue->quarantined,
                              residue->text);
    }
    g_variant_dict_insert_value(x->reply, "residue", g_variant_builder_end(&builder));
}

static gboolean malformed(const char *what, GError **error) {
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "the request lacks %s", what);
    return FALSE;
}

/* The lock goes with the open file: it stays held as long as this process has not died. */
static int lock_journal(Exchange *x, GError **error) {
    int journal = x->fds->len > 0 ? g_array_index(x->fds, int, 0) : -1;
    if (journal < 0) {
        malformed("a journal", error);
        return -1;
    }
    if (flock(journal, LOCK_EX | LOCK_NB) == 0)
        return journal;
    pca_error_set_errno(error, PCA_ERROR_BUSY, errno, "another worker holds the claim's journal");
    return -1;
}

static gboolean serve_run(Exchange *x, GError **error) {
    g_autoptr(GVariant) variant =
        g_variant_lookup_value(x->request, "plan", G_VARIANT_TYPE(PCA_PLAN_TYPE));
    if (!variant)
        return malformed("a plan", error);
    g_autoptr(PcaPlan) plan = pca_plan_from_variant(variant, error);
    int journal = plan ? lock_journal(x, error) : -1;
    if (journal < 0)
        return FALSE;
    g_autoptr(GPtrArray) residues = pca_residues_new();
    gboolean ok = pca_run(x->kernel, plan, journal, residues, error);
    reply_residues(x, residues);
    return ok;
}

static gboolean serve_undo(Exchange *x, GError **error) {
    int journal = lock_journal(x, error);
    if (journal < 0)
        return FALSE;
    g_autoptr(GPtrArray) residues = pca_residues_new();
    gboolean ok = pca_run_undo(x->kernel, journal, residues, error);
    reply_residues(x, residues);
    return ok;
}

static gboolean serve_open(Exchange *x, GError **error) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(x->request, "devices", G_VARIANT_TYPE("a(sss)"));
    guint64 memory = 0;
    if (!list || x->fds->len < 1)
        return malformed("devices or a pidfd", error);
    g_variant_lookup(x->request, "memory", "t", &memory);
    gsize n = g_variant_n_children(list);
    g_autofree PcaHandoverDevice *devices = g_new0(PcaHandoverDevice, n);
    for (gsize i = 0; i < n; i++)
        g_variant_get_child(list, i, "(&s&s&s)", &devices[i].address, &devices[i].identity,
                            &devices[i].name);
    return pca_handover_cdev(x->kernel, devices, n, memory, g_array_index(x->fds, int, 0),
                             x->reply_fds, error);
}

static gboolean serve_probe(Exchange *x, GError **error) {
    g_autoptr(GVariant) groups =
        g_variant_lookup_value(x->request, "groups", G_VARIANT_TYPE("ai"));
    GVariantBuilder busy;
    if (!groups)
        return malformed("groups", error);
    g_variant_builder_init(&busy, G_VARIANT_TYPE("ai"));
    for (gsize i = 0; i < g_variant_n_children(groups); i++) {
        gint32 group;
        g_variant_get_child(groups, i, "i", &group);
        PCA_AUTO_FD fd = x->kernel->ops->open_group(x->kernel, group);
        if (fd == -EBUSY)
            g_variant_builder_add(&busy, "i", group);
    }
    g_variant_dict_insert_value(x->reply, "busy", g_variant_builder_end(&busy));
    return TRUE;
}

static void collect_numbers(Exchange *x, GArray *numbers) {
    const PcaRoot *root = x->kernel->root;
    g_autoptr(GVariant) groups =
        g_variant_lookup_value(x->request, "groups", G_VARIANT_TYPE("ai"));
    g_autoptr(GVariant) devices =
        g_variant_lookup_value(x->request, "devices", G_VARIANT_TYPE_STRING_ARRAY);
    for (gsize i = 0; groups && i < g_variant_n_children(groups); i++) {
        gint32 group;
        g_variant_get_child(groups, i, "i", &group);
        g_autofree char *path = g_strdup_printf("class/vfio/%d/dev", group);
        dev_t number = pca_read_device_number(root, path);
        if (number)
            g_array_append_val(numbers, number);
    }
    for (gsize i = 0; devices && i < g_variant_n_children(devices); i++) {
        const char *address;
        g_variant_get_child(devices, i, "&s", &address);
        PCA_AUTO_FD directory = pca_open_function(root, address);
        dev_t number = directory < 0 ? 0 : pca_step_vfio_number(directory);
        if (number)
            g_array_append_val(numbers, number);
    }
}

static gboolean serve_holders(Exchange *x, GError **error) {
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(dev_t));
    collect_numbers(x, numbers);
    g_autoptr(GPtrArray) holders =
        pca_holders_find(x->kernel->root, (const dev_t *)(gpointer)numbers->data, numbers->len);
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(uus)"));
    for (guint i = 0; i < holders->len; i++) {
        const PcaHolder *holder = g_ptr_array_index(holders, i);
        g_variant_builder_add(&builder, "(uus)", (guint32)holder->pid, (guint32)holder->uid,
                              holder->comm);
    }
    g_variant_dict_insert_value(x->reply, "holders", g_variant_builder_end(&builder));
    return TRUE;
}

static const struct {
    const char *kind;
    gboolean (*serve)(Exchange *x, GError **error);
} kinds[] = {
    {"run", serve_run},     {"undo", serve_undo},       {"open", serve_open},
    {"probe", serve_probe}, {"holders", serve_holders},
};

static gboolean dispatch(Exchange *x, GError **error) {
    const char *kind = "";
    g_variant_lookup(x->request, "kind", "&s", &kind);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].kind, kind))
            return kinds[i].serve(x, error);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "unknown request \"%s\"", kind);
    return FALSE;
}

static void send_reply(int socket, Exchange *x, gboolean ok, const GError *failure) {
    g_autofree int *fds = g_new(int, x->reply_fds->len + 1);
    guint n_fds = ok ? x->reply_fds->len : 0;
    GVariantBuilder names;
    g_variant_builder_init(&names, G_VARIANT_TYPE("a(sss)"));
    for (guint i = 0; i < n_fds; i++) {
        const PcaNamedFd *named = pca_fds_get(x->reply_fds, i);
        fds[i] = named->fd;
        g_variant_builder_add(&names, "(sss)", named->role, named->name, named->address);
    }
    g_variant_dict_insert_value(x->reply, "fds", g_variant_builder_end(&names));
    g_variant_dict_insert(x->reply, "ok", "b", ok);
    if (!ok) {
        const char *name = failure->domain == PCA_ERROR ? pca_error_name(failure->code) : NULL;
        g_variant_dict_insert(x->reply, "error", "s", name ? name : "Failed");
        g_variant_dict_insert(x->reply, "message", "s", failure->message);
    }
    /* A daemon that has gone meanwhile reads the journal when it is back. */
    g_autoptr(GError) error = NULL;
    if (!pca_wire_send(socket, g_variant_dict_end(x->reply), fds, n_fds, &error))
        g_warning("reply not delivered: %s", error->message);
}

void pca_serve(PcaKernel *kernel, int socket) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) fds = pca_wire_fds_new();
    g_autoptr(GPtrArray) reply_fds = pca_fds_new();
    g_autoptr(GVariant) request = pca_wire_receive(socket, fds, &error);
    if (!request) {
        g_warning("no request: %s", error->message);
        return;
    }
    g_auto(GVariantDict) reply;
    g_variant_dict_init(&reply, NULL);
    Exchange exchange = {kernel, request, fds, &reply, reply_fds};
    gboolean ok = dispatch(&exchange, &error);
    send_reply(socket, &exchange, ok, error);
}
