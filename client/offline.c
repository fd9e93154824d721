/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the answers to what the checks ask, without the daemon.
 * Thread: main. Ownership: see the header.
 */
#include "offline.h"
#include "base/error.h"

#include <string.h>

struct PcaOffline {
    PcaSource *source;
    PcaRecords *records; /* NULL with... */
    GError *problem;     /* ... why */
    GHashTable *sets;    /* address → PcaIsolation, those that were asked for */
    PcaVariants *variants;
    gboolean has_variants; /* the index was looked for */
    PcaSources sources;
};

void pca_offline_free(PcaOffline *offline) {
    g_clear_pointer(&offline->records, pca_records_free);
    g_clear_error(&offline->problem);
    g_clear_pointer(&offline->variants, pca_variants_free);
    g_hash_table_unref(offline->sets);
    g_clear_pointer(&offline->source, pca_source_free);
    g_free(offline);
}

const PcaSource *pca_offline_source(const PcaOffline *offline) {
    return offline->source;
}

const PcaSources *pca_offline_sources(const PcaOffline *offline) {
    return &offline->sources;
}

gboolean pca_offline_is_here(const PcaOffline *offline) {
    g_autoptr(PcaRoot) here = pca_root_new_host();
    const PcaRoot *root = pca_source_root(offline->source);
    return g_str_equal(root->sysfs, here->sysfs) && g_str_equal(root->proc, here->proc);
}

const PcaRecords *pca_offline_records(const PcaOffline *offline, GError **error) {
    if (!offline->records && error)
        *error = g_error_copy(offline->problem);
    return offline->records;
}

gboolean pca_offline_serial(const PcaFunction *function, guint64 *serial, gpointer data) {
    const PcaConfig *config = pca_sources_config(pca_offline_sources(data), &function->address);
    return config && pca_config_serial(config, serial);
}

/* ---- What the checks ask ---- */

static const PcaClaim *find_device(gpointer data, const PcaAddress *address) {
    const PcaRecords *records = ((PcaOffline *)data)->records;
    return records ? pca_records_device(records, address) : NULL;
}

static const PcaClaim *find_group(gpointer data, int group) {
    const PcaRecords *records = ((PcaOffline *)data)->records;
    return records ? pca_records_group(records, group) : NULL;
}

static const PcaClaim *find_reservation(gpointer data, const PcaAddress *address) {
    const PcaRecords *records = ((PcaOffline *)data)->records;
    return records ? pca_records_reservation(records, address) : NULL;
}

static const PcaClaimResidue *find_residue(gpointer data, const PcaAddress *address) {
    const PcaRecords *records = ((PcaOffline *)data)->records;
    return records ? pca_records_residue(records, address) : NULL;
}

static const PcaTaint *find_taint(gpointer data, const PcaFunction *function) {
    const PcaRecords *records = ((PcaOffline *)data)->records;
    return records ? pca_records_taint(records, function) : NULL;
}

static GPtrArray *list_claims(gpointer data) {
    const PcaRecords *records = ((PcaOffline *)data)->records;
    return records ? pca_records_list(records) : g_ptr_array_new();
}

static const PcaIsolation *find_isolation(gpointer data, const PcaAddress *address) {
    PcaOffline *offline = data;
    const PcaHardware *hardware = pca_source_hardware(offline->source);
    g_autofree char *text = pca_address_format(address);
    PcaIsolation *isolation = g_hash_table_lookup(offline->sets, text);
    if (isolation || !hardware)
        return isolation;
    isolation = pca_topology_explain(hardware->topology, address);
    if (isolation)
        g_hash_table_insert(offline->sets, g_steal_pointer(&text), isolation);
    return isolation;
}

static const PcaConfig *find_config(gpointer data, const PcaAddress *address) {
    const PcaHardware *hardware = pca_source_hardware(((PcaOffline *)data)->source);
    return hardware ? pca_hardware_config(hardware, address) : NULL;
}

static PcaVariants *find_variants(gpointer data) {
    PcaOffline *offline = data;
    if (!offline->has_variants)
        offline->variants = pca_variants_new(pca_source_root(offline->source));
    offline->has_variants = TRUE;
    return offline->variants;
}

static const PcaSourcesOps ops = {
    .device = find_device,
    .group = find_group,
    .reservation = find_reservation,
    .residue = find_residue,
    .taint = find_taint,
    .list = list_claims,
    .isolation = find_isolation,
    .config = find_config,
    .variants = find_variants,
};

/* ---- The whole ---- */

/* A machine whose daemon never ran has no state directory; of a copied tree, nobody knows. */
static void read_records(PcaOffline *offline) {
    const PcaRoot *root = pca_source_root(offline->source);
    g_autofree char *state = pca_root_state_directory(root);
    g_autofree char *directory = g_build_filename(state, "claims", NULL);
    g_autofree char *boot_id = pca_root_boot_id(root);
    gboolean here = pca_offline_is_here(offline);
    if (here || g_file_test(state, G_FILE_TEST_EXISTS))
        offline->records = pca_records_read(directory, boot_id, here, &offline->problem);
    else
        g_set_error(&offline->problem, PCA_ERROR, PCA_ERROR_NOT_FOUND,
                    "the state of that machine's pcassignd is not beside the tree, in %s", state);
}

PcaOffline *pca_offline_open(const PcaOptions *options, PcaSourceDepth depth, GError **error) {
    PcaOptions offline_options = *options;
    offline_options.offline = TRUE;
    PcaSource *source = pca_source_open(&offline_options, depth, error);
    if (!source)
        return NULL;
    PcaOffline *offline = g_new0(PcaOffline, 1);
    offline->source = source;
    offline->sets =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)pca_isolation_free);
    offline->sources = (PcaSources){&ops, offline};
    read_records(offline);
    return offline;
}
