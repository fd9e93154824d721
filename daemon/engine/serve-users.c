/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the requests about the programs that use functions: who they are, and to stop them.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/serve-internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "engine/context.h"
#include "engine/wire.h"
#include "sys/holders.h"
#include "sys/stop.h"

#define STOP_PATIENCE (3 * G_USEC_PER_SEC) /* between SIGTERM and SIGKILL */

gboolean pca_serve_probe(PcaExchange *x, GError **error) {
    g_autoptr(GVariant) groups = g_variant_lookup_value(x->request, "groups", G_VARIANT_TYPE("ai"));
    GVariantBuilder busy, owners;
    if (!groups)
        return pca_serve_malformed("groups", error);
    g_variant_builder_init(&busy, G_VARIANT_TYPE("ai"));
    g_variant_builder_init(&owners, G_VARIANT_TYPE("a(is)"));
    for (gsize i = 0; i < g_variant_n_children(groups); i++) {
        gint32 group;
        g_variant_get_child(groups, i, "i", &group);
        PCA_AUTO_FD fd = x->kernel->ops->open_group(x->kernel, group);
        if (fd == -EBUSY)
            g_variant_builder_add(&busy, "i", group);
        PcaOwner owner;
        if (x->kernel->ops->read_owner(x->kernel, group, &owner) < 0)
            continue;
        g_autofree char *text = pca_owner_format(&owner);
        g_variant_builder_add(&owners, "(is)", group, text);
    }
    g_variant_dict_insert_value(x->reply, "owners", g_variant_builder_end(&owners));
    g_variant_dict_insert_value(x->reply, "busy", g_variant_builder_end(&busy));
    return TRUE;
}

/* Whether a node of that class has the number now. */
static gboolean is_number_of(const PcaRoot *root, const char *class, dev_t number) {
    g_autofree char *directory = g_build_filename(root->sysfs, "class", class, NULL);
    g_auto(GStrv) names = pca_read_directory(directory);
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename("class", class, *name, "dev", NULL);
        if (pca_read_device_number(root, path) == number)
            return TRUE;
    }
    return FALSE;
}

/* A number that a node had whose device went back already may be that of another claim's node. */
static gboolean is_given_anew(const PcaRoot *root, dev_t number) {
    return is_number_of(root, "vfio", number) || is_number_of(root, "vfio-dev", number);
}

/* A line "MAJOR NAME" of /proc/devices, of VFIO's character devices (drivers/vfio/group.c,
 * device_cdev.c). */
static gboolean is_line_of_vfio(const char *line, dev_t number) {
    unsigned major_number;
    char name[32];
    return sscanf(line, "%u %31s", &major_number, name) == 2 && major_number == major(number) &&
           (g_str_equal(name, "vfio") || g_str_equal(name, "vfio-dev"));
}

/* Whoever has something else open is nobody's to name or stop. */
static gboolean is_of_vfio(const PcaRoot *root, dev_t number) {
    g_autofree char *text = pca_read_text(root->proc, "devices", NULL);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    gboolean found = FALSE;
    for (char **line = lines; *line && !g_str_has_prefix(*line, "Block"); line++)
        found |= is_line_of_vfio(*line, number);
    return found;
}

static void collect_numbers(PcaExchange *x, GArray *numbers) {
    const PcaRoot *root = x->kernel->root;
    g_autoptr(GVariant) groups = g_variant_lookup_value(x->request, "groups", G_VARIANT_TYPE("ai"));
    g_autoptr(GVariant) devices =
        g_variant_lookup_value(x->request, "devices", G_VARIANT_TYPE_STRING_ARRAY);
    g_autoptr(GVariant) old = g_variant_lookup_value(x->request, "numbers", G_VARIANT_TYPE("at"));
    for (gsize i = 0; old && i < g_variant_n_children(old); i++) {
        guint64 wide;
        g_variant_get_child(old, i, "t", &wide);
        dev_t number = (dev_t)wide;
        if (is_of_vfio(root, number) && !is_given_anew(root, number))
            g_array_append_val(numbers, number);
    }
    for (gsize i = 0; groups && i < g_variant_n_children(groups); i++) {
        gint32 group;
        g_variant_get_child(groups, i, "i", &group);
        g_autofree char *path = g_strdup_printf("class/vfio/%d/dev", group);
        dev_t number = pca_read_device_number(root, path);
        if (number)
            g_array_append_val(numbers, number);
    }
    for (gsize i = 0; devices && i < g_variant_n_children(devices); i++) {
        const char *address;
        g_variant_get_child(devices, i, "&s", &address);
        PCA_AUTO_FD directory = pca_open_function(root, address);
        dev_t number = directory < 0 ? 0 : pca_step_vfio_number(directory);
        if (number)
            g_array_append_val(numbers, number);
    }
}

