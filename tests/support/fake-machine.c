/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the fake kernel's functions: binding and attributes.
 * Thread: one a process. Ownership: see fake-kernel.h.
 */
#include "support/fake-machine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fds.h"
#include "pci/function.h"

#define COMMAND 0x04 /* config space registers: PCI Local Bus 3.0, chapter 6.1 */
#define COMMAND_BUS_MASTER 0x0004
#define HEADER_TYPE 0x0e
#define HEADER_SIZE 64

/* ---- Binding ---- */

static char *override_of(const PcaFakeKernel *fake, const char *address) {
    char *override = pca_tree_get(fake->tree, address, "driver_override");
    if (g_strcmp0(override, "(null)") == 0)
        g_clear_pointer(&override, g_free);
    return override;
}

static gboolean is_dead(const PcaFakeKernel *fake, const char *address) {
    return pca_tree_get_config16(fake->tree, address, COMMAND) == 0xffff;
}

static void set_bus_master(PcaFakeKernel *fake, const char *address, gboolean on) {
    if (is_dead(fake, address))
        return;
    guint16 command = pca_tree_get_config16(fake->tree, address, COMMAND) & ~COMMAND_BUS_MASTER;
    pca_tree_set_config16(fake->tree, address, COMMAND, command | (on ? COMMAND_BUS_MASTER : 0));
}

/* What vfio-pci asks before it takes a function (drivers/vfio/pci). */
static gboolean vfio_takes(const PcaFakeKernel *fake, const char *address) {
    g_autofree char *vfs = pca_tree_get(fake->tree, address, "sriov_numvfs");
    return pca_tree_group(fake->tree, address) > 0 && (!vfs || g_str_equal(vfs, "0")) &&
           (pca_tree_get_config16(fake->tree, address, HEADER_TYPE) & 0x7f) == 0;
}

/* What vfio-pci does to it in its probe and its remove (drivers/vfio/pci/vfio_pci_core.c). */
static void set_power(PcaFakeKernel *fake, const char *address, const char *control) {
    g_autofree char *now = pca_tree_get(fake->tree, address, "power/control");
    if (now)
        pca_tree_set(fake->tree, address, "power/control", "%s", control);
}

/* The driver's link comes last: a worker that is killed in the midst must not leave a function that
 * is bound and lacks what belongs to it. The real kernel does not stop in the midst. */
static void bind(PcaFakeKernel *fake, const char *address, const char *driver) {
    if (pca_driver_is_vfio(driver))
        set_power(fake, address, "auto");
    if (!pca_driver_is_vfio(driver))
        set_bus_master(fake, address, !g_str_equal(driver, "pci-stub"));
    else if (fake->node_delay > 0)
        pca_fake_kernel_later(fake, fake->node_delay, pca_fake_make_nodes, address, NULL);
    else
        pca_fake_add_nodes(fake, address);
    pca_tree_bind(fake->tree, address, driver);
}

/* Whether the text, which the code under test wrote, names a function. */
static gboolean is_function(const PcaFakeKernel *fake, const char *text) {
    PcaAddress address;
    return pca_address_parse(text, &address) && pca_tree_has(fake->tree, text);
}

/* Like the kernel's, it succeeds when nobody takes the function. */
static int probe(PcaFakeKernel *fake, const char *address) {
    if (!is_function(fake, address))
        return -ENODEV;
    g_autofree char *bound = pca_tree_driver(fake->tree, address);
    g_autofree char *driver = override_of(fake, address);
    gboolean told = driver != NULL;
    if (!told)
        driver = pca_fake_get_state(fake, "native", address);
    g_autofree char *refused = pca_fake_get_state(fake, "refuse", address);
    if (!bound && driver && pca_tree_has_driver(fake->tree, driver) &&
        g_strcmp0(driver, refused) != 0 &&
        (!pca_driver_is_vfio(driver) || vfio_takes(fake, address))) {
        pca_fake_set_state(fake, "told", address, told ? driver : NULL);
        bind(fake, address, driver);
    }
    return 0;
}

/* A driver that took the function without being told to knows its id. */
static void learn_native(PcaFakeKernel *fake, const char *address, const char *driver) {
    g_autofree char *override = override_of(fake, address);
    g_autofree char *told = pca_fake_get_state(fake, "told", address);
    if (!pca_driver_is_vfio(driver) && g_strcmp0(override, driver) != 0 &&
        g_strcmp0(told, driver) != 0)
        pca_fake_kernel_set_native(fake, address, driver);
}

