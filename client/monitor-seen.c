/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: keeping what was seen.
 * Thread: main. Ownership: see the header.
 */
#include "monitor-seen.h"

static void device_free(gpointer data) {
    PcaSeenDevice *device = data;
    g_free(device->address);
    g_free(device->name);
    g_free(device->driver);
    g_free(device->driver_override);
    g_free(device->state);
    g_free(device);
}

static void claim_free(gpointer data) {
    PcaSeenClaim *claim = data;
    g_free(claim->id);
    g_free(claim->state);
    g_strfreev(claim->devices);
    g_free(claim->user);
    g_free(claim);
}

PcaSeen *pca_monitor_seen_new(const PcaOptions *options) {
    PcaSeen *seen = g_new0(PcaSeen, 1);
    seen->options = options;
    seen->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, device_free);
    seen->claims = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, claim_free);
    return seen;
}

void pca_monitor_seen_free(PcaSeen *seen) {
    g_hash_table_unref(seen->devices);
    g_hash_table_unref(seen->claims);
    g_free(seen);
}

/* A property, or what it was. */
static char *pick(GVariant *properties, const char *name, const char *before) {
    const char *value = before ? before : "";
    g_variant_lookup(properties, name, "&s", &value);
    return g_strdup(value);
}

static PcaSeenDevice *device_new(GVariant *properties, const PcaSeenDevice *before) {
    PcaSeenDevice *device = g_new0(PcaSeenDevice, 1);
    device->address = pick(properties, "Address", before ? before->address : NULL);
    device->name = pick(properties, "Name", before ? before->name : NULL);
    device->driver = pick(properties, "Driver", before ? before->driver : NULL);
    device->driver_override =
        pick(properties, "DriverOverride", before ? before->driver_override : NULL);
    device->state = pick(properties, "State", before ? before->state : NULL);
    return device;
}

gboolean pca_monitor_seen_device(PcaSeen *seen, const char *path, GVariant *properties,
                                 gboolean tell) {
    const PcaSeenDevice *before = g_hash_table_lookup(seen->devices, path);
    PcaSeenDevice *after = device_new(properties, before);
    gboolean ok = !tell || pca_monitor_print_device(seen->options, before, after);
    g_hash_table_replace(seen->devices, g_strdup(path), after);
    return ok;
}

gboolean pca_monitor_seen_device_gone(PcaSeen *seen, const char *path) {
    const PcaSeenDevice *before = g_hash_table_lookup(seen->devices, path);
    gboolean ok = !before || pca_monitor_print_device(seen->options, before, NULL);
    g_hash_table_remove(seen->devices, path);
    return ok;
}

gboolean pca_monitor_seen_claim(PcaSeen *seen, const char *id, const char *state, gboolean tell) {
    PcaSeenClaim *claim = g_hash_table_lookup(seen->claims, id);
    if (!claim || g_strcmp0(claim->state, state) == 0)
        return TRUE;
    g_free(claim->state);
    claim->state = g_strdup(state);
    gboolean ok = !tell || pca_monitor_print_claim(seen->options, claim);
    if (g_str_equal(state, "ended"))
        g_hash_table_remove(seen->claims, id);
    return ok;
}

gboolean pca_monitor_seen_policy(PcaSeen *seen, GVariant *properties, gboolean tell) {
    guint64 generation = seen->generation;
    gboolean stale = seen->stale;
    g_variant_lookup(properties, "PolicyGeneration", "t", &generation);
    g_variant_lookup(properties, "PolicyStale", "b", &stale);
    gboolean same = generation == seen->generation && stale == seen->stale;
    seen->generation = generation;
    seen->stale = stale;
    return !tell || same || pca_monitor_print_policy(seen->options, generation, stale);
}

void pca_monitor_seen_add_claim(PcaSeen *seen, const char *id) {
    PcaSeenClaim *claim = g_new0(PcaSeenClaim, 1);
    claim->id = g_strdup(id);
    g_hash_table_replace(seen->claims, claim->id, claim);
}

void pca_monitor_seen_describe_claim(PcaSeen *seen, const PcaClaimView *view) {
    PcaSeenClaim *claim = g_hash_table_lookup(seen->claims, view->id);
    if (!claim)
        return;
    g_strfreev(claim->devices);
    claim->devices = g_strdupv((char **)view->devices);
    g_free(claim->user);
    claim->user = pca_claim_owner(view);
}
