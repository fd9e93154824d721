/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reads the lines that describe topologies, and writes sets as text.
 * Thread: main. Ownership: see the header.
 */
#include "pci/board.h"
#include "pci/space.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    PcaFunction *function;
    Space space;
    gsize length;
    gboolean multifunction;
    int type; /* -1: conventional */
    gboolean bridge, has_acs;
    guint capabilities, control;
} Line;

static const struct {
    const char *word;
    int type;
    gboolean bridge;
} kinds[] = {
    {"root", PCA_PCIE_ROOT_PORT, TRUE},
    {"up", PCA_PCIE_UPSTREAM, TRUE},
    {"down", PCA_PCIE_DOWNSTREAM, TRUE},
    {"ep", PCA_PCIE_ENDPOINT, FALSE},
    {"legacy", PCA_PCIE_LEGACY_ENDPOINT, FALSE},
    {"rciep", PCA_PCIE_RC_ENDPOINT, FALSE},
    {"rcec", PCA_PCIE_RC_EVENT_COLLECTOR, FALSE},
    {"topci", PCA_PCIE_TO_PCI, TRUE},
    {"topcie", PCA_PCI_TO_PCIE, TRUE},
    {"odd", 0xf, FALSE},
    {"pci", -1, FALSE},
    {"pcibridge", -1, TRUE},
};

static PcaAddress address_of(const char *text) {
    PcaAddress address = {0};
    ck_assert_msg(pca_address_parse(text, &address), "not an address: '%s'", text);
    return address;
}

static gboolean kind_word(Line *line, const char *word) {
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(word, kinds[i].word)) {
            line->type = kinds[i].type;
            line->bridge = kinds[i].bridge;
            return TRUE;
        }
    return FALSE;
}

static void read_word(Line *line, const char *word) {
    PcaFunction *f = line->function;
    unsigned a, b;
    if (kind_word(line, word))
        return;
    if (g_str_equal(word, "mf"))
        line->multifunction = TRUE;
    else if (g_str_equal(word, "silent"))
        memset(line->space.bytes, 0xff, sizeof line->space.bytes), line->space.extended_last = 1;
    else if (g_str_equal(word, "acs"))
        line->has_acs = TRUE, line->capabilities = 0x1f, line->control = 0x1d;
    else if (sscanf(word, "acs=%x/%x", &a, &b) == 2)
        line->has_acs = TRUE, line->capabilities = a, line->control = b;
    else if (sscanf(word, "id=%x:%x", &a, &b) == 2)
        f->vendor = a, f->device = b;
    else if (sscanf(word, "sub=%x:%x", &a, &b) == 2)
        f->subsystem_vendor = a, f->subsystem_device = b;
    else if (g_str_has_prefix(word, "vf="))
        f->is_vf = TRUE, f->pf = address_of(word + 3);
    else if (sscanf(word, "group=%u", &a) == 1)
        f->iommu_group = a;
    else if (sscanf(word, "read=%u", &a) == 1)
        line->length = a;
    else
        ck_abort_msg("word '%s'", word);
}

static PcaConfig *make_config(Line *line) {
    Space *space = &line->space;
    if (line->length == 0)
        return NULL;
    if (space->extended_last == 1)
        return space_config(space, line->length);
    space_init(space, (line->bridge ? 1 : 0) | (line->multifunction ? 0x80 : 0));
    if (line->type >= 0)
        space_add_pcie(space, line->type);
    if (line->has_acs)
        space_add_acs(space, 0x100, line->capabilities, line->control);
    return space_config(space, line->length);
}

static void add_line(PcaTopology *topology, const char *text) {
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    g_autofree Line *line = g_new0(Line, 1);
    PcaAddress address;
    if (g_str_has_prefix(text, "dma=")) {
        address = address_of(words[1]);
        pca_topology_set_dma_device(topology, strtoul(words[0] + 4, NULL, 16), &address);
        return;
    }
    address = address_of(words[0]);
    g_autoptr(PcaFunction) function = pca_function_new(&address);
    line->function = function;
    line->length = 4096;
    line->type = -1;
    function->has_upstream = !g_str_equal(words[1], "-");
    if (function->has_upstream)
        function->upstream = address_of(words[1]);
    for (char **word = words + 2; *word; word++)
        read_word(line, *word);
    g_autoptr(PcaConfig) config = make_config(line);
    pca_topology_add(topology, function, config);
}

