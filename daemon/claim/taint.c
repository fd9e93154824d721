/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions that no reset has cleaned of their owner since.
 * Thread: the main one. Ownership: see the header.
 */
#include "claim/taint.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "base/error.h"

#define DIRECTORY "tainted"
#define TAINT "Taint"
#define FORMAT 1 /* a file without one is of that format, too */

static void taint_free(gpointer data) {
    PcaTaint *taint = data;
    g_free(taint->user);
    g_free(taint->claim);
    g_free(taint->identity);
    g_free(taint);
}

/* Whether another version wrote it; then nothing else of it means anything. */
static gboolean is_foreign(GKeyFile *file, GError **error) {
    if (!g_key_file_has_key(file, TAINT, "Format", NULL))
        return FALSE;
    g_autofree char *format = g_key_file_get_string(file, TAINT, "Format", NULL);
    if (g_strcmp0(format, G_STRINGIFY(FORMAT)) == 0)
        return FALSE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED, "its format is %s, this version knows %d",
                format ? format : "unknown", FORMAT);
    return TRUE;
}

/* FALSE: it is of another boot, and ended with that. Else what cannot be read taints the function
 * for everybody. */
static gboolean load(const char *path, const char *boot_id, PcaTaint *taint, char **problem) {
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    if (g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &error))
        taint->foreign = is_foreign(file, &error);
    g_autofree char *made_in = g_key_file_get_string(file, TAINT, "BootId", error ? NULL : &error);
    if (!error && !g_str_equal(made_in, boot_id))
        return FALSE;
    guint64 uid = error ? 0 : g_key_file_get_uint64(file, TAINT, "Uid", &error);
    taint->user = g_key_file_get_string(file, TAINT, "User", NULL);
    taint->claim = g_key_file_get_string(file, TAINT, "Claim", NULL);
    taint->identity = g_key_file_get_string(file, TAINT, "Identity", error ? NULL : &error);
    taint->lent = g_key_file_get_boolean(file, TAINT, "Lent", NULL);
    taint->known = !error && uid < G_MAXUINT32;
    taint->uid = (guint32)uid;
    if (!taint->known)
        *problem = g_strdup(error ? error->message : "its uid is out of range");
    return TRUE;
}

/* The file is renamed to its name once it is written: until then six more letters are behind it. */
static gboolean is_attempt(const char *name) {
    const char *dot = strrchr(name, '.');
    g_autofree char *address = g_strndup(name, dot ? (gsize)(dot - name) : 0);
    PcaAddress parsed;
    return dot && strlen(dot) == 7 && pca_address_parse(address, &parsed);
}

/* What is no taint of this boot. */
static void tidy_up(const char *path, const char *name, gboolean is_taint) {
    if (is_taint || is_attempt(name))
        g_unlink(path);
    else
        g_warning("%s is left alone: it is not a file of this version", path);
}

/* One file of the directory. */
static void load_one(GHashTable *taints, const char *directory, const char *name,
                     const char *boot_id, gboolean looks) {
    PcaAddress address;
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autofree char *problem = NULL;
    gboolean is_taint = pca_address_parse(name, &address);
    PcaTaint *taint = g_new0(PcaTaint, 1);
    if (is_taint && load(path, boot_id, taint, &problem)) {
        g_hash_table_insert(taints, g_strdup(name), taint);
        if (problem && !looks)
            g_warning("%s: %s; nobody may have this function", path, problem);
        return;
    }
    taint_free(taint);
    if (!looks)
        tidy_up(path, name, is_taint);
}

static GHashTable *load_all(const char *directory, const char *boot_id, gboolean looks) {
    g_autofree char *path = g_build_filename(directory, DIRECTORY, NULL);
    g_autoptr(GHashTable) taints =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, taint_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) entries = g_dir_open(path, 0, &error);
    if (!entries && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        if (!looks)
            g_warning("%s; nobody may have any function", error->message);
        return NULL;
    }
    for (const char *name; entries && (name = g_dir_read_name(entries));)
        load_one(taints, path, name, boot_id, looks);
    return g_steal_pointer(&taints);
}

