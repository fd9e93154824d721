/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the fake kernel's operations: their log, faults, hooks and clock around the machine.
 * Thread: one a process. Ownership: see fake-kernel.h.
 */
#include "support/fake-kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "support/fake-machine.h"

typedef struct {
    char *glob;
    int error;
    guint left; /* 0: without end */
} Fault;

typedef struct {
    gint64 due;
    PcaFakeHook hook;
    char *what;
    gpointer data;
} Event;

static void fault_free(gpointer data) {
    Fault *fault = data;
    g_free(fault->glob);
    g_free(fault);
}

static void event_free(gpointer data) {
    Event *event = data;
    g_free(event->what);
    g_free(event);
}

static PcaFakeKernel *fake_of(PcaKernel *kernel) {
    return (PcaFakeKernel *)kernel;
}

/* ---- Operations ---- */

static int find_fault(PcaFakeKernel *fake, const char *line) {
    for (guint i = 0; i < fake->faults->len; i++) {
        Fault *fault = g_ptr_array_index(fake->faults, i);
        if (!g_pattern_match_simple(fault->glob, line))
            continue;
        int error = fault->error;
        if (fault->left > 0 && --fault->left == 0)
            g_ptr_array_remove_index(fake->faults, i);
        return -error;
    }
    return 0;
}

static int begin(PcaFakeKernel *fake, const char *line) {
    pca_tree_append(fake->tree, "fake/log", "%s\n", line);
    fake->n_operations++;
    if (fake->before)
        fake->before(fake, line, fake->data);
    if (fake->n_operations == fake->fail_at)
        return -fake->fail_error;
    return find_fault(fake, line);
}

static int finish(PcaFakeKernel *fake, const char *line, int result) {
    if (fake->after)
        fake->after(fake, line, fake->data);
    return result;
}

static int fake_write_attribute(PcaKernel *kernel, int dirfd, const char *name, const char *value) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *address = NULL;
    g_autofree char *path = pca_fake_attribute_path(fake, dirfd, name, &address);
    g_autofree char *escaped = g_strescape(value, NULL);
    g_autofree char *line = path ? g_strdup_printf("write %s %s", path, escaped)
                                 : g_strdup_printf("write (gone)/%s %s", name, escaped);
    int result = begin(fake, line);
    return finish(fake, line, result ? result : pca_fake_write_value(fake, dirfd, name, value));
}

static int fake_write_config16(PcaKernel *kernel, int dirfd, unsigned offset, guint16 value) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *address = pca_tree_address_of_fd(fake->tree, dirfd);
    g_autofree char *line =
        g_strdup_printf("config %s 0x%02x=0x%04x", address ? address : "(gone)", offset, value);
    int result = begin(fake, line);
    return finish(fake, line,
                  result ? result : pca_fake_write_register(fake, dirfd, offset, value));
}

/* Not counted, and without hooks: the daemon asks for it whenever it meets a function, and what a
 * test stages is about what it does itself. */
static int fake_open_config(PcaKernel *kernel, int dirfd) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *address = pca_tree_address_of_fd(fake->tree, dirfd);
    g_autofree char *line = g_strdup_printf("open_config %s", address ? address : "(gone)");
    pca_tree_append(fake->tree, "fake/log", "%s\n", line);
    int result = find_fault(fake, line);
    return result ? result : pca_fake_open_config(fake, address, fake->renounced);
}

static int fake_renounce(PcaKernel *kernel) {
    PcaFakeKernel *fake = fake_of(kernel);
    int result = find_fault(fake, "renounce");
    fake->renounced |= result == 0;
    return result;
}

/* That somebody has it is a fault to stage. */
static int fake_hold_disk(PcaKernel *kernel, dev_t number) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *line = g_strdup_printf("hold_disk %u:%u", major(number), minor(number));
    int result = begin(fake, line);
    return finish(fake, line, result ? result : open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static int fake_open_group(PcaKernel *kernel, int group) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *line = g_strdup_printf("open_group %d", group);
    int result = begin(fake, line);
    return finish(fake, line, result ? result : pca_fake_open_group(fake, group));
}

static int fake_open_node(PcaKernel *kernel, dev_t number, const char *label) {
    PcaFakeKernel *fake = fake_of(kernel);
    gboolean labelled = label && *label;
    g_autofree char *line = g_strdup_printf("open_node %u:%u%s%s", major(number), minor(number),
                                            labelled ? " " : "", labelled ? label : "");
    int result = begin(fake, line);
    if (result == 0 && labelled && !pca_label_is_plain(label))
        result = -EINVAL;
    if (result == 0)
        result = pca_fake_open_number(fake, number);
    if (result >= 0)
        pca_fake_set_label(fake, result, labelled ? label : NULL);
    return finish(fake, line, result);
}

