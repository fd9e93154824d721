/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policy show: the sections of the policy that is in force, or of its files, with what
 * they mean now.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "policy.h"
#include "device-json.h"
#include "output.h"
#include "policy-view.h"
#include "base/error.h"
#include "pci/address.h"

#include <stdio.h>

/* What a section's dictionary has besides the keys of the file (policy/describe.h). */
static const struct {
    const char *name, *member; /* in the dictionary, in JSON */
} fixed[] = {{"Kind", "kind"}, {"Name", "name"},       {"File", "file"},
             {"Line", "line"}, {"Devices", "devices"}, {"Lines", "lines"}};

static gboolean is_key(const char *name) {
    for (guint i = 0; i < G_N_ELEMENTS(fixed); i++)
        if (g_str_equal(fixed[i].name, name))
            return FALSE;
    return TRUE;
}

/* The line on which the key stands. */
static guint32 line_of(GVariant *section, const char *key) {
    g_autoptr(GVariant) lines = g_variant_lookup_value(section, "Lines", G_VARIANT_TYPE("a{su}"));
    guint32 line = 0;
    if (lines)
        g_variant_lookup(lines, key, "u", &line);
    return line;
}

/* ---- Which sections ---- */

static gboolean means(GVariant *section, const char *word) {
    PcaAddress address;
    if (!pca_address_parse(word, &address))
        return g_strcmp0(pca_lookup_string(section, "Name"), word) == 0;
    g_autofree char *full = pca_address_format(&address);
    g_autofree const char **devices = NULL;
    g_variant_lookup(section, "Devices", "^a&s", &devices);
    return devices && g_strv_contains(devices, full);
}

/* Those that the words name, all without any; of a word that none means, *error is set. */
static GPtrArray *choose(GVariant *sections, const PcaOptions *options, GError **error) {
    guint n = pca_options_n_words(options);
    g_autofree gboolean *found = g_new0(gboolean, n + 1);
    g_autoptr(GPtrArray) chosen = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    for (gsize i = 0; i < g_variant_n_children(sections); i++) {
        g_autoptr(GVariant) section = g_variant_get_child_value(sections, i);
        gboolean wanted = n == 1;
        for (guint w = 1; w < n; w++)
            if (means(section, pca_options_word(options, w)))
                wanted = found[w] = TRUE;
        if (wanted)
            g_ptr_array_add(chosen, g_steal_pointer(&section));
    }
    for (guint w = 1; w < n; w++) {
        if (found[w])
            continue;
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "no section is called or means %s",
                    pca_options_word(options, w));
        return NULL;
    }
    return g_steal_pointer(&chosen);
}

/* ---- JSON ---- */

static void json_keys(JsonBuilder *builder, GVariant *section) {
    GVariantIter iter;
    const char *key;
    GVariant *value;
    json_builder_set_member_name(builder, "keys");
    json_builder_begin_object(builder);
    g_variant_iter_init(&iter, section);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value))
        if (is_key(key))
            pca_json_variant(builder, key, value);
    json_builder_end_object(builder);
}

static void json_lines(JsonBuilder *builder, GVariant *section) {
    g_autoptr(GVariant) lines = g_variant_lookup_value(section, "Lines", G_VARIANT_TYPE("a{su}"));
    GVariantIter iter;
    const char *key;
    guint32 line;
    json_builder_set_member_name(builder, "lines");
    json_builder_begin_object(builder);
    if (lines) {
        g_variant_iter_init(&iter, lines);
        while (g_variant_iter_next(&iter, "{&su}", &key, &line))
            pca_json_number(builder, key, line);
    }
    json_builder_end_object(builder);
}

static void json_section(JsonBuilder *builder, GVariant *section) {
    json_builder_begin_object(builder);
    for (guint i = 0; i + 1 < G_N_ELEMENTS(fixed); i++) {
        g_autoptr(GVariant) value = g_variant_lookup_value(section, fixed[i].name, NULL);
        pca_json_variant(builder, fixed[i].member, value);
    }
    json_keys(builder, section);
    json_lines(builder, section);
    json_builder_end_object(builder);
}

static void print_json(const PcaOptions *options, const PcaPolicyState *state,
                       GPtrArray *sections) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *generation =
        state->known ? g_strdup_printf("%" G_GUINT64_FORMAT, state->generation) : NULL;
    json_builder_begin_object(builder);
    pca_json_stale(builder, state);
    pca_json_string(builder, "generation", generation);
    json_builder_set_member_name(builder, "sections");
    json_builder_begin_array(builder);
    for (guint i = 0; i < sections->len; i++)
        json_section(builder, g_ptr_array_index(sections, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    pca_json_print(options, builder);
}

/* ---- Text ---- */

/* As it would stand in the file. Caller frees. */
static char *format_value(GVariant *value) {
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return g_variant_dup_string(value, NULL);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN))
        return g_strdup(g_variant_get_boolean(value) ? "yes" : "no");
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY))
        return g_variant_print(value, FALSE);
    g_autofree const char **items = g_variant_get_strv(value, NULL);
    return g_strjoinv(" ", (char **)items);
}

typedef struct {
    guint32 line;
    char *text;
} Line;

static void line_clear(gpointer line) {
    g_free(((Line *)line)->text);
}

static gint by_line(gconstpointer a, gconstpointer b) {
    guint32 x = ((const Line *)a)->line, y = ((const Line *)b)->line;
    return x < y ? -1 : x > y;
}

/* The keys in the order of the file. */
static GArray *format_keys(GVariant *section) {
    GArray *lines = g_array_new(FALSE, FALSE, sizeof(Line));
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_array_set_clear_func(lines, line_clear);
    g_variant_iter_init(&iter, section);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        if (!is_key(key))
            continue;
        g_autofree char *formatted = format_value(value);
        g_autofree char *text = g_strdup_printf("%s=%s", key, formatted);
        Line line = {line_of(section, key), pca_printable(text)};
        g_array_append_val(lines, line);
    }
    g_array_sort(lines, by_line);
    return lines;
}

static void print_section(GVariant *section) {
    g_autofree char *title = pca_section_title(section, "Kind", "Name", "File", "Line");
    g_autoptr(GArray) lines = format_keys(section);
    g_autofree const char **devices = NULL;
    g_variant_lookup(section, "Devices", "^a&s", &devices);
    g_autofree char *list = devices ? g_strjoinv(" ", (char **)devices) : NULL;
    printf("%s\n", title);
    for (guint i = 0; i < lines->len; i++)
        printf("  %s\n", g_array_index(lines, Line, i).text);
    printf("  now: %s\n", list && *list ? list : "nothing is there");
}

static void print_text(const PcaOptions *options, GPtrArray *sections) {
    for (guint i = 0; i < sections->len; i++) {
        if (i > 0)
            putchar('\n');
        print_section(g_ptr_array_index(sections, i));
    }
    if (sections->len == 0 && !options->no_legend)
        puts("No sections: nobody gets a device.");
}

int pca_verb_policy_show(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    int status = 0;
    g_autoptr(PcaAsked) asked = pca_asked_new(options, &status);
    if (!asked)
        return status;
    g_autoptr(GVariant) all = pca_asked_sections(asked, &error);
    if (!all)
        return pca_fail(NULL, error);
    pca_policy_complain_state(pca_asked_state(asked));
    g_autoptr(GPtrArray) sections = choose(all, options, &error);
    if (!sections)
        return pca_fail(NULL, error);
    if (options->json != PCA_JSON_OFF)
        print_json(options, pca_asked_state(asked), sections);
    else
        print_text(options, sections);
    return 0;
}
