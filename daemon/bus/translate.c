/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: translation between D-Bus values and the service's.
 * Thread: any; pure. Ownership: returned variants are floating.
 */
#include "base/error.h"
#include "bus/private.h"
#include "engine/handover.h"

#define MAX_DEVICES 64
#define MAX_TEXT 256 /* bytes of a device's text, alias or title */

static gboolean invalid(GError **error, const char *what, const char *name) {
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s \"%s\"", what, name);
    return FALSE;
}

static gboolean check_text(const char *what, const char *text, GError **error) {
    if (*text && strlen(text) <= MAX_TEXT)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s must have 1 to %d bytes", what,
                MAX_TEXT);
    return FALSE;
}

/* Known keys are taken out one by one; the first that is left over is refused by name. */
static gboolean refuse_leftover(GVariantDict *dict, const char *what, GError **error) {
    g_autoptr(GVariant) rest = g_variant_ref_sink(g_variant_dict_end(dict));
    if (g_variant_n_children(rest) == 0)
        return TRUE;
    const char *key;
    g_variant_get_child(rest, 0, "{&sv}", &key, NULL);
    return invalid(error, what, key);
}

static gboolean add_device(PcaRequest *request, GVariant *device, GError **error) {
    const char *text, *alias = NULL;
    g_autoptr(GVariant) options = NULL;
    g_variant_get(device, "(&s@a{sv})", &text, &options);
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, options);
    g_variant_lookup(options, "alias", "&s", &alias);
    if (alias)
        g_variant_dict_remove(&dict, "alias");
    if (!check_text("a device", text, error) || (alias && !check_text("an alias", alias, error)) ||
        !refuse_leftover(&dict, "unknown or mistyped option of a device:", error))
        return FALSE;
    pca_request_add(request, text, alias);
    return TRUE;
}

static gboolean add_devices(PcaRequest *request, GVariant *devices, GError **error) {
    gsize n = g_variant_n_children(devices);
    if (n == 0 || n > MAX_DEVICES) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "name 1 to %d devices, not %zu",
                    MAX_DEVICES, n);
        return FALSE;
    }
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) device = g_variant_get_child_value(devices, i);
        if (!add_device(request, device, error))
            return FALSE;
    }
    return TRUE;
}

/* Fetches and removes one option; FALSE when it is not there in that type. */
static gboolean take(GVariantDict *dict, const char *key, const char *format, gpointer value) {
    return g_variant_dict_lookup(dict, key, format, value) && g_variant_dict_remove(dict, key);
}

/* "join" o and "join-lease" h, of which neither is any use without the other. */
static gboolean take_join(PcaRequest *request, GVariantDict *dict, GError **error) {
    static const char prefix[] = PCA_BUS_PATH "/claim/";
    g_autofree char *path = NULL;
    gint32 index;
    gboolean joins = take(dict, "join", "o", &path), proves = take(dict, "join-lease", "h", &index);
    if (joins != proves) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "join (o) and join-lease (h) go together");
        return FALSE;
    }
    if (joins && !(g_str_has_prefix(path, prefix) && pca_claim_id_valid(path + strlen(prefix))))
        return invalid(error, "not the path of a claim:", path);
    request->join = joins ? g_strdup(path + strlen(prefix)) : NULL;
    return TRUE;
}

static gboolean take_options(PcaRequest *request, GVariant *options, gboolean claiming,
                             GError **error) {
    g_auto(GVariantDict) dict;
    g_autofree char *handoff = NULL;
    guint64 wait = PCA_WAIT_DEFAULT;
    g_variant_dict_init(&dict, options);
    if (take(&dict, "title", "s", &request->title) && !check_text("a title", request->title, error))
        return FALSE;
    take(&dict, "memory", "t", &request->memory);
    take(&dict, "viommu", "b", &request->viommu);
    if (take(&dict, "wait", "t", &wait) && wait > PCA_WAIT_MAX) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "wait must be at most %" G_GINT64_FORMAT " microseconds", PCA_WAIT_MAX);
        return FALSE;
    }
    request->wait = (gint64)wait;
    if (take(&dict, "handoff", "s", &handoff) &&
        !g_strv_contains(
            (const char *const[]){PCA_HANDOFF_CDEV, PCA_HANDOFF_GROUP, PCA_HANDOFF_NODE, NULL},
            handoff)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                    "handoff \"%s\" is not known; this version knows \"cdev\", \"group\" and "
                    "\"node\"",
                    handoff);
        return FALSE;
    }
    request->handoff = g_steal_pointer(&handoff);
    if (claiming && !take_join(request, &dict, error))
        return FALSE;
    request->loads = claiming;
    if (!claiming && take(&dict, "as", "s", &request->as) &&
        !check_text("a user", request->as, error))
        return FALSE;
    if (claiming)
        take(&dict, "async", "b", &request->async);
    return refuse_leftover(&dict, "unknown or mistyped option:", error);
}

