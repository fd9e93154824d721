#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recorded hosts: the PCI functions of a machine as one text file, and as a tree laid out like /sys.

recorded.py unpack FILE DIRECTORY   makes DIRECTORY (new, or empty) look like the host's /sys:
                                    bus/pci/devices, bus/pci/drivers, devices, kernel/iommu_groups, module
recorded.py pack DIRECTORY          the same in reverse: prints the text of a tree, of /sys too (as root, else
                                    config spaces are cut off), with the lines of DIRECTORY/notes on top
recorded.py list FILE...            the functions, one a line

The file, in lines; what begins with '#' is a note:

  group 7 DMA-FQ 0xfee00000-0xfeefffff:msi   an IOMMU group: its type, its reserved regions
  module vfio_pci.disable_idle_d3=N          a parameter in /sys/module
  function 0000:01:00.0 below=0000:00:02.0 group=7 vendor=0x8086 ...
                                             its attributes; below: the bridge, or the root bus
  resource 13                                lines in its file resource; those that are not all zero follow
   0: 0xfe000000 0xfe01ffff 0x40200
  config 4096 like 0000:00:02.0              bytes in its file config; lines of 16 bytes follow, of those
   010: 00000200 00000000 00000000 00000000  that differ from the other function's, else from zeros
"""
import os
import re
import sys

ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$")
LINKS = ("driver", "physfn")
# Files that hold a word or a few, in the order in which they are written.
ATTRIBUTES = ("vendor", "device", "subsystem_vendor", "subsystem_device", "class", "revision", "irq",
              "numa_node", "driver_override", "reset_method", "sriov_totalvfs", "sriov_numvfs",
              "sriov_offset", "sriov_stride", "sriov_vf_device")
LINE = 16


class Function:
    """One function: `words` are its attributes, `resource` its lines, `config` its bytes."""

    def __init__(self, address):
        self.address = address
        self.words = {}
        self.resource = []
        self.config = b""


class Host:
    """A recorded machine: `notes` without '#', `groups` number -> (type, regions), `functions` by address."""

    def __init__(self):
        self.notes = []
        self.groups = {}
        self.modules = {}
        self.functions = {}

    def directory(self, address):
        """Where /sys/devices has the function, without that prefix."""
        below = self.functions[address].words["below"]
        return os.path.join(self.directory(below) if ADDRESS.match(below) else below, address)


# ---- The text ----

def config_lines(data):
    return [data[i:i + LINE] for i in range(0, len(data), LINE)]


def different_lines(data, base):
    """Offsets of the lines that differ; a base of another size is cut, or goes on with zeros."""
    base = base[:len(data)].ljust(len(data), b"\0")
    return [i * LINE for i, (a, b) in enumerate(zip(config_lines(data), config_lines(base))) if a != b]


def format_config(function, before):
    best, lines = None, different_lines(function.config, b"")
    for other in before:
        found = different_lines(function.config, other.config)
        if len(found) < len(lines):
            best, lines = other, found
    text = f"config {len(function.config)}" + (f" like {best.address}" if best else "") + "\n"
    for offset in lines:
        data = function.config[offset:offset + LINE]
        words = " ".join(data[i:i + 4].hex() for i in range(0, len(data), 4))
        text += f" {offset:03x}: {words}\n"
    return text


def format_function(function, before):
    text = f"function {function.address}" + "".join(f" {k}={v}" for k, v in function.words.items()) + "\n"
    if function.resource:
        text += f"resource {len(function.resource)}\n"
    for i, line in enumerate(function.resource):
        numbers = [int(word, 16) for word in line.split()]
        if any(numbers):
            text += f" {i}: " + " ".join(f"{number:#x}" for number in numbers) + "\n"
    return text + (format_config(function, before) if function.config else "")


def format_host(host):
    text = "".join(f"# {note}".rstrip() + "\n" for note in host.notes)
    for number, (kind, regions) in sorted(host.groups.items()):
        text += " ".join([f"group {number} {kind}"] + [f"{start}-{end}:{name}" for start, end, name in regions]) + "\n"
    for name, value in sorted(host.modules.items()):
        text += f"module {name}={value}\n"
    before = []
    for function in sorted(host.functions.values(), key=lambda f: (len(f.address), f.address)):
        text += format_function(function, before)
        before.append(function)
    return text


def parse_group(host, words):
    regions = []
    for word in words[2:]:
        span, name = word.rsplit(":", 1)
        regions.append((*span.split("-"), name))
    host.groups[int(words[0])] = (words[1], regions)


def parse_config(host, function, words):
    size = int(words[0])
    base = host.functions[words[2]].config if len(words) > 1 else b""
    function.config = base[:size].ljust(size, b"\0")


def parse_entry(function, what, line):
    index, rest = line.split(":", 1)
    if what == "resource":
        function.resource[int(index)] = " ".join(f"0x{int(word, 16):016x}" for word in rest.split())
        return
    data, offset = bytes.fromhex(rest), int(index, 16)
    function.config = function.config[:offset] + data + function.config[offset + len(data):]


def parse_host(text):
    host, function, what = Host(), None, None
    for line in text.splitlines():
        if line.startswith("#"):
            host.notes.append(line[2:])
        elif line.startswith(" "):
            parse_entry(function, what, line)
        else:
            what, *words = line.split()
            if what == "group":
                parse_group(host, words)
            elif what == "module":
                name, value = words[0].split("=", 1)
                host.modules[name] = value
            elif what == "function":
                function = host.functions[words[0]] = Function(words[0])
                function.words = dict(word.split("=", 1) for word in words[1:])
            elif what == "resource":
                function.resource = ["0x" + "0" * 16 + " 0x" + "0" * 16 + " 0x" + "0" * 16] * int(words[0])
            elif what == "config":
                parse_config(host, function, words)
            else:
                raise ValueError(f"what is this: {line}")
    return host


def read_host(path):
    with open(path, encoding="ascii") as file:
        return parse_host(file.read())


# ---- The tree ----

def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else (data + "\n").encode())


def link(path, target):
    """A link at `path` that leads to the file `target`, relative as the kernel's are."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(os.path.relpath(target, os.path.dirname(path)), path)


