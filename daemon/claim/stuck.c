/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what is known of a claim that the kernel does not get through with: at which step its
 * worker is, and who holds its devices.
 * Thread: the main one. Ownership: see the headers.
 */
#include "base/error.h"
#include "base/fds.h"
#include "claim/internal.h"
#include "claim/store.h"
#include "engine/journal.h"
#include "sys/kernel.h"

static const char still_held[] = "still held open";

/* ---- Who holds the devices ---- */

static void remember_number(PcaEntry *entry, const char *path) {
    guint64 number = pca_read_device_number(entry->claims->root, path);
    for (guint i = 0; i < entry->numbers->len; i++)
        if (g_array_index(entry->numbers, guint64, i) == number)
            return;
    if (number)
        g_array_append_val(entry->numbers, number);
}

/* For the daemon after this one. Without it who holds the devices may not be found, no more. */
static void write_down(const PcaEntry *entry) {
    g_autoptr(GError) error = NULL;
    if (!pca_store_save_nodes(entry->claims->directory, entry->claim->id, entry->numbers, &error))
        g_warning("claim %s: its nodes cannot be written down: %s", entry->claim->id,
                  error->message);
}

void pca_entry_remember_numbers(PcaEntry *entry) {
    const PcaRoot *root = entry->claims->root;
    guint known = entry->numbers->len;
    for (guint i = 0; root && i < entry->claim->devices->len; i++) {
        const PcaFunction *function = pca_claim_device(entry->claim, i)->function;
        g_autofree char *address = pca_address_format(&function->address);
        g_autofree char *group = g_strdup_printf("class/vfio/%d/dev", function->iommu_group);
        g_autofree char *nodes = g_strdup_printf("bus/pci/devices/%s/vfio-dev", address);
        g_autofree char *directory = g_build_filename(root->sysfs, nodes, NULL);
        g_auto(GStrv) names = pca_read_directory(directory);
        remember_number(entry, group);
        for (char **name = names; *name; name++) {
            g_autofree char *path = g_build_filename(nodes, *name, "dev", NULL);
            remember_number(entry, path);
        }
    }
    if (entry->numbers->len > known)
        write_down(entry);
}

/* A request about those who have the claim's devices open. */
static void fill_request(const PcaEntry *entry, const char *kind, GVariantDict *request) {
    GVariantBuilder groups, devices;
    g_variant_builder_init(&groups, G_VARIANT_TYPE("ai"));
    g_variant_builder_init(&devices, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < entry->claim->devices->len; i++) {
        const PcaFunction *function = pca_claim_device(entry->claim, i)->function;
        g_autofree char *address = pca_address_format(&function->address);
        g_variant_builder_add(&groups, "i", function->iommu_group);
        g_variant_builder_add(&devices, "s", address);
    }
    g_variant_dict_init(request, NULL);
    g_variant_dict_insert(request, "kind", "s", kind);
    g_variant_dict_insert_value(request, "groups", g_variant_builder_end(&groups));
    g_variant_dict_insert_value(request, "devices", g_variant_builder_end(&devices));
    g_variant_dict_insert_value(request, "numbers",
                                g_variant_new_fixed_array(G_VARIANT_TYPE_UINT64,
                                                          entry->numbers->data, entry->numbers->len,
                                                          sizeof(guint64)));
}

void pca_claims_stop_holders(PcaClaims *claims, const PcaClaim *claim, gboolean kill,
                             PcaWorkerFunc func, gpointer data) {
    const PcaEntry *entry = g_hash_table_lookup(claims->entries, claim->id);
    if (!entry) {
        g_autoptr(GError) error =
            g_error_new(PCA_ERROR, PCA_ERROR_NOT_FOUND, "the claim has ended");
        func(NULL, NULL, error, data);
        return;
    }
    g_auto(GVariantDict) request;
    fill_request(entry, "stop", &request);
    g_variant_dict_insert(&request, "owner", "u", claim->uid);
    g_variant_dict_insert(&request, "kill", "b", kill);
    pca_worker_call(claims->worker_socket, g_variant_dict_end(&request), NULL, 0, func, data);
}

/* The claim may be gone when the answer comes. */
typedef struct {
    PcaClaims *claims;
    char *id;
} HoldersCall;

