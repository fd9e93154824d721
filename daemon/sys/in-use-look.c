/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the in-use guard has read of the host once, for all functions that it is asked
 * about in one look: classes of devices, numbers of character devices, mounts.
 * Thread: any, one at a time. Ownership: everything is the look's.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/major.h>
#include <linux/vt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fds.h"

typedef struct {
    char *name, *directory; /* real path, or NULL with... */
    int error;              /* ... the errno of following the link */
} Member;

typedef struct {
    GPtrArray *members; /* of Member, by name; NULL: the class could not be read */
    GError *error;
} Class;

typedef struct {
    gboolean read;
    GPtrArray *mounts; /* of PcaMount; NULL with an error */
    GError *error;
} Mounts;

struct PcaUseLook {
    const PcaRoot *root;
    GHashTable *classes;   /* name -> Class */
    GHashTable *found;     /* PcaFunction -> PcaFindings, not told yet */
    GPtrArray *characters; /* of PcaCharacter; NULL until they are asked for, or with ... */
    GError *characters_error;
    Mounts of_host, of_others;
};

static void member_free(gpointer data) {
    Member *member = data;
    g_free(member->name);
    g_free(member->directory);
    g_free(member);
}

static void class_free(gpointer data) {
    Class *class = data;
    g_clear_pointer(&class->members, g_ptr_array_unref);
    g_clear_error(&class->error);
    g_free(class);
}

static void character_free(gpointer data) {
    PcaCharacter *character = data;
    g_free(character->number);
    g_free(character->target);
    g_free(character);
}

PcaUseLook *pca_use_look_new(const PcaRoot *root) {
    PcaUseLook *look = g_new0(PcaUseLook, 1);
    look->root = root;
    look->classes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, class_free);
    look->found = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)pca_function_unref,
                                        (GDestroyNotify)g_ptr_array_unref);
    return look;
}

static void mounts_clear(Mounts *mounts) {
    g_clear_pointer(&mounts->mounts, g_ptr_array_unref);
    g_clear_error(&mounts->error);
}

void pca_use_look_free(PcaUseLook *look) {
    g_hash_table_unref(look->classes);
    g_hash_table_unref(look->found);
    g_clear_pointer(&look->characters, g_ptr_array_unref);
    g_clear_error(&look->characters_error);
    mounts_clear(&look->of_host);
    mounts_clear(&look->of_others);
    g_free(look);
}

const PcaRoot *pca_use_look_root(const PcaUseLook *look) {
    return look->root;
}

/* ---- Answers ahead ---- */

void pca_use_look_keep(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings) {
    g_hash_table_insert(look->found, pca_function_ref((PcaFunction *)function),
                        g_ptr_array_ref(findings));
}

gboolean pca_use_look_recall(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings) {
    PcaFindings *found = g_hash_table_lookup(look->found, function);
    if (!found)
        return FALSE;
    g_ptr_array_extend_and_steal(findings, g_ptr_array_ref(found));
    g_hash_table_remove(look->found, function);
    return TRUE;
}

/* ---- Classes ---- */

static Class *read_class(PcaUseLook *look, const char *name) {
    Class *class = g_new0(Class, 1);
    g_autofree char *path = g_build_filename(look->root->sysfs, "class", name, NULL);
    g_auto(GStrv) names = pca_list(path, &class->error);
    if (names)
        class->members = g_ptr_array_new_with_free_func(member_free);
    for (char **entry = names; entry && *entry; entry++) {
        Member *member = g_new0(Member, 1);
        member->name = g_strdup(*entry);
        member->directory = pca_class_directory(look->root, name, *entry);
        member->error = member->directory ? 0 : errno;
        g_ptr_array_add(class->members, member);
    }
    return class;
}

static const Class *find_class(PcaUseLook *look, const char *name) {
    Class *class = g_hash_table_lookup(look->classes, name);
    if (!class) {
        class = read_class(look, name);
        g_hash_table_insert(look->classes, g_strdup(name), class);
    }
    return class;
}

char **pca_use_class_members(const PcaUse *use, const char *class, const char *directory) {
    const Class *found = find_class(use->look, class);
    g_autofree char *path = g_build_filename(use->root->sysfs, "class", class, NULL);
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(g_free);
    if (!found->members) {
        pca_use_fail_read(use, path, found->error);
        return NULL;
    }
    for (guint i = 0; i < found->members->len; i++) {
        const Member *member = g_ptr_array_index(found->members, i);
        if (member->directory && pca_path_below(member->directory, directory))
            g_ptr_array_add(members, g_strdup(member->name));
        if (member->directory || member->error == ENOENT)
            continue;
        pca_use_fail(use, member->name, NULL,
                     "cannot tell whether the host uses %s: cannot follow %s/%s: %s", use->address,
                     path, member->name, g_strerror(member->error));
        return NULL;
    }
    g_ptr_array_add(members, NULL);
    return (char **)g_ptr_array_steal(members, NULL);
}

/* ---- Character devices ---- */

/* "devices/pci0000:00/...", for "../../devices/pci0000:00/...". */
static const char *below_sysfs(const char *target) {
    while (g_str_has_prefix(target, "../"))
        target += strlen("../");
    return target;
}

/* Of a virtual console or its memory, of which every host has a hundred; no function has any. By
 * number: Documentation/admin-guide/devices.txt of the kernel. */
static gboolean is_console(const char *number) {
    unsigned major_number, minor_number;
    return sscanf(number, "%u:%u", &major_number, &minor_number) == 2 &&
           ((major_number == TTY_MAJOR && minor_number <= MAX_NR_CONSOLES) ||
            major_number == VCS_MAJOR);
}

/* A big host has thousands of links, so they are compared as they are. */
static void read_characters(PcaUseLook *look, const char *path) {
    g_auto(GStrv) numbers = pca_list(path, &look->characters_error);
    PCA_AUTO_FD links = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char target[PATH_MAX];
    if (numbers)
        look->characters = g_ptr_array_new_with_free_func(character_free);
    for (char **number = numbers; number && *number; number++) {
        if (is_console(*number))
            continue;
        ssize_t length = readlinkat(links, *number, target, sizeof target - 1);
        target[MAX(length, 0)] = '\0';
        PcaCharacter *character = g_new0(PcaCharacter, 1);
        character->number = g_strdup(*number);
        character->target = g_strdup(below_sysfs(target));
        g_ptr_array_add(look->characters, character);
    }
}

GPtrArray *pca_use_look_characters(PcaUseLook *look, GError **error) {
    g_autofree char *path = g_build_filename(look->root->sysfs, "dev/char", NULL);
    if (!look->characters && !look->characters_error)
        read_characters(look, path);
    if (!look->characters && error)
        *error = g_error_copy(look->characters_error);
    return look->characters;
}

/* ---- Mounts ---- */

static GPtrArray *read_once(PcaUseLook *look, Mounts *mounts,
                            GPtrArray *(*read)(const PcaRoot *root, GError **error),
                            GError **error) {
    if (!mounts->read)
        mounts->mounts = read(look->root, &mounts->error);
    mounts->read = TRUE;
    if (mounts->error && error)
        *error = g_error_copy(mounts->error);
    return mounts->mounts;
}

GPtrArray *pca_use_look_host_mounts(PcaUseLook *look, GError **error) {
    return read_once(look, &look->of_host, pca_mounts_of_host, error);
}

GPtrArray *pca_use_look_other_mounts(PcaUseLook *look, GError **error) {
    return read_once(look, &look->of_others, pca_mounts_of_others, error);
}
