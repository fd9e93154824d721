/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: which nodes in /dev lead to a function, and what is made of the answer to who has them
 * open. That itself takes rights, so the worker finds it out.
 * Thread: any. Ownership: see in-use.h.
 *
 * Character devices are found by dev/char of sysfs, which has a link for each number, since what a
 * function has below it can be as large as a USB bus. VFIO's own nodes are left out: who drives a
 * function through VFIO is asked in another way.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sys/kernel.h"

static const struct {
    const char *subsystem;
    guint kind;
} kinds[] = {
    /* The ways to a disk past its block device. */
    {"nvme", 0},
    {"nvme-generic", 0},
    {"scsi_generic", 0},
    {"bsg", 0},
    {"ptp", PCA_USE_NETWORK},
    {"drm", PCA_USE_DISPLAY},
    {"graphics", PCA_USE_DISPLAY},
    {"input", PCA_USE_INPUT},
    {"hidraw", PCA_USE_INPUT},
    {"sound", PCA_USE_SOUND},
};

static void opener_free(gpointer data) {
    PcaUseOpener *opener = data;
    g_free(opener->comm);
    g_free(opener);
}

static void node_free(gpointer data) {
    PcaUseNode *node = data;
    g_ptr_array_unref(node->openers);
    g_free(node->name);
    g_free(node->disk);
    g_free(node);
}

PcaUseNodes *pca_use_nodes_new(void) {
    return g_ptr_array_new_with_free_func(node_free);
}

static PcaUseNode *add(PcaUseNodes *nodes, dev_t number, const char *name, guint kind) {
    PcaUseNode *node = g_new0(PcaUseNode, 1);
    node->number = number;
    node->name = g_strdup(name);
    node->kind = kind;
    node->openers = g_ptr_array_new_with_free_func(opener_free);
    g_ptr_array_add(nodes, node);
    return node;
}

static guint kind_of(const char *subsystem) {
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(subsystem, kinds[i].subsystem))
            return kinds[i].kind;
    return PCA_USE_OTHER;
}

void pca_use_node_add_opener(PcaUseNode *node, guint32 pid, guint32 uid, const char *comm,
                             gboolean writes) {
    PcaUseOpener *opener = g_new0(PcaUseOpener, 1);
    opener->pid = pid;
    opener->uid = uid;
    opener->comm = g_strdup(comm);
    opener->writes = writes;
    g_ptr_array_add(node->openers, opener);
}

/* ---- Character devices ---- */

static void add_character(PcaUseNodes *nodes, const char *number, const char *directory) {
    unsigned major_number, minor_number;
    g_autofree char *subsystem = pca_read_link_name(directory, "subsystem");
    g_autofree char *name = g_path_get_basename(directory);
    gboolean is_vfio = subsystem && g_str_has_prefix(subsystem, "vfio");
    if (!is_vfio && sscanf(number, "%u:%u", &major_number, &minor_number) == 2)
        add(nodes, makedev(major_number, minor_number), name,
            subsystem ? kind_of(subsystem) : PCA_USE_OTHER);
}

static void add_characters(const PcaUse *use, PcaUseNodes *nodes) {
    GPtrArray *characters = pca_use_look_characters(use->look, NULL);
    const char *function = use->directory + strlen(use->root->sysfs) + 1;
    for (guint i = 0; characters && i < characters->len; i++) {
        const PcaCharacter *character = g_ptr_array_index(characters, i);
        if (!pca_path_below(character->target, function))
            continue;
        g_autofree char *directory = g_build_filename(use->root->sysfs, character->target, NULL);
        add_character(nodes, character->number, directory);
    }
}

/* ---- Disks ---- */

static void add_disk(const PcaUse *use, PcaUseNodes *nodes, const char *name) {
    g_autofree char *file = g_build_filename("class/block", name, "dev", NULL);
    g_autofree char *directory = pca_class_directory(use->root, "block", name);
    dev_t number = pca_read_device_number(use->root, file);
    if (!number || !directory)
        return; /* a hidden one cannot be opened */
    g_autofree char *part = g_build_filename(directory, "partition", NULL);
    g_autofree char *parent = g_path_get_dirname(directory);
    PcaUseNode *node = add(nodes, number, name, 0);
    node->is_disk = TRUE;
    node->whole = access(part, F_OK) != 0;
    node->disk = node->whole ? g_strdup(name) : g_path_get_basename(parent);
}

PcaUseNodes *pca_use_disk_nodes(const PcaUse *use) {
    PcaUseNodes *nodes = pca_use_nodes_new();
    g_autoptr(GHashTable) disks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GList) names = pca_use_disks(use, disks);
    for (GList *name = names; name; name = name->next)
        add_disk(use, nodes, name->data);
    return nodes;
}

PcaUseNodes *pca_use_nodes(const PcaUse *use) {
    PcaUseNodes *nodes = pca_use_disk_nodes(use);
    add_characters(use, nodes);
    return nodes;
}

/* ---- What the worker found out ---- */

