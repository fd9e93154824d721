/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the fake kernel's nodes: when they come and go, who has them open, who they belong to;
 * and the state below fake/ in the tree. Thread: one a process. Ownership: see fake-kernel.h.
 */
#include "support/fake-machine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

#include "base/fds.h"
#include "pci/function.h"

/* ---- What the model keeps to itself: small files fake/KIND/NAME ---- */

char *pca_fake_state_path(const PcaFakeKernel *fake, const char *kind, const char *name) {
    return g_build_filename(pca_tree_path(fake->tree), "fake", kind, name, NULL);
}

void pca_fake_set_state(PcaFakeKernel *fake, const char *kind, const char *name, const char *text) {
    g_autofree char *path = g_build_filename("fake", kind, name, NULL);
    if (text)
        pca_tree_write(fake->tree, path, "%s", text);
    else
        pca_tree_delete(fake->tree, path);
}

char *pca_fake_get_state(const PcaFakeKernel *fake, const char *kind, const char *name) {
    g_autofree char *path = pca_fake_state_path(fake, kind, name);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

/* A descriptor whose lock is held until its last copy is closed. */
static int open_locked(PcaFakeKernel *fake, const char *kind, const char *name, int operation) {
    g_autofree char *folder = g_build_filename("fake", kind, NULL);
    pca_tree_mkdir(fake->tree, folder);
    g_autofree char *path = pca_fake_state_path(fake, kind, name);
    PCA_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    while (flock(fd, operation) < 0)
        if (errno != EINTR)
            return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return pca_fd_steal(&fd);
}

static gboolean is_locked(const PcaFakeKernel *fake, const char *kind, const char *name) {
    g_autofree char *path = pca_fake_state_path(fake, kind, name);
    PCA_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* ---- Nodes ---- */

static gboolean exists(const PcaFakeKernel *fake, const char *path) {
    g_autofree char *whole = g_build_filename(pca_tree_path(fake->tree), path, NULL);
    return g_file_test(whole, G_FILE_TEST_EXISTS);
}

gboolean pca_fake_on_vfio(const PcaFakeKernel *fake, const char *address) {
    g_autofree char *driver = pca_tree_driver(fake->tree, address);
    return driver && pca_driver_is_vfio(driver);
}

static char **group_members(const PcaFakeKernel *fake, int group) {
    g_autofree char *path =
        g_strdup_printf("%s/kernel/iommu_groups/%d/devices", fake->kernel.root->sysfs, group);
    return pca_read_directory(path);
}

static void make_group_node(PcaFakeKernel *fake, int group) {
    g_autofree char *directory = g_strdup_printf("sys/devices/virtual/vfio/%d", group);
    if (exists(fake, directory))
        return;
    g_autofree char *number = g_build_filename(directory, "dev", NULL);
    g_autofree char *link = g_strdup_printf("sys/class/vfio/%d", group);
    g_autofree char *node = g_strdup_printf("dev/vfio/%d", group);
    pca_tree_write(fake->tree, node, "%s", "0:0:0600");
    pca_tree_write(fake->tree, number, "%d:%d\n", PCA_FAKE_GROUP_MAJOR, group);
    pca_tree_link(fake->tree, link, directory);
}

static void remove_group_node(PcaFakeKernel *fake, int group) {
    g_auto(GStrv) members = group_members(fake, group);
    for (int i = 0; members[i]; i++)
        if (pca_fake_on_vfio(fake, members[i]))
            return;
    /* The file of the lock goes too: an old descriptor is dead and holds up no new one. */
    static const char *const formats[] = {"sys/class/vfio/%d", "sys/devices/virtual/vfio/%d",
                                          "dev/vfio/%d", "fake/group/%d"};
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_auto(GStrv) around = g_strsplit(formats[i], "%d", 2);
        g_autofree char *path = g_strdup_printf("%s%d%s", around[0], group, around[1]);
        pca_tree_delete(fake->tree, path);
    }
}

static char *cdev_directory(const PcaFakeKernel *fake, const char *address) {
    g_autofree char *directory = pca_tree_directory(fake->tree, address);
    const char *below = directory + strlen(pca_tree_path(fake->tree)) + 1;
    return g_build_filename(below, "vfio-dev", NULL);
}

static void make_cdev_node(PcaFakeKernel *fake, const char *address) {
    g_autofree char *parent = cdev_directory(fake, address);
    if (exists(fake, parent))
        return;
    g_autofree char *link = NULL;
    int minor_number = -1;
    do {
        g_free(link);
        link = g_strdup_printf("sys/class/vfio-dev/vfio%d", ++minor_number);
    } while (exists(fake, link));
    g_autofree char *directory = g_strdup_printf("%s/vfio%d", parent, minor_number);
    g_autofree char *number = g_build_filename(directory, "dev", NULL);
    g_autofree char *node = g_strdup_printf("dev/vfio/devices/vfio%d", minor_number);
    pca_tree_write(fake->tree, number, "%d:%d\n", PCA_FAKE_CDEV_MAJOR, minor_number);
    pca_tree_link(fake->tree, link, directory);
    pca_tree_write(fake->tree, node, "%s", "");
}

void pca_fake_add_nodes(PcaFakeKernel *fake, const char *address) {
    make_group_node(fake, pca_tree_group(fake->tree, address));
    if (exists(fake, "sys/class/misc/iommu/dev"))
        make_cdev_node(fake, address);
}

void pca_fake_make_nodes(PcaFakeKernel *fake, const char *address, gpointer data) {
    if (pca_tree_has(fake->tree, address) && pca_fake_on_vfio(fake, address))
        pca_fake_add_nodes(fake, address);
}

void pca_fake_remove_nodes(PcaFakeKernel *fake, const char *address, int group) {
    g_autofree char *directory = pca_tree_directory(fake->tree, address);
    g_autofree char *parent = g_build_filename(directory, "vfio-dev", NULL);
    g_auto(GStrv) names = pca_read_directory(parent);
    for (int i = 0; names[i]; i++) {
        g_autofree char *link = g_build_filename("sys/class/vfio-dev", names[i], NULL);
        g_autofree char *node = g_build_filename("dev/vfio/devices", names[i], NULL);
        pca_tree_delete(fake->tree, link);
        pca_tree_delete(fake->tree, node);
    }
    pca_tree_unset(fake->tree, address, "vfio-dev");
    remove_group_node(fake, group);
}

gboolean pca_fake_in_use(const PcaFakeKernel *fake, const char *address) {
    return is_locked(fake, "cdev", address) || is_locked(fake, "use", address);
}

/* ---- Owners of group nodes ---- */

int pca_fake_read_owner(PcaFakeKernel *fake, int group, PcaOwner *owner) {
    g_autofree char *name = g_strdup_printf("vfio/%d", group);
    g_autofree char *text = pca_read_text(fake->kernel.root->dev, name, NULL);
    if (!text)
        return -ENOENT;
    return pca_owner_parse(text, owner) ? 0 : -ENOTTY;
}

/* A label stays until another one is given. */
static char *format_changed(const PcaOwner *found, const PcaOwner *owner) {
    PcaOwner now = *owner;
    if (!*now.label)
        pca_owner_set_label(&now, found->label);
    return pca_owner_format(&now);
}

int pca_fake_write_owner(PcaFakeKernel *fake, int group, const PcaOwner *owner) {
    PcaOwner found;
    int result = pca_fake_read_owner(fake, group, &found);
    g_autofree char *node = g_strdup_printf("dev/vfio/%d", group);
    g_autofree char *text = result == 0 ? format_changed(&found, owner) : NULL;
    if (result == 0)
        pca_tree_write(fake->tree, node, "%s", text);
    return result;
}

/* ---- Owners of functions' files ---- */

/* The tree's own are whoever's runs the tests: what differs is kept beside. */
int pca_fake_read_file_owner(PcaFakeKernel *fake, int dirfd, const char *name, PcaOwner *owner) {
    g_autofree char *address = pca_tree_address_of_fd(fake->tree, dirfd);
    g_autofree char *key = g_strdup_printf("%s %s", address ? address : "", name);
    int result = address ? pca_owner_read_file(fake->kernel.root, dirfd, name, owner) : -ENODEV;
    /* The tree's functions have no uevent. */
    if (address && result == -ENODEV)
        result = -ENOENT;
    g_autofree char *text = result == 0 ? pca_fake_get_state(fake, "owners", key) : NULL;
    if (text)
        pca_owner_parse(text, owner);
    else
        pca_owner_set_label(owner, NULL);
    return result;
}

int pca_fake_write_file_owner(PcaFakeKernel *fake, int dirfd, const char *name,
                              const PcaOwner *owner) {
    PcaOwner now;
    int result = pca_fake_read_file_owner(fake, dirfd, name, &now);
    if (result < 0)
        return result;
    g_autofree char *address = pca_tree_address_of_fd(fake->tree, dirfd);
    g_autofree char *key = g_strdup_printf("%s %s", address, name);
    g_autofree char *text = format_changed(&now, owner);
    pca_fake_set_state(fake, "owners", key, text);
    return 0;
}

/* ---- Opening ---- */

int pca_fake_open_group(PcaFakeKernel *fake, int group) {
    g_autofree char *node = g_strdup_printf("dev/vfio/%d", group);
    if (!exists(fake, node))
        return -ENOENT;
    g_auto(GStrv) members = group_members(fake, group);
    for (int i = 0; members[i]; i++)
        if (is_locked(fake, "use", members[i]))
            return -EBUSY;
    g_autofree char *name = g_strdup_printf("%d", group);
    return open_locked(fake, "group", name, LOCK_EX | LOCK_NB);
}

static int open_cdev(PcaFakeKernel *fake, unsigned minor_number) {
    /* A link .../0000:01:00.0/vfio-dev/vfioN */
    g_autofree char *link =
        g_strdup_printf("%s/class/vfio-dev/vfio%u", fake->kernel.root->sysfs, minor_number);
    g_autofree char *target = g_file_read_link(link, NULL);
    if (!target)
        return -ENXIO;
    g_auto(GStrv) parts = g_strsplit(target, "/", -1);
    return open_locked(fake, "cdev", parts[g_strv_length(parts) - 3], LOCK_SH);
}

int pca_fake_open_number(PcaFakeKernel *fake, dev_t number) {
    if (major(number) == PCA_FAKE_GROUP_MAJOR) {
        int result = pca_fake_open_group(fake, (int)minor(number));
        return result == -ENOENT ? -ENXIO : result;
    }
    if (major(number) == PCA_FAKE_CDEV_MAJOR)
        return open_cdev(fake, minor(number));
    g_autofree char *name = g_strdup_printf("%u:%u", major(number), minor(number));
    return open_locked(fake, "node", name, LOCK_SH);
}

/* ---- For the test ---- */

void pca_fake_set_label(PcaFakeKernel *fake, int fd, const char *label) {
    g_autofree char *what = pca_fake_kernel_describe_fd(fake, fd);
    pca_fake_set_state(fake, "labels", what, label);
}

char *pca_fake_kernel_get_label(const PcaFakeKernel *fake, int fd) {
    g_autofree char *what = pca_fake_kernel_describe_fd(fake, fd);
    char *label = what ? pca_fake_get_state(fake, "labels", what) : NULL;
    return label ? label : g_strdup("");
}

char *pca_fake_kernel_describe_fd(const PcaFakeKernel *fake, int fd) {
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *target = g_file_read_link(link, NULL);
    g_autofree char *prefix = g_strdup_printf("%s/fake/", pca_tree_path(fake->tree));
    if (!target || !g_str_has_prefix(target, prefix))
        return NULL;
    g_auto(GStrv) parts = g_strsplit(target + strlen(prefix), "/", 2);
    if (parts[1] && g_str_has_suffix(parts[1], " (deleted)"))
        parts[1][strlen(parts[1]) - strlen(" (deleted)")] = '\0';
    return g_strjoinv(" ", parts);
}

int pca_fake_kernel_use(PcaFakeKernel *fake, const char *address) {
    return open_locked(fake, "use", address, LOCK_SH);
}
