/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a set looks like from one of its functions: why each other is in it.
 *
 * The joins of a set form a tree. From the function that is asked about, each member is reached
 * through one last join, and that is its reason.
 * Thread: any. Ownership: see the headers.
 */
#include "pci/isolation-internal.h"

static const char *const cause_names[] = {
    [PCA_CAUSE_SELF] = "self",
    [PCA_CAUSE_MULTIFUNCTION_NO_ACS] = "multifunction-no-acs",
    [PCA_CAUSE_UPSTREAM_NO_ACS] = "upstream-no-acs",
    [PCA_CAUSE_DMA_ALIAS] = "dma-alias",
    [PCA_CAUSE_BRIDGE_ALIAS] = "bridge-alias",
    [PCA_CAUSE_QUIRK] = "quirk",
    [PCA_CAUSE_UNKNOWN] = "unknown",
};

const char *pca_cause_name(PcaCause cause) {
    return cause < G_N_ELEMENTS(cause_names) ? cause_names[cause] : NULL;
}

/* One reason in the making. */
typedef struct {
    const PcaTopology *topology;
    int self, member;
    const PcaJoin *join;
    int at;
    PcaCause cause;
    char *self_name, *member_name, *at_name;
} Case;

static void clear_case(Case *c) {
    g_free(c->self_name);
    g_free(c->member_name);
    g_free(c->at_name);
}

/* ---- Words ---- */

static const char *noun(const PcaNode *node) {
    gboolean port =
        node->type_known && node->type >= PCA_PCIE_ROOT_PORT && node->type <= PCA_PCIE_DOWNSTREAM;
    return port ? "port" : "bridge";
}

/* "it lacks SV RR": what is wrong with the place, or why that is not known; with "it" where the
 * sentence has named it. */
static char *lack(const Case *c, gboolean named) {
    const PcaNode *node = pca_node(c->topology, c->at);
    const PcaConfig *config = node->config;
    const char *it = named ? "it" : c->at_name;
    if (!node->function)
        return g_strdup_printf("%s is not among the functions that were found", it);
    if (c->cause == PCA_CAUSE_UNKNOWN && config && config->responds == PCA_TRI_NO)
        return g_strdup_printf("%s does not answer", it);
    if (c->cause == PCA_CAUSE_UNKNOWN) {
        g_autofree char *space = named ? g_strdup("its config space")
                                       : g_strdup_printf("the config space of %s", c->at_name);
        if (!config || config->length == 0)
            return g_strdup_printf("%s could not be read", space);
        if (config->length >= PCA_CONFIG_EXTENDED_SIZE)
            return g_strdup_printf("%s makes no sense", space);
        return g_strdup_printf("%s could not be read beyond %u bytes", space,
                               (guint)config->length);
    }
    g_autofree char *bits = pca_acs_format(node->acs.missing);
    return g_strdup_printf("%s lacks %s (%s)", it, bits, node->acs.why);
}

static char *upstream_text(const Case *c) {
    g_autofree char *reason = lack(c, TRUE);
    const char *cannot = c->cause == PCA_CAUSE_UNKNOWN ? "is not known to keep" : "cannot keep";
    const char *what = noun(pca_node(c->topology, c->at));
    if (c->at == c->member)
        return g_strdup_printf("%s shares with %s because this %s %s apart what is below it: %s",
                               c->member_name, c->self_name, what, cannot, reason);
    if (c->at == c->self)
        return g_strdup_printf("%s shares with %s because that %s %s apart what is below it: %s",
                               c->member_name, c->self_name, what, cannot, reason);
    if (pca_topology_is_above(c->topology, c->at, c->self))
        return g_strdup_printf(
            "%s shares with %s because the %s %s above both %s their traffic apart: %s",
            c->member_name, c->self_name, what, c->at_name, cannot, reason);
    return g_strdup_printf("%s shares with %s because the %s %s above it %s its traffic apart: %s",
                           c->member_name, c->self_name, what, c->at_name, cannot, reason);
}

static char *slot_text(const Case *c) {
    g_autofree char *reason = lack(c, FALSE);
    return g_strdup_printf(
        "%s shares with %s because the functions of a slot %s their traffic apart: %s",
        c->member_name, c->self_name,
        c->cause == PCA_CAUSE_UNKNOWN ? "are not known to keep" : "cannot keep", reason);
}