GHashTable *pca_taints_load(const char *directory, const char *boot_id) {
    return load_all(directory, boot_id, FALSE);
}

GHashTable *pca_taints_look(const char *directory, const char *boot_id) {
    return load_all(directory, boot_id, TRUE);
}

static const PcaTaint *unknown_taint(void) {
    static const PcaTaint unknown;
    return &unknown;
}

const PcaTaint *pca_taint_find(GHashTable *taints, const PcaAddress *address,
                               const char *identity) {
    g_autofree char *text = pca_address_format(address);
    const PcaTaint *taint = taints ? g_hash_table_lookup(taints, text) : unknown_taint();
    return taint && taint->known && !g_str_equal(taint->identity, identity) ? NULL : taint;
}

static gboolean save(const char *directory, const char *address, const char *boot_id,
                     const PcaTaint *taint, GError **error) {
    g_autofree char *folder = g_build_filename(directory, DIRECTORY, NULL);
    g_autofree char *path = g_build_filename(folder, address, NULL);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_key_file_set_integer(file, TAINT, "Format", FORMAT);
    g_key_file_set_string(file, TAINT, "BootId", boot_id);
    g_key_file_set_uint64(file, TAINT, "Uid", taint->uid);
    g_key_file_set_string(file, TAINT, "Claim", taint->claim);
    g_key_file_set_string(file, TAINT, "Identity", taint->identity);
    if (taint->lent)
        g_key_file_set_boolean(file, TAINT, "Lent", TRUE);
    if (taint->user)
        g_key_file_set_string(file, TAINT, "User", taint->user);
    if (g_mkdir(folder, 0700) < 0 && errno != EEXIST) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "making %s", folder);
        return FALSE;
    }
    return g_key_file_save_to_file(file, path, error);
}

gboolean pca_taint_admits(const PcaTaint *taint, guint32 uid, const char *address, GError **error) {
    if (taint->known && taint->uid == uid)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_QUARANTINED, "%s: %s", address, pca_taint_text(taint));
    return FALSE;
}

gboolean pca_taint_add(GHashTable *taints, const char *directory, const char *boot_id,
                       const PcaClaim *claim, const PcaClaimDevice *device, GError **error) {
    const PcaFunction *function = device->function;
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *identity = pca_function_identity(function);
    const PcaTaint *before = pca_taint_find(taints, &function->address, identity);
    if (before && before->uid == claim->uid && before->known && (before->lent || !device->files))
        return TRUE;
    if (before && !pca_taint_admits(before, claim->uid, address, error))
        return FALSE;
    PcaTaint *taint = g_new0(PcaTaint, 1);
    *taint = (PcaTaint){.known = TRUE,
                        .uid = claim->uid,
                        .user = g_strdup(claim->user),
                        .claim = g_strdup(before ? before->claim : claim->id),
                        .identity = g_steal_pointer(&identity),
                        .lent = device->files != NULL};
    if (!save(directory, address, boot_id, taint, error)) {
        taint_free(taint);
        return FALSE;
    }
    g_hash_table_insert(taints, g_steal_pointer(&address), taint);
    return TRUE;
}

void pca_taint_remove(GHashTable *taints, const char *directory, const PcaAddress *address) {
    g_autofree char *text = pca_address_format(address);
    g_autofree char *folder = g_build_filename(directory, DIRECTORY, NULL);
    g_autofree char *path = g_build_filename(folder, text, NULL);
    const PcaTaint *taint = taints ? g_hash_table_lookup(taints, text) : NULL;
    if (!taint || taint->foreign)
        return;
    g_hash_table_remove(taints, text);
    if (g_unlink(path) < 0)
        g_warning("removing %s: %s", path, g_strerror(errno));
    /* With the last one. */
    g_rmdir(folder);
}

const char *pca_taint_text(const PcaTaint *taint) {
    if (taint->foreign)
        return "another version of pcassign wrote down who had it last, which this one does not "
               "understand: nobody may have it until the next boot";
    return taint->lent ? "its last owner, who alone may have it again until the next boot, may "
                         "have its files in sysfs open still"
                       : "it was not reset since its last owner had it, who alone may have it "
                         "again until the next boot";
}