def number(function, name):
    return int(function.words.get(name, "0"), 16)


def modalias(function):
    code = number(function, "class")
    return (f"pci:v{number(function, 'vendor'):08X}d{number(function, 'device'):08X}"
            f"sv{number(function, 'subsystem_vendor'):08X}sd{number(function, 'subsystem_device'):08X}"
            f"bc{code >> 16:02X}sc{code >> 8 & 255:02X}i{code & 255:02X}")


def uevent(function):
    lines = [f"DRIVER={function.words['driver']}"] if "driver" in function.words else []
    ids = [f"{number(function, name):04X}" for name in ("vendor", "device", "subsystem_vendor", "subsystem_device")]
    return "\n".join(lines + [f"PCI_CLASS={number(function, 'class'):X}", f"PCI_ID={ids[0]}:{ids[1]}",
                              f"PCI_SUBSYS_ID={ids[2]}:{ids[3]}", f"PCI_SLOT_NAME={function.address}",
                              f"MODALIAS={modalias(function)}"])


def unpack_links(host, function, sysfs, path):
    words, address = function.words, function.address
    link(f"{sysfs}/bus/pci/devices/{address}", path)
    link(f"{path}/subsystem", f"{sysfs}/bus/pci")
    if "group" in words:
        group = f"{sysfs}/kernel/iommu_groups/{words['group']}"
        link(f"{path}/iommu_group", group)
        link(f"{group}/devices/{address}", path)
    if "driver" in words:
        driver = f"{sysfs}/bus/pci/drivers/{words['driver']}"
        os.makedirs(driver, exist_ok=True)
        link(f"{path}/driver", driver)
        link(f"{driver}/{address}", path)


def unpack_vfs(host, function, sysfs):
    """A VF's number follows from its requester ID, and that from two registers of the PF."""
    pf = host.functions[function.words["physfn"]]
    ids = [int(f.address[-7:-5], 16) << 8 | int(f.address[-4:-2], 16) << 3 | int(f.address[-1])
           for f in (pf, function)]
    index = (ids[1] - ids[0] - int(pf.words["sriov_offset"])) // max(int(pf.words["sriov_stride"]), 1)
    paths = [f"{sysfs}/devices/{host.directory(f.address)}" for f in (pf, function)]
    link(f"{paths[1]}/physfn", paths[0])
    link(f"{paths[0]}/virtfn{index}", paths[1])