static char *bridge_text(const Case *c) {
    if (c->at == c->member)
        return g_strdup_printf("%s shares with %s because this bridge puts its own requester ID on "
                               "DMA from below it",
                               c->member_name, c->self_name);
    return g_strdup_printf("%s shares with %s because the bridge %s above it puts its own "
                           "requester ID on its DMA",
                           c->member_name, c->self_name, c->at_name);
}

static char *alias_text(const Case *c) {
    return g_strdup_printf("%s shares with %s because %s uses other requester IDs of its bus: %s",
                           c->member_name, c->self_name, c->at_name, c->join->why);
}

static char *dma_device_text(const Case *c) {
    return g_strdup_printf("%s shares with %s because DMA from its domain bears the requester ID "
                           "of %s",
                           c->member_name, c->self_name, c->at_name);
}

static char *sentence(const Case *c) {
    switch (c->join->kind) {
    case PCA_JOIN_UPSTREAM:
        return upstream_text(c);
    case PCA_JOIN_SLOT:
        return slot_text(c);
    case PCA_JOIN_BRIDGE:
        return bridge_text(c);
    case PCA_JOIN_ALIAS:
        return alias_text(c);
    case PCA_JOIN_DMA_DEVICE:
        return dma_device_text(c);
    case PCA_JOIN_NONE:
        break;
    }
    return g_strdup_printf("%s is the function itself", c->member_name);
}

/* ---- Causes ---- */

/* A slot has two sides, and both keep nothing apart: the member's side tells more, unless the other
 * is not known. */
static int place_in_slot(const PcaTopology *topology, int member, int child, const PcaJoin *join) {
    int other = member == child ? join->at : child;
    if (pca_node(topology, other)->acs.isolated == PCA_TRI_UNKNOWN)
        return other;
    return pca_node(topology, member)->acs.isolated == PCA_TRI_YES ? other : member;
}

static PcaCause cause_at(const PcaNode *at, PcaCause otherwise) {
    if (at->acs.isolated == PCA_TRI_UNKNOWN)
        return PCA_CAUSE_UNKNOWN;
    return at->acs.quirk ? PCA_CAUSE_QUIRK : otherwise;
}

static PcaCause cause_of(const Case *c) {
    const PcaNode *at = pca_node(c->topology, c->at);
    switch (c->join->kind) {
    case PCA_JOIN_UPSTREAM:
        return cause_at(at, PCA_CAUSE_UPSTREAM_NO_ACS);
    case PCA_JOIN_SLOT:
        return cause_at(at, PCA_CAUSE_MULTIFUNCTION_NO_ACS);
    case PCA_JOIN_BRIDGE:
        return PCA_CAUSE_BRIDGE_ALIAS;
    case PCA_JOIN_ALIAS:
    case PCA_JOIN_DMA_DEVICE:
        return PCA_CAUSE_DMA_ALIAS;
    case PCA_JOIN_NONE:
        break;
    }
    return PCA_CAUSE_SELF;
}

static void free_reason(gpointer data) {
    PcaReason *reason = data;
    g_free(reason->text);
    g_free(reason);
}

/* `child`: whose join it is; the member, or the one through which the member is reached. */
static PcaReason *make_reason(const PcaTopology *topology, int self, int member, int child) {
    static const PcaJoin none = {PCA_JOIN_NONE, PCA_NO_NODE, PCA_NO_NODE, NULL};
    const PcaJoin *join = member == self ? &none : &pca_node(topology, child)->join;
    Case c = {.topology = topology, .self = self, .member = member, .join = join};
    c.at = join->kind == PCA_JOIN_NONE   ? member
           : join->kind == PCA_JOIN_SLOT ? place_in_slot(topology, member, child, join)
                                         : join->at;
    c.cause = cause_of(&c);
    c.self_name = pca_address_format(&pca_node(topology, self)->address);
    c.member_name = pca_address_format(&pca_node(topology, member)->address);
    c.at_name = pca_address_format(&pca_node(topology, c.at)->address);
    PcaReason *reason = g_new0(PcaReason, 1);
    reason->member = pca_node(topology, member)->address;
    reason->at = pca_node(topology, c.at)->address;
    reason->cause = c.cause;
    if (c.cause == PCA_CAUSE_UPSTREAM_NO_ACS || c.cause == PCA_CAUSE_MULTIFUNCTION_NO_ACS ||
        c.cause == PCA_CAUSE_QUIRK)
        reason->missing = pca_node(topology, c.at)->acs.missing;
    reason->text = sentence(&c);
    clear_case(&c);
    return reason;
}

