/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the tests of the policy share.
 * Thread: main. Ownership: see the header.
 */
#include "policy/support.h"

#include <string.h>

PcaPolicy *parse_text(const char *text, PcaDiagnostics *diagnostics) {
    PcaPolicyFile file = {.name = "a.conf", .text = text, .length = strlen(text)};
    return pca_policy_parse(&file, 1, diagnostics);
}

PcaPolicy *parse_good(const char *text) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    PcaPolicy *policy = parse_text(text, diagnostics);
    g_autofree char *all = format_all(diagnostics);
    ck_assert_msg(policy, "refused: %s", all);
    return policy;
}

void expect_complaint(const Complaint *complaint, const PcaPolicyFile *file) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = pca_policy_parse(file, 1, diagnostics);
    g_autofree char *all = format_all(diagnostics);
    ck_assert_msg(diagnostics->len == 1, "expected one line on\n%s\ngot:\n%s", file->text, all);
    const PcaDiagnostic *d = g_ptr_array_index(diagnostics, 0);
    ck_assert_msg(d->line == complaint->line && d->column == complaint->column &&
                      d->severity == complaint->severity && strstr(d->text, complaint->says),
                  "expected %u:%u '%s', got: %s", complaint->line, complaint->column,
                  complaint->says, all);
    ck_assert_str_eq(d->file, "a.conf");
    ck_assert_int_eq(policy == NULL, complaint->severity == PCA_SEVERITY_ERROR);
}

typedef struct {
    const char *address, *path;
    guint16 vendor, device, subsystem_vendor, subsystem_device;
    guint32 class;
} Hardware;

static const Hardware host[] = {
    {"0000:00:01.1", "0000:00:01.1", 0x8086, 0x1901, 0, 0, 0x060400},
    {"0000:01:00.0", "0000:00:01.1/00.0", 0x10de, 0x2230, 0x10de, 0x1483, 0x030000},
    {"0000:01:00.1", "0000:00:01.1/00.1", 0x10de, 0x1aef, 0x10de, 0x1484, 0x040300},
    {"0000:02:00.0", "0000:00:1c.0/00.0", 0x8086, 0x1533, 0x15d9, 0x1533, 0x020000},
    {"0000:03:00.0", "0000:00:03.0/00.0", 0x8086, 0x1889, 0x8086, 0x0001, 0x020000},
    {"0000:03:00.1", "0000:00:03.0/00.1", 0x8086, 0x1889, 0x8086, 0x0001, 0x020000},
    {"0000:03:01.0", "0000:00:03.0/00.0/vf0", 0x8086, 0x188a, 0x8086, 0x0001, 0x020000},
    {"0000:03:01.1", "0000:00:03.0/00.0/vf1", 0x8086, 0x188a, 0x8086, 0x0001, 0x020000},
    {"0000:04:00.0", NULL, 0x10de, 0x2230, 0x10de, 0x1483, 0x030200},
    {"0000:05:00.0", "", 0x10de, 0x2230, 0x10de, 0x1483, 0x030000},
    {"10000:01:00.0", "10000:e0:06.0/00.0", 0x144d, 0xa808, 0x144d, 0xa801, 0x010802},
};

PcaSnapshot *make_host(void) {
    PcaSnapshot *snapshot = pca_snapshot_new();
    for (guint i = 0; i < G_N_ELEMENTS(host); i++) {
        PcaAddress address;
        ck_assert(pca_address_parse(host[i].address, &address));
        PcaFunction *function = pca_function_new(&address);
        function->slot_path = g_strdup(host[i].path);
        function->vendor = host[i].vendor;
        function->device = host[i].device;
        function->subsystem_vendor = host[i].subsystem_vendor;
        function->subsystem_device = host[i].subsystem_device;
        function->class = host[i].class;
        pca_snapshot_add(snapshot, function);
    }
    pca_snapshot_seal(snapshot);
    return snapshot;
}

const PcaFunction *find_function(const PcaSnapshot *snapshot, const char *address) {
    PcaAddress parsed;
    ck_assert(pca_address_parse(address, &parsed));
    const PcaFunction *function = pca_snapshot_find(snapshot, &parsed);
    ck_assert_ptr_nonnull(function);
    return function;
}

gboolean read_serial(const PcaFunction *function, guint64 *serial, gpointer data) {
    const PcaAddress *a = &function->address;
    gboolean has = a->domain == 0 && a->device == 0 && a->function == 0 && a->bus < 3;
    *serial = has ? G_GUINT64_CONSTANT(0x001b210000000000) | a->bus : 0;
    return a->bus != 3 || a->function != 0;
}

char *format_all(PcaDiagnostics *diagnostics) {
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *line = pca_diagnostic_format(g_ptr_array_index(diagnostics, i));
        g_string_append_printf(all, "%s\n", line);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}
