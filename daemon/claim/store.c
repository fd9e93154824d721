/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims on disk.
 * Thread: the main one. Ownership: see the header.
 */
#include "claim/store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fds.h"

#define FORMAT 1
#define CLAIM "Claim"

char *pca_store_path(const char *directory, const char *id, const char *name) {
    return g_build_filename(directory, id, name, NULL);
}

static void set_optional(GKeyFile *file, const char *group, const char *key, const char *value) {
    if (value)
        g_key_file_set_string(file, group, key, value);
}

static void save_device(GKeyFile *file, guint index, const PcaClaimDevice *device) {
    const PcaFunction *f = device->function;
    g_autofree char *group = g_strdup_printf("Device %u", index);
    g_autofree char *address = pca_address_format(&f->address);
    g_autofree char *methods = g_strjoinv(" ", f->reset_methods);
    g_key_file_set_string(file, group, "Address", address);
    g_key_file_set_string(file, group, "Name", device->name);
    g_key_file_set_string(file, group, "BindTo", device->driver);
    if (device->stub)
        g_key_file_set_boolean(file, group, "Stub", TRUE);
    set_optional(file, group, "Reset", device->methods);
    set_optional(file, group, "Files", device->files);
    if (device->keep)
        g_key_file_set_boolean(file, group, "Keep", TRUE);
    if (device->with_bus)
        g_key_file_set_boolean(file, group, "WithBus", TRUE);
    if (f->reset_methods[0])
        g_key_file_set_string(file, group, "ResetMethods", methods);
    g_key_file_set_uint64(file, group, "Vendor", f->vendor);
    g_key_file_set_uint64(file, group, "Device", f->device);
    g_key_file_set_uint64(file, group, "SubsystemVendor", f->subsystem_vendor);
    g_key_file_set_uint64(file, group, "SubsystemDevice", f->subsystem_device);
    g_key_file_set_integer(file, group, "IommuGroup", f->iommu_group);
    set_optional(file, group, "Path", f->slot_path);
    set_optional(file, group, "Driver", f->driver);
    set_optional(file, group, "Override", f->driver_override);
    set_optional(file, group, "NodeOwner", f->node_owner);
    set_optional(file, group, "Power", f->power);
    g_autofree char *pf = f->is_vf ? pca_address_format(&f->pf) : NULL;
    set_optional(file, group, "PhysicalFunction", pf);
}

static void save_gids(GKeyFile *file, const GArray *gids) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < gids->len; i++)
        g_string_append_printf(text, "%s%u", i > 0 ? " " : "", g_array_index(gids, guint32, i));
    if (text->len)
        g_key_file_set_string(file, CLAIM, "Gids", text->str);
}

static GKeyFile *to_key_file(const PcaClaim *claim, const char *boot_id) {
    GKeyFile *file = g_key_file_new();
    g_key_file_set_integer(file, CLAIM, "Format", FORMAT);
    g_key_file_set_string(file, CLAIM, "BootId", boot_id);
    g_key_file_set_uint64(file, CLAIM, "Uid", claim->uid);
    g_key_file_set_uint64(file, CLAIM, "Pid", claim->pid);
    g_key_file_set_uint64(file, CLAIM, "Memory", claim->memory);
    if (claim->viommu)
        g_key_file_set_boolean(file, CLAIM, "Viommu", TRUE);
    g_key_file_set_int64(file, CLAIM, "Since", claim->since);
    set_optional(file, CLAIM, "User", claim->user);
    set_optional(file, CLAIM, "Label", claim->label);
    set_optional(file, CLAIM, "NodeLabel", claim->node_label);
    set_optional(file, CLAIM, "Unit", claim->unit);
    save_gids(file, claim->gids);
    set_optional(file, CLAIM, "Title", claim->title);
    set_optional(file, CLAIM, "Policy", claim->policy);
    set_optional(file, CLAIM, "Handoff", claim->handoff);
    if (claim->kind != PCA_KIND_CLAIM)
        g_key_file_set_string(file, CLAIM, "Kind", pca_claim_kind_name(claim->kind));
    set_optional(file, CLAIM, "Joined", claim->joined);
    set_optional(file, CLAIM, "SplitFrom", claim->split_from);
    for (guint i = 0; i < claim->devices->len; i++)
        save_device(file, i, pca_claim_device(claim, i));
    return file;
}

static gboolean make_directory(const char *path, GError **error) {
    if (g_mkdir(path, 0700) == 0)
        return TRUE;
    pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "making %s", path);
    return FALSE;
}

static gboolean make_journal(const char *path, GError **error) {
    PCA_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        return TRUE;
    pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "making %s", path);
    return FALSE;
}

