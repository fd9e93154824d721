/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims and release: who holds what, and taking it back.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "device-json.h"
#include "objects.h"
#include "output.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* A release unbinds and resets; the daemon answers by itself when that hangs. */
#define RELEASE_TIMEOUT_MS (300 * 1000)

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

/* The claim that a word means: its id or path, or an address or a policy name of one of its
 * devices. Fails with NotFound. */
static const PcaClaimView *find(GPtrArray *devices, GPtrArray *claims, const char *word,
                                GError **error) {
    const PcaClaimView *claim = pca_claims_find(claims, word);
    const PcaDeviceView *unclaimed = NULL;
    for (guint i = 0; !claim && i < devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(devices, i);
        if (!pca_device_is(device, word))
            continue;
        claim = pca_claims_find_device(claims, &device->address);
        unclaimed = device;
    }
    /* A device that was removed while it was claimed is in its claim alone. */
    PcaAddress address;
    if (!claim && pca_address_parse(word, &address))
        claim = pca_claims_find_device(claims, &address);
    if (claim)
        return claim;
    const char *state = unclaimed ? pca_device_string(unclaimed, "State") : NULL;
    if (unclaimed)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "%s: not claimed (its state: %s)", word,
                    state ? state : "unknown");
    else
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "%s: no such claim or device", word);
    return NULL;
}

static gboolean fetch(GDBusConnection *bus, GPtrArray **devices, GPtrArray **claims,
                      GError **error) {
    *claims = pca_claims_fetch(bus, error);
    *devices = *claims ? pca_devices_fetch(bus, error) : NULL;
    return *devices != NULL;
}

static gboolean word_means(GPtrArray *devices, const char *word, const char *address) {
    PcaAddress wanted, named;
    if (!pca_address_parse(address, &wanted))
        return FALSE;
    if (pca_address_parse(word, &named) && pca_address_equal(&named, &wanted))
        return TRUE;
    for (guint i = 0; i < devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(devices, i);
        if (pca_address_equal(&device->address, &wanted) && pca_device_is(device, word))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_meant(GPtrArray *devices, const PcaOptions *options, const char *address) {
    for (guint w = 0; w < pca_options_n_words(options); w++)
        if (word_means(devices, pca_options_word(options, w), address))
            return TRUE;
    return FALSE;
}

static gboolean is_device(GPtrArray *devices, const PcaClaimView *claim, const char *word) {
    for (guint i = 0; claim->devices[i]; i++)
        if (word_means(devices, word, claim->devices[i]))
            return TRUE;
    return FALSE;
}

/* Only of a claim that is ready can some devices be given back; otherwise naming a device must not
 * take others along unseen. */
static gboolean covers(GPtrArray *devices, const PcaOptions *options, const PcaClaimView *claim,
                       const char *word, GError **error) {
    const char *state = pca_lookup_string(claim->details, "state");
    if (!is_device(devices, claim, word)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "%s: is only kept from the host, and goes back with the others of its IOMMU "
                    "group: pcassignctl release %s",
                    word, claim->id);
        return FALSE;
    }
    if (g_strcmp0(state, "ready") == 0)
        return TRUE;
    for (guint i = 0; claim->devices[i]; i++) {
        if (is_meant(devices, options, claim->devices[i]))
            continue;
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "%s: its claim is %s and has %s as well; to release them all: pcassignctl "
                    "release %s",
                    word, state ? state : "not ready", claim->devices[i], claim->id);
        return FALSE;
    }
    return TRUE;
}

/* What is to be released of one claim. */
typedef struct {
    const PcaClaimView *claim;
    GPtrArray *devices; /* addresses, borrowed, ends with NULL; all of them: the claim itself */
} Part;

static void part_free(gpointer data) {
    Part *part = data;
    g_ptr_array_unref(part->devices);
    g_free(part);
}

