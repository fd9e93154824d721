/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the steps on the kernel.
 * Thread: the worker's. Ownership: see the header.
 */
#include "engine/step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/fds.h"
#include "engine/binding.h"
#include "engine/bus-reset.h"
#include "engine/disks.h"
#include "engine/files.h"
#include "engine/methods.h"
#include "engine/node.h"
#include "engine/power.h"

#define POLL_INTERVAL (20 * G_TIME_SPAN_MILLISECOND)
#define NODE_TIMEOUT (5 * G_TIME_SPAN_SECOND)
#define ALIVE_TIMEOUT (5 * G_TIME_SPAN_SECOND)

/* PCI Local Bus Specification 3.0, 6.2.2; linux/pci_regs.h. */
#define CONFIG_COMMAND 0x04
#define COMMAND_MASTER 0x0004
#define CONFIG_GONE 0xffff

static gboolean read_config16(int directory, off_t offset, guint16 *value) {
    PCA_AUTO_FD fd = openat(directory, "config", O_RDONLY | O_CLOEXEC);
    guint8 bytes[2];
    if (fd < 0 || pread(fd, bytes, 2, offset) != 2)
        return FALSE;
    *value = (guint16)(bytes[0] | bytes[1] << 8);
    return TRUE;
}

/* By the command register, of which the specification keeps bits at zero: the vendor of a virtual
 * function reads all ones while all is well, and that of one which asks for patience reads 0001
 * (pci_dev_wait() in drivers/pci/pci.c). */
static gboolean answers(int directory, guint16 *command) {
    return read_config16(directory, CONFIG_COMMAND, command) && *command != CONFIG_GONE;
}

static gboolean write_attribute(PcaStepContext *context, const PcaStep *step, int directory,
                                const char *name, const char *value, GError **error) {
    int result = context->kernel->ops->write_attribute(context->kernel, directory, name, value);
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_FAILED, -result, "%s: writing %s", step->device, name);
    return result >= 0;
}

static gboolean write_bus(PcaStepContext *context, const PcaStep *step, const char *name,
                          GError **error) {
    PCA_AUTO_FD bus = pca_open_pci_bus(context->kernel->root);
    if (bus < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, -bus, "opening the PCI bus in sysfs");
        return FALSE;
    }
    return write_attribute(context, step, bus, name, step->device, error);
}

static gboolean set_override(PcaStepContext *context, const PcaStep *step, int directory,
                             const char *driver, GError **error) {
    /* Writing nothing changes nothing; a lone newline clears (driver_set_override()). */
    const char *wanted = driver && *driver ? driver : "\n";
    if (!write_attribute(context, step, directory, "driver_override", wanted, error))
        return FALSE;
    g_autofree char *now = pca_step_override(directory);
    if (g_strcmp0(now ? now : "", driver ? driver : "") == 0)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BIND_FAILED,
                "%s: driver_override reads %s after writing %s", step->device,
                now ? now : "nothing", driver ? driver : "nothing");
    return FALSE;
}

/* A probe that nobody takes succeeds all the same: only the link tells. */
static gboolean probe(PcaStepContext *context, const PcaStep *step, int directory,
                      const char *driver, GError **error) {
    g_autofree char *before = pca_step_driver(directory);
    if (!before && !write_bus(context, step, "drivers_probe", error))
        return FALSE;
    g_autofree char *now = pca_step_driver(directory);
    if (g_strcmp0(now, driver) == 0)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BIND_FAILED,
                "%s did not bind to %s: its driver is %s; the kernel log says why", step->device,
                driver, now ? now : "none");
    return FALSE;
}

/* The kernel says ENOENT of the node of no group. */
static int group_of(int directory) {
    g_autofree char *group = pca_step_group(directory);
    return group ? atoi(group) : PCA_NO_GROUP;
}

static gboolean check_methods(const PcaStep *step, int directory, const char *binding,
                              GError **error) {
    g_autofree char *wanted = pca_binding_methods(binding);
    g_autofree char *now = wanted ? pca_read_attribute(directory, "reset_method") : NULL;
    if (g_strcmp0(now, wanted) == 0)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                "%s: somebody else changed reset_method meanwhile: expected %s, found %s",
                step->device, wanted, now ? now : "nothing");
    return FALSE;
}