def unpack_function(host, function, sysfs):
    path = f"{sysfs}/devices/{host.directory(function.address)}"
    for name in ATTRIBUTES:
        if name in function.words:
            write(f"{path}/{name}", function.words[name].replace(",", " "))
    for irq in filter(None, function.words.get("msi_irqs", "").split(",")):
        write(f"{path}/msi_irqs/{irq}", "msi")
    write(f"{path}/modalias", modalias(function))
    write(f"{path}/uevent", uevent(function))
    if function.resource:
        write(f"{path}/resource", "\n".join(function.resource))
    if function.config:
        write(f"{path}/config", function.config)
    unpack_links(host, function, sysfs, path)


def unpack(host, sysfs):
    if os.path.isdir(sysfs) and os.listdir(sysfs):
        sys.exit(f"{sysfs} is not empty")
    os.makedirs(f"{sysfs}/bus/pci/devices", exist_ok=True)
    for index, (kind, regions) in host.groups.items():
        group = f"{sysfs}/kernel/iommu_groups/{index}"
        write(f"{group}/type", kind)
        write(f"{group}/reserved_regions", "".join(f"0x{int(start, 16):016x} 0x{int(end, 16):016x} {name}\n"
                                                   for start, end, name in regions).encode())
    for name, value in host.modules.items():
        write(f"{sysfs}/module/{name.replace('.', '/parameters/')}", value)
    for function in host.functions.values():
        unpack_function(host, function, sysfs)
    for function in host.functions.values():
        if "physfn" in function.words:
            unpack_vfs(host, function, sysfs)


# ---- From a tree ----

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def words_of(path):
    data = read(path)
    return ",".join(data.decode().split()) if data is not None else ""


def pack_words(words, path):
    words["below"] = os.path.basename(os.path.dirname(os.path.realpath(path)))
    for name, key in (("iommu_group", "group"), ("physfn", "physfn"), ("driver", "driver")):
        if os.path.islink(f"{path}/{name}"):
            words[key] = os.path.basename(os.readlink(f"{path}/{name}"))
    for name in ATTRIBUTES:
        value = words_of(f"{path}/{name}")
        if value and value != "(null)":
            words[name] = value
    if os.path.isdir(f"{path}/msi_irqs"):
        words["msi_irqs"] = ",".join(sorted(os.listdir(f"{path}/msi_irqs"), key=int))


def pack_groups(host, sysfs):
    directory = f"{sysfs}/kernel/iommu_groups"
    for name in os.listdir(directory) if os.path.isdir(directory) else ():
        lines = (read(f"{directory}/{name}/reserved_regions") or b"").decode().splitlines()
        regions = []
        for start, end, kind in (line.split() for line in lines):
            regions.append((f"{int(start, 16):#x}", f"{int(end, 16):#x}", kind))
        host.groups[int(name)] = (words_of(f"{directory}/{name}/type") or "-", regions)


def pack_modules(host, sysfs):
    for module, parameter in (("vfio", "enable_unsafe_noiommu_mode"), ("iommufd", "allow_unsafe_interrupts"),
                              ("vfio_iommu_type1", "allow_unsafe_interrupts")):
        value = words_of(f"{sysfs}/module/{module}/parameters/{parameter}")
        if value:
            host.modules[f"{module}.{parameter}"] = value


def pack(sysfs):
    host = Host()
    host.notes = (read(f"{sysfs}/notes") or b"").decode().splitlines()
    for address in sorted(os.listdir(f"{sysfs}/bus/pci/devices")):
        path = f"{sysfs}/bus/pci/devices/{address}"
        function = host.functions[address] = Function(address)
        pack_words(function.words, path)
        function.resource = (read(f"{path}/resource") or b"").decode().splitlines()
        function.config = read(f"{path}/config") or b""
    pack_groups(host, sysfs)
    pack_modules(host, sysfs)
    return host


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "unpack":
        unpack(read_host(arguments[1]), arguments[2])
    elif len(arguments) == 2 and arguments[0] == "pack":
        sys.stdout.write(format_host(pack(arguments[1])))
    elif len(arguments) >= 2 and arguments[0] == "list":
        for path in arguments[1:]:
            for function in read_host(path).functions.values():
                print(os.path.basename(path), function.address, function.words.get("group", "-"))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
