/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: policies and sections: life cycle and look-up.
 * Thread: any. Ownership: see the headers.
 */
#include "policy/private.h"

static void section_free(gpointer data) {
    PcaSection *section = data;
    g_free(section->name);
    g_free(section->file);
    g_free(section->description);
    g_free(section->path);
    g_free(section->address);
    g_array_unref(section->ids);
    g_array_unref(section->subsystems);
    g_array_unref(section->classes);
    g_strfreev(section->allow_users);
    g_strfreev(section->allow_groups);
    g_strfreev(section->allow_units);
    g_strfreev(section->require_units);
    g_strfreev(section->require_labels);
    g_strfreev(section->reset);
    g_free(section->driver);
    g_free(section);
}

PcaPolicy *pca_policy_new(void) {
    PcaPolicy *policy = g_new0(PcaPolicy, 1);
    policy->sections = g_ptr_array_new_with_free_func(section_free);
    policy->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    g_atomic_ref_count_init(&policy->refs);
    return policy;
}

PcaPolicy *pca_policy_ref(PcaPolicy *policy) {
    g_atomic_ref_count_inc(&policy->refs);
    return policy;
}

void pca_policy_unref(PcaPolicy *policy) {
    if (!g_atomic_ref_count_dec(&policy->refs))
        return;
    g_hash_table_unref(policy->by_name);
    g_clear_pointer(&policy->places, pca_index_free);
    g_ptr_array_unref(policy->sections);
    g_free(policy);
}

PcaSection *pca_policy_add(PcaPolicy *policy, const char *file, guint line) {
    PcaSection *section = g_new0(PcaSection, 1);
    section->name = g_strdup("");
    section->file = g_strdup(file);
    section->line = line;
    section->index = policy->sections->len;
    section->ids = g_array_new(FALSE, FALSE, sizeof(guint32));
    section->subsystems = g_array_new(FALSE, FALSE, sizeof(guint32));
    section->classes = g_array_new(FALSE, FALSE, sizeof(PcaClassMatch));
    section->allow_users = g_new0(char *, 1);
    section->allow_groups = g_new0(char *, 1);
    section->allow_units = g_new0(char *, 1);
    section->require_units = g_new0(char *, 1);
    section->require_labels = g_new0(char *, 1);
    g_ptr_array_add(policy->sections, section);
    return section;
}

const PcaSection *pca_policy_find(const PcaPolicy *policy, const char *name) {
    return g_hash_table_lookup(policy->by_name, name);
}

const GPtrArray *pca_policy_sections(const PcaPolicy *policy) {
    return policy->sections;
}

guint pca_section_line(const PcaSection *section, PcaKey key) {
    return section->lines[key];
}