static gboolean do_verify(PcaStepContext *context, const PcaStep *step, int directory,
                          const char *detail, GError **error) {
    g_autofree char *driver = pca_step_driver(directory);
    g_autofree char *override = pca_step_override(directory);
    g_autofree char *now = pca_binding_format(driver, override);
    PcaOwner owner;
    if (g_str_equal(now, pca_binding_plain(detail)))
        return check_methods(step, directory, detail, error) &&
               (!pca_binding_node(detail, &owner) ||
                pca_node_check(context->kernel, step->device, group_of(directory), &owner, error));
    g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                "%s was rebound by somebody else meanwhile: expected %s, found %s", step->device,
                detail, now);
    return FALSE;
}

static gboolean do_idle(PcaStepContext *context, const PcaStep *step, int directory,
                        const char *detail, GError **error) {
    PCA_AUTO_FD fd = context->kernel->ops->open_group(context->kernel, atoi(detail));
    if (fd >= 0)
        return TRUE;
    if (fd == -EBUSY)
        g_set_error(error, PCA_ERROR, PCA_ERROR_IN_USE,
                    "%s: another process drives IOMMU group %s through VFIO", step->device, detail);
    else
        pca_error_set_errno(error, PCA_ERROR_FAILED, -fd, "%s: opening IOMMU group %s",
                            step->device, detail);
    return FALSE;
}

static gboolean do_override(PcaStepContext *context, const PcaStep *step, int directory,
                            const char *detail, GError **error) {
    return set_override(context, step, directory, detail, error);
}

static gboolean do_unbind(PcaStepContext *context, const PcaStep *step, int directory,
                          const char *detail, GError **error) {
    g_autofree char *before = pca_step_driver(directory);
    if (g_strcmp0(before, detail) != 0)
        return TRUE;
    /* No driver asks whether its disks are in use before it gives them up. */
    gboolean hosts = !pca_driver_is_vfio(detail);
    g_autoptr(GPtrArray) held = hosts ? pca_disks_hold(context->kernel, step->device, error) : NULL;
    g_autofree char *name = g_strdup_printf("drivers/%s/unbind", detail);
    if ((hosts && !held) || !write_bus(context, step, name, error))
        return FALSE;
    g_autofree char *after = pca_step_driver(directory);
    if (!after)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_BIND_FAILED, "%s is bound to %s after unbinding %s",
                step->device, after, detail);
    return FALSE;
}

static gboolean await_node(PcaStepContext *context, const PcaStep *step, int directory,
                           GError **error) {
    PcaKernel *kernel = context->kernel;
    if (pca_read_device_number(kernel->root, "class/misc/iommu/dev") == 0)
        return TRUE;
    for (gint64 waited = 0; waited < NODE_TIMEOUT; waited += POLL_INTERVAL) {
        if (pca_step_vfio_number(directory) != 0)
            return TRUE;
        kernel->ops->sleep(kernel, POLL_INTERVAL);
    }
    g_set_error(error, PCA_ERROR, PCA_ERROR_BIND_FAILED,
                "%s: no VFIO node appeared within 5 seconds of binding", step->device);
    return FALSE;
}

static gboolean do_bind(PcaStepContext *context, const PcaStep *step, int directory,
                        const char *detail, GError **error) {
    return probe(context, step, directory, detail, error) &&
           (!pca_driver_is_vfio(detail) || await_node(context, step, directory, error));
}

/* What is done between two drivers must not be done under one. */
static gboolean require_unbound(const PcaStep *step, int directory, GError **error) {
    g_autofree char *driver = pca_step_driver(directory);
    if (driver)
        g_set_error(error, PCA_ERROR, PCA_ERROR_BUSY,
                    "%s should have no driver now, but somebody bound it to %s", step->device,
                    driver);
    return !driver;
}

