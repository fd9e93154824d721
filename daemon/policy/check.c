/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: checks of whole sections.
 * Thread: any. Ownership: see the header.
 */
#include "policy/check.h"
#include "policy/values.h"

#include <string.h>

PcaSeen *pca_seen_new(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

/* Takes `key` over. Returns who has it already. */
static const PcaSection *see(PcaSeen *seen, char *key, const PcaSection *section) {
    const PcaSection *before = g_hash_table_lookup(seen, key);
    if (before)
        g_free(key);
    else
        g_hash_table_insert(seen, key, (gpointer)section);
    return before;
}

const PcaSection *pca_seen_name(PcaSeen *seen, const PcaSection *section) {
    const char *kind = pca_section_kind_name(section->kind);
    return see(seen, g_strdup_printf("%s %s", kind, section->name), section);
}

const PcaSection *pca_seen_path(PcaSeen *seen, const PcaSection *section) {
    return see(seen, g_strdup_printf("Path %s", section->path), section);
}

/* A [Device] of the same slot of which one at least means the whole slot. */
static const PcaSection *find_overlap(PcaSeen *seen, const PcaSection *section) {
    int slot = (int)strlen(section->path) - 1;
    g_autofree char *any = g_strdup_printf("Slot %.*s", slot, section->path);
    g_autofree char *whole = g_strdup_printf("All %.*s", slot, section->path);
    const PcaSection *first = see(seen, g_steal_pointer(&any), section);
    if (!section->all_functions)
        return g_hash_table_lookup(seen, whole);
    see(seen, g_steal_pointer(&whole), section);
    return first;
}

static void check_overlap(const PcaSection *section, PcaSeen *seen, PcaDiagnostics *diagnostics) {
    if (!section->path || pca_path_is_vf(section->path))
        return;
    const PcaSection *other = find_overlap(seen, section);
    /* Of equal paths the error is reported already. */
    if (other && g_strcmp0(other->path, section->path) != 0)
        pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_WARNING,
                            "[Device %s] at %s:%u is of the same slot, and one of the two has "
                            "Functions=all: functions that both mean are refused",
                            other->name, other->file, other->line);
}

static void check_ids(const PcaSection *section, const guint lines[PCA_N_KEYS],
                      PcaDiagnostics *diagnostics) {
    guint line = lines[PCA_KEY_ID];
    if (line == 0)
        pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_WARNING,
                            "without Id the identity is not pinned: whatever is put in this place "
                            "is granted");
    else if (section->all_functions && section->ids->len == 1)
        pca_diagnostics_add(diagnostics, section->file, line, 1, PCA_SEVERITY_WARNING,
                            "one Id with Functions=all: a new function of the slot with this id is "
                            "granted too");
    else if (!section->all_functions && section->ids->len > 1)
        pca_diagnostics_add(diagnostics, section->file, line, 1, PCA_SEVERITY_WARNING,
                            "several Ids for one function: any of them is accepted (the whole slot "
                            "is Functions=all)");
}

static void check_device(const PcaSection *section, const guint lines[PCA_N_KEYS], PcaSeen *seen,
                         PcaDiagnostics *diagnostics) {
    if (!lines[PCA_KEY_PATH])
        pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_ERROR, "%s",
                            lines[PCA_KEY_ID]
                                ? "a [Device] needs Path: Id alone says what, but not where"
                                : "a [Device] needs Path: this section matches nothing");
    if (section->all_functions && section->path && pca_path_is_vf(section->path))
        pca_diagnostics_add(diagnostics, section->file, lines[PCA_KEY_FUNCTIONS], 1,
                            PCA_SEVERITY_ERROR,
                            "Functions=all cannot be had with the path of a virtual function");
    check_ids(section, lines, diagnostics);
    check_overlap(section, seen, diagnostics);
    if (!lines[PCA_KEY_ALLOW_USER] && !lines[PCA_KEY_ALLOW_GROUP])
        pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_NOTE,
                            "neither AllowUser nor AllowGroup: only root may claim this device");
}

void pca_section_check(const PcaSection *section, const guint lines[PCA_N_KEYS], PcaSeen *seen,
                       PcaDiagnostics *diagnostics) {
    if (section->kind == PCA_SECTION_DEVICE)
        check_device(section, lines, seen, diagnostics);
    else if (!lines[PCA_KEY_PATH] && !lines[PCA_KEY_ID])
        pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_ERROR,
                            "a [Deny] needs Path or Id: this section matches nothing");
}