static GVariant *device_paths(const Part *part) {
    GVariantBuilder paths;
    g_variant_builder_init(&paths, G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
    for (guint i = 0; i + 1 < part->devices->len; i++) {
        PcaAddress address;
        if (!pca_address_parse(g_ptr_array_index(part->devices, i), &address))
            continue;
        g_autofree char *name = pca_address_format_path(&address);
        g_autofree char *path = g_strconcat(PCA_BUS_PATH "/device/", name, NULL);
        g_variant_builder_add(&paths, "o", path);
    }
    return g_variant_new("(ao)", &paths);
}

static gboolean release(GDBusConnection *bus, const Part *part, GError **error) {
    g_autofree char *devices = g_strjoinv(", ", (char **)part->devices->pdata);
    g_autofree char *waiting = g_strdup_printf("releasing %s", devices);
    gboolean whole = part->devices->len == g_strv_length((char **)part->claim->devices) + 1;
    const PcaCall call = {.path = part->claim->path,
                          .interface = PCA_BUS_CLAIM,
                          .method = whole ? "Release" : "ReleaseDevices",
                          .arguments = whole ? NULL : device_paths(part),
                          .reply_type = "()",
                          .timeout_ms = RELEASE_TIMEOUT_MS,
                          .waiting = waiting,
                          .asks = TRUE};
    g_autoptr(GVariant) reply = pca_call(bus, &call, NULL, error);
    return reply != NULL;
}

/* Whether a word names the claim itself. */
static gboolean is_named(const PcaOptions *options, GPtrArray *claims, const PcaClaimView *claim) {
    for (guint w = 0; w < pca_options_n_words(options); w++)
        if (pca_claims_find(claims, pca_options_word(options, w)) == claim)
            return TRUE;
    return FALSE;
}

static Part *part_new(const PcaOptions *options, GPtrArray *devices, GPtrArray *claims,
                      const PcaClaimView *claim) {
    Part *part = g_new0(Part, 1);
    gboolean whole = is_named(options, claims, claim);
    part->claim = claim;
    part->devices = g_ptr_array_new();
    for (guint i = 0; claim->devices[i]; i++)
        if (whole || is_meant(devices, options, claim->devices[i]))
            g_ptr_array_add(part->devices, (gpointer)claim->devices[i]);
    g_ptr_array_add(part->devices, NULL);
    return part;
}

static gboolean has_part(GPtrArray *parts, const PcaClaimView *claim) {
    for (guint i = 0; i < parts->len; i++)
        if (((Part *)g_ptr_array_index(parts, i))->claim == claim)
            return TRUE;
    return FALSE;
}

/* Finds everything before the first is released: a mistyped word changes nothing. */
static GPtrArray *find_all(const PcaOptions *options, GPtrArray *devices, GPtrArray *claims,
                           GError **error) {
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
    for (guint w = 0; w < pca_options_n_words(options); w++) {
        const char *word = pca_options_word(options, w);
        const PcaClaimView *claim = find(devices, claims, word, error);
        if (!claim)
            return NULL;
        if (!is_named(options, claims, claim) && !covers(devices, options, claim, word, error))
            return NULL;
        if (!has_part(parts, claim))
            g_ptr_array_add(parts, part_new(options, devices, claims, claim));
    }
    return g_steal_pointer(&parts);
}

int pca_verb_release(const PcaOptions *options) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) claims = NULL;
    g_autoptr(GPtrArray) devices = NULL;
    int status = 0;
    if (pca_options_n_words(options) == 0) {
        pca_complain("release needs a claim or a device; 'pcassignctl claims' lists the claims");
        return PCA_EXIT_USAGE;
    }
    g_autoptr(GDBusConnection) bus = pca_connect(&error);
    if (!bus || !fetch(bus, &devices, &claims, &error))
        return pca_fail(NULL, error);
    g_autoptr(GPtrArray) found = find_all(options, devices, claims, &error);
    if (!found)
        return pca_fail(NULL, error);
    for (guint i = 0; i < found->len; i++) {
        const Part *part = g_ptr_array_index(found, i);
        g_autoptr(GError) problem = NULL;
        if (release(bus, part, &problem))
            continue;
        int failed = pca_fail(g_ptr_array_index(part->devices, 0), problem);
        status = status ? status : failed;
    }
    return status;
}
