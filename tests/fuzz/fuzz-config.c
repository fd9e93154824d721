/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: fuzz target for config spaces, the resource table and isolation sets, for libFuzzer and
 * for replay.c.
 *
 * An input is a head of 8 bytes and a config space. Head: choices; a spare byte; the length of a
 * shorter part, little-endian, taken modulo the length of the space; vendor and device.
 * Thread: one. Ownership: the input belongs to the caller.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "pci/facts.h"
#include "pci/isolation.h"

#define HEAD 8
#define CHOICE_SPACE_256 0x01
#define CHOICE_SPACE_4096 0x02
#define CHOICE_TEXT 0x04 /* the space is the text of a resource table as well */
#define CHOICE_TABLE 0x08
#define CHOICE_TEXT_PAGES 0x10

typedef struct {
    const guint8 *head, *bytes;
    gsize length, part;
} Input;

static GArray *make_table(const Input *input) {
    static const char table[] = "0x100000 0x1fffff 0x200\n0x0 0x0 0x0\n0x0 0xfff 0x20142208\n"
                                "0x0 0x0 0x0\n0xe000 0xe01f 0x101\n0x0 0x0 0x0\n"
                                "0x200000 0x20ffff 0x2200\n";
    if (input->head[0] & CHOICE_TEXT) {
        g_autofree char *text = g_strndup((const char *)input->bytes, input->length);
        GArray *parsed = pca_resources_parse(text, NULL);
        if (parsed)
            return parsed;
    }
    return input->head[0] & CHOICE_TABLE ? pca_resources_parse(table, NULL) : NULL;
}

/* From a copy without a byte to spare. */
static PcaConfig *make_config(const Input *input, gsize length, const GArray *resources) {
    g_autofree guint8 *copy = g_memdup2(input->bytes, length);
    gsize space = input->head[0] & CHOICE_SPACE_256    ? 256
                  : input->head[0] & CHOICE_SPACE_4096 ? 4096
                                                       : 0;
    PcaConfig *config = pca_config_new(copy, length, space, resources,
                                       input->head[0] & CHOICE_TEXT_PAGES ? 65536 : 4096);
    require(pca_facts_broken(config) == NULL);
    return config;
}

static void add(PcaTopology *topology, const Input *input, const char *address,
                const char *upstream, PcaConfig *config) {
    PcaAddress parsed;
    require(pca_address_parse(address, &parsed));
    g_autoptr(PcaFunction) function = pca_function_new(&parsed);
    function->vendor = input->head[4] | input->head[5] << 8;
    function->device = input->head[6] | input->head[7] << 8;
    function->has_upstream = upstream && pca_address_parse(upstream, &function->upstream);
    pca_topology_add(topology, function, config);
}

static const char *const functions[][2] = {
    {"00:01.0", NULL},      {"00:01.1", NULL},      {"01:00.0", "00:01.0"}, {"02:00.0", "01:00.0"},
    {"02:00.1", "01:00.0"}, {"02:10.0", "01:00.0"}, {"03:00.0", "02:00.0"}, {"04:00.0", "05:00.0"},
};

#define N_FUNCTIONS G_N_ELEMENTS(functions)

/* Each set holds its function, and is the set of each of its members. */
static void check_set(PcaIsolation *const *all, guint own) {
    const PcaIsolation *mine = all[own];
    gsize bytes = mine->set->len * sizeof(PcaAddress);
    gboolean found = FALSE;
    require(mine->set->len == mine->reasons->len);
    for (guint i = 0; i < mine->set->len; i++) {
        const PcaAddress *member = &g_array_index(mine->set, PcaAddress, i);
        const PcaReason *reason = g_ptr_array_index(mine->reasons, i);
        gboolean self = pca_address_equal(member, &mine->address);
        require((reason->cause == PCA_CAUSE_SELF) == self && *reason->text != '\0');
        found = found || self;
        for (guint j = 0; j < N_FUNCTIONS; j++)
            if (pca_address_equal(member, &all[j]->address))
                require(all[j]->set->len == mine->set->len &&
                        memcmp(all[j]->set->data, mine->set->data, bytes) == 0);
    }
    require(found);
}

static void check_sets(const PcaTopology *topology) {
    PcaIsolation *all[N_FUNCTIONS];
    for (guint i = 0; i < N_FUNCTIONS; i++) {
        PcaAddress address;
        require(pca_address_parse(functions[i][0], &address));
        all[i] = pca_topology_explain(topology, &address);
        require(all[i] != NULL);
    }
    for (guint i = 0; i < N_FUNCTIONS; i++)
        check_set(all, i);
    for (guint i = 0; i < N_FUNCTIONS; i++)
        pca_isolation_free(all[i]);
}

static void check_topology(const Input *input, PcaConfig *part, PcaConfig *full) {
    g_autoptr(PcaTopology) topology = pca_topology_new();
    for (guint i = 0; i < N_FUNCTIONS; i++)
        add(topology, input, functions[i][0], functions[i][1], i % 3 == 2 ? part : full);
    pca_topology_seal(topology);
    check_sets(topology);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
    if (size < HEAD)
        return 0;
    Input input = {data, data + HEAD, MIN(size - HEAD, PCA_CONFIG_EXTENDED_SIZE), 0};
    input.part = (data[2] | data[3] << 8) % (input.length + 1);
    g_autoptr(GArray) resources = make_table(&input);
    g_autoptr(PcaConfig) full = make_config(&input, input.length, resources);
    g_autoptr(PcaConfig) part = make_config(&input, input.part, resources);
    require(pca_facts_contradiction(part, full) == NULL);
    check_topology(&input, part, full);
    return 0;
}