gboolean pca_store_create(const char *directory, const PcaClaim *claim, const char *boot_id,
                          GError **error) {
    g_autofree char *path = g_build_filename(directory, claim->id, NULL);
    g_autofree char *file_path = pca_store_path(directory, claim->id, "claim");
    g_autofree char *journal_path = pca_store_path(directory, claim->id, "journal");
    g_autoptr(GKeyFile) file = to_key_file(claim, boot_id);
    if (!make_directory(path, error))
        return FALSE;
    if (make_journal(journal_path, error) && g_key_file_save_to_file(file, file_path, error))
        return TRUE;
    pca_store_remove(directory, claim->id);
    return FALSE;
}

gboolean pca_store_update(const char *directory, const PcaClaim *claim, const char *boot_id,
                          GError **error) {
    g_autofree char *path = pca_store_path(directory, claim->id, "claim");
    g_autoptr(GKeyFile) file = to_key_file(claim, boot_id);
    return g_key_file_save_to_file(file, path, error);
}

static char *get_optional(GKeyFile *file, const char *group, const char *key) {
    return g_key_file_get_string(file, group, key, NULL);
}

/* A number within `max`; the first problem stays in *error. */
static guint64 get_number(GKeyFile *file, const char *group, const char *key, guint64 max,
                          GError **error) {
    if (error && *error)
        return 0;
    guint64 value = g_key_file_get_uint64(file, group, key, error);
    if (value <= max || (error && *error))
        return value;
    g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "%s of [%s] is out of range", key, group);
    return 0;
}

static void load_methods(GKeyFile *file, const char *group, PcaFunction *function) {
    g_autofree char *methods = get_optional(file, group, "ResetMethods");
    if (!methods)
        return;
    g_strfreev(function->reset_methods);
    function->reset_methods = g_strsplit(methods, " ", 0);
}

/* A record of an earlier version has one driver for all. */
static char *load_driver(GKeyFile *file, const char *group, GError **error) {
    char *driver = get_optional(file, group, "BindTo");
    return driver ? driver : g_key_file_get_string(file, CLAIM, "Driver", error);
}

static gboolean load_device(GKeyFile *file, const char *group, PcaClaim *claim, GError **error) {
    g_autofree char *address_text = g_key_file_get_string(file, group, "Address", error);
    g_autofree char *name = address_text ? g_key_file_get_string(file, group, "Name", error) : NULL;
    g_autofree char *driver = name ? load_driver(file, group, error) : NULL;
    PcaAddress address;
    GError *problem = NULL;
    if (!driver)
        return FALSE;
    if (!pca_address_parse(address_text, &address)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "malformed address %s", address_text);
        return FALSE;
    }
    g_autoptr(PcaFunction) f = pca_function_new(&address);
    f->vendor = (guint16)get_number(file, group, "Vendor", G_MAXUINT16, &problem);
    f->device = (guint16)get_number(file, group, "Device", G_MAXUINT16, &problem);
    f->subsystem_vendor =
        (guint16)get_number(file, group, "SubsystemVendor", G_MAXUINT16, &problem);
    f->subsystem_device =
        (guint16)get_number(file, group, "SubsystemDevice", G_MAXUINT16, &problem);
    f->iommu_group =
        problem ? PCA_NO_GROUP : g_key_file_get_integer(file, group, "IommuGroup", &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return FALSE;
    }
    f->slot_path = get_optional(file, group, "Path");
    f->driver = get_optional(file, group, "Driver");
    f->driver_override = get_optional(file, group, "Override");
    f->node_owner = get_optional(file, group, "NodeOwner");
    f->power = get_optional(file, group, "Power");
    load_methods(file, group, f);
    g_autofree char *pf = get_optional(file, group, "PhysicalFunction");
    f->is_vf = pf && pca_address_parse(pf, &f->pf);
    PcaClaimDevice *device = pca_claim_add_device(claim, f, name, driver);
    device->stub = g_key_file_get_boolean(file, group, "Stub", NULL);
    device->methods = get_optional(file, group, "Reset");
    device->files = get_optional(file, group, "Files");
    device->keep = g_key_file_get_boolean(file, group, "Keep", NULL);
    device->with_bus = g_key_file_get_boolean(file, group, "WithBus", NULL);
    return TRUE;
}

/* They decide about nothing that is granted: what makes no sense is left out. */
static void load_gids(GKeyFile *file, GArray *gids) {
    g_autofree char *text = get_optional(file, CLAIM, "Gids");
    g_auto(GStrv) items = g_strsplit(text ? text : "", " ", -1);
    for (char **item = items; *item; item++) {
        guint64 number;
        if (!g_ascii_string_to_unsigned(*item, 10, 0, G_MAXUINT32 - 1, &number, NULL))
            continue;
        guint32 gid = (guint32)number;
        g_array_append_val(gids, gid);
    }
}

static gboolean check_boot(GKeyFile *file, const char *boot_id, GError **error) {
    int format = g_key_file_get_integer(file, CLAIM, "Format", NULL);
    g_autofree char *made_in = get_optional(file, CLAIM, "BootId");
    if (format != FORMAT)
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                    "its format is %d, this version knows %d", format, FORMAT);
    else if (!made_in)
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "it does not say when it was made");
    else if (!g_str_equal(made_in, boot_id))
        g_set_error(error, PCA_ERROR, PCA_ERROR_REVOKED, "it was made before the last boot");
    else
        return TRUE;
    return FALSE;
}

