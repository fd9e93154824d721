/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims: who holds what.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "device-json.h"
#include "objects.h"
#include "output.h"
#include "base/error.h"

#include <stdio.h>

static char *format_since(const PcaClaimView *claim) {
    guint64 since = pca_claim_since(claim);
    if (since == 0)
        return NULL;
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(since / G_USEC_PER_SEC));
    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;
}

static char *format_pid(const PcaClaimView *claim) {
    guint32 pid = 0;
    g_variant_lookup(claim->details, "pid", "u", &pid);
    return pid ? g_strdup_printf("%u", pid) : NULL;
}

static void json_since(JsonBuilder *builder, const PcaClaimView *claim) {
    guint64 since = pca_claim_since(claim);
    g_autofree char *text = since ? g_strdup_printf("%" G_GUINT64_FORMAT, since) : NULL;
    pca_json_string(builder, "since", text);
}

static gint64 lookup_number(const PcaClaimView *claim, const char *key) {
    guint32 value = 0;
    return g_variant_lookup(claim->details, key, "u", &value) ? (gint64)value : -1;
}

static void json_owner(JsonBuilder *builder, const PcaClaimView *claim) {
    gint64 uid = lookup_number(claim, "uid");
    json_builder_set_member_name(builder, "owner");
    if (uid < 0) {
        json_builder_add_null_value(builder);
        return;
    }
    json_builder_begin_object(builder);
    pca_json_number(builder, "uid", uid);
    pca_json_string(builder, "user", pca_lookup_string(claim->details, "user"));
    pca_json_number(builder, "pid", lookup_number(claim, "pid"));
    pca_json_string(builder, "unit", pca_lookup_string(claim->details, "unit"));
    json_builder_end_object(builder);
}

static void json_still_allowed(JsonBuilder *builder, const PcaClaimView *claim) {
    g_autoptr(GVariant) value =
        g_variant_lookup_value(claim->details, "still_allowed", G_VARIANT_TYPE_BOOLEAN);
    pca_json_variant(builder, "still_allowed", value);
}

static void claims_json(const PcaOptions *options, GPtrArray *claims) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < claims->len; i++) {
        const PcaClaimView *claim = g_ptr_array_index(claims, i);
        json_builder_begin_object(builder);
        pca_json_string(builder, "claim", claim->id);
        pca_json_string(builder, "state", pca_lookup_string(claim->details, "state"));
        pca_json_strings(builder, "devices", claim->devices);
        pca_json_strings(builder, "stubbed", claim->stubbed);
        pca_json_string(builder, "title", pca_lookup_string(claim->details, "title"));
        json_since(builder, claim);
        json_owner(builder, claim);
        pca_json_string(builder, "policy", pca_lookup_string(claim->details, "policy"));
        json_still_allowed(builder, claim);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    pca_json_print(options, builder);
}

/* A claim stays when the policy changes. */
static void note_refusal(const PcaClaimView *claim) {
    const char *refusal = pca_lookup_string(claim->details, "refusal");
    g_autofree char *text = refusal ? pca_printable(refusal) : NULL;
    if (text)
        printf("%s: the policy would not grant it any more: %s\n", claim->id, text);
}

/* "05:00.0 (+05:00.1)", with whole addresses: what is only kept from the host in brackets. */
static char *format_devices(const PcaClaimView *claim) {
    g_autofree char *devices = g_strjoinv(",", (char **)claim->devices);
    g_autofree char *stubbed = g_strjoinv(",", (char **)claim->stubbed);
    return *stubbed ? g_strdup_printf("%s (+%s)", devices, stubbed) : g_steal_pointer(&devices);
}

static gboolean claims_table(const PcaOptions *options, GPtrArray *claims, GError **error) {
    static const char *const columns[] = {"CLAIM", "STATE", "DEVICES", "OWNER",
                                          "PID",   "SINCE", "TITLE",   NULL};
    g_autoptr(PcaTable) table = pca_table_new(options, columns, TRUE, error);
    if (!table)
        return FALSE;
    for (guint i = 0; i < claims->len; i++) {
        const PcaClaimView *claim = g_ptr_array_index(claims, i);
        g_autofree char *devices = format_devices(claim);
        g_autofree char *owner = pca_claim_owner(claim);
        g_autofree char *pid = format_pid(claim);
        g_autofree char *since = format_since(claim);
        const char *cells[] = {claim->id,
                               pca_lookup_string(claim->details, "state"),
                               devices,
                               owner ? owner : "another user",
                               pid,
                               since,
                               pca_lookup_string(claim->details, "title")};
        pca_table_row(table, cells);
    }
    pca_table_print(table);
    for (guint i = 0; !options->no_legend && i < claims->len; i++)
        note_refusal(g_ptr_array_index(claims, i));
    return TRUE;
}

int pca_verb_claims(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    if (pca_options_n_words(options) > 0) {
        pca_complain("claims takes no argument; did you mean 'status %s'?",
                     pca_options_word(options, 0));
        return PCA_EXIT_USAGE;
    }
    g_autoptr(GDBusConnection) bus = pca_connect(&error);
    g_autoptr(GPtrArray) claims = bus ? pca_claims_fetch(bus, &error) : NULL;
    if (!claims)
        return pca_fail(NULL, error);
    if (options->json != PCA_JSON_OFF)
        claims_json(options, claims);
    else if (!claims_table(options, claims, &error))
        return pca_fail(NULL, error);
    if (claims->len == 0 && options->json == PCA_JSON_OFF && !options->no_legend)
        puts("No claims.");
    return 0;
}