PcaRequest *pca_translate_request(GVariant *devices, GVariant *options, gboolean claiming,
                                  GError **error) {
    g_autoptr(PcaRequest) request = pca_request_new();
    return add_devices(request, devices, error) && take_options(request, options, claiming, error)
               ? g_steal_pointer(&request)
               : NULL;
}

gboolean pca_translate_revoke(GVariant *options, gboolean *force, GError **error) {
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, options);
    take(&dict, "force", "b", force);
    return refuse_leftover(&dict, "unknown or mistyped option of Revoke:", error);
}

gboolean pca_translate_device_path(const char *path, PcaAddress *address) {
    static const char prefix[] = PCA_BUS_PATH "/device/";
    if (!g_str_has_prefix(path, prefix))
        return FALSE;
    const char *text = path + strlen(prefix);
    g_autofree char *usual = g_strdelimit(g_strdup(text), "_", ':');
    char *last = strrchr(usual, ':');
    if (last)
        *last = '.';
    g_autofree char *again =
        pca_address_parse(usual, address) ? pca_address_format_path(address) : NULL;
    return g_strcmp0(again, text) == 0;
}

GArray *pca_translate_addresses(GVariant *paths, GError **error) {
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    gsize n = g_variant_n_children(paths);
    if (n > MAX_DEVICES) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "name at most %d devices, not %zu", MAX_DEVICES, n);
        return NULL;
    }
    for (gsize i = 0; i < n; i++) {
        const char *path;
        PcaAddress address;
        g_variant_get_child(paths, i, "&o", &path);
        if (!pca_translate_device_path(path, &address)) {
            invalid(error, "not the path of a device:", path);
            return NULL;
        }
        g_array_append_val(addresses, address);
    }
    return g_steal_pointer(&addresses);
}

GVariant *pca_translate_findings(PcaFindings *findings) {
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(findings, i);
        g_auto(GVariantDict) dict;
        g_variant_dict_init(&dict, NULL);
        g_variant_dict_insert(&dict, "name", "s", finding->name);
        g_variant_dict_insert(&dict, "ok", "b", finding->ok);
        g_variant_dict_insert(&dict, "text", "s", finding->text);
        if (!finding->ok)
            g_variant_dict_insert(&dict, "error", "s", pca_error_name(finding->error));
        if (finding->culprit)
            g_variant_dict_insert(&dict, "culprit", "s", finding->culprit);
        if (finding->fix)
            g_variant_dict_insert(&dict, "fix", "s", finding->fix);
        g_variant_builder_add_value(&list, g_variant_dict_end(&dict));
    }
    return g_variant_builder_end(&list);
}

GVariant *pca_translate_diagnostics(PcaDiagnostics *diagnostics) {
    static const char *const severities[] = {"error", "warning", "note"};
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("a(suuss)"));
    for (guint i = 0; i < diagnostics->len; i++) {
        const PcaDiagnostic *d = g_ptr_array_index(diagnostics, i);
        g_variant_builder_add(&list, "(suuss)", d->file, d->line, d->column,
                              severities[d->severity], d->text);
    }
    return g_variant_builder_end(&list);
}

char *pca_translate_claim_path(const PcaClaim *claim) {
    return g_strconcat(PCA_BUS_PATH "/claim/", claim->id, NULL);
}

GVariant *pca_translate_claim(const PcaClaim *claim, const PcaSubject *subject) {
    return pca_claim_describe(claim, subject->uid == 0 || subject->uid == claim->uid);
}