static void add_holder(GVariantBuilder *builder, const PcaHolder *holder) {
    g_autofree char *comm = pca_serve_printable(holder->comm);
    g_variant_builder_add(builder, "(uus)", (guint32)holder->pid, (guint32)holder->uid, comm);
}

gboolean pca_serve_holders(PcaExchange *x, GError **error) {
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(dev_t));
    collect_numbers(x, numbers);
    g_autoptr(GPtrArray) holders =
        pca_holders_find(x->kernel->root, (const dev_t *)(gpointer)numbers->data, numbers->len);
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(uus)"));
    for (guint i = 0; i < holders->len; i++)
        add_holder(&builder, g_ptr_array_index(holders, i));
    g_variant_dict_insert_value(x->reply, "holders", g_variant_builder_end(&builder));
    return TRUE;
}

static void reply_owned(PcaExchange *x, GPtrArray *list, gboolean with_fds) {
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(uus)"));
    for (guint i = 0; i < list->len; i++) {
        PcaOwned *owned = g_ptr_array_index(list, i);
        add_holder(&builder, owned->holder);
        if (with_fds && i < PCA_WIRE_MAX_FDS)
            pca_fds_consume(x->reply_fds, "process", "", "", pca_fd_steal(&owned->pidfd));
    }
    g_variant_dict_insert_value(x->reply, "processes", g_variant_builder_end(&builder));
}

/* What is in the way of a release that an administrator wants forced. */
gboolean pca_serve_stop(PcaExchange *x, GError **error) {
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(dev_t));
    guint32 owner;
    gboolean kill = FALSE;
    if (!g_variant_lookup(x->request, "owner", "u", &owner))
        return pca_serve_malformed("an owner", error);
    g_variant_lookup(x->request, "kill", "b", &kill);
    collect_numbers(x, numbers);
    const dev_t *list = (const dev_t *)(gpointer)numbers->data;
    g_autoptr(GPtrArray) holders = pca_holders_find(x->kernel->root, list, numbers->len);
    g_autoptr(GPtrArray) owned =
        pca_owned_find(x->kernel->root, holders, list, numbers->len, owner);
    if (kill)
        pca_owned_stop(owned, STOP_PATIENCE);
    reply_owned(x, owned, !kill);
    return TRUE;
}

static gboolean reply_openers(PcaExchange *x, const PcaHeldNode *nodes, guint n, GError **error) {
    g_autoptr(GPtrArray) openers = pca_openers_find(x->kernel->root, nodes, n, error);
    GVariantBuilder builder;
    if (!openers)
        return FALSE;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a(uuusb)"));
    for (guint i = 0; i < openers->len; i++) {
        const PcaOpener *opener = g_ptr_array_index(openers, i);
        g_autofree char *comm = pca_serve_printable(opener->comm);
        g_variant_builder_add(&builder, "(uuusb)", opener->node, (guint32)opener->pid,
                              (guint32)opener->uid, comm, opener->writes);
    }
    g_variant_dict_insert_value(x->reply, "openers", g_variant_builder_end(&builder));
    return TRUE;
}

gboolean pca_serve_uses(PcaExchange *x, GError **error) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(x->request, "nodes", G_VARIANT_TYPE("a(tbb)"));
    if (!list)
        return pca_serve_malformed("nodes", error);
    guint n = (guint)g_variant_n_children(list);
    g_autofree PcaHeldNode *nodes = g_new0(PcaHeldNode, n);
    GVariantBuilder refused;
    g_variant_builder_init(&refused, G_VARIANT_TYPE("ai"));
    for (guint i = 0; i < n; i++) {
        guint64 number;
        gboolean whole;
        g_variant_get_child(list, i, "(tbb)", &number, &nodes[i].is_disk, &whole);
        nodes[i].number = (dev_t)number;
        PCA_AUTO_FD held = whole ? x->kernel->ops->hold_disk(x->kernel, nodes[i].number) : -1;
        g_variant_builder_add(&refused, "i", whole && held < 0 ? -held : 0);
    }
    g_variant_dict_insert_value(x->reply, "refused", g_variant_builder_end(&refused));
    return reply_openers(x, nodes, n, error);
}
