# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes trees laid out like /sys, for tests and measurements of what reads sysfs.

As a program, `sysfstree.py DIRECTORY FUNCTIONS` makes a big machine of about that many functions:
virtual functions behind physical ones, endpoints behind switches.
"""
import os
import struct
import sys

ENDPOINT, ROOT_PORT, UPSTREAM, DOWNSTREAM, TO_PCI = 0, 4, 5, 6, 7
PM, MSI, MSIX, PCIE = 0x01, 0x05, 0x11, 0x10
ACS, ARI, SRIOV = 0x0d, 0x0e, 0x10
ACS_ALL = 0x5f
ACS_REQUIRED = 0x1d


class Config:
    """A config space; capabilities are appended to its two lists."""

    def __init__(self, vendor, device, class_code, header=0):
        self.bytes = bytearray(4096)
        self.link, self.last = 0x34, 0
        self.set(0x00, "<HHHH", vendor, device, 0x0006, 0x0010)
        self.set(0x08, "<I", class_code << 8 | 1)
        self.set(0x0e, "<B", header)

    def set(self, offset, form, *values):
        struct.pack_into(form, self.bytes, offset, *values)

    def add(self, capability, offset):
        self.set(self.link, "<B", offset)
        self.set(offset, "<B", capability)
        self.link = offset + 1

    def extend(self, capability, offset):
        if self.last:
            word = struct.unpack_from("<I", self.bytes, self.last)[0]
            self.set(self.last, "<I", word | offset << 20)
        self.set(offset, "<I", 0x10000 | capability)
        self.last = offset

    def add_pcie(self, port_type):
        self.add(PM, 0x40)
        self.set(0x42, "<H", 3)
        self.add(PCIE, 0x60)
        self.set(0x62, "<H", port_type << 4 | 2)
        self.set(0x64, "<I", 0x10008000)  # FLR
        self.set(0x6c, "<I", 0x00000043)  # 8 GT/s, x4
        self.set(0x72, "<H", 0x0043)

    def add_msix(self, vectors):
        self.add(MSIX, 0xb0)
        self.set(0xb2, "<H", vectors - 1)

    def add_acs(self, capabilities=ACS_ALL, control=ACS_REQUIRED, offset=0x100):
        self.extend(ACS, offset)
        self.set(offset + 4, "<HH", capabilities, control)


class Tree:
    """A directory like /sys; functions must be added below what they are below of."""

    def __init__(self, directory):
        self.directory = directory
        self.places = {}
        self.groups = set()
        for name in ("bus/pci/devices", "bus/pci/drivers", "devices", "kernel/iommu_groups",
                     "class/iommu"):
            os.makedirs(os.path.join(directory, name))

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)

    def link(self, path, target):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        os.symlink(os.path.relpath(self.path(target), os.path.dirname(self.path(path))),
                   self.path(path))

    def place(self, address, below):
        """Where the function is, relative to the tree."""
        if below:
            return self.places[below] + "/" + address
        return "devices/pci%s/%s" % (address.rsplit(":", 1)[0], address)

    def add(self, address, config, below=None, group=None, driver=None, length=4096, **files):
        """`length`: how much of config space can be read. `files`: further attributes."""
        place = self.places[address] = self.place(address, below)
        vendor, device = struct.unpack_from("<HH", config.bytes, 0)
        subsystem = struct.unpack_from("<HH", config.bytes, 0x2c)
        revision = config.bytes[8]
        class_code = struct.unpack_from("<I", config.bytes, 8)[0] >> 8
        modalias = "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X" % (
            vendor, device, *subsystem, class_code >> 16, class_code >> 8 & 0xff, class_code & 0xff)
        attributes = dict(
            vendor="0x%04x" % vendor, device="0x%04x" % device, revision="0x%02x" % revision,
            subsystem_vendor="0x%04x" % subsystem[0], subsystem_device="0x%04x" % subsystem[1],
            numa_node="-1", driver_override="(null)", irq="0", enable="1",
            modalias=modalias, local_cpulist="0-3", power_state="D0", reset_method="flr bus")
        attributes["class"] = "0x%06x" % class_code
        attributes.update(files)
        for name, text in attributes.items():
            if text is not None:
                self.write("%s/%s" % (place, name), text + "\n")
        self.write(place + "/config", bytes(config.bytes[:length]))
        self.write(place + "/resource", resources(config))
        self.link("bus/pci/devices/" + address, place)
        if driver:
            self.bind(address, driver)
        if group is not None:
            self.join(address, group)

    def bind(self, address, driver):
        os.makedirs(self.path("bus/pci/drivers", driver), exist_ok=True)
        self.link(self.places[address] + "/driver", "bus/pci/drivers/" + driver)
        self.link("bus/pci/drivers/%s/%s" % (driver, address), self.places[address])

    def join(self, address, group):
        directory = "kernel/iommu_groups/%d" % group
        self.link("%s/devices/%s" % (directory, address), self.places[address])
        self.link(self.places[address] + "/iommu_group", directory)
        if group not in self.groups:
            self.groups.add(group)
            self.write(directory + "/reserved_regions",
                       "0x00000000fee00000 0x00000000feefffff msi\n")
            self.write(directory + "/type", "DMA\n")

    def add_vf(self, pf, number, address, group=None, driver=None):
        config = Config(0xffff, 0xffff, 0x020000)
        config.add_pcie(ENDPOINT)
        config.set(0x04, "<H", 0)
        self.add(address, config, self.places[pf].split("/")[-2], group, driver,
                 vendor="0x8086", device="0x1889")
        self.link(self.places[address] + "/physfn", self.places[pf])
        self.link("%s/virtfn%d" % (self.places[pf], number), self.places[address])


def resources(config):
    lines = []
    for index in range(6):
        value = struct.unpack_from("<I", config.bytes, 0x10 + 4 * index)[0]
        wide = config.bytes[0x0e] & 0x7f == 0 and value & 0xf == 4
        if wide:
            lines.append("0x%016x 0x%016x 0x0000000000140204" % (value & ~0xf,
                                                                 (value & ~0xf) + 0x3fff))
        else:
            lines.append("0x%016x 0x%016x 0x%016x" % (0, 0, 0))
    return "".join(line + "\n" for line in lines + ["0x%016x 0x%016x 0x%016x" % (0, 0, 0)] * 7)


def bridge(port_type, bus, acs=True, vendor=0x8086, device=0x3420):
    config = Config(vendor, device, 0x060400, 1)
    config.set(0x18, "<BBB", 0, bus, bus)
    config.add_pcie(port_type)
    if acs and port_type != UPSTREAM:
        config.add_acs()
    return config


def endpoint(vendor=0x8086, device=0x10d3, class_code=0x020000, multifunction=False):
    config = Config(vendor, device, class_code, 0x80 if multifunction else 0)
    config.set(0x10, "<I", 0xfe000004)
    config.set(0x2c, "<HH", vendor, 0x0001)
    config.set(0x3d, "<B", 1)
    config.add_pcie(ENDPOINT)
    config.add_msix(8)
    return config


class Machine:
    """A big one, domain by domain, group by group."""

    def __init__(self, directory):
        self.tree = Tree(directory)
        self.count = self.group = 0

    def add(self, address, config, below=None, driver=None, **files):
        self.tree.add(address, config, below, self.group, driver, **files)
        self.group += 1
        self.count += 1

    def add_card(self, domain, slot, bus, vfs):
        """A root port, a physical function, virtual functions; one bus."""
        port = "%04x:00:%02x.%x" % (domain, 1 + slot // 8, slot % 8)
        pf = "%04x:%02x:00.0" % (domain, bus)
        config = endpoint(device=0x1592)
        config.extend(ARI, 0x100)
        config.extend(SRIOV, 0x140)
        config.set(0x140 + 0x0c, "<HHHHHHHH", vfs, vfs, vfs, 0, 128, 1, 0, 0x1889)
        self.add(port, bridge(ROOT_PORT, bus), None, "pcieport")
        self.add(pf, config, port, "ice", sriov_totalvfs=str(vfs), sriov_numvfs=str(vfs))
        for number in range(vfs):
            vf = "%04x:%02x:%02x.%x" % (domain, bus, 16 + number // 8, number % 8)
            self.tree.add_vf(pf, number, vf, self.group, "vfio-pci" if number % 4 == 0 else "iavf")
            self.group += 1
            self.count += 1

    def add_switch(self, domain, slot, bus, ports):
        """A root port, a switch, an endpoint below each of its ports; 2 + `ports` buses."""
        port = "%04x:00:%02x.%x" % (domain, 1 + slot // 8, slot % 8)
        upstream = "%04x:%02x:00.0" % (domain, bus)
        self.add(port, bridge(ROOT_PORT, bus), None, "pcieport")
        self.add(upstream, bridge(UPSTREAM, bus + 1, vendor=0x10b5, device=0x8747), port,
                 "pcieport")
        for number in range(ports):
            down = "%04x:%02x:%02x.0" % (domain, bus + 1, number)
            end = "%04x:%02x:00.0" % (domain, bus + 2 + number)
            self.add(down, bridge(DOWNSTREAM, bus + 2 + number, vendor=0x10b5, device=0x8747),
                     upstream, "pcieport")
            self.add(end, endpoint(0x144d, 0xa808, 0x010802), down, "nvme")

    def fill(self, wanted):
        """Cards and switches by turns: 65 and 18 functions, 1 and 10 buses."""
        domain, slot, bus = 0, 0, 1
        while self.count < wanted:
            if bus + 11 > 256 or slot >= 240:
                domain, slot, bus = domain + 1, 0, 1
            if slot % 2 == 0 and wanted - self.count >= 18:
                self.add_card(domain, slot, bus, min(63, wanted - self.count - 2))
                bus += 1
            else:
                self.add_switch(domain, slot, bus, min(8, max(1, (wanted - self.count - 2) // 2)))
                bus += 10
            slot += 1


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit("usage: sysfstree.py DIRECTORY FUNCTIONS")
    machine = Machine(sys.argv[1])
    machine.fill(int(sys.argv[2]))
    print(machine.count)


if __name__ == "__main__":
    main()