/* NULL-terminated, without empty ones. */
static char **lines_of(const char *text) {
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (char **line = lines; *line; line++)
        if (**line != '\0')
            g_strv_builder_add(builder, *line);
    return g_strv_builder_end(builder);
}

static void shuffle(char **lines, GRand *random) {
    for (guint i = g_strv_length(lines); i > 1; i--) {
        guint other = g_rand_int_range(random, 0, i);
        char *line = lines[i - 1];
        lines[i - 1] = lines[other];
        lines[other] = line;
    }
}

PcaTopology *board_new(const char *text, GRand *random) {
    PcaTopology *topology = pca_topology_new();
    g_auto(GStrv) lines = lines_of(text);
    if (random)
        shuffle(lines, random);
    for (char **line = lines; *line; line++)
        add_line(topology, *line);
    pca_topology_seal(topology);
    return topology;
}

char **board_addresses(const char *text) {
    g_auto(GStrv) lines = lines_of(text);
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, "dma="))
            continue;
        g_auto(GStrv) words = g_strsplit(*line, " ", 2);
        PcaAddress address = address_of(words[0]);
        g_autofree char *full = pca_address_format(&address);
        g_strv_builder_add(builder, full);
    }
    return g_strv_builder_end(builder);
}

static char *format_set(const PcaIsolation *isolation) {
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < isolation->set->len; i++) {
        g_autofree char *address =
            pca_address_format(&g_array_index(isolation->set, PcaAddress, i));
        g_string_append_printf(text, "%s%s", i ? " " : "", address);
    }
    return g_string_free(text, FALSE);
}

static gint by_text(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *board_sets(const PcaTopology *topology, const char *text) {
    g_auto(GStrv) addresses = board_addresses(text);
    g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func(g_free);
    GString *all = g_string_new(NULL);
    for (char **address = addresses; *address; address++) {
        PcaAddress parsed = address_of(*address);
        g_autoptr(PcaIsolation) isolation = pca_topology_explain(topology, &parsed);
        ck_assert_ptr_nonnull(isolation);
        ck_assert_uint_eq(isolation->set->len, isolation->reasons->len);
        g_autofree char *set = format_set(isolation);
        ck_assert_msg(strstr(set, *address) != NULL, "%s is not in its set %s", *address, set);
        g_ptr_array_add(sets, g_steal_pointer(&set));
    }
    g_ptr_array_sort(sets, by_text);
    for (guint i = 0; i < sets->len; i++) {
        const char *set = g_ptr_array_index(sets, i);
        if (i == 0 || !g_str_equal(set, g_ptr_array_index(sets, i - 1)))
            g_string_append_printf(all, "%s%s", i ? " | " : "", set);
    }
    return g_string_free(all, FALSE);
}

char *board_reasons(const PcaTopology *topology, const char *address) {
    PcaAddress parsed = address_of(address);
    g_autoptr(PcaIsolation) isolation = pca_topology_explain(topology, &parsed);
    GString *text = g_string_new(NULL);
    ck_assert_ptr_nonnull(isolation);
    for (guint i = 0; i < isolation->reasons->len; i++) {
        const PcaReason *reason = g_ptr_array_index(isolation->reasons, i);
        g_autofree char *member = pca_address_format(&reason->member);
        g_autofree char *at = pca_address_format(&reason->at);
        g_autofree char *missing = pca_acs_format(reason->missing);
        g_string_append_printf(text, "%s %s %s [%s] %s\n", member, pca_cause_name(reason->cause),
                               at, missing, reason->text);
    }
    return g_string_free(text, FALSE);
}
