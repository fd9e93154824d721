/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the text of new [Device] sections.
 * Thread: main; looking up users and groups may block. Ownership: see the header.
 */
#include "section.h"
#include "output.h"
#include "base/error.h"
#include "policy/policy.h"
#include "sys/accounts.h"
#include "sys/hardware.h"

#include <string.h>

static gboolean invalid(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean invalid(GError **error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s", text);
    return FALSE;
}

static char *address_of(const PcaFunction *function) {
    return pca_address_format(&function->address);
}

/* ---- Which functions ---- */

/* The path of the slot, without the digit of the function; of a virtual function its own. */
static char *slot_of(const PcaFunction *function) {
    gsize length = strlen(function->slot_path);
    return g_strndup(function->slot_path, function->is_vf ? length : length - 1);
}

static gboolean same_slot(const PcaFunction *a, const PcaFunction *b) {
    if (!a->slot_path || !*a->slot_path || !b->slot_path || !*b->slot_path || a->is_vf != b->is_vf)
        return FALSE;
    g_autofree char *slot = slot_of(a);
    g_autofree char *other = slot_of(b);
    return g_str_equal(slot, other);
}

static gboolean contains(GPtrArray *functions, const PcaFunction *function) {
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *other = g_ptr_array_index(functions, i);
        if (pca_address_equal(&other->address, &function->address))
            return TRUE;
    }
    return FALSE;
}

static gboolean check_function(GPtrArray *functions, const PcaFunction *function, GError **error) {
    g_autofree char *address = address_of(function);
    if (pca_function_is_bridge(function))
        return invalid(error, "%s is a bridge, which nobody can be given", address);
    if (!function->slot_path || !*function->slot_path)
        return invalid(error, "%s: its place is not known, so that no Path can name it", address);
    if (contains(functions, function))
        return invalid(error, "%s is named twice", address);
    if (functions->len == 0 || same_slot(g_ptr_array_index(functions, 0), function))
        return TRUE;
    g_autofree char *first = address_of(g_ptr_array_index(functions, 0));
    return invalid(error,
                   "%s and %s are not in one slot, and a section is for one: call 'policy new' for "
                   "each, with a name of its own",
                   first, address);
}

/* Of a slot either one function is granted, or every one. */
static gboolean check_slot(const PcaSource *source, GPtrArray *functions, GError **error) {
    const GPtrArray *all = pca_source_snapshot(source)->functions;
    for (guint i = 0; functions->len > 1 && i < all->len; i++) {
        const PcaFunction *other = g_ptr_array_index(all, i);
        if (!same_slot(g_ptr_array_index(functions, 0), other) || contains(functions, other))
            continue;
        g_autofree char *address = address_of(other);
        return invalid(error,
                       "the slot has %s as well, which Functions=all would grant too: name all of "
                       "its functions, or one",
                       address);
    }
    return TRUE;
}

static gint by_address(gconstpointer a, gconstpointer b) {
    const PcaFunction *x = *(PcaFunction *const *)a, *y = *(PcaFunction *const *)b;
    return pca_address_compare(&x->address, &y->address);
}

GPtrArray *pca_section_functions_of(const PcaSource *source, const char *const *words,
                                    GError **error) {
    g_autoptr(GPtrArray) functions = g_ptr_array_new();
    for (; *words; words++) {
        const PcaDeviceView *device = pca_source_find(source, *words, error);
        PcaFunction *function =
            device ? pca_snapshot_find(pca_source_snapshot(source), &device->address) : NULL;
        if (!function || !check_function(functions, function, error))
            return NULL;
        g_ptr_array_add(functions, function);
    }
    if (!check_slot(source, functions, error))
        return NULL;
    g_ptr_array_sort(functions, by_address);
    return g_steal_pointer(&functions);
}

/* ---- The text ---- */

/* A value may not run on into another line, nor one item of a list into the next. */
static gboolean check_item(const char *what, const char *item, GError **error) {
    gboolean good = *item && g_utf8_validate(item, -1, NULL);
    for (const char *p = item; good && *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        good = !g_unichar_isspace(c) && !g_unichar_iscntrl(c);
    }
    g_autofree char *shown = pca_printable(item);
    return good || invalid(error, "%s: '%s' is not the name of one", what, shown);
}

static gboolean append_list(GString *text, const char *key, const char *option,
                            const GPtrArray *items, GError **error) {
    if (!items)
        return TRUE;
    g_string_append_printf(text, "%s=", key);
    for (guint i = 0; i < items->len; i++) {
        const char *item = g_ptr_array_index(items, i);
        if (!check_item(option, item, error))
            return FALSE;
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", item);
    }
    g_string_append_c(text, '\n');
    return TRUE;
}

/* In the order of the functions; the language wants each id once. */
static void append_ids(GString *text, const char *key, GPtrArray *functions, gboolean subsystem) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *f = g_ptr_array_index(functions, i);
        guint vendor = subsystem ? f->subsystem_vendor : f->vendor;
        g_autofree char *id =
            g_strdup_printf("%04x:%04x", vendor, subsystem ? f->subsystem_device : f->device);
        if (vendor == 0)
            return;
        if (!g_ptr_array_find_with_equal_func(ids, id, g_str_equal, NULL))
            g_ptr_array_add(ids, g_steal_pointer(&id));
    }
    g_ptr_array_add(ids, NULL);
    g_autofree char *list = g_strjoinv(" ", (char **)ids->pdata);
    g_string_append_printf(text, "%s=%s\n", key, list);
}

static gboolean read_serial(const PcaSource *source, const PcaFunction *function, guint64 *serial) {
    g_autoptr(PcaConfig) config =
        pca_hardware_read_config(pca_source_root(source), &function->address, NULL);
    return config && pca_config_serial(config, serial);
}