static int unbind(PcaFakeKernel *fake, const char *driver, const char *address) {
    g_autofree char *bound =
        is_function(fake, address) ? pca_tree_driver(fake->tree, address) : NULL;
    if (g_strcmp0(bound, driver) != 0)
        return -ENODEV;
    learn_native(fake, address, driver);
    pca_tree_unbind(fake->tree, address);
    if (pca_driver_is_vfio(driver)) {
        set_power(fake, address, "on");
        pca_fake_remove_nodes(fake, address, pca_tree_group(fake->tree, address));
    }
    if (fake->blocked && pca_fake_in_use(fake, address))
        fake->blocked(fake, address, fake->data);
    if (pca_fake_in_use(fake, address))
        return -EINTR;
    if (!fake->keeps_bus_master && pca_tree_has(fake->tree, address))
        set_bus_master(fake, address, FALSE);
    return 0;
}

/* ---- Attributes ---- */

static void reset_function(PcaFakeKernel *fake, const char *address) {
    pca_fake_set_state(fake, "secret", address, NULL);
    g_autofree char *dies = pca_fake_get_state(fake, "dies", address);
    if (dies)
        for (unsigned offset = 0; offset < 256; offset += 2)
            pca_tree_set_config16(fake->tree, address, offset, 0xffff);
    pca_fake_set_state(fake, "dies", address, NULL);
}

static int reset(PcaFakeKernel *fake, const char *address, const char *value) {
    g_autofree char *methods = pca_tree_get(fake->tree, address, "reset_method");
    if (!methods)
        return -ENOENT; /* The kernel shows neither file for what it cannot reset. */
    if (!g_str_equal(value, "1"))
        return -EINVAL;
    if (!*methods)
        return -ENOTTY;
    reset_function(fake, address);
    return 0;
}

static gboolean on_bus_of(const char *name, const char *address) {
    return strncmp(name, address, strlen("0000:01:")) == 0;
}

int pca_fake_hot_reset(PcaFakeKernel *fake, const char *address) {
    g_autofree char *path = g_build_filename(fake->kernel.root->sysfs, "bus/pci/devices", NULL);
    g_auto(GStrv) names = pca_read_directory(path);
    for (char **name = names; *name; name++)
        if (on_bus_of(*name, address) && !pca_fake_on_vfio(fake, *name))
            return -EINVAL;
    for (char **name = names; *name; name++)
        if (on_bus_of(*name, address))
            reset_function(fake, *name);
    return 0;
}

/* A list of methods of which the first `reset_method` that was ever written over had all. */
static int set_reset_method(PcaFakeKernel *fake, const char *address, const char *value) {
    g_autofree char *now = pca_tree_get(fake->tree, address, "reset_method");
    if (!now)
        return -ENOENT;
    g_autofree char *kept = pca_fake_get_state(fake, "methods", address);
    if (!kept)
        pca_fake_set_state(fake, "methods", address, now);
    const char *all = kept ? kept : now;
    g_auto(GStrv) supported = g_strsplit(all, " ", -1);
    g_auto(GStrv) wanted = g_strsplit(value, " ", -1);
    gboolean usual = g_str_equal(value, "default");
    for (int i = 0; !usual && wanted[i]; i++)
        if (!g_strv_contains((const char *const *)supported, wanted[i]))
            return -EINVAL;
    pca_tree_set(fake->tree, address, "reset_method", "%s", usual ? all : value);
    return 0;
}

static gboolean is_forbidden(const char *name) {
    static const char *const never[] = {"bind", "new_id", "remove_id", "remove", "rescan", NULL};
    g_autofree char *last = g_path_get_basename(name);
    return g_strv_contains(never, last);
}

static int write_function(PcaFakeKernel *fake, const char *address, const char *name,
                          const char *value) {
    if (g_str_equal(name, "driver/unbind")) {
        g_autofree char *driver = pca_tree_driver(fake->tree, address);
        return driver ? unbind(fake, driver, value) : -ENOENT;
    }
    if (g_str_equal(name, "reset"))
        return reset(fake, address, value);
    if (g_str_equal(name, "reset_method"))
        return set_reset_method(fake, address, value);
    g_autofree char *old = pca_tree_get(fake->tree, address, name);
    if (!old)
        return -ENOENT;
    gboolean none = !*value && g_str_equal(name, "driver_override");
    pca_tree_set(fake->tree, address, name, "%s", none ? "(null)" : value);
    return 0;
}

