/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the worker's requests.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/serve.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "base/error.h"
#include "engine/handover.h"
#include "engine/locked.h"
#include "engine/run.h"
#include "engine/serve-internal.h"
#include "engine/wire.h"

#define LOCK_TIMEOUT (2 * G_USEC_PER_SEC)
#define LOCK_INTERVAL (5 * G_TIME_SPAN_MILLISECOND)

char *pca_serve_printable(const char *text) {
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autoptr(GString) clean = g_string_new(NULL);
    for (const char *p = valid; *p; p = g_utf8_next_char(p))
        g_string_append_unichar(clean,
                                g_unichar_isprint(g_utf8_get_char(p)) ? g_utf8_get_char(p) : '?');
    return g_string_free(g_steal_pointer(&clean), FALSE);
}

static void reply_residues(PcaExchange *x, PcaResidues *residues) {
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(sbs)"));
    for (guint i = 0; i < residues->len; i++) {
        const PcaResidue *residue = g_ptr_array_index(residues, i);
        g_autofree char *text = pca_serve_printable(residue->text);
        g_variant_builder_add(&builder, "(sbs)", residue->device, residue->quarantined, text);
    }
    g_variant_dict_insert_value(x->reply, "residue", g_variant_builder_end(&builder));
}

gboolean pca_serve_malformed(const char *what, GError **error) {
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "the request lacks %s", what);
    return FALSE;
}

static gboolean peer_is_gone(int socket) {
    char byte;
    return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* A worker that was killed lets go of its connection a moment before it lets go of the lock. */
static gboolean take_lock(int journal) {
    for (gint64 waited = 0; flock(journal, LOCK_EX | LOCK_NB) < 0; waited += LOCK_INTERVAL) {
        if (errno != EWOULDBLOCK || waited >= LOCK_TIMEOUT)
            return FALSE;
        g_usleep(LOCK_INTERVAL);
    }
    return TRUE;
}

/* The lock goes with the open file: it stays held as long as this process has not died. */
static int lock_journal(PcaExchange *x, GError **error) {
    int journal = x->fds->len > 0 ? g_array_index(x->fds, int, 0) : -1;
    if (journal < 0) {
        pca_serve_malformed("a journal", error);
        return -1;
    }
    if (!take_lock(journal)) {
        pca_error_set_errno(error, PCA_ERROR_BUSY, errno,
                            "another worker holds the claim's journal");
        return -1;
    }
    x->locked = TRUE;
    /* A daemon that is started after this one's death may have found the lock free and made up its
     * mind about the claim. */
    if (peer_is_gone(x->socket)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_REVOKED, "whoever asked for it has gone");
        return -1;
    }
    return journal;
}

static void unlock_journal(PcaExchange *x) {
    if (x->locked)
        flock(g_array_index(x->fds, int, 0), LOCK_UN);
}

static gboolean serve_run(PcaExchange *x, GError **error) {
    g_autoptr(GVariant) variant =
        g_variant_lookup_value(x->request, "plan", G_VARIANT_TYPE(PCA_PLAN_TYPE));
    if (!variant)
        return pca_serve_malformed("a plan", error);
    g_autoptr(PcaPlan) plan = pca_plan_from_variant(variant, error);
    int journal = plan ? lock_journal(x, error) : -1;
    if (journal < 0)
        return FALSE;
    g_autoptr(GPtrArray) residues = pca_residues_new();
    gboolean ok = pca_run(x->kernel, plan, journal, residues, error);
    reply_residues(x, residues);
    return ok;
}

static gboolean serve_undo(PcaExchange *x, GError **error) {
    int journal = lock_journal(x, error);
    if (journal < 0)
        return FALSE;
    g_autoptr(GPtrArray) residues = pca_residues_new();
    gboolean ok = pca_run_undo(x->kernel, journal, residues, error);
    reply_residues(x, residues);
    return ok;
}

/* By all functions that the virtual machine has, with those of other claims. A BAR counts under
 * iommufd alone. */
static guint64 locked_memory(PcaExchange *x, const PcaHandoverDevice *devices, gsize n,
                             const char *handoff) {
    guint64 memory = 0;
    gboolean viommu = FALSE;
    g_autofree const char **beside = NULL;
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_variant_lookup(x->request, "memory", "t", &memory);
    g_variant_lookup(x->request, "viommu", "b", &viommu);
    g_variant_lookup(x->request, "beside", "^a&s", &beside);
    for (gsize i = 0; i < n; i++)
        g_ptr_array_add(all, (gpointer)devices[i].address);
    for (gsize i = 0; beside && beside[i]; i++)
        g_ptr_array_add(all, (gpointer)beside[i]);
    guint spaces = viommu ? MAX(all->len, 1) : 1;
    g_ptr_array_add(all, NULL);
    gboolean counts_bars = g_str_equal(handoff, PCA_HANDOFF_CDEV);
    return pca_locked_memory(x->kernel->root, memory, spaces,
                             counts_bars ? (const char *const *)all->pdata : NULL);
}