typedef struct {
    const PcaUse *use;
    PcaUseNodes *nodes;
    gboolean disk_told;  /* of a mounted disk the mount has been told */
    gboolean input_told; /* a session has the keyboards open all the time */
    GHashTable *told;    /* "KIND PID" */
} Opened;

static void told_before(Opened *o) {
    for (guint i = 0; i < o->use->findings->len; i++) {
        const PcaFinding *finding = g_ptr_array_index(o->use->findings, i);
        o->disk_told |= finding->use == 0;
        o->input_told |= finding->use == PCA_USE_INPUT;
    }
}

static char *describe_opener(const PcaUseOpener *opener) {
    return g_strdup_printf("%s (process %u of uid %u)", opener->comm, opener->pid, opener->uid);
}

/* The disk's own node, or one of its partitions'. */
static gboolean is_of_disk(const PcaUseNode *node, const PcaUseNode *disk) {
    return node->is_disk && g_str_equal(node->disk, disk->name);
}

static const PcaUseOpener *find_opener(const Opened *o, const PcaUseNode *disk) {
    for (guint i = 0; i < o->nodes->len; i++) {
        const PcaUseNode *node = g_ptr_array_index(o->nodes, i);
        if (is_of_disk(node, disk) && node->openers->len > 0)
            return g_ptr_array_index(node->openers, 0);
    }
    return NULL;
}

/* TRUE: out of pid 1's sight, or nobody can tell, and that has been said. */
static gboolean is_mounted_elsewhere(const Opened *o, const PcaUseNode *disk) {
    g_autoptr(GError) error = NULL;
    GPtrArray *mounts = pca_use_look_other_mounts(o->use->look, &error);
    guint told = 0;
    if (!mounts) {
        pca_use_fail(o->use, "mountinfo", NULL, "cannot tell where disk %s of %s is mounted: %s",
                     disk->name, o->use->address, error->message);
        return TRUE;
    }
    for (guint i = 0; i < o->nodes->len; i++) {
        const PcaUseNode *node = g_ptr_array_index(o->nodes, i);
        if (is_of_disk(node, disk))
            told += pca_use_mounts(o->use, node->name, node->number, mounts);
    }
    return told > 0;
}

static void fail_exclusive(const Opened *o, const PcaUseNode *disk) {
    const PcaUseOpener *opener = find_opener(o, disk);
    g_autofree char *who = opener ? describe_opener(opener) : NULL;
    pca_use_fail(o->use, who ? who : disk->name, "end the program that uses it",
                 "disk %s of %s is opened exclusively by %s", disk->name, o->use->address,
                 who ? who : "something that could not be found");
}

/* TRUE: nobody can have it exclusively now, and that has been said. A mounted file system has its
 * disk exclusively, so that only for the others every process has to be asked what it sees. */
static gboolean check_exclusive(const Opened *o, const PcaUseNode *disk) {
    if (disk->refused == 0 || disk->refused == ENOMEDIUM)
        return FALSE;
    if (disk->refused != EBUSY)
        pca_use_fail(o->use, disk->name, NULL,
                     "cannot tell whether disk %s of %s is in use: opening it: %s", disk->name,
                     o->use->address, g_strerror(disk->refused));
    else if (!is_mounted_elsewhere(o, disk))
        fail_exclusive(o, disk);
    return TRUE;
}

static void fail_opener(const Opened *o, const PcaUseNode *node, const PcaUseOpener *opener) {
    g_autofree char *key = g_strdup_printf("%u %u", node->kind, opener->pid);
    if (!g_hash_table_add(o->told, g_steal_pointer(&key)))
        return;
    g_autofree char *who = describe_opener(opener);
    if (node->kind)
        pca_use_fail_as(o->use, node->kind, who, "end the program that uses it",
                        "%s of %s is open in %s", node->name, o->use->address, who);
    else
        pca_use_fail(o->use, who, "end the program that uses it", "%s of %s is open%s in %s",
                     node->name, o->use->address, node->is_disk ? " for writing" : "", who);
}

/* udev and monitors of a disk's health read it now and then: only who may write counts. */
static void check_openers(const Opened *o, const PcaUseNode *node) {
    for (guint i = 0; i < node->openers->len; i++) {
        const PcaUseOpener *opener = g_ptr_array_index(node->openers, i);
        if (!node->is_disk || opener->writes)
            fail_opener(o, node, opener);
    }
}

static void check_node(const Opened *o, const PcaUseNode *node) {
    if ((node->kind == 0 && o->disk_told) || (node->kind == PCA_USE_INPUT && o->input_told))
        return;
    if (!node->whole || !check_exclusive(o, node))
        check_openers(o, node);
}

void pca_use_opened(const PcaUse *use, PcaUseNodes *nodes) {
    g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Opened opened = {.use = use, .nodes = nodes, .told = told};
    told_before(&opened);
    for (guint i = 0; i < nodes->len; i++)
        check_node(&opened, g_ptr_array_index(nodes, i));
}
