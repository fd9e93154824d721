/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the sections of a policy say of functions.
 * Thread: any. Ownership: see the header.
 */
#include "policy/attribute.h"
#include "policy/private.h"

#include <string.h>

gboolean pca_section_denies(const PcaSection *section, const PcaView *view) {
    for (PcaKey key = PCA_KEY_PATH; key <= PCA_KEY_ADDRESS; key++)
        if (section->lines[key] && !pca_attribute_holds(section, key, view))
            return FALSE;
    return TRUE;
}

GPtrArray *pca_section_functions(const PcaSection *section, const PcaSnapshot *snapshot) {
    GPtrArray *functions = g_ptr_array_new_with_free_func((GDestroyNotify)pca_function_unref);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        if (pca_section_means(section, function))
            g_ptr_array_add(functions, pca_function_ref(function));
    }
    return functions;
}

static void append_mismatch(GString *text, const PcaSection *section, PcaKey key,
                            const PcaView *view) {
    g_autofree char *expected = pca_attribute_expected(section, key, view);
    g_autofree char *found = pca_attribute_found(section, key, view);
    g_string_append_printf(text, "%s %s %s (%s:%u), found %s",
                           text->len ? "; expects" : "policy expects", pca_key_name(key), expected,
                           section->file, section->lines[key], found);
}

/* A wrong address is told where something else is wrong as well. */
static char *find_mismatch(const PcaSection *section, const PcaView *view) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (PcaKey key = PCA_KEY_ID; key < PCA_KEY_ADDRESS; key++)
        if (section->lines[key] && !pca_attribute_holds(section, key, view))
            append_mismatch(text, section, key, view);
    if (text->len > 0 && section->address &&
        pca_attribute_agrees(section, PCA_KEY_ADDRESS, view) == PCA_TRI_NO)
        append_mismatch(text, section, PCA_KEY_ADDRESS, view);
    return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static char *describe_ambiguity(const PcaSection *a, const PcaSection *b) {
    return g_strdup_printf("[Device %s] at %s:%u and [Device %s] at %s:%u both mean it", a->name,
                           a->file, a->line, b->name, b->file, b->line);
}

static void match_section(const PcaSection *section, const PcaView *view, PcaMatch *match) {
    if (section->kind == PCA_SECTION_DENY) {
        if (!match->deny && pca_section_denies(section, view))
            match->deny = section;
        return;
    }
    if (!pca_section_means(section, view->function))
        return;
    if (match->device && !match->ambiguous) {
        match->ambiguous = TRUE;
        match->mismatch = describe_ambiguity(match->device, section);
    }
    match->device = match->device ? match->device : section;
}

void pca_policy_match(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                      const PcaFunction *function, PcaSerialFunc serial, gpointer data,
                      PcaMatch *match) {
    PcaView view = {snapshot, function, serial, data};
    g_autoptr(GPtrArray) sections = pca_index_find(policy->places, function);
    *match = (PcaMatch){NULL};
    for (guint i = 0; i < sections->len; i++)
        match_section(g_ptr_array_index(sections, i), &view, match);
    if (match->device && !match->ambiguous)
        match->mismatch = find_mismatch(match->device, &view);
}

void pca_match_clear(PcaMatch *match) {
    g_free(match->mismatch);
    *match = (PcaMatch){NULL};
}

/* The paths of all functions, and their slots: paths without the last digit. */
static GHashTable *list_places(const PcaSnapshot *snapshot) {
    GHashTable *places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        if (!function->slot_path || !*function->slot_path)
            continue;
        g_hash_table_add(places, g_strdup(function->slot_path));
        g_hash_table_add(places, g_strndup(function->slot_path, strlen(function->slot_path) - 1));
    }
    return places;
}

void pca_policy_note_absent(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                            PcaDiagnostics *diagnostics) {
    g_autoptr(GHashTable) places = list_places(snapshot);
    for (guint i = 0; i < policy->sections->len; i++) {
        const PcaSection *section = g_ptr_array_index(policy->sections, i);
        if (section->kind != PCA_SECTION_DEVICE)
            continue;
        g_autofree char *place =
            g_strndup(section->path, strlen(section->path) - (section->all_functions ? 1 : 0));
        if (!g_hash_table_contains(places, place))
            pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_NOTE,
                                "[Device %s]: nothing is at %s now", section->name, section->path);
    }
}