/* ---- The set ---- */

/* For each node above `self` in the tree of joins: the one through which self reaches it. */
static int *find_way(const PcaTopology *topology, int self) {
    int *through = g_new(int, topology->nodes->len);
    for (guint i = 0; i < topology->nodes->len; i++)
        through[i] = PCA_NO_NODE;
    for (int at = self; pca_node(topology, at)->join.kind != PCA_JOIN_NONE;
         at = pca_node(topology, at)->join.to)
        through[pca_node(topology, at)->join.to] = at;
    return through;
}

static void fill_set(PcaIsolation *isolation, const PcaTopology *topology, int self) {
    g_autofree int *through = find_way(topology, self);
    for (int i = 0; i < (int)topology->nodes->len; i++) {
        const PcaNode *node = pca_node(topology, i);
        if (node->set != pca_node(topology, self)->set || !node->function)
            continue;
        int child = through[i] != PCA_NO_NODE ? through[i] : i;
        g_array_append_val(isolation->set, node->address);
        g_ptr_array_add(isolation->reasons, make_reason(topology, self, i, child));
    }
}

static GArray *kernel_group(const PcaTopology *topology, int self) {
    int group = pca_node(topology, self)->function->iommu_group;
    if (group == PCA_NO_GROUP)
        return NULL;
    GArray *members = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    for (guint i = 0; i < topology->nodes->len; i++) {
        const PcaNode *node = pca_node(topology, i);
        if (node->function && node->function->iommu_group == group)
            g_array_append_val(members, node->address);
    }
    return members;
}

static gboolean same_addresses(const GArray *a, const GArray *b) {
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++)
        if (!pca_address_equal(&g_array_index(a, PcaAddress, i), &g_array_index(b, PcaAddress, i)))
            return FALSE;
    return TRUE;
}

/* Whether something that is not known made the set as large as it is. */
static gboolean is_uncertain(const PcaIsolation *isolation, const PcaTopology *topology, int self) {
    for (guint i = 0; i < topology->nodes->len; i++) {
        const PcaNode *node = pca_node(topology, i);
        if (!node->function && node->set == pca_node(topology, self)->set)
            return TRUE;
    }
    for (guint i = 0; i < isolation->reasons->len; i++) {
        const PcaReason *reason = g_ptr_array_index(isolation->reasons, i);
        if (reason->cause == PCA_CAUSE_UNKNOWN)
            return TRUE;
    }
    return FALSE;
}

static PcaTri compare(const PcaIsolation *isolation, const PcaTopology *topology, int self) {
    if (!isolation->kernel_group)
        return PCA_TRI_UNKNOWN;
    if (same_addresses(isolation->set, isolation->kernel_group))
        return PCA_TRI_YES;
    return is_uncertain(isolation, topology, self) ? PCA_TRI_UNKNOWN : PCA_TRI_NO;
}

PcaIsolation *pca_topology_explain(const PcaTopology *topology, const PcaAddress *address) {
    g_return_val_if_fail(topology->sealed, NULL);
    int self = pca_topology_find(topology, address);
    if (self == PCA_NO_NODE || !pca_node(topology, self)->function)
        return NULL;
    PcaIsolation *isolation = g_new0(PcaIsolation, 1);
    isolation->address = *address;
    isolation->set = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    isolation->reasons = g_ptr_array_new_with_free_func(free_reason);
    fill_set(isolation, topology, self);
    isolation->kernel_group = kernel_group(topology, self);
    isolation->agrees = compare(isolation, topology, self);
    return isolation;
}

void pca_isolation_free(PcaIsolation *isolation) {
    g_array_unref(isolation->set);
    g_clear_pointer(&isolation->kernel_group, g_array_unref);
    g_ptr_array_unref(isolation->reasons);
    g_free(isolation);
}
