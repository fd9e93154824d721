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

/* Columns of values: nothing may stand before a key, or around its '='. */
static guint value_column(PcaKey key) {
    return (guint)strlen(pca_key_name(key)) + 2;
}

static void report_path(const PcaSection *section, const PcaSection *other, PcaSeverity severity,
                        const char *what, PcaDiagnostics *diagnostics) {
    pca_diagnostics_add(diagnostics, section->file, section->lines[PCA_KEY_PATH],
                        value_column(PCA_KEY_PATH), severity, "[Device %s] at %s:%u %s",
                        other->name, other->file, other->line, what);
}

/* With Functions=all the last digit of the path does not count. */
static char *slot_key(const char *what, const PcaSection *section) {
    return g_strdup_printf("%s %.*s", what, (int)strlen(section->path) - 1, section->path);
}

/* Two sections that always mean the same function are an error; where only some function of a slot
 * would be meant by both, only that function is refused. */
static void check_path(const PcaSection *section, PcaSeen *seen, PcaDiagnostics *diagnostics) {
    const PcaSection *same = see(seen, g_strdup_printf("Path %s", section->path), section);
    if (same)
        report_path(section, same, PCA_SEVERITY_ERROR, "has the same Path", diagnostics);
    if (pca_path_is_vf(section->path))
        return;
    g_autofree char *all = slot_key("All", section);
    const PcaSection *first = see(seen, slot_key("Slot", section), section);
    const PcaSection *whole =
        section->all_functions ? see(seen, g_strdup(all), section) : g_hash_table_lookup(seen, all);
    const PcaSection *other = section->all_functions ? first : whole;
    if (same)
        return;
    if (section->all_functions && whole)
        report_path(section, whole, PCA_SEVERITY_ERROR, "means all functions of this slot as well",
                    diagnostics);
    else if (other)
        report_path(section, other, PCA_SEVERITY_WARNING,
                    "is of the same slot, and one of the two has Functions=all: functions that "
                    "both mean are refused",
                    diagnostics);
}

static void warn(const PcaSection *section, PcaKey key, PcaDiagnostics *diagnostics,
                 const char *text) {
    guint line = section->lines[key] ? section->lines[key] : section->line;
    pca_diagnostics_add(diagnostics, section->file, line, 1, PCA_SEVERITY_WARNING, "%s", text);
}

static void check_ids(const PcaSection *section, PcaDiagnostics *diagnostics) {
    if (!section->lines[PCA_KEY_ID])
        warn(section, PCA_KEY_ID, diagnostics,
             "without Id the identity is not pinned: whatever is put in this place is granted");
    else if (section->all_functions && section->ids->len == 1)
        warn(section, PCA_KEY_ID, diagnostics,
             "one Id with Functions=all: a new function of the slot with this id is granted too");
    if (!section->all_functions && section->ids->len > 1)
        warn(section, PCA_KEY_ID, diagnostics,
             "several Ids for one function: any of them is accepted (the whole slot is "
             "Functions=all)");
    if (!section->all_functions && section->subsystems->len > 1)
        warn(section, PCA_KEY_SUBSYSTEM, diagnostics,
             "several Subsystems for one function: any of them is accepted (the whole slot is "
             "Functions=all)");
}

/* Allows are what grants; Require and Authorize only narrow that. */
static void check_allows(const PcaSection *section, PcaDiagnostics *diagnostics) {
    static const PcaKey narrow[] = {PCA_KEY_REQUIRE_UNIT, PCA_KEY_REQUIRE_LABEL, PCA_KEY_AUTHORIZE};
    if (section->lines[PCA_KEY_ALLOW_USER] || section->lines[PCA_KEY_ALLOW_GROUP] ||
        section->lines[PCA_KEY_ALLOW_UNIT])
        return;
    for (guint i = 0; i < G_N_ELEMENTS(narrow); i++) {
        if (!section->lines[narrow[i]] || (narrow[i] == PCA_KEY_AUTHORIZE && !section->polkit))
            continue;
        pca_diagnostics_add(diagnostics, section->file, section->lines[narrow[i]], 1,
                            PCA_SEVERITY_WARNING,
                            "%s narrows what AllowUser, AllowGroup or AllowUnit grant, and there "
                            "is none of these: only root may claim this device",
                            pca_key_name(narrow[i]));
        return;
    }
    pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_NOTE,
                        "no AllowUser, AllowGroup or AllowUnit: only root may claim this device");
}

static void check_device(const PcaSection *section, gboolean lost, PcaDiagnostics *diagnostics) {
    if (lost)
        return;
    if (!section->lines[PCA_KEY_PATH])
        pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_ERROR, "%s",
                            section->lines[PCA_KEY_ID]
                                ? "a [Device] needs Path: Id alone says what, but not where"
                            : section->lines[PCA_KEY_ADDRESS]
                                ? "a [Device] needs Path: an Address alone changes with the next "
                                  "card that is put in or out"
                                : "a [Device] needs Path: this section matches nothing");
    if (section->all_functions && section->path && pca_path_is_vf(section->path))
        pca_diagnostics_add(diagnostics, section->file, section->lines[PCA_KEY_FUNCTIONS], 1,
                            PCA_SEVERITY_ERROR,
                            "Functions=all cannot be had with the path of a virtual function");
    if (section->lines[PCA_KEY_PATH])
        check_ids(section, diagnostics);
    check_allows(section, diagnostics);
}

static void check_deny(const PcaSection *section, gboolean lost, PcaDiagnostics *diagnostics) {
    guint selectors = 0;
    for (PcaKey key = 0; key < PCA_N_KEYS; key++)
        selectors += pca_key_selects((int)key) && section->lines[key];
    if (!selectors && !lost)
        pca_diagnostics_add(diagnostics, section->file, section->line, 1, PCA_SEVERITY_ERROR,
                            "a [Deny] needs Path, Id, Subsystem, Class, Serial or Address: this "
                            "section matches nothing");
    else if (section->lines[PCA_KEY_ADDRESS] && !section->lines[PCA_KEY_PATH] && !lost)
        warn(section, PCA_KEY_ADDRESS, diagnostics,
             "an address may be another device's after a card was put in or out: Path stays true");
}

void pca_section_check(const PcaSection *section, gboolean lost, PcaSeen *seen,
                       PcaDiagnostics *diagnostics) {
    if (section->kind == PCA_SECTION_DENY) {
        check_deny(section, lost, diagnostics);
        return;
    }
    if (section->path)
        check_path(section, seen, diagnostics);
    check_device(section, lost, diagnostics);
}