static int fake_read_owner(PcaKernel *kernel, int group, PcaOwner *owner) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *line = g_strdup_printf("read_owner %d", group);
    int result = begin(fake, line);
    return finish(fake, line, result ? result : pca_fake_read_owner(fake, group, owner));
}

static int fake_write_owner(PcaKernel *kernel, int group, const PcaOwner *owner) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *text = pca_owner_format(owner);
    g_autofree char *line = g_strdup_printf("write_owner %d %s", group, text);
    int result = begin(fake, line);
    return finish(fake, line, result ? result : pca_fake_write_owner(fake, group, owner));
}

static char *file_line(PcaFakeKernel *fake, const char *what, int dirfd, const char *name) {
    g_autofree char *address = pca_tree_address_of_fd(fake->tree, dirfd);
    return g_strdup_printf("%s %s/%s", what, address ? address : "(gone)", name);
}

static int fake_read_file_owner(PcaKernel *kernel, int dirfd, const char *name, PcaOwner *owner) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *line = file_line(fake, "read_file_owner", dirfd, name);
    int result = begin(fake, line);
    return finish(fake, line, result ? result : pca_fake_read_file_owner(fake, dirfd, name, owner));
}

static int fake_write_file_owner(PcaKernel *kernel, int dirfd, const char *name,
                                 const PcaOwner *owner) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *file = file_line(fake, "write_file_owner", dirfd, name);
    g_autofree char *text = pca_owner_format(owner);
    g_autofree char *line = g_strdup_printf("%s %s", file, text);
    int result = begin(fake, line);
    return finish(fake, line,
                  result ? result : pca_fake_write_file_owner(fake, dirfd, name, owner));
}

static int fake_set_rlimit_mode(PcaKernel *kernel, int iommufd) {
    PcaFakeKernel *fake = fake_of(kernel);
    int result = begin(fake, "set_rlimit_mode");
    if (result == 0) {
        g_autofree char *what = pca_fake_kernel_describe_fd(fake, iommufd);
        result = g_strcmp0(what, "node " PCA_FAKE_IOMMU_NUMBER) == 0 ? 0 : -ENOTTY;
    }
    return finish(fake, "set_rlimit_mode", result);
}

static int fake_raise_memlock(PcaKernel *kernel, int pidfd, guint64 bytes) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autofree char *line = g_strdup_printf("raise_memlock %" G_GUINT64_FORMAT, bytes);
    int result = begin(fake, line);
    if (result == 0) {
        struct pollfd poller = {.fd = pidfd, .events = POLLIN};
        int ready = poll(&poller, 1, 0);
        result = ready > 0 && (poller.revents & POLLNVAL) ? -EBADF : ready == 0 ? 0 : -ESRCH;
    }
    if (result == 0)
        fake->memlock = MAX(fake->memlock, bytes);
    return finish(fake, line, result);
}

/* The functions on the bus, all of which must be on vfio, forget what an owner left. */
static int fake_hot_reset(PcaKernel *kernel, int container, const int *groups, guint n_groups,
                          const char *address) {
    PcaFakeKernel *fake = fake_of(kernel);
    g_autoptr(GString) line = g_string_new("hot_reset ");
    g_string_append(line, address);
    for (guint i = 0; i < n_groups; i++) {
        g_autofree char *what = pca_fake_kernel_describe_fd(fake, groups[i]);
        g_string_append_printf(line, " %s", what ? what : "none");
    }
    int result = begin(fake, line->str);
    return finish(fake, line->str, result ? result : pca_fake_hot_reset(fake, address));
}

static Event *next_event(PcaFakeKernel *fake, gint64 until) {
    guint next = fake->events->len;
    for (guint i = 0; i < fake->events->len; i++) {
        Event *event = g_ptr_array_index(fake->events, i);
        if (event->due > until)
            continue;
        if (next == fake->events->len ||
            event->due < ((Event *)g_ptr_array_index(fake->events, next))->due)
            next = i;
    }
    return next < fake->events->len ? g_ptr_array_steal_index(fake->events, next) : NULL;
}