/* Only where all functions have the same one: the section has one for all of them. */
static void append_serial(GString *text, const PcaSource *source, GPtrArray *functions) {
    guint64 serial = 0, other;
    for (guint i = 0; i < functions->len; i++) {
        if (!read_serial(source, g_ptr_array_index(functions, i), &other) || other == 0 ||
            (i > 0 && other != serial))
            return;
        serial = other;
    }
    g_autofree char *digits = pca_serial_format(serial);
    g_string_append_printf(text, "Serial=%s\n", digits);
}

static void append_comments(GString *text, GPtrArray *functions) {
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *f = g_ptr_array_index(functions, i);
        g_autofree char *address = address_of(f);
        g_autofree char *title = pca_printable(f->description ? f->description : "");
        g_string_append_printf(text, "# %s%s%s\n", address, *title ? " " : "", title);
    }
}

static void append_description(GString *text, const PcaFunction *function) {
    g_autofree char *title = pca_printable(function->description ? function->description : "");
    g_strstrip(title);
    if (*title)
        g_string_append_printf(text, "Description=%s\n", title);
}

/* What the parser thinks of it; it knows what names are. */
static PcaDiagnostics *parse(const char *text) {
    const PcaPolicyFile file = {"", text, strlen(text), FALSE};
    PcaDiagnostics *diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = pca_policy_parse(&file, 1, diagnostics);
    return diagnostics;
}

static gboolean check_text(const char *text, GError **error) {
    g_autoptr(GPtrArray) diagnostics = parse(text);
    for (guint i = 0; i < diagnostics->len; i++) {
        const PcaDiagnostic *d = g_ptr_array_index(diagnostics, i);
        if (d->severity == PCA_SEVERITY_ERROR)
            return invalid(error, "the section would not be valid: %s", d->text);
    }
    return TRUE;
}

char *pca_section_compose(const PcaSource *source, GPtrArray *functions, const char *name,
                          const PcaSectionUsers *users, GError **error) {
    const PcaFunction *first = g_ptr_array_index(functions, 0);
    g_autoptr(GString) text = g_string_new(NULL);
    if (!check_item("--name", name, error))
        return NULL;
    append_comments(text, functions);
    g_string_append_printf(text, "[Device %s]\n", name);
    append_description(text, first);
    g_string_append_printf(text, "Path=%s\n", first->slot_path);
    append_ids(text, "Id", functions, FALSE);
    append_ids(text, "Subsystem", functions, TRUE);
    append_serial(text, source, functions);
    if (functions->len > 1)
        g_string_append(text, "Functions=all\n");
    gboolean good = append_list(text, "AllowUser", "--user", users->users, error) &&
                    append_list(text, "AllowGroup", "--group", users->groups, error) &&
                    append_list(text, "AllowUnit", "--unit", users->units, error) &&
                    check_text(text->str, error);
    return good ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* ---- Warnings ---- */

static void warn(GPtrArray *warnings, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void warn(GPtrArray *warnings, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_ptr_array_add(warnings, g_strdup_vprintf(format, args));
    va_end(args);
}

static void warn_group(const PcaSource *source, GPtrArray *functions, const PcaFunction *function,
                       GPtrArray *warnings) {
    g_autofree char *address = address_of(function);
    if (function->iommu_group == PCA_NO_GROUP) {
        warn(warnings, "%s has no IOMMU group, so nobody can claim it", address);
        return;
    }
    g_autoptr(GPtrArray) members =
        pca_snapshot_group(pca_source_snapshot(source), function->iommu_group);
    for (guint i = 0; i < members->len; i++) {
        const PcaFunction *member = g_ptr_array_index(members, i);
        if (contains(functions, member) || pca_function_is_bridge(member) ||
            pca_function_lets_group_go(member))
            continue;
        g_autofree char *other = address_of(member);
        warn(warnings,
             "%s shares IOMMU group %d with %s (driver %s), without which it is refused: %s",
             address, function->iommu_group, other, member->driver,
             same_slot(function, member) ? "name all functions of the slot, for Functions=all"
                                         : "give that one a section too, and claim both together");
    }
}

static gboolean is_number(const char *item) {
    return *item && strspn(item, "0123456789") == strlen(item);
}

static void warn_unknown(const PcaSectionUsers *users, GPtrArray *warnings) {
    guint32 number;
    for (guint i = 0; users->users && i < users->users->len; i++) {
        const char *user = g_ptr_array_index(users->users, i);
        if (!is_number(user) && pca_account_uid(user, &number) == PCA_LOOKUP_ABSENT)
            warn(warnings, "there is no user %s now", user);
    }
    for (guint i = 0; users->groups && i < users->groups->len; i++) {
        const char *group = g_ptr_array_index(users->groups, i);
        if (!is_number(group) && pca_account_gid(group, &number) == PCA_LOOKUP_ABSENT)
            warn(warnings, "there is no group %s now", group);
    }
}

GPtrArray *pca_section_warnings(const PcaSource *source, GPtrArray *functions,
                                const PcaSectionUsers *users, const char *text) {
    GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) diagnostics = parse(text);
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(functions, i);
        g_autofree char *address = address_of(function);
        if (!function->reset_methods[0])
            warn(warnings, "%s has no reset method, without which it is refused", address);
        warn_group(source, functions, function, warnings);
    }
    warn_unknown(users, warnings);
    for (guint i = 0; i < diagnostics->len; i++)
        warn(warnings, "%s", ((PcaDiagnostic *)g_ptr_array_index(diagnostics, i))->text);
    return warnings;
}