static gboolean serve_open(PcaExchange *x, GError **error) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(x->request, "devices", G_VARIANT_TYPE("a(sss)"));
    if (!list || x->fds->len < 1)
        return pca_serve_malformed("devices or a pidfd", error);
    gsize n = g_variant_n_children(list);
    if (n >= PCA_WIRE_MAX_FDS) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                    "%zu devices are more than fit into one reply", n);
        return FALSE;
    }
    g_autofree PcaHandoverDevice *devices = g_new0(PcaHandoverDevice, n);
    for (gsize i = 0; i < n; i++)
        g_variant_get_child(list, i, "(&s&s&s)", &devices[i].address, &devices[i].identity,
                            &devices[i].name);
    const char *handoff = PCA_HANDOFF_CDEV;
    PcaHandoverClient client = {.pidfd = g_array_index(x->fds, int, 0)};
    g_variant_lookup(x->request, "joins", "b", &client.joins);
    g_variant_lookup(x->request, "label", "&s", &client.label);
    g_variant_lookup(x->request, "handoff", "&s", &handoff);
    client.locked = locked_memory(x, devices, n, handoff);
    guint32 owner = 0;
    if (g_str_equal(handoff, PCA_HANDOFF_NODE))
        return !g_variant_lookup(x->request, "owner", "u", &owner)
                   ? pca_serve_malformed("an owner", error)
                   : pca_handover_node(x->kernel, devices, n, owner, client.locked, client.pidfd,
                                       error);
    if (g_str_equal(handoff, PCA_HANDOFF_GROUP))
        return pca_handover_group(x->kernel, devices, n, &client, x->reply_fds, error);
    return pca_handover_cdev(x->kernel, devices, n, &client, x->reply_fds, error);
}

static void open_config(PcaExchange *x, const char *address) {
    PCA_AUTO_FD directory = pca_open_function(x->kernel->root, address);
    PCA_AUTO_FD fd = directory < 0 ? -1 : x->kernel->ops->open_config(x->kernel, directory);
    if (fd >= 0)
        pca_fds_consume(x->reply_fds, "config", "", address, pca_fd_steal(&fd));
}

static gboolean serve_config(PcaExchange *x, GError **error) {
    g_autoptr(GVariant) devices =
        g_variant_lookup_value(x->request, "devices", G_VARIANT_TYPE_STRING_ARRAY);
    if (!devices)
        return pca_serve_malformed("devices", error);
    gsize n = g_variant_n_children(devices);
    if (n > PCA_WIRE_MAX_FDS) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_LIMIT_EXCEEDED,
                    "%zu devices are more than fit into one reply", n);
        return FALSE;
    }
    for (gsize i = 0; i < n; i++) {
        const char *address;
        g_variant_get_child(devices, i, "&s", &address);
        open_config(x, address);
    }
    return TRUE;
}

typedef struct {
    const char *name;
    gboolean (*serve)(PcaExchange *x, GError **error);
    gboolean opens_config; /* what this needs, all others give up before they begin */
} Kind;

static const Kind kinds[] = {
    {"run", serve_run, FALSE},
    {"undo", serve_undo, FALSE},
    {"open", serve_open, FALSE},
    {"probe", pca_serve_probe, FALSE},
    {"holders", pca_serve_holders, FALSE},
    {"config", serve_config, TRUE},
    {"uses", pca_serve_uses, FALSE},
    {"stop", pca_serve_stop, FALSE},
};

static const Kind *find_kind(GVariant *request, GError **error) {
    const char *name = "";
    g_variant_lookup(request, "kind", "&s", &name);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].name, name))
            return &kinds[i];
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "unknown request \"%s\"", name);
    return NULL;
}

static gboolean dispatch(PcaExchange *x, GError **error) {
    const Kind *kind = find_kind(x->request, error);
    int renounced = kind && !kind->opens_config ? x->kernel->ops->renounce(x->kernel) : 0;
    if (renounced < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, -renounced, "giving up CAP_SYS_ADMIN");
        return FALSE;
    }
    return kind && kind->serve(x, error);
}

static void send_reply(int socket, PcaExchange *x, gboolean ok, const GError *failure) {
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
        g_autofree char *message = pca_serve_printable(failure->message);
        g_variant_dict_insert(x->reply, "message", "s", message);
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
    PcaExchange exchange = {.kernel = kernel,
                            .socket = socket,
                            .request = request,
                            .fds = fds,
                            .reply = &reply,
                            .reply_fds = reply_fds};
    gboolean ok = dispatch(&exchange, &error);
    /* Before the reply, because the next request about the claim may follow at once. */
    unlock_journal(&exchange);
    send_reply(socket, &exchange, ok, error);
}