static void fake_sleep(PcaKernel *kernel, gint64 microseconds) {
    PcaFakeKernel *fake = fake_of(kernel);
    gint64 until = fake->now + MAX(microseconds, 0);
    for (Event *event; (event = next_event(fake, until));) {
        fake->now = MAX(fake->now, event->due);
        event->hook(fake, event->what, event->data);
        event_free(event);
    }
    fake->now = until;
}

static void fake_side_by_side(PcaKernel *kernel, PcaWork work, gpointer data, guint n,
                              GError **errors) {
    gboolean backwards = fake_of(kernel)->backwards;
    for (guint i = 0; i < n; i++) {
        guint index = backwards ? n - 1 - i : i;
        work(data, index, &errors[index]);
    }
}

static const PcaKernelOps fake_ops = {
    .write_attribute = fake_write_attribute,
    .write_config16 = fake_write_config16,
    .open_config = fake_open_config,
    .renounce = fake_renounce,
    .open_group = fake_open_group,
    .hold_disk = fake_hold_disk,
    .open_node = fake_open_node,
    .read_owner = fake_read_owner,
    .write_owner = fake_write_owner,
    .read_file_owner = fake_read_file_owner,
    .write_file_owner = fake_write_file_owner,
    .set_rlimit_mode = fake_set_rlimit_mode,
    .hot_reset = fake_hot_reset,
    .raise_memlock = fake_raise_memlock,
    .side_by_side = fake_side_by_side,
    .sleep = fake_sleep,
};

/* ---- For the test ---- */

PcaFakeKernel *pca_fake_kernel_new(PcaTree *tree, gboolean cdev) {
    PcaFakeKernel *fake = g_new0(PcaFakeKernel, 1);
    fake->kernel = (PcaKernel){.ops = &fake_ops, .root = pca_tree_root(tree)};
    fake->tree = tree;
    fake->faults = g_ptr_array_new_with_free_func(fault_free);
    fake->events = g_ptr_array_new_with_free_func(event_free);
    pca_tree_append(tree, "fake/log", "%s", "");
    pca_tree_write(tree, "sys/class/misc/vfio/dev", "%s\n", PCA_FAKE_CONTAINER_NUMBER);
    pca_tree_write(tree, "dev/vfio/vfio", "%s", "");
    if (cdev) {
        pca_tree_write(tree, "sys/class/misc/iommu/dev", "%s\n", PCA_FAKE_IOMMU_NUMBER);
        pca_tree_write(tree, "dev/iommu", "%s", "");
    }
    g_autofree char *devices = g_build_filename(fake->kernel.root->sysfs, "bus/pci/devices", NULL);
    g_auto(GStrv) addresses = pca_read_directory(devices);
    for (int i = 0; addresses[i]; i++)
        pca_fake_make_nodes(fake, addresses[i], NULL);
    return fake;
}

void pca_fake_kernel_free(PcaFakeKernel *fake) {
    g_ptr_array_unref(fake->faults);
    g_ptr_array_unref(fake->events);
    g_free(fake);
}

char **pca_fake_kernel_operations(const PcaFakeKernel *fake) {
    g_autofree char *text = pca_fake_get_state(fake, "log", NULL);
    if (!text || !*text)
        return g_new0(char *, 1);
    text[strlen(text) - 1] = '\0';
    return g_strsplit(text, "\n", -1);
}

guint pca_fake_kernel_count(const PcaFakeKernel *fake, const char *glob) {
    g_auto(GStrv) lines = pca_fake_kernel_operations(fake);
    guint count = 0;
    for (int i = 0; lines[i]; i++)
        count += g_pattern_match_simple(glob, lines[i]);
    return count;
}

void pca_fake_kernel_forget(PcaFakeKernel *fake) {
    pca_tree_write(fake->tree, "fake/log", "%s", "");
}

void pca_fake_kernel_fail(PcaFakeKernel *fake, guint k, int errnum) {
    fake->fail_at = fake->n_operations + k;
    fake->fail_error = errnum;
}

void pca_fake_kernel_fail_matching(PcaFakeKernel *fake, const char *glob, int errnum, guint times) {
    Fault *fault = g_new0(Fault, 1);
    *fault = (Fault){.glob = g_strdup(glob), .error = errnum, .left = times};
    g_ptr_array_add(fake->faults, fault);
}

void pca_fake_kernel_later(PcaFakeKernel *fake, gint64 microseconds, PcaFakeHook event,
                           const char *what, gpointer data) {
    Event *queued = g_new0(Event, 1);
    *queued = (Event){
        .due = fake->now + microseconds, .hook = event, .what = g_strdup(what), .data = data};
    g_ptr_array_add(fake->events, queued);
}
