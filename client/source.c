/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the two sources of functions.
 * Thread: main. Ownership: see the header.
 */
#include "source.h"
#include "output.h"
#include "base/error.h"
#include "sys/hardware.h"
#include "sys/scan.h"

#include <string.h>

struct PcaSource {
    PcaRoot *root;
    GPtrArray *devices;
    GPtrArray *claims;     /* empty offline */
    GDBusConnection *bus;  /* NULL offline */
    PcaSnapshot *snapshot; /* NULL online */
    PcaHardware *hardware; /* NULL online, and where it is brief */
};

void pca_source_free(PcaSource *source) {
    if (!source)
        return;
    g_clear_pointer(&source->devices, g_ptr_array_unref);
    g_clear_pointer(&source->claims, g_ptr_array_unref);
    g_clear_pointer(&source->hardware, pca_hardware_free);
    g_clear_pointer(&source->snapshot, pca_snapshot_unref);
    g_clear_object(&source->bus);
    pca_root_free(source->root);
    g_free(source);
}

/* ---- The daemon ---- */

static gboolean fetch(PcaSource *source, GError **error) {
    source->root = pca_root_new_host();
    source->bus = pca_connect(error);
    source->devices = source->bus ? pca_devices_fetch(source->bus, error) : NULL;
    source->claims = source->devices ? pca_claims_fetch(source->bus, error) : NULL;
    return source->claims != NULL;
}

static GVariant *ask_explain(const PcaSource *source, const PcaDeviceView *device, GError **error) {
    g_autofree char *element = pca_address_format_path(&device->address);
    g_autofree char *path = g_strconcat(PCA_BUS_PATH "/device/", element, NULL);
    g_autofree char *address = pca_address_format(&device->address);
    g_autoptr(GError) problem = NULL;
    const PcaCall call = {.path = path,
                          .interface = PCA_BUS_DEVICE,
                          .method = "Explain",
                          .reply_type = "(a{sv})",
                          .waiting = address};
    g_autoptr(GVariant) reply = pca_call(source->bus, &call, NULL, &problem);
    if (reply)
        return g_variant_get_child_value(reply, 0);
    if (g_error_matches(problem, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD))
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                    "the pcassignd that runs cannot explain isolation; restart it when it was "
                    "updated, or use --offline");
    else
        g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

/* ---- sysfs ---- */

static gboolean is_directory(const char *parent, const char *name) {
    g_autofree char *path = g_build_filename(parent, name, NULL);
    return g_file_test(path, G_FILE_TEST_IS_DIR);
}

/* A machine may have no PCI; without any bus it is no sysfs. */
static gboolean check_tree(const char *sysfs, GError **error) {
    g_autofree char *below = g_build_filename(sysfs, "sys", NULL);
    if (is_directory(sysfs, "bus"))
        return TRUE;
    if (!g_file_test(sysfs, G_FILE_TEST_IS_DIR))
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "--sysfs: %s is no directory",
                    sysfs);
    else if (is_directory(below, "bus"))
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "--sysfs: %s is not laid out like /sys; did you mean %s?", sysfs, below);
    else
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "--sysfs: %s is not laid out like /sys: it has no bus/pci/devices", sysfs);
    return FALSE;
}

/* What was saved beside a directory "sys" is of the same machine. This host's /proc tells nothing
 * about another one: where there is no such directory, nothing is below the paths. */
static PcaRoot *root_of_tree(const char *sysfs) {
    g_autofree char *full = g_canonicalize_filename(sysfs, NULL);
    g_autofree char *name = g_path_get_basename(full);
    g_autofree char *parent = g_path_get_dirname(full);
    const char *beside = g_str_equal(name, "sys") ? parent : full;
    g_autofree char *proc = g_build_filename(beside, "proc", NULL);
    g_autofree char *dev = g_build_filename(beside, "dev", NULL);
    return pca_root_new(full, proc, dev);
}

/* Whether a function on a vfio driver is somebody's, sysfs does not tell. */
static const char *state_of(const PcaFunction *function) {
    if (!function->driver)
        return "free";
    return pca_driver_is_vfio(function->driver) ? NULL : "host";
}

static PcaFunctionFacts *facts_of(const PcaFunction *function) {
    PcaFunctionFacts *facts = pca_function_facts_new();
    facts->state = g_strdup(state_of(function));
    return facts;
}

