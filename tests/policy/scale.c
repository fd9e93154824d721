/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: large policies and hosts, and their times.
 * Thread: one. Ownership: see the header.
 */
#include "policy/scale.h"

#include <string.h>
#include <time.h>

#define FUNCTIONS_OF_A_SLOT 4
#define BUSES 250   /* of a domain */
#define CALLER 1006 /* one of twenty users, whose sections are all [Device] */
#define GROUP 36

/* A port for each slot: the root bus has 32 devices of eight functions. */
static char *path_of(guint function) {
    guint slot = function / FUNCTIONS_OF_A_SLOT;
    return g_strdup_printf("%04x:00:%02x.%x/00.%x", slot / 256, slot / 8 % 32, slot % 8,
                           function % FUNCTIONS_OF_A_SLOT);
}

static guint16 device_of(guint function) {
    return (guint16)(0x1000 + function % 509);
}

static PcaFunction *make_function(guint i) {
    guint slot = i / FUNCTIONS_OF_A_SLOT;
    PcaAddress address = {.domain = slot / BUSES,
                          .bus = (guint8)(1 + slot % BUSES),
                          .function = (guint8)(i % FUNCTIONS_OF_A_SLOT)};
    PcaFunction *function = pca_function_new(&address);
    function->slot_path = path_of(i);
    function->vendor = 0x8086;
    function->device = device_of(i);
    function->subsystem_vendor = 0x8086;
    function->subsystem_device = (guint16)i;
    function->class = 0x020000;
    return function;
}

PcaSnapshot *make_large_host(guint n) {
    PcaSnapshot *snapshot = pca_snapshot_new();
    for (guint i = 0; i < n; i++)
        pca_snapshot_add(snapshot, make_function(i));
    pca_snapshot_seal(snapshot);
    return snapshot;
}

static void append_deny(GString *text, guint i) {
    g_autofree char *path = path_of(i);
    g_string_append_printf(text, "[Deny deny-%u]\n", i);
    if (i % 12 == 3)
        g_string_append_printf(text, "Path=%s\n\n", path);
    else if (i % 12 == 7)
        g_string_append_printf(text, "Id=10ec:%04x\n\n", i & 0xffff);
    else
        g_string_append_printf(text, "Subsystem=8086:%04x\nClass=02\n\n", i & 0xffff);
}

static void append_device(GString *text, guint i) {
    g_autofree char *path = path_of(i);
    g_string_append_printf(text,
                           "# Function %u\n[Device device-%u]\nDescription=One of many\nPath=%s\n"
                           "Id=8086:%04x\nSubsystem=8086:%04x\nAllowUser=%u user-%u\n"
                           "AllowGroup=vmusers kvm\nReset=flr bus\nMaxMemory=16G\n\n",
                           i, i, path, device_of(i), i & 0xffff, 1000 + i % 20, i);
}

char *make_large_policy(guint n) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < n; i++)
        (i % 4 == 3 ? append_deny : append_device)(text, i);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static guint count_granted(const PcaPolicy *policy, const PcaSnapshot *snapshot) {
    static const guint32 gids[] = {CALLER, GROUP + 1};
    PcaCaller caller = {.uid = CALLER, .gids = gids, .n_gids = G_N_ELEMENTS(gids)};
    guint granted = 0;
    g_autoptr(PcaAccounts) accounts = pca_accounts_new();
    pca_accounts_add_group(accounts, "kvm", GROUP);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        PcaMatch match;
        pca_policy_match(policy, snapshot, g_ptr_array_index(snapshot->functions, i), NULL, NULL,
                         &match);
        granted += match.device && !match.deny && !match.mismatch &&
                   pca_section_allows(match.device, &caller, accounts, NULL);
        pca_match_clear(&match);
    }
    return granted;
}

static void measure_once(const char *text, const PcaSnapshot *snapshot, PcaScale *scale) {
    PcaPolicyFile file = {.name = "large.conf", .text = text, .length = strlen(text)};
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    double start = now();
    g_autoptr(PcaPolicy) policy = pca_policy_parse(&file, 1, diagnostics);
    double parsed = now();
    scale->granted = policy ? count_granted(policy, snapshot) : 0;
    double matched = now();
    scale->parse = MIN(scale->parse, parsed - start);
    scale->match = MIN(scale->match, matched - parsed);
}

PcaScale measure_scale(guint sections, guint functions, guint tries) {
    PcaScale scale = {1e9, 1e9, 0};
    g_autoptr(PcaSnapshot) snapshot = make_large_host(functions);
    g_autofree char *text = make_large_policy(sections);
    for (guint i = 0; i < tries; i++)
        measure_once(text, snapshot, &scale);
    return scale;
}
