/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policy explain: who may have a device, section by section and key by key, with the
 * verdict.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "policy.h"
#include "device-json.h"
#include "output.h"
#include "policy-view.h"
#include "base/error.h"

#include <stdio.h>

/* ---- JSON ---- */

static void json_condition(JsonBuilder *builder, GVariant *condition) {
    guint32 line = 0;
    gboolean ok = FALSE;
    g_variant_lookup(condition, "line", "u", &line);
    g_variant_lookup(condition, "ok", "b", &ok);
    json_builder_begin_object(builder);
    pca_json_string(builder, "key", pca_lookup_string(condition, "key"));
    pca_json_number(builder, "line", line ? (gint64)line : -1);
    json_builder_set_member_name(builder, "ok");
    json_builder_add_boolean_value(builder, ok);
    pca_json_string(builder, "text", pca_lookup_string(condition, "text"));
    json_builder_end_object(builder);
}

static void json_members(JsonBuilder *builder, GVariant *dictionary, const char *const *members) {
    for (; *members; members++) {
        g_autoptr(GVariant) value = g_variant_lookup_value(dictionary, *members, NULL);
        pca_json_variant(builder, *members, value);
    }
}

static void json_list(JsonBuilder *builder, GVariant *dictionary, const char *name,
                      void (*add)(JsonBuilder *builder, GVariant *item)) {
    g_autoptr(GVariant) list = g_variant_lookup_value(dictionary, name, G_VARIANT_TYPE("aa{sv}"));
    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(list, i);
        add(builder, item);
    }
    json_builder_end_array(builder);
}

static void json_section(JsonBuilder *builder, GVariant *section) {
    static const char *const members[] = {"kind", "name", "file", "line", "applies", NULL};
    json_builder_begin_object(builder);
    json_members(builder, section, members);
    json_list(builder, section, "conditions", json_condition);
    json_builder_end_object(builder);
}

static void print_json(const PcaOptions *options, const PcaAsked *asked, GVariant *explanation) {
    static const char *const members[] = {"address", "uid", "user", "allowed",
                                          "verdict", "fix", NULL};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_members(builder, explanation, members);
    pca_json_stale(builder, pca_asked_state(asked));
    json_list(builder, explanation, "sections", json_section);
    json_builder_end_object(builder);
    pca_json_print(options, builder);
}

/* ---- Text ---- */

static void print_condition(GVariant *condition, gboolean coloured) {
    const char *key = pca_lookup_string(condition, "key");
    const char *said = pca_lookup_string(condition, "text");
    guint32 line = 0;
    gboolean ok = FALSE;
    g_variant_lookup(condition, "ok", "b", &ok);
    g_variant_lookup(condition, "line", "u", &line);
    g_autofree char *text = pca_printable(said ? said : "");
    g_autofree char *place = line ? g_strdup_printf("line %u", line) : g_strdup("-");
    const char *colour = ok ? PCA_COLOUR_GOOD : PCA_COLOUR_BAD;
    printf("  %s%-2s%s  %-12s %-9s %s\n", coloured ? colour : "", ok ? "ok" : "no",
           coloured ? PCA_COLOUR_NONE : "", key ? key : "-", place, text);
}

static void print_section(GVariant *section, gboolean coloured) {
    g_autoptr(GVariant) conditions =
        g_variant_lookup_value(section, "conditions", G_VARIANT_TYPE("aa{sv}"));
    g_autofree char *title = pca_section_title(section, "kind", "name", "file", "line");
    gboolean applies = FALSE;
    g_variant_lookup(section, "applies", "b", &applies);
    printf("%s: %s\n", title, applies ? "applies" : "does not apply");
    for (gsize i = 0; conditions && i < g_variant_n_children(conditions); i++) {
        g_autoptr(GVariant) condition = g_variant_get_child_value(conditions, i);
        print_condition(condition, coloured);
    }
    putchar('\n');
}

static void print_text(const PcaOptions *options, GVariant *explanation, gboolean allowed) {
    gboolean coloured = pca_output_coloured();
    g_autoptr(GVariant) sections =
        g_variant_lookup_value(explanation, "sections", G_VARIANT_TYPE("aa{sv}"));
    const char *verdict = pca_lookup_string(explanation, "verdict");
    const char *fix = pca_lookup_string(explanation, "fix");
    g_autofree char *text = pca_printable(verdict ? verdict : "");
    for (gsize i = 0; !options->no_legend && sections && i < g_variant_n_children(sections); i++) {
        g_autoptr(GVariant) section = g_variant_get_child_value(sections, i);
        print_section(section, coloured);
    }
    printf("%s%s%s\n", coloured ? (allowed ? PCA_COLOUR_GOOD : PCA_COLOUR_BAD) : "", text,
           coloured ? PCA_COLOUR_NONE : "");
    g_autofree char *mend = fix ? pca_printable(fix) : NULL;
    if (mend)
        printf("  fix: %s\n", mend);
}

int pca_verb_policy_explain(const PcaOptions *options) {
    const char *device = pca_options_word(options, 1);
    g_autoptr(GError) error = NULL;
    gboolean allowed = FALSE;
    int status = 0;
    if (!device) {
        pca_complain("policy explain needs a device: an address or a name of the policy");
        return PCA_EXIT_USAGE;
    }
    g_autoptr(PcaAsked) asked = pca_asked_new(options, &status);
    if (!asked)
        return status;
    g_autoptr(GVariant) explanation = pca_asked_explain(asked, device, options->as, &error);
    if (!explanation)
        return pca_fail(device, error);
    pca_policy_complain_state(pca_asked_state(asked));
    g_variant_lookup(explanation, "allowed", "b", &allowed);
    if (options->json != PCA_JSON_OFF)
        print_json(options, asked, explanation);
    else
        print_text(options, explanation, allowed);
    return allowed ? 0 : pca_error_exit_status(PCA_ERROR_NOT_PERMITTED);
}
