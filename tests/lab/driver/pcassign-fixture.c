/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a PCI driver for QEMU's edu, and a reset method for it, that do on demand what bad
 * drivers and bad devices do. It serves one function, `device`; the other knobs can be turned at
 * any time in /sys/module/pcassign_fixture/parameters.
 *   probe, remove, reset      milliseconds that it takes, asleep beyond any signal; -1: until the
 *                             knob says something else
 *   probe_error, reset_error  the errno that it ends with; 0: none
 *   lost                      the function answers no more: its config space reads all ones
 *   reset_loses               a reset that succeeds sets `lost`
 * The kernel makes out the methods of a function when it finds it, so that after the module is
 * loaded or gone the function has to be removed and found again.
 * Thread: whoever binds, unbinds or resets. Ownership: the functions of one bus are read through
 * this module from its init to its exit.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/pci.h>

#define TICK 20 /* milliseconds */

static char *device = "0000:00:06.0";
module_param(device, charp, 0444);

static int probe, remove, reset, probe_error, reset_error, lost, reset_loses;
module_param(probe, int, 0644);
module_param(remove, int, 0644);
module_param(reset, int, 0644);
module_param(probe_error, int, 0644);
module_param(reset_error, int, 0644);
module_param(lost, int, 0644);
module_param(reset_loses, int, 0644);

static int domain, bus_number, slot, function;

static bool is_served(struct pci_dev *dev) {
    return strcmp(pci_name(dev), device) == 0;
}

static void take_time(const int *knob) {
    for (int passed = 0; READ_ONCE(*knob) < 0 || passed < READ_ONCE(*knob); passed += TICK)
        msleep(TICK);
}

/* ---- The driver ---- */

static int fixture_probe(struct pci_dev *dev, const struct pci_device_id *id) {
    if (!is_served(dev))
        return -ENODEV;
    take_time(&probe);
    return -READ_ONCE(probe_error);
}

static void fixture_remove(struct pci_dev *dev) {
    take_time(&remove);
}

static const struct pci_device_id ids[] = {{PCI_DEVICE(0x1234, 0x11e8)}, {}};

static struct pci_driver driver = {
    .name = "pcassign-fixture",
    .id_table = ids,
    .probe = fixture_probe,
    .remove = fixture_remove,
};

/* ---- The reset method ---- */

static int fixture_reset(struct pci_dev *dev, bool only_asks) {
    int error = 0;
    if (!only_asks) {
        take_time(&reset);
        error = READ_ONCE(reset_error);
        if (error == 0 && READ_ONCE(reset_loses))
            WRITE_ONCE(lost, 1);
    }
    module_put(THIS_MODULE);
    return -error;
}

/* At the first instruction of pci_dev_specific_reset(), which for the function goes on as
 * fixture_reset(), with the same arguments. */
static int divert(struct kprobe *at, struct pt_regs *registers) {
    struct pci_dev *dev = (struct pci_dev *)regs_get_kernel_argument(registers, 0);
    if (!is_served(dev) || !try_module_get(THIS_MODULE))
        return 0;
    instruction_pointer_set(registers, (unsigned long)fixture_reset);
    return 1;
}

/* Only a kprobe that has one may change where the function goes on. */
static void after(struct kprobe *at, struct pt_regs *registers, unsigned long flags) {
}

static struct kprobe method = {
    .symbol_name = "pci_dev_specific_reset",
    .pre_handler = divert,
    .post_handler = after,
};

/* ---- Config space ---- */

static struct pci_bus *bus;
static struct pci_ops *real;
static struct pci_ops ours;

static bool is_lost(unsigned int devfn) {
    return READ_ONCE(lost) && devfn == PCI_DEVFN(slot, function);
}

static int read_config(struct pci_bus *at, unsigned int devfn, int where, int size, u32 *value) {
    if (!is_lost(devfn))
        return real->read(at, devfn, where, size, value);
    *value = ~0u;
    return PCIBIOS_DEVICE_NOT_FOUND;
}

static int write_config(struct pci_bus *at, unsigned int devfn, int where, int size, u32 value) {
    return is_lost(devfn) ? PCIBIOS_DEVICE_NOT_FOUND : real->write(at, devfn, where, size, value);
}

/* ---- The module ---- */

static int __init fixture_init(void) {
    int error;
    if (sscanf(device, "%x:%x:%x.%x", &domain, &bus_number, &slot, &function) != 4)
        return -EINVAL;
    bus = pci_find_bus(domain, bus_number);
    if (!bus)
        return -ENODEV;
    error = register_kprobe(&method);
    if (error)
        return error;
    error = pci_register_driver(&driver);
    if (error) {
        unregister_kprobe(&method);
        return error;
    }
    ours = *bus->ops;
    ours.read = read_config;
    ours.write = write_config;
    real = bus->ops;
    pci_bus_set_ops(bus, &ours);
    return 0;
}

static void __exit fixture_exit(void) {
    pci_bus_set_ops(bus, real);
    pci_unregister_driver(&driver);
    unregister_kprobe(&method);
}

module_init(fixture_init);
module_exit(fixture_exit);
MODULE_DESCRIPTION("does on demand what bad drivers and bad devices do");
MODULE_LICENSE("GPL");
