/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: who has nodes open.
 * Thread: the main one. Ownership: a Call frees itself once the worker has answered.
 */
#include "service/uses.h"

#include "engine/client.h"

#define PATIENCE 10 /* seconds */

typedef struct {
    PcaProgramUses *uses; /* NULL once it was handed over */
    GPtrArray *asked;     /* of PcaUseNode, in the order of the request; borrowed from `uses` */
    PcaProgramUsesFunc func;
    gpointer data;
    guint timer;
} Call;

static void hand_over(Call *call, const char *problem) {
    call->uses->problem = g_strdup(problem);
    g_clear_handle_id(&call->timer, g_source_remove);
    call->func(g_steal_pointer(&call->uses), call->data);
}

static gboolean on_impatient(gpointer data) {
    Call *call = data;
    call->timer = 0;
    hand_over(call, "the answer takes too long");
    return G_SOURCE_REMOVE;
}

static PcaUseNode *asked_node(const Call *call, guint index) {
    return index < call->asked->len ? g_ptr_array_index(call->asked, index) : NULL;
}

static gboolean take_refused(Call *call, GVariant *reply) {
    g_autoptr(GVariant) list = g_variant_lookup_value(reply, "refused", G_VARIANT_TYPE("ai"));
    if (!list || g_variant_n_children(list) != call->asked->len)
        return FALSE;
    for (guint i = 0; i < call->asked->len; i++)
        g_variant_get_child(list, i, "i", &asked_node(call, i)->refused);
    return TRUE;
}

static void take_openers(Call *call, GVariant *reply) {
    g_autoptr(GVariant) list = g_variant_lookup_value(reply, "openers", G_VARIANT_TYPE("a(uuusb)"));
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        guint32 node, pid, uid;
        const char *comm;
        gboolean writes;
        g_variant_get_child(list, i, "(uuu&sb)", &node, &pid, &uid, &comm, &writes);
        if (asked_node(call, node))
            pca_use_node_add_opener(asked_node(call, node), pid, uid, comm, writes);
    }
}

static void on_answer(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    Call *call = data;
    if (call->uses && error) {
        hand_over(call, error->message);
    } else if (call->uses && !take_refused(call, reply)) {
        hand_over(call, "the worker did not answer for each node");
    } else if (call->uses) {
        take_openers(call, reply);
        hand_over(call, NULL);
    }
    g_ptr_array_unref(call->asked);
    g_free(call);
}

static void send_request(Call *call, const char *worker_socket) {
    GVariantBuilder nodes;
    g_variant_builder_init(&nodes, G_VARIANT_TYPE("a(tbb)"));
    for (guint i = 0; i < call->asked->len; i++) {
        const PcaUseNode *node = asked_node(call, i);
        g_variant_builder_add(&nodes, "(tbb)", (guint64)node->number, node->is_disk, node->whole);
    }
    g_auto(GVariantDict) request;
    g_variant_dict_init(&request, NULL);
    g_variant_dict_insert(&request, "kind", "s", "uses");
    g_variant_dict_insert_value(&request, "nodes", g_variant_builder_end(&nodes));
    call->timer = g_timeout_add_seconds(PATIENCE, on_impatient, call);
    pca_worker_call(worker_socket, g_variant_dict_end(&request), NULL, 0, on_answer, call);
}

static PcaFunction *function_of(const PcaTargets *targets, guint i) {
    return ((PcaTarget *)g_ptr_array_index(targets, i))->function;
}

static void add_function(Call *call, const PcaFunction *function) {
    g_autofree char *address = pca_address_format(&function->address);
    PcaUseNodes *nodes = g_hash_table_lookup(call->uses->nodes, address);
    for (guint i = 0; nodes && i < nodes->len; i++)
        g_ptr_array_add(call->asked, g_ptr_array_index(nodes, i));
}

void pca_program_uses_find(PcaUseLook *look, const char *worker_socket, const PcaTargets *targets,
                           PcaProgramUsesFunc func, gpointer data) {
    Call *call = g_new0(Call, 1);
    call->uses = pca_program_uses_new(look, targets);
    call->asked = g_ptr_array_new();
    call->func = func;
    call->data = data;
    for (guint i = 0; i < targets->len; i++)
        add_function(call, function_of(targets, i));
    if (call->asked->len > 0) {
        send_request(call, worker_socket);
        for (guint i = 0; i < targets->len; i++)
            pca_in_use_ahead(look, function_of(targets, i));
        return;
    }
    hand_over(call, NULL);
    g_ptr_array_unref(call->asked);
    g_free(call);
}
