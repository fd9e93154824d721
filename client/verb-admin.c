/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reserve, unreserve, reset and recover: what an administrator does to one function.
 * Thread: main. Ownership: everything belongs to the one call.
 */
#include "verbs.h"
#include "objects.h"
#include "output.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* The daemon answers by itself when the kernel hangs. */
#define ADMIN_TIMEOUT_MS (300 * 1000)

/* The one device that the word means; borrowed from the array. */
static const PcaDeviceView *find(GPtrArray *devices, const char *word, GError **error) {
    const PcaDeviceView *found = NULL;
    for (guint i = 0; i < devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(devices, i);
        if (!pca_device_is(device, word))
            continue;
        if (found) {
            g_autofree char *first = pca_address_format(&found->address);
            g_autofree char *second = pca_address_format(&device->address);
            g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                        "%s means several functions, among them %s and %s; name one of them", word,
                        first, second);
            return NULL;
        }
        found = device;
    }
    if (!found)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "%s: no such device", word);
    return found;
}

static char *object_path(const PcaDeviceView *device) {
    g_autofree char *address = pca_address_format_path(&device->address);
    return g_strconcat(PCA_BUS_PATH "/device/", address, NULL);
}

/* NULL when it cannot be told: the function may have gone meanwhile. */
static char *fetch_state(GDBusConnection *bus, const char *path) {
    const PcaCall call = {.path = path,
                          .interface = "org.freedesktop.DBus.Properties",
                          .method = "Get",
                          .arguments = g_variant_new("(ss)", PCA_BUS_DEVICE, "State"),
                          .reply_type = "(v)"};
    g_autoptr(GVariant) reply = pca_call(bus, &call, NULL, NULL);
    g_autoptr(GVariant) value = NULL;
    if (reply)
        g_variant_get(reply, "(v)", &value);
    return value && g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)
               ? g_variant_dup_string(value, NULL)
               : NULL;
}

static void print_result(const PcaOptions *options, const char *address, const char *state) {
    g_autofree char *shown = pca_printable(state ? state : "unknown");
    if (options->json == PCA_JSON_OFF) {
        if (!options->no_legend)
            printf("%s: %s\n", address, shown);
        return;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    pca_json_string(builder, "address", address);
    pca_json_string(builder, "state", state);
    json_builder_end_object(builder);
    pca_json_print(options, builder);
}

/* `arguments` is a floating a{sv}. */
static int call_on(const PcaOptions *options, const char *method, const char *doing,
                   GVariant *arguments) {
    g_autoptr(GVariant) dictionary = g_variant_ref_sink(arguments);
    g_autoptr(GError) error = NULL;
    const char *word = pca_options_word(options, 0);
    g_autoptr(GDBusConnection) bus = pca_connect(&error);
    g_autoptr(GPtrArray) devices = bus ? pca_devices_fetch(bus, &error) : NULL;
    const PcaDeviceView *device = devices ? find(devices, word, &error) : NULL;
    if (!device)
        return pca_fail(NULL, error);
    g_autofree char *address = pca_address_format(&device->address);
    g_autofree char *path = object_path(device);
    g_autofree char *waiting = g_strdup_printf("%s %s", doing, address);
    const PcaCall call = {.path = path,
                          .interface = PCA_BUS_DEVICE,
                          .method = method,
                          .arguments = g_variant_new("(@a{sv})", dictionary),
                          .reply_type = "()",
                          .timeout_ms = ADMIN_TIMEOUT_MS,
                          .waiting = waiting,
                          .asks = TRUE};
    g_autoptr(GVariant) reply = pca_call(bus, &call, NULL, &error);
    if (!reply)
        return pca_fail(address, error);
    g_autofree char *state = fetch_state(bus, path);
    print_result(options, address, state);
    return 0;
}

static gboolean takes_one(const PcaOptions *options) {
    if (pca_options_n_words(options) == 1)
        return TRUE;
    pca_complain("%s takes one device, not %u", options->verb, pca_options_n_words(options));
    return FALSE;
}

static GVariant *no_options(void) {
    return g_variant_new("a{sv}", NULL);
}

int pca_verb_reserve(const PcaOptions *options) {
    return takes_one(options) ? call_on(options, "Reserve", "reserving", no_options())
                              : PCA_EXIT_USAGE;
}

int pca_verb_unreserve(const PcaOptions *options) {
    return takes_one(options) ? call_on(options, "Unreserve", "giving back", no_options())
                              : PCA_EXIT_USAGE;
}

int pca_verb_reset(const PcaOptions *options) {
    g_auto(GVariantDict) dictionary;
    g_variant_dict_init(&dictionary, NULL);
    if (!takes_one(options))
        return PCA_EXIT_USAGE;
    if (options->method)
        g_variant_dict_insert(&dictionary, "method", "s", options->method);
    return call_on(options, "Reset", "resetting", g_variant_dict_end(&dictionary));
}

int pca_verb_recover(const PcaOptions *options) {
    g_auto(GVariantDict) dictionary;
    g_variant_dict_init(&dictionary, NULL);
    if (!takes_one(options))
        return PCA_EXIT_USAGE;
    if (options->accept_risk)
        g_variant_dict_insert(&dictionary, "accept-risk", "b", TRUE);
    return call_on(options, "Recover", "recovering", g_variant_dict_end(&dictionary));
}