static gboolean load_kind(GKeyFile *file, PcaClaim *claim, GError **error) {
    g_autofree char *name = get_optional(file, CLAIM, "Kind");
    for (int kind = 0; kind < PCA_KIND_RECOVERY; kind++)
        if (g_str_equal(name ? name : "claim", pca_claim_kind_name((PcaClaimKind)kind))) {
            claim->kind = (PcaClaimKind)kind;
            return TRUE;
        }
    g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED, "it is of an unknown kind, %s", name);
    return FALSE;
}

static PcaClaim *load(const char *path, const char *id, const char *boot_id, GError **error) {
    g_autoptr(GKeyFile) file = g_key_file_new();
    GError *problem = NULL;
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "no claim in its directory");
        return NULL;
    }
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error) ||
        !check_boot(file, boot_id, error))
        return NULL;
    g_autoptr(PcaClaim) claim = pca_claim_new();
    g_free(claim->id);
    claim->id = g_strdup(id);
    if (!load_kind(file, claim, error))
        return NULL;
    claim->uid = (guint32)get_number(file, CLAIM, "Uid", G_MAXUINT32 - 1, &problem);
    claim->pid = (guint32)get_number(file, CLAIM, "Pid", G_MAXINT, &problem);
    claim->memory = get_number(file, CLAIM, "Memory", G_MAXUINT64, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return NULL;
    }
    claim->viommu = g_key_file_get_boolean(file, CLAIM, "Viommu", NULL);
    claim->since = claim->state_since = g_key_file_get_int64(file, CLAIM, "Since", NULL);
    claim->user = get_optional(file, CLAIM, "User");
    claim->label = get_optional(file, CLAIM, "Label");
    claim->node_label = get_optional(file, CLAIM, "NodeLabel");
    claim->unit = get_optional(file, CLAIM, "Unit");
    load_gids(file, claim->gids);
    claim->title = get_optional(file, CLAIM, "Title");
    claim->policy = get_optional(file, CLAIM, "Policy");
    claim->handoff = get_optional(file, CLAIM, "Handoff");
    claim->joined = get_optional(file, CLAIM, "Joined");
    claim->split_from = get_optional(file, CLAIM, "SplitFrom");
    for (guint i = 0;; i++) {
        g_autofree char *group = g_strdup_printf("Device %u", i);
        if (!g_key_file_has_group(file, group) && i > 0)
            return g_steal_pointer(&claim);
        if (!load_device(file, group, claim, error))
            return NULL;
    }
}

PcaClaim *pca_store_load(const char *directory, const char *id, const char *boot_id,
                         GError **error) {
    g_autofree char *path = pca_store_path(directory, id, "claim");
    PcaClaim *claim = load(path, id, boot_id, error);
    if (!claim)
        g_prefix_error(error, "%s: ", path);
    return claim;
}

gboolean pca_store_save_nodes(const char *directory, const char *id, const GArray *numbers,
                              GError **error) {
    g_autofree char *path = pca_store_path(directory, id, "nodes");
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < numbers->len; i++)
        g_string_append_printf(text, "%" G_GUINT64_FORMAT "\n", g_array_index(numbers, guint64, i));
    return g_file_set_contents_full(path, text->str, (gssize)text->len,
                                    G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

void pca_store_load_nodes(const char *directory, const char *id, GArray *numbers) {
    g_autofree char *path = pca_store_path(directory, id, "nodes");
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        guint64 number;
        if (g_ascii_string_to_unsigned(*line, 10, 1, G_MAXUINT64, &number, NULL))
            g_array_append_val(numbers, number);
    }
}

int pca_store_open_journal(const char *directory, const char *id, GError **error) {
    g_autofree char *path = pca_store_path(directory, id, "journal");
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "opening %s", path);
    return fd;
}

void pca_store_remove(const char *directory, const char *id) {
    /* First the claim: a directory without one tells recovery that nothing is left to do. */
    g_autofree char *claim = pca_store_path(directory, id, "claim");
    g_unlink(claim);
    g_autofree char *path = g_build_filename(directory, id, NULL);
    g_autoptr(GDir) entries = g_dir_open(path, 0, NULL);
    for (const char *name; entries && (name = g_dir_read_name(entries));) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        g_unlink(entry);
    }
    if (g_rmdir(path) < 0)
        g_warning("removing %s: %s", path, g_strerror(errno));
}

static gint by_name(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **pca_store_list(const char *directory) {
    g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (const char *name; entries && (name = g_dir_read_name(entries));)
        if (pca_claim_id_valid(name))
            g_ptr_array_add(ids, g_strdup(name));
    g_ptr_array_sort(ids, by_name);
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}