static void add_views(PcaSource *source) {
    GPtrArray *functions = source->snapshot->functions;
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(functions, i);
        const PcaConfig *config =
            source->hardware ? g_ptr_array_index(source->hardware->configs, i) : NULL;
        g_autoptr(PcaFunctionFacts) facts = facts_of(function);
        GVariant *description = pca_describe_function(function, config, facts);
        g_ptr_array_add(source->devices, pca_device_view_new(description));
    }
}

/* What has no ids that make sense is in no snapshot; a reader has to know that it is missing. */
static void complain_left_out(const PcaSource *source) {
    g_autofree char *devices = g_build_filename(source->root->sysfs, "bus/pci/devices", NULL);
    g_auto(GStrv) names = pca_read_directory(devices);
    if (g_strv_length(names) == source->snapshot->functions->len)
        return;
    for (char **name = names; *name; name++) {
        PcaAddress address;
        if (!pca_address_parse(*name, &address) || !pca_snapshot_find(source->snapshot, &address))
            pca_complain("%s/%s could not be read and is left out", devices, *name);
    }
}

static gboolean read_tree(PcaSource *source, const PcaOptions *options, PcaSourceDepth depth,
                          GError **error) {
    if (options->sysfs && !check_tree(options->sysfs, error))
        return FALSE;
    source->root = options->sysfs ? root_of_tree(options->sysfs) : pca_root_new_host();
    source->devices = g_ptr_array_new_with_free_func(pca_device_view_free);
    source->claims = g_ptr_array_new();
    source->snapshot =
        depth == PCA_SOURCE_BRIEF ? pca_scan_brief(source->root) : pca_scan(source->root, NULL);
    if (depth == PCA_SOURCE_CONFIGS)
        source->hardware = pca_hardware_read(source->root, source->snapshot, NULL);
    add_views(source);
    complain_left_out(source);
    return TRUE;
}

static GVariant *describe_tree(const PcaSource *source, const PcaDeviceView *device) {
    const PcaFunction *function = pca_snapshot_find(source->snapshot, &device->address);
    g_autoptr(PcaFunctionFacts) facts =
        pca_hardware_facts(source->root, source->snapshot, function);
    g_autoptr(PcaConfig) config = pca_hardware_read_config(source->root, &device->address, NULL);
    facts->state = g_strdup(state_of(function));
    return g_variant_ref_sink(pca_describe_function(function, config, facts));
}

static GVariant *explain_tree(const PcaSource *source, const PcaDeviceView *device) {
    return g_variant_ref_sink(
        pca_hardware_explain(source->root, source->hardware, &device->address));
}

/* ---- Either ---- */

PcaSource *pca_source_open(const PcaOptions *options, PcaSourceDepth depth, GError **error) {
    g_autoptr(PcaSource) source = g_new0(PcaSource, 1);
    gboolean ok =
        options->offline ? read_tree(source, options, depth, error) : fetch(source, error);
    return ok ? g_steal_pointer(&source) : NULL;
}

GPtrArray *pca_source_devices(const PcaSource *source) {
    return source->devices;
}

const PcaClaimView *pca_source_claim(const PcaSource *source, const PcaDeviceView *device) {
    return pca_claims_find_device(source->claims, &device->address);
}

const PcaDeviceView *pca_source_find(const PcaSource *source, const char *word, GError **error) {
    for (guint i = 0; i < source->devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(source->devices, i);
        if (pca_device_is(device, word))
            return device;
    }
    PcaAddress address;
    gboolean name = !pca_address_parse(word, &address);
    g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "%s: no such device%s", word,
                name && !source->bus ? "; offline, a device is an address such as 01:00.0" : "");
    return NULL;
}

const PcaDeviceView *pca_source_look_up(const PcaSource *source, const PcaAddress *address) {
    guint low = 0, high = source->devices->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const PcaDeviceView *device = g_ptr_array_index(source->devices, middle);
        gint order = pca_address_compare(address, &device->address);
        if (order == 0)
            return device;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

GVariant *pca_source_describe(const PcaSource *source, const PcaDeviceView *device) {
    return source->bus ? g_variant_ref(device->properties) : describe_tree(source, device);
}

GVariant *pca_source_explain(const PcaSource *source, const PcaDeviceView *device, GError **error) {
    return source->bus ? ask_explain(source, device, error) : explain_tree(source, device);
}

const PcaSnapshot *pca_source_snapshot(const PcaSource *source) {
    return source->snapshot;
}

const PcaHardware *pca_source_hardware(const PcaSource *source) {
    return source->hardware;
}

const PcaRoot *pca_source_root(const PcaSource *source) {
    return source->root;
}
