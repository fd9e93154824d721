/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the sections of a policy say of functions and of callers.
 * Thread: any. Ownership: see the header.
 */
#include "policy/private.h"
#include "policy/values.h"

#include <string.h>

/* With Functions=all the last digit of the path does not count. */
static gboolean means(const PcaSection *section, const PcaFunction *function) {
    if (!section->path || !function->slot_path)
        return FALSE;
    if (!section->all_functions)
        return g_str_equal(section->path, function->slot_path);
    gsize length = strlen(section->path);
    return strlen(function->slot_path) == length &&
           strncmp(section->path, function->slot_path, length - 1) == 0;
}

static guint32 id_of(const PcaFunction *function) {
    return (guint32)function->vendor << 16 | function->device;
}

static gboolean has_id(const PcaSection *section, guint32 id) {
    for (guint i = 0; i < section->ids->len; i++)
        if (g_array_index(section->ids, guint32, i) == id)
            return TRUE;
    return FALSE;
}

static gboolean denies(const PcaSection *section, const PcaFunction *function) {
    if (section->path && !means(section, function))
        return FALSE;
    if (section->ids->len > 0 && !has_id(section, id_of(function)))
        return FALSE;
    return section->path || section->ids->len > 0;
}

GPtrArray *pca_section_functions(const PcaSection *section, const PcaSnapshot *snapshot) {
    GPtrArray *functions = g_ptr_array_new_with_free_func((GDestroyNotify)pca_function_unref);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        if (means(section, function))
            g_ptr_array_add(functions, pca_function_ref(function));
    }
    return functions;
}

static void append_id(GString *text, guint32 id) {
    g_string_append_printf(text, "%04x:%04x", id >> 16, id & 0xffff);
}

/* "policy expects A or B, found C"; `expected` has at least one id. */
static char *describe_mismatch(const guint32 *expected, guint n_expected, guint32 found) {
    g_autoptr(GString) text = g_string_new("policy expects ");
    for (guint i = 0; i < n_expected; i++) {
        if (i > 0)
            g_string_append(text, i + 1 < n_expected ? ", " : " or ");
        append_id(text, expected[i]);
    }
    g_string_append(text, ", found ");
    append_id(text, found);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The function's place among those of its section. */
static guint position(const GPtrArray *functions, const PcaFunction *function) {
    guint i = 0;
    while (i < functions->len) {
        const PcaFunction *other = g_ptr_array_index(functions, i);
        if (pca_address_equal(&other->address, &function->address))
            break;
        i++;
    }
    return i;
}

/* As many ids as functions are one for each in order; otherwise each id does for every function. */
static char *find_mismatch(const PcaSection *section, const PcaSnapshot *snapshot,
                           const PcaFunction *function) {
    if (section->ids->len == 0)
        return NULL;
    g_autoptr(GPtrArray) functions = pca_section_functions(section, snapshot);
    const guint32 *ids = &g_array_index(section->ids, guint32, 0);
    guint n = section->ids->len, i = position(functions, function);
    guint32 found = id_of(function);
    if (n == functions->len && i < n)
        return ids[i] == found ? NULL : describe_mismatch(&ids[i], 1, found);
    return has_id(section, found) ? NULL : describe_mismatch(ids, n, found);
}

static char *describe_ambiguity(const PcaSection *a, const PcaSection *b) {
    return g_strdup_printf("[Device %s] at %s:%u and [Device %s] at %s:%u both mean it", a->name,
                           a->file, a->line, b->name, b->file, b->line);
}

void pca_policy_match(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                      const PcaFunction *function, PcaMatch *match) {
    *match = (PcaMatch){NULL};
    for (guint i = 0; i < policy->sections->len; i++) {
        const PcaSection *section = g_ptr_array_index(policy->sections, i);
        if (section->kind == PCA_SECTION_DENY) {
            if (!match->deny && denies(section, function))
                match->deny = section;
        } else if (means(section, function)) {
            if (match->device && !match->ambiguous) {
                match->ambiguous = TRUE;
                match->mismatch = describe_ambiguity(match->device, section);
            }
            match->device = match->device ? match->device : section;
        }
    }
    if (match->device && !match->ambiguous)
        match->mismatch = find_mismatch(match->device, snapshot, function);
}

void pca_match_clear(PcaMatch *match) {
    g_free(match->mismatch);
    *match = (PcaMatch){NULL};
}

void pca_policy_note_absent(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                            PcaDiagnostics *diagnostics) {
    for (guint i = 0; i < policy->sections->len; i++) {
        const PcaSection *section = g_ptr_array_index(policy->sections, i);
        if (section->kind != PCA_SECTION_DEVICE)
            continue;
        g_autoptr(GPtrArray) functions = pca_section_functions(section, snapshot);
        if (functions->len == 0)
            pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_NOTE,
                                "[Device %s]: nothing is at %s now", section->name, section->path);
    }
}

/* A number is compared with ids only, so that an account whose name is a number gains nothing. */
static gboolean allows_user(const char *item, const PcaNames *names) {
    guint32 number;
    if (pca_principal_number(item, &number))
        return number == names->uid;
    return names->user && g_str_equal(item, names->user);
}

static gboolean allows_group(const char *item, const PcaNames *names) {
    guint32 number;
    if (!pca_principal_number(item, &number))
        return g_strv_contains((const char *const *)names->groups, item);
    for (guint i = 0; names->gids && i < names->gids->len; i++)
        if (g_array_index(names->gids, guint32, i) == number)
            return TRUE;
    return FALSE;
}

gboolean pca_section_allows(const PcaSection *section, const PcaNames *names) {
    for (char **item = section->allow_users; *item; item++)
        if (allows_user(*item, names))
            return TRUE;
    for (char **item = section->allow_groups; *item; item++)
        if (allows_group(*item, names))
            return TRUE;
    return FALSE;
}
