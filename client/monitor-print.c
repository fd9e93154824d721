/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: printing events.
 * Thread: main. Ownership: see the header.
 */
#include "monitor-print.h"
#include "output.h"

#include <stdio.h>

static const struct {
    const char *json, *text;
    size_t offset;
} fields[] = {
    {"name", "name", G_STRUCT_OFFSET(PcaSeenDevice, name)},
    {"driver", "driver", G_STRUCT_OFFSET(PcaSeenDevice, driver)},
    {"driver_override", "override", G_STRUCT_OFFSET(PcaSeenDevice, driver_override)},
    {"state", "state", G_STRUCT_OFFSET(PcaSeenDevice, state)},
};

static const char *get(const PcaSeenDevice *device, guint field) {
    return G_STRUCT_MEMBER(char *, device, fields[field].offset);
}

static gboolean flush(void) {
    return fflush(stdout) == 0;
}

static gboolean print_text(const char *kind, const char *text) {
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *stamp = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");
    g_autofree char *printable = pca_printable(text);
    printf("%s.%03d %-7s %s\n", stamp, g_date_time_get_microsecond(now) / 1000, kind, printable);
    return flush();
}

static JsonBuilder *begin(const char *event) {
    JsonBuilder *builder = json_builder_new();
    g_autofree char *time = g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time());
    json_builder_begin_object(builder);
    pca_json_string(builder, "time", time);
    pca_json_string(builder, "event", event);
    return builder;
}

static void add_boolean(JsonBuilder *builder, const char *name, gboolean value) {
    json_builder_set_member_name(builder, name);
    json_builder_add_boolean_value(builder, value);
}

/* One line, also where the other verbs would indent. */
static gboolean end(const PcaOptions *options, JsonBuilder *builder) {
    PcaOptions line = *options;
    line.json = PCA_JSON_SHORT;
    json_builder_end_object(builder);
    pca_json_print(&line, builder);
    return flush();
}

gboolean pca_monitor_print_service(const PcaOptions *options, gboolean running) {
    if (options->json == PCA_JSON_OFF)
        return print_text("service", running ? "running" : "not running");
    g_autoptr(JsonBuilder) builder = begin("service");
    add_boolean(builder, "running", running);
    return end(options, builder);
}

gboolean pca_monitor_print_policy(const PcaOptions *options, guint64 generation, gboolean stale) {
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, generation);
    g_autofree char *text =
        g_strconcat("generation ", number,
                    stale ? " stays in force; the files were refused" : " is in force", NULL);
    if (options->json == PCA_JSON_OFF)
        return print_text("policy", text);
    g_autoptr(JsonBuilder) builder = begin("policy");
    pca_json_string(builder, "generation", number);
    add_boolean(builder, "stale", stale);
    return end(options, builder);
}

static gboolean claim_text(const PcaSeenClaim *claim, const char *what) {
    g_autofree char *devices = claim->devices ? g_strjoinv(", ", claim->devices) : NULL;
    g_autofree char *text =
        g_strconcat(claim->id, " ", what, devices ? ": " : "", devices ? devices : "",
                    claim->user ? ", of " : "", claim->user ? claim->user : "", NULL);
    return print_text("claim", text);
}

static gboolean claim_json(const PcaOptions *options, const PcaSeenClaim *claim, const char *event,
                           const char *key, const char *value) {
    g_autoptr(JsonBuilder) builder = begin(event);
    pca_json_string(builder, "claim", claim->id);
    pca_json_string(builder, key, value);
    if (claim->devices)
        pca_json_strings(builder, "devices", (const char *const *)claim->devices);
    else
        pca_json_string(builder, "devices", NULL);
    pca_json_string(builder, "user", claim->user);
    return end(options, builder);
}

gboolean pca_monitor_print_claim(const PcaOptions *options, const PcaSeenClaim *claim) {
    if (options->json == PCA_JSON_OFF)
        return claim_text(claim, claim->state);
    return claim_json(options, claim, "claim", "state", claim->state);
}

gboolean pca_monitor_print_request(const PcaOptions *options, const PcaSeenClaim *claim,
                                   guint64 deadline) {
    gint64 left = MAX((gint64)deadline - g_get_monotonic_time(), 0);
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, deadline);
    g_autofree char *what = g_strdup_printf("to be given back within %" G_GINT64_FORMAT " s",
                                            (left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
    if (options->json == PCA_JSON_OFF)
        return claim_text(claim, what);
    return claim_json(options, claim, "release-requested", "deadline", number);
}

static const char *or_dash(const char *text) {
    return *text ? text : "-";
}

static gboolean device_text(const PcaSeenDevice *before, const PcaSeenDevice *after) {
    g_autoptr(GString) text = g_string_new(after ? after->address : before->address);
    const char *separator = before ? ": " : " added: ";
    if (!after)
        g_string_append(text, " removed");
    for (guint i = 0; after && i < G_N_ELEMENTS(fields); i++) {
        if (!before && *get(after, i))
            g_string_append_printf(text, "%s%s %s", separator, fields[i].text, get(after, i));
        else if (before && !g_str_equal(get(before, i), get(after, i)))
            g_string_append_printf(text, "%s%s %s -> %s", separator, fields[i].text,
                                   or_dash(get(before, i)), or_dash(get(after, i)));
        else
            continue;
        separator = ", ";
    }
    return print_text("device", text->str);
}

static gboolean device_json(const PcaOptions *options, const PcaSeenDevice *before,
                            const PcaSeenDevice *after) {
    g_autoptr(JsonBuilder) builder = begin(!before  ? "device-added"
                                           : !after ? "device-removed"
                                                    : "device-changed");
    pca_json_string(builder, "address", after ? after->address : before->address);
    for (guint i = 0; after && i < G_N_ELEMENTS(fields); i++)
        pca_json_string(builder, fields[i].json, get(after, i));
    if (!before || !after)
        return end(options, builder);
    json_builder_set_member_name(builder, "changed");
    json_builder_begin_array(builder);
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        if (!g_str_equal(get(before, i), get(after, i)))
            json_builder_add_string_value(builder, fields[i].json);
    json_builder_end_array(builder);
    return end(options, builder);
}

static gboolean is_same(const PcaSeenDevice *before, const PcaSeenDevice *after) {
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        if (!g_str_equal(get(before, i), get(after, i)))
            return FALSE;
    return TRUE;
}

gboolean pca_monitor_print_device(const PcaOptions *options, const PcaSeenDevice *before,
                                  const PcaSeenDevice *after) {
    if (before && after && is_same(before, after))
        return TRUE;
    if (options->json == PCA_JSON_OFF)
        return device_text(before, after);
    return device_json(options, before, after);
}
