/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: status: what state a claim or device is in, and what to type next.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "journal.h"
#include "output.h"
#include "policy-state.h"
#include "status-offline.h"
#include "status.h"
#include "base/error.h"

#include <stdio.h>
#include <unistd.h>

#define JOURNAL_LINES 5

static void json_holders(JsonBuilder *builder, GPtrArray *holders) {
    json_builder_set_member_name(builder, "holders");
    if (!holders) {
        json_builder_add_null_value(builder);
        return;
    }
    json_builder_begin_array(builder);
    for (guint i = 0; i < holders->len; i++) {
        const PcaStatusHolder *holder = g_ptr_array_index(holders, i);
        json_builder_begin_object(builder);
        pca_json_number(builder, "pid", holder->pid);
        pca_json_string(builder, "comm", holder->comm);
        pca_json_string(builder, "user", holder->user);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void json_steps(JsonBuilder *builder, char **steps) {
    if (steps)
        pca_json_strings(builder, "steps", (const char *const *)steps);
    else
        pca_json_string(builder, "steps", NULL);
}

static void add_json(JsonBuilder *builder, const PcaStatus *status) {
    g_autofree char *since =
        status->since ? g_strdup_printf("%" G_GUINT64_FORMAT, status->since) : NULL;
    json_builder_begin_object(builder);
    pca_json_string(builder, "subject", status->subject);
    pca_json_string(builder, "state", status->state);
    pca_json_string(builder, "since", since);
    pca_json_string(builder, "reason", status->reason);
    json_holders(builder, status->holders);
    json_steps(builder, status->steps);
    pca_json_string(builder, "fix", status->fix);
    json_builder_end_object(builder);
}

static void line(const char *label, const char *value) {
    g_autofree char *text = pca_printable(value ? value : "-");
    printf("%10s: %s\n", label, text);
}

static char *format_age(gint64 seconds) {
    static const struct {
        gint64 length;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    guint i = 0;
    while (i + 1 < G_N_ELEMENTS(units) && seconds < units[i].length)
        i++;
    return g_strdup_printf("%" G_GINT64_FORMAT " %s", seconds / units[i].length, units[i].name);
}

static char *format_since(guint64 since) {
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(since / G_USEC_PER_SEC));
    g_autofree char *stamp = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;
    gint64 age = MAX(g_get_real_time() - (gint64)since, 0) / G_USEC_PER_SEC;
    g_autofree char *ago = format_age(age);
    return since && stamp ? g_strdup_printf("%s (%s ago)", stamp, ago) : NULL;
}

/* The process that made the claim, as long as nobody else is known to hold it. */
static char *format_owner(const PcaClaimView *claim) {
    g_autofree char *owner = pca_claim_owner(claim);
    guint32 pid = 0;
    if (owner && g_variant_lookup(claim->details, "pid", "u", &pid))
        return g_strdup_printf("%s (process %u)", owner, pid);
    return g_strdup(owner ? owner : "another user");
}

static void claim_lines(const PcaClaimView *claim) {
    g_autofree char *devices = g_strjoinv(", ", (char **)claim->devices);
    g_autofree char *stubbed = g_strjoinv(", ", (char **)claim->stubbed);
    g_autofree char *owner = format_owner(claim);
    const char *title = pca_lookup_string(claim->details, "title");
    line("Claim", claim->id);
    line("Devices", devices);
    if (*stubbed)
        line("Stubbed", stubbed);
    line("Owner", owner);
    if (title)
        line("Title", title);
    const char *refusal = pca_lookup_string(claim->details, "refusal");
    g_autofree char *policy =
        refusal ? g_strdup_printf("would not grant it any more: %s", refusal) : NULL;
    if (policy)
        line("Policy", policy);
}

static void device_lines(const PcaDeviceView *device) {
    g_autofree char *address = pca_address_format(&device->address);
    const char *name = pca_device_string(device, "Name");
    const char *description = pca_device_string(device, "Description");
    g_autofree char *named = name ? g_strdup_printf("%s (%s)", address, name) : NULL;
    line("Device", named ? named : address);
    if (description)
        line("What", description);
    line("Driver", pca_device_string(device, "Driver"));
}

static void holder_lines(GPtrArray *holders) {
    for (guint i = 0; holders && i < holders->len; i++) {
        const PcaStatusHolder *holder = g_ptr_array_index(holders, i);
        g_autofree char *text =
            g_strdup_printf("%s (process %u of %s)", holder->comm ? holder->comm : "-", holder->pid,
                            holder->user ? holder->user : "-");
        line("Holder", text);
    }
}

static void print_text(const PcaStatus *status) {
    g_autofree char *since = format_since(status->since);
    if (status->claim)
        claim_lines(status->claim);
    else
        device_lines(status->device);
    line("State", status->state);
    if (since)
        line("Since", since);
    if (status->reason)
        line("Reason", status->reason);
    holder_lines(status->holders);
    for (char **step = status->steps; step && *step; step++)
        line("Left", *step);
    if (status->fix)
        line("Next", status->fix);
    else if (!status->holders)
        line("Next", "ask its owner, or root");
    else
        line("Next", "nothing to do but wait");
}

static void print_journal(const PcaStatus *status) {
    const char *const none[] = {NULL};
    g_autofree char *address = status->device ? pca_address_format(&status->device->address) : NULL;
    const char *const one[] = {address, NULL};
    g_autoptr(GPtrArray) lines =
        pca_journal_last(status->claim ? status->claim->id : NULL,
                         status->claim ? (const char *const *)status->claim->devices
                         : address     ? one
                                       : none,
                         JOURNAL_LINES);
    for (guint i = 0; i < lines->len; i++) {
        g_autofree char *text = pca_printable(g_ptr_array_index(lines, i));
        printf("%s    %s\n", i == 0 ? "\n" : "", text);
    }
}

/* All claims, and the functions without one that are in no ordinary state. */
static GPtrArray *all(GPtrArray *devices, GPtrArray *claims) {
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)pca_status_free);
    for (guint i = 0; i < claims->len; i++)
        g_ptr_array_add(list, pca_status_of_claim(g_ptr_array_index(claims, i), NULL));
    for (guint i = 0; i < devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(devices, i);
        if (pca_status_rank(device) > 0 && !pca_claims_find_device(claims, &device->address))
            g_ptr_array_add(list, pca_status_of_device(device, NULL));
    }
    return list;
}