static gboolean do_quiesce(PcaStepContext *context, const PcaStep *step, int directory,
                           const char *detail, GError **error) {
    PcaKernel *kernel = context->kernel;
    guint16 command;
    if (!require_unbound(step, directory, error))
        return FALSE;
    if (!answers(directory, &command)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_QUARANTINED, "%s: its config space does not answer",
                    step->device);
        return FALSE;
    }
    if (!(command & COMMAND_MASTER))
        return TRUE;
    int result = kernel->ops->write_config16(kernel, directory, CONFIG_COMMAND,
                                             (guint16)(command & ~COMMAND_MASTER));
    if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_QUARANTINED, -result,
                            "%s: switching bus mastering off", step->device);
    return result >= 0;
}

static gboolean do_reset(PcaStepContext *context, const PcaStep *step, int directory,
                         const char *detail, GError **error) {
    PcaKernel *kernel = context->kernel;
    if (!require_unbound(step, directory, error))
        return FALSE;
    int result = kernel->ops->write_attribute(kernel, directory, "reset", "1");
    if (result == -ENOENT)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NO_RESET, "%s has no reset method", step->device);
    else if (result < 0)
        pca_error_set_errno(error, PCA_ERROR_RESET_FAILED, -result, "%s: reset failed",
                            step->device);
    return result >= 0;
}

static gboolean await_answer(PcaStepContext *context, const PcaStep *step, int directory,
                             guint16 *command, GError **error) {
    PcaKernel *kernel = context->kernel;
    for (gint64 waited = 0; !answers(directory, command); waited += POLL_INTERVAL) {
        if (waited >= ALIVE_TIMEOUT) {
            g_set_error(error, PCA_ERROR, PCA_ERROR_RESET_FAILED,
                        "%s does not answer 5 seconds after its reset", step->device);
            return FALSE;
        }
        kernel->ops->sleep(kernel, POLL_INTERVAL);
    }
    return TRUE;
}

static gboolean do_alive(PcaStepContext *context, const PcaStep *step, int directory,
                         const char *detail, GError **error) {
    guint16 command;
    if (!await_answer(context, step, directory, &command, error) ||
        !require_unbound(step, directory, error))
        return FALSE;
    if (answers(directory, &command) && !(command & COMMAND_MASTER))
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_RESET_FAILED,
                "%s still masters the bus after its reset", step->device);
    return FALSE;
}

static gboolean do_method(PcaStepContext *context, const PcaStep *step, int directory,
                          const char *detail, GError **error) {
    return pca_methods_set(context->kernel, step->device, directory, detail, error);
}

/* Before the host driver comes back, which may reset the function in its probe. */
static gboolean restore_methods(PcaStepContext *context, const PcaStep *step, int directory,
                                const char *binding, GError **error) {
    g_autofree char *methods = pca_binding_methods(binding);
    g_autofree char *now = methods ? pca_read_attribute(directory, "reset_method") : NULL;
    return g_strcmp0(now, methods) == 0 ||
           pca_methods_set(context->kernel, step->device, directory, methods, error);
}

/* Once the driver is back, because its probe and the remove of vfio-pci set it as well. */
static gboolean restore_power(PcaStepContext *context, const PcaStep *step, int directory,
                              const char *binding, GError **error) {
    g_autofree char *power = pca_binding_power(binding);
    return !power || pca_power_set(context->kernel, step->device, directory, power, error);
}

static gboolean do_restore(PcaStepContext *context, const PcaStep *step, int directory,
                           const char *detail, GError **error) {
    g_autofree char *driver = NULL, *override = NULL;
    if (!pca_binding_parse(detail, &driver, &override)) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "malformed binding: %s", detail);
        return FALSE;
    }
    g_autofree char *now = pca_step_driver(directory);
    if (now && g_strcmp0(now, driver) != 0) {
        g_set_error(error, PCA_ERROR, PCA_ERROR_BIND_FAILED,
                    "%s should go back to %s, but somebody bound it to %s", step->device,
                    driver ? driver : "no driver", now);
        return FALSE;
    }
    if (!restore_methods(context, step, directory, detail, error))
        return FALSE;
    if (driver && !now) {
        /* The override makes the probe choose the very driver that was there, among several. */
        if (!set_override(context, step, directory, driver, error) ||
            !probe(context, step, directory, driver, error)) {
            set_override(context, step, directory, override, NULL);
            return FALSE;
        }
    }
    PcaOwner owner;
    return set_override(context, step, directory, override, error) &&
           restore_power(context, step, directory, detail, error) &&
           (!pca_binding_node(detail, &owner) ||
            pca_node_give(context->kernel, step->device, group_of(directory), &owner, error));
}

