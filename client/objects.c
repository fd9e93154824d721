/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: fetching and finding devices and claims.
 * Thread: main. Ownership: see the header.
 */
#include "objects.h"
#include "base/error.h"

#include <string.h>

#define MIN_PREFIX 4

void pca_device_view_free(gpointer data) {
    PcaDeviceView *device = data;
    g_variant_unref(device->properties);
    g_free(device);
}

static void claim_free(gpointer data) {
    PcaClaimView *claim = data;
    g_free(claim->path);
    g_free(claim->devices);
    g_free(claim->stubbed);
    g_variant_unref(claim->details);
    g_free(claim);
}

static gint compare_devices(gconstpointer a, gconstpointer b) {
    const PcaDeviceView *x = *(PcaDeviceView *const *)a;
    const PcaDeviceView *y = *(PcaDeviceView *const *)b;
    return pca_address_compare(&x->address, &y->address);
}

PcaDeviceView *pca_device_view_new(GVariant *properties) {
    g_autoptr(GVariant) owned = g_variant_take_ref(properties);
    const char *text = pca_lookup_string(owned, "Address");
    PcaAddress address;
    if (!text || !pca_address_parse(text, &address))
        return NULL;
    PcaDeviceView *device = g_new0(PcaDeviceView, 1);
    device->address = address;
    device->properties = g_steal_pointer(&owned);
    return device;
}

static void add_device(GPtrArray *devices, GVariant *interfaces) {
    GVariant *properties =
        g_variant_lookup_value(interfaces, PCA_BUS_DEVICE, G_VARIANT_TYPE_VARDICT);
    PcaDeviceView *device = properties ? pca_device_view_new(properties) : NULL;
    if (device)
        g_ptr_array_add(devices, device);
}

GPtrArray *pca_devices_fetch(GDBusConnection *bus, GError **error) {
    const PcaCall call = {.path = PCA_BUS_PATH,
                          .interface = "org.freedesktop.DBus.ObjectManager",
                          .method = "GetManagedObjects",
                          .reply_type = "(a{oa{sa{sv}}})"};
    g_autoptr(GVariant) reply = pca_call(bus, &call, NULL, error);
    if (!reply)
        return NULL;
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(pca_device_view_free);
    g_autoptr(GVariantIter) objects = NULL;
    GVariant *interfaces = NULL;
    g_variant_get(reply, "(a{oa{sa{sv}}})", &objects);
    while (g_variant_iter_next(objects, "{o@a{sa{sv}}}", NULL, &interfaces)) {
        add_device(devices, interfaces);
        g_variant_unref(interfaces);
    }
    g_ptr_array_sort(devices, compare_devices);
    return g_steal_pointer(&devices);
}

const char *pca_device_string(const PcaDeviceView *device, const char *property) {
    return pca_lookup_string(device->properties, property);
}

int pca_device_number(const PcaDeviceView *device, const char *property) {
    gint32 value = -1;
    g_variant_lookup(device->properties, property, "i", &value);
    return value;
}

char *pca_device_ids(const PcaDeviceView *device) {
    const char *vendor = pca_device_string(device, "Vendor");
    const char *id = pca_device_string(device, "Device");
    return g_strdup_printf("%s:%s", vendor ? vendor : "????", id ? id : "????");
}

char *pca_device_title(const PcaDeviceView *device) {
    const char *description = pca_device_string(device, "Description");
    return description ? g_strdup(description) : pca_device_ids(device);
}

gboolean pca_device_is(const PcaDeviceView *device, const char *word) {
    PcaAddress address;
    if (pca_address_parse(word, &address))
        return pca_address_equal(&address, &device->address);
    return g_strcmp0(pca_device_string(device, "Name"), word) == 0;
}

static const char **lookup_strings(GVariant *dictionary, const char *key) {
    const char **strings = NULL;
    g_variant_lookup(dictionary, key, "^a&s", &strings);
    return strings ? strings : g_new0(const char *, 1);
}

static PcaClaimView *claim_new(const char *path, GVariant *details) {
    PcaClaimView *claim = g_new0(PcaClaimView, 1);
    const char *slash = strrchr(path, '/');
    claim->path = g_strdup(path);
    claim->id = claim->path + (slash ? slash - path + 1 : 0);
    claim->details = g_variant_ref(details);
    claim->devices = lookup_strings(details, "devices");
    claim->stubbed = lookup_strings(details, "stubbed");
    return claim;
}

GPtrArray *pca_claims_fetch(GDBusConnection *bus, GError **error) {
    const PcaCall call = {.path = PCA_BUS_PATH,
                          .interface = PCA_BUS_MANAGER,
                          .method = "ListClaims",
                          .reply_type = "(a(oa{sv}))"};
    g_autoptr(GVariant) reply = pca_call(bus, &call, NULL, error);
    return reply ? pca_claims_read(reply) : NULL;
}

GPtrArray *pca_claims_read(GVariant *reply) {
    GPtrArray *claims = g_ptr_array_new_with_free_func(claim_free);
    g_autoptr(GVariantIter) iter = NULL;
    const char *path = NULL;
    GVariant *details = NULL;
    g_variant_get(reply, "(a(oa{sv}))", &iter);
    while (g_variant_iter_next(iter, "(&o@a{sv})", &path, &details)) {
        g_ptr_array_add(claims, claim_new(path, details));
        g_variant_unref(details);
    }
    return claims;
}

static gboolean is_among(const char *const *addresses, const PcaAddress *wanted) {
    PcaAddress address;
    for (; *addresses; addresses++)
        if (pca_address_parse(*addresses, &address) && pca_address_equal(&address, wanted))
            return TRUE;
    return FALSE;
}

const PcaClaimView *pca_claims_find_device(GPtrArray *claims, const PcaAddress *address) {
    for (guint i = 0; i < claims->len; i++) {
        const PcaClaimView *claim = g_ptr_array_index(claims, i);
        if (is_among(claim->devices, address) || is_among(claim->stubbed, address))
            return claim;
    }
    return NULL;
}

const PcaClaimView *pca_claims_find(GPtrArray *claims, const char *word) {
    const PcaClaimView *found = NULL;
    guint n = 0;
    for (guint i = 0; i < claims->len; i++) {
        const PcaClaimView *claim = g_ptr_array_index(claims, i);
        if (g_str_equal(word, claim->id) || g_str_equal(word, claim->path))
            return claim;
        if (strlen(word) >= MIN_PREFIX && g_str_has_prefix(claim->id, word)) {
            found = claim;
            n++;
        }
    }
    return n == 1 ? found : NULL;
}

char *pca_claim_owner(const PcaClaimView *claim) {
    const char *user = pca_lookup_string(claim->details, "user");
    guint32 uid = 0;
    if (user)
        return g_strdup(user);
    if (g_variant_lookup(claim->details, "uid", "u", &uid))
        return g_strdup_printf("%u", uid);
    return NULL;
}

guint64 pca_claim_since(const PcaClaimView *claim) {
    guint64 since = 0;
    g_variant_lookup(claim->details, "since", "t", &since);
    return since;
}
