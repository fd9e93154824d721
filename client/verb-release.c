/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: release: taking claims back, or some of their devices.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "objects.h"
#include "output.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* A release unbinds and resets; the daemon answers by itself when that hangs. */
#define RELEASE_TIMEOUT_MS (300 * 1000)

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

static gboolean is_whole(const Part *part) {
    return part->devices->len == g_strv_length((char **)part->claim->devices) + 1;
}

/* What was stopped, a line each. */
static void print_stopped(const Part *part, GVariant *reply) {
    g_autoptr(GVariant) stopped = g_variant_get_child_value(reply, 0);
    g_autoptr(GVariant) processes =
        g_variant_lookup_value(stopped, "processes", G_VARIANT_TYPE("a(uus)"));
    g_autofree const char **units = NULL;
    g_variant_lookup(stopped, "units", "^a&s", &units);
    for (guint i = 0; units && units[i]; i++) {
        g_autofree char *unit = pca_printable(units[i]);
        printf("%s: stopped %s\n", part->claim->id, unit);
    }
    for (gsize i = 0; processes && i < g_variant_n_children(processes); i++) {
        guint32 pid, uid;
        const char *comm;
        g_variant_get_child(processes, i, "(uu&s)", &pid, &uid, &comm);
        g_autofree char *name = pca_printable(comm);
        printf("%s: stopped %s (process %u of uid %u)\n", part->claim->id, name, pid, uid);
    }
}

static gboolean take_back(GDBusConnection *bus, const Part *part, const char *waiting,
                          GError **error) {
    const PcaCall call = {.path = part->claim->path,
                          .interface = PCA_BUS_CLAIM,
                          .method = "Revoke",
                          .arguments = g_variant_new_parsed("({'force': <true>},)"),
                          .reply_type = "(a{sv})",
                          .timeout_ms = RELEASE_TIMEOUT_MS,
                          .waiting = waiting};
    g_autoptr(GVariant) reply = pca_call(bus, &call, NULL, error);
    if (reply)
        print_stopped(part, reply);
    return reply != NULL;
}

static gboolean release(GDBusConnection *bus, const Part *part, gboolean force, GError **error) {
    g_autofree char *devices = g_strjoinv(", ", (char **)part->devices->pdata);
    g_autofree char *waiting = g_strdup_printf("releasing %s", devices);
    gboolean whole = is_whole(part);
    if (force)
        return take_back(bus, part, waiting, error);
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

static gboolean are_whole(GPtrArray *parts, GError **error) {
    for (guint i = 0; i < parts->len; i++) {
        const Part *part = g_ptr_array_index(parts, i);
        if (is_whole(part))
            continue;
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "%s: its claim has other devices as well, and --force takes whole claims back: "
                    "pcassignctl release --force %s",
                    (const char *)g_ptr_array_index(part->devices, 0), part->claim->id);
        return FALSE;
    }
    return TRUE;
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
    if (options->force && !are_whole(parts, error))
        return NULL;
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
        if (release(bus, part, options->force, &problem))
            continue;
        int failed = pca_fail(g_ptr_array_index(part->devices, 0), problem);
        status = status ? status : failed;
    }
    return status;
}