static gboolean do_give(PcaStepContext *context, const PcaStep *step, int directory,
                        const char *detail, GError **error) {
    int group;
    PcaOwner owner;
    if (pca_give_parse(detail, &group, &owner) && group == group_of(directory))
        return pca_node_give(context->kernel, step->device, group, &owner, error);
    g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "%s is not in the IOMMU group of \"%s\"",
                step->device, detail);
    return FALSE;
}

static gboolean do_take(PcaStepContext *context, const PcaStep *step, int directory,
                        const char *detail, GError **error) {
    if (group_of(directory) == atoi(detail))
        pca_node_take(context->kernel, step->device, atoi(detail));
    return TRUE;
}

static gboolean do_lend(PcaStepContext *context, const PcaStep *step, int directory,
                        const char *detail, GError **error) {
    return pca_files_lend(context->kernel, step->device, directory, detail, error);
}

static gboolean do_regain(PcaStepContext *context, const PcaStep *step, int directory,
                          const char *detail, GError **error) {
    return pca_files_regain(context->kernel, step->device, directory, detail, error);
}

static gboolean do_power(PcaStepContext *context, const PcaStep *step, int directory,
                         const char *detail, GError **error) {
    return pca_power_set(context->kernel, step->device, directory, detail, error);
}

/* Nobody but root can open it, and only vfio-pci lets a bus be reset with all that is on it. */
static gboolean do_stage(PcaStepContext *context, const PcaStep *step, int directory,
                         const char *detail, GError **error) {
    if (!set_override(context, step, directory, detail, error) ||
        !probe(context, step, directory, detail, error))
        return FALSE;
    g_hash_table_add(context->staged, g_strdup(step->device));
    return TRUE;
}

static gboolean do_bus_reset(PcaStepContext *context, const PcaStep *step, int directory,
                             const char *detail, GError **error) {
    return pca_bus_reset(context, step, detail, error);
}

typedef gboolean (*StepFunc)(PcaStepContext *context, const PcaStep *step, int directory,
                             const char *detail, GError **error);

static const StepFunc functions[PCA_N_OPS] = {
    [PCA_OP_VERIFY] = do_verify, [PCA_OP_IDLE] = do_idle,           [PCA_OP_OVERRIDE] = do_override,
    [PCA_OP_UNBIND] = do_unbind, [PCA_OP_BIND] = do_bind,           [PCA_OP_QUIESCE] = do_quiesce,
    [PCA_OP_RESET] = do_reset,   [PCA_OP_ALIVE] = do_alive,         [PCA_OP_RESTORE] = do_restore,
    [PCA_OP_METHOD] = do_method, [PCA_OP_GIVE] = do_give,           [PCA_OP_TAKE] = do_take,
    [PCA_OP_LEND] = do_lend,     [PCA_OP_REGAIN] = do_regain,       [PCA_OP_POWER] = do_power,
    [PCA_OP_STAGE] = do_stage,   [PCA_OP_BUS_RESET] = do_bus_reset,
};

gboolean pca_step_do(PcaStepContext *context, const PcaStep *step, PcaOp op, const char *detail,
                     GError **error) {
    int directory = pca_step_directory(context, step->device, step->identity, error);
    g_autoptr(GError) failure = NULL;
    if (directory < 0)
        return FALSE;
    if (functions[op](context, step, directory, detail, &failure))
        return TRUE;
    /* ENODEV alone is no proof: unbind says it also of a function that has another driver. */
    if (pca_step_is_gone(directory))
        failure->code = PCA_ERROR_NOT_FOUND;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}