static char *describe_holders(GVariant *reply) {
    g_autoptr(GVariant) list =
        reply ? g_variant_lookup_value(reply, "holders", G_VARIANT_TYPE("a(uus)")) : NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        guint32 pid, uid;
        const char *comm;
        g_variant_get_child(list, i, "(uu&s)", &pid, &uid, &comm);
        g_string_append_printf(text, "%s%s (process %u of uid %u)", i ? ", " : "", comm, pid, uid);
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* Takes `holders`, also a floating one. */
static void set_holders(PcaEntry *entry, GVariant *holders) {
    g_clear_pointer(&entry->claim->holders, g_variant_unref);
    entry->claim->holders = g_variant_take_ref(holders);
}

static void set_no_holders(PcaEntry *entry) {
    set_holders(entry, g_variant_new_array(G_VARIANT_TYPE("(uus)"), NULL, 0));
}

/* What is known already is not told again. */
static void set_stuck(PcaEntry *entry, const char *reason) {
    if (entry->claim->state != PCA_CLAIM_STUCK || g_strcmp0(entry->claim->reason, reason) != 0)
        pca_entry_set_state(entry, PCA_CLAIM_STUCK, reason);
}

static void on_holders(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    HoldersCall *call = data;
    PcaEntry *entry = g_hash_table_lookup(call->claims->entries, call->id);
    if (entry && entry->claim->state == PCA_CLAIM_STUCK && reply) {
        g_autofree char *holders = describe_holders(reply);
        g_autofree char *reason =
            holders ? g_strdup_printf("%s by %s", still_held, holders)
                    : g_strdup_printf("%s, but no process is seen that does: by a descriptor in "
                                      "flight, a mapping, or one of the group interface",
                                      still_held);
        if (holders)
            set_holders(entry, g_variant_lookup_value(reply, "holders", G_VARIANT_TYPE("a(uus)")));
        else
            set_no_holders(entry);
        set_stuck(entry, reason);
    }
    g_free(call->id);
    g_free(call);
}

static void ask_holders(PcaEntry *entry) {
    g_auto(GVariantDict) request;
    fill_request(entry, "holders", &request);
    HoldersCall *call = g_new0(HoldersCall, 1);
    call->claims = entry->claims;
    call->id = g_strdup(entry->claim->id);
    pca_worker_call(entry->claims->worker_socket, g_variant_dict_end(&request), NULL, 0, on_holders,
                    call);
}

/* ---- At which step its worker is ---- */

static gboolean waits_for_users(const PcaJournal *journal, const PcaStep *step) {
    return (journal->undoing ? step->undo : step->op) == PCA_OP_UNBIND &&
           pca_driver_is_vfio(journal->undoing ? step->undo_detail : step->detail);
}

/* "ADDRESS, WORDS; ..."; NULL: at none. Of those that are done side by side not all may be left,
 * but which is not known. *users: they wait until nobody has the devices open. */
static char *describe_steps(const PcaEntry *entry, gboolean *users) {
    PCA_AUTO_FD fd = pca_store_open_journal(entry->claims->directory, entry->claim->id, NULL);
    g_autoptr(PcaJournal) journal = fd < 0 ? NULL : pca_journal_read(fd, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    *users = FALSE;
    for (guint i = 0; journal && i < journal->current->len; i++) {
        const PcaStep *step = g_ptr_array_index(journal->current, i);
        g_autofree char *words =
            journal->undoing ? pca_step_describe_undo(step) : pca_step_describe(step);
        g_string_append_printf(text, "%s%s, %s", i ? "; " : "", step->device, words);
        *users |= waits_for_users(journal, step);
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static GError *error_not_through(const char *steps) {
    return g_error_new(PCA_ERROR, PCA_ERROR_UNBIND_TIMEOUT,
                       "the kernel is not through with the devices yet%s%s; they are free as soon "
                       "as it is",
                       steps ? ": " : "", steps ? steps : "");
}

static GError *error_held(void) {
    return g_error_new(PCA_ERROR, PCA_ERROR_UNBIND_TIMEOUT,
                       "the kernel has not taken the devices back yet: some process still holds "
                       "them open; they are free as soon as it closes them");
}

static GError *look_at_steps(PcaEntry *entry, const char *steps) {
    const char *why = entry->worker_watch
                          ? "a worker from before the restart is still at work in the kernel"
                          : "the kernel is not through with it yet";
    g_autofree char *reason = g_strdup_printf("%s%s%s", why, steps ? ": " : "", steps ? steps : "");
    if (steps)
        set_no_holders(entry);
    set_stuck(entry, reason);
    return error_not_through(steps);
}

GError *pca_entry_look_stuck(PcaEntry *entry) {
    gboolean users;
    g_autofree char *steps = describe_steps(entry, &users);
    if (!users)
        return look_at_steps(entry, steps);
    if (entry->claim->state != PCA_CLAIM_STUCK ||
        !g_str_has_prefix(entry->claim->reason, still_held))
        set_stuck(entry, "some process still holds the devices open");
    ask_holders(entry);
    return error_held();
}