static void print_all(const PcaOptions *options, GPtrArray *list) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < list->len; i++) {
        const PcaStatus *status = g_ptr_array_index(list, i);
        if (options->json != PCA_JSON_OFF) {
            add_json(builder, status);
            continue;
        }
        if (i > 0)
            putchar('\n');
        print_text(status);
    }
    json_builder_end_array(builder);
    if (options->json != PCA_JSON_OFF)
        pca_json_print(options, builder);
    else if (list->len == 0 && !options->no_legend)
        puts("No claims, and no device in an unusual state.");
}

static void print_one(const PcaOptions *options, const PcaStatus *status) {
    if (options->json != PCA_JSON_OFF) {
        g_autoptr(JsonBuilder) builder = json_builder_new();
        add_json(builder, status);
        pca_json_print(options, builder);
        return;
    }
    print_text(status);
    if (isatty(STDOUT_FILENO))
        print_journal(status);
}

static gboolean fetch(GDBusConnection *bus, GPtrArray **devices, GPtrArray **claims,
                      GError **error) {
    *claims = bus ? pca_claims_fetch(bus, error) : NULL;
    *devices = *claims ? pca_devices_fetch(bus, error) : NULL;
    return *devices != NULL;
}

/* Where the states are from: the daemon, or offline the records. */
typedef struct {
    GDBusConnection *bus;
    PcaOffline *offline;
    GPtrArray *devices, *claims;
} Host;

static void host_clear(Host *host) {
    g_clear_pointer(&host->devices, g_ptr_array_unref);
    g_clear_pointer(&host->claims, g_ptr_array_unref);
    g_clear_pointer(&host->offline, pca_offline_free);
    g_clear_object(&host->bus);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Host, host_clear)

static gboolean host_open(Host *host, const PcaOptions *options, GError **error) {
    if (!options->offline) {
        host->bus = pca_connect(error);
        return fetch(host->bus, &host->devices, &host->claims, error);
    }
    host->offline = pca_offline_open(options, PCA_SOURCE_BRIEF, error);
    if (!host->offline ||
        !pca_status_read_offline(host->offline, &host->devices, &host->claims, error))
        return FALSE;
    pca_status_complain_unread(host->offline);
    return TRUE;
}

static void complete(const Host *host, PcaStatus *status) {
    if (host->offline)
        pca_status_complete_offline(host->offline, status);
}

static void tell_all(const PcaOptions *options, const Host *host) {
    const PcaPolicyState state = pca_policy_state(host->bus);
    pca_policy_complain_state(&state);
    g_autoptr(GPtrArray) list = all(host->devices, host->claims);
    for (guint i = 0; i < list->len; i++)
        complete(host, g_ptr_array_index(list, i));
    print_all(options, list);
}

int pca_verb_status(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    g_auto(Host) host = {0};
    guint n = pca_options_n_words(options);
    if (n > 1) {
        pca_complain("status takes one device or claim, not %u", n);
        return PCA_EXIT_USAGE;
    }
    if (!host_open(&host, options, &error))
        return pca_fail(NULL, error);
    if (n == 0) {
        tell_all(options, &host);
        return 0;
    }
    g_autoptr(PcaStatus) status =
        pca_status_find(host.devices, host.claims, pca_options_word(options, 0), &error);
    if (!status)
        return pca_fail(NULL, error);
    complete(&host, status);
    print_one(options, status);
    return 0;
}