static int write_bus(PcaFakeKernel *fake, const char *path, const char *value) {
    if (g_str_equal(path, "bus/pci/drivers_probe"))
        return probe(fake, value);
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    if (g_strv_length(parts) != 5 || !g_str_has_prefix(path, "bus/pci/drivers/") ||
        !g_str_equal(parts[4], "unbind") || !pca_tree_has_driver(fake->tree, parts[3]))
        return -ENOENT;
    return unbind(fake, parts[3], value);
}

/* "0000:01:00.0/reset", "bus/pci/drivers_probe"; NULL when the directory was removed. */
char *pca_fake_attribute_path(const PcaFakeKernel *fake, int dirfd, const char *name,
                              char **address) {
    *address = pca_tree_address_of_fd(fake->tree, dirfd);
    g_autofree char *directory = pca_tree_name_of_fd(fake->tree, dirfd);
    if (!directory)
        return NULL;
    return g_build_filename(*address ? *address : directory, name, NULL);
}

int pca_fake_write_value(PcaFakeKernel *fake, int dirfd, const char *name, const char *value) {
    g_autofree char *address = NULL;
    g_autofree char *path = pca_fake_attribute_path(fake, dirfd, name, &address);
    g_autofree char *text = g_strdup(value);
    size_t size = strlen(text);
    if (size == 0)
        return -EINVAL;
    if (!path)
        return -ENODEV;
    if (is_forbidden(name))
        return -EPERM;
    if (text[size - 1] == '\n')
        text[size - 1] = '\0';
    return address ? write_function(fake, address, name, text) : write_bus(fake, path, text);
}

int pca_fake_write_register(PcaFakeKernel *fake, int dirfd, unsigned offset, guint16 value) {
    g_autofree char *address = pca_tree_address_of_fd(fake->tree, dirfd);
    if (offset % 2 || offset > 254)
        return -EINVAL;
    if (!address)
        return -ENODEV;
    if (!is_dead(fake, address))
        pca_tree_set_config16(fake->tree, address, offset, value);
    return 0;
}

/* A copy of the header alone for whoever may see no more. */
int pca_fake_open_config(PcaFakeKernel *fake, const char *address, gboolean renounced) {
    if (!address)
        return -ENODEV;
    g_autofree char *directory = pca_tree_directory(fake->tree, address);
    g_autofree char *path = g_build_filename(directory, "config", NULL);
    int whole = open(path, O_RDONLY | O_CLOEXEC);
    if (whole < 0 || !renounced)
        return whole < 0 ? -errno : whole;
    PCA_AUTO_FD from = whole;
    char header[HEADER_SIZE];
    ssize_t n = pread(from, header, sizeof header, 0);
    g_autofree char *copy = pca_fake_state_path(fake, "header", address);
    pca_fake_set_state(fake, "header", address, "");
    if (n < 0 || !g_file_set_contents(copy, header, n, NULL))
        return -EIO;
    int fd = open(copy, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* ---- For the test ---- */

void pca_fake_kernel_set_native(PcaFakeKernel *fake, const char *address, const char *driver) {
    pca_fake_set_state(fake, "native", address, driver);
}

void pca_fake_kernel_refuse(PcaFakeKernel *fake, const char *address, const char *driver) {
    pca_fake_set_state(fake, "refuse", address, driver);
}

void pca_fake_kernel_die_at_reset(PcaFakeKernel *fake, const char *address) {
    pca_fake_set_state(fake, "dies", address, "");
}

void pca_fake_kernel_set_secret(PcaFakeKernel *fake, const char *address, const char *secret) {
    pca_fake_set_state(fake, "secret", address, secret);
}

char *pca_fake_kernel_get_secret(const PcaFakeKernel *fake, const char *address) {
    return pca_fake_get_state(fake, "secret", address);
}

void pca_fake_kernel_unplug(PcaFakeKernel *fake, const char *address) {
    int group = pca_tree_group(fake->tree, address);
    if (pca_fake_on_vfio(fake, address)) {
        pca_tree_unbind(fake->tree, address);
        pca_fake_remove_nodes(fake, address, group);
    }
    pca_tree_remove(fake->tree, address);
    /* What another function at this address inherits: nothing. */
    static const char *const kinds[] = {"native", "refuse", "dies", "secret", "methods",
                                        "told",   "cdev",   "use",  "header"};
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        pca_fake_set_state(fake, kinds[i], address, NULL);
}
