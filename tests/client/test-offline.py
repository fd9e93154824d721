#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""list, tree, show and explain without the daemon, on trees that are made for it.

Whole ones, cut off, spoilt, empty, and such as are no sysfs.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sysfstree  # noqa: E402
from offline import (  # noqa: E402
    CARD, CARD_PORT, CTL, DISK_A, DISK_B, DOWN_A, DOWN_B, PF, PF_PORT, PORT, SOUND, SWITCH, UP, VF,
    addresses, ctl, expect, machine, on, on_terminal, refused, run_all, validator, value, work)
from sysfstree import bridge, endpoint  # noqa: E402


# ---- Options ----

def test_options():
    for verb in ("run x -- y", "claims", "release x", "monitor", "reserve x", "unreserve x",
                 "reset x", "recover x"):
        refused(2, "--offline: '%s' needs pcassignd" % verb.split()[0], "--offline", *verb.split())
    refused(2, "--offline: 'policy reload' needs pcassignd", "--offline", "policy", "reload")
    refused(2, "--sysfs needs a value", "list", "--sysfs")
    for verb in ("list", "tree", "show 01:00.0", "explain 01:00.0", "check 01:00.0",
                 "plan 01:00.0", "status"):
        refused(8, "pcassignd is not running", *verb.split())
        expect(verb + " without the daemon names --offline", "--offline" in ctl(*verb.split()).stderr)
    refused(2, "show takes one device, not 0", "show", "--offline")
    refused(2, "explain takes one device, not 2", "explain", "a", "b", "--offline")
    refused(2, "tree takes no argument, but 'x'", "tree", "x", "--offline")
    refused(2, "unknown columns 'X', 'y'; known are ADDRESS, NAME,", "list", "-oX,GROUP,y")
    refused(2, "unknown column 'naem'; did you mean 'NAME'?; known are", "list", "-o", "naem")
    refused(2, "unknown column ''", "list", "-o", "")


def test_not_sysfs():
    empty = tempfile.mkdtemp(dir=work)
    for verb in ("list", "tree", "show 01:00.0", "explain 01:00.0"):
        refused(2, "no directory", *verb.split(), "--sysfs=/nonexistent")
        refused(2, "not laid out like /sys", *verb.split(), "--sysfs=" + empty)
    refused(2, "is no directory", "list", "--sysfs=" + __file__)
    tree = machine()
    refused(2, "did you mean %s" % tree.directory, "list", "--sysfs=" + os.path.dirname(tree.directory))


# ---- list ----

def test_list():
    tree = machine()
    devices = value(tree, "list")
    expect("endpoints", addresses(devices) == [DISK_A, DISK_B, CARD, SOUND, PF, VF], devices)
    everything = value(tree, "list", "-a")
    expect("bridges too", len(everything) == 12, addresses(everything))
    card = devices[2]
    expect("the card", {key: card[key] for key in (
        "vendor", "device", "subsystem_vendor", "class", "revision", "driver", "driver_override",
        "iommu_group", "numa_node", "name", "state", "claim")} == {
            "vendor": "10de", "device": "2230", "subsystem_vendor": "10de", "class": "030000",
            "revision": "01", "driver": "vfio-pci", "driver_override": "vfio-pci",
            "iommu_group": 5, "numa_node": 1, "name": None, "state": None, "claim": None}, card)
    expect("states", [device["state"] for device in devices]
           == ["host", "host", None, "free", "host", "host"], devices)
    expect("no NUMA node", devices[0]["numa_node"] is None)
    expect("named ones", addresses(value(tree, "list", "06:00.0", "0000:00:01.0"))
           == [PORT, CARD])
    result = on(tree, "list", "06:00.0", "-o", "address,ID,class,override,numa,path", "--no-legend")
    expect("columns", result.stdout.split()
           == [CARD, "10de:2230", "030000", "vfio-pci", "1", "0000:00:02.0/00.0"], result)
    result = on(tree, "list")
    expect("ids where there is no name", "10de:1aef" in result.stdout or "NVIDIA" in result.stdout,
           result)
    expect("nothing to complain of", result.stderr == "", result)


def test_unknown_devices():
    tree = machine()
    expect("nothing found", value(tree, "list", "77:00.0", status=10) == [])
    for verb in ("list", "show", "explain"):
        result = on(tree, verb, "77:00.0")
        expect(verb + ": 77:00.0", result.returncode == 10
               and result.stderr == "pcassignctl: 77:00.0: no such device\n", result)
        result = on(tree, verb, "gpu-a")
        expect(verb + ": gpu-a", result.returncode == 10 and "offline, a device is an address"
               in result.stderr, result)


# ---- show ----

def test_show():
    tree = machine()
    port = value(tree, "show", "00:02.0")
    expect("a port", port["pcie_type"] == 4 and port["header_type"] == 1
           and port["acs"] == {"capabilities": ["SV", "TB", "RR", "CR", "UF", "DT"],
                               "control": ["SV", "RR", "CR", "UF"]}
           and port["bridge"]["secondary"] == 6 and port["sriov"] is None, port)
    card = value(tree, "show", CARD)
    expect("a card", card["multifunction"] is True and card["path"] == "0000:00:02.0/00.0"
           and card["acs"] is None and card["capabilities_complete"] is True, card)
    expect("capabilities", [(c["id"], c["offset"], c["extended"]) for c in card["capabilities"]]
           == [(1, 0x40, False), (16, 0x60, False), (17, 0xb0, False)], card)
    expect("a region", card["bars"] == [
        {"index": 0, "type": "mem64", "prefetchable": False, "address": str(0xfe000000),
         "size": "16384", "page_aligned": True}], card)
    expect("interrupts", card["interrupts"] == {
        "pin": 1, "intx_maskable": None, "intx_shared_with": None, "msi_vectors": 0,
        "msix_vectors": 8} or card["interrupts"]["intx_shared_with"] == [], card)
    expect("reserved regions", card["reserved_regions"]
           == [{"start": str(0xfee00000), "end": str(0xfeefffff), "type": "msi"}], card)
    expect("resets", card["reset_methods"] == ["flr", "bus"], card)
    expect("a physical function", value(tree, "show", PF)["sriov"]
           == {"total_vfs": 8, "num_vfs": 1, "pf": None, "vfs": [VF]})
    function = value(tree, "show", VF)
    expect("a virtual function", function["sriov"]["pf"] == PF
           and function["path"] == "0000:00:03.0/00.0/vf0", function)
    text = on(tree, "show", CARD).stdout
    for words in ("Address: " + CARD, "Type: endpoint, PCIe endpoint, multifunction",
                  "Interrupts: INTA, MSI-X of 8 vectors", "BAR 0: mem64 at 0xfe000000, 16 KiB",
                  "Capabilities: [040] PM", "Reset methods: flr bus", "Link: 8 GT/s x4"):
        expect("show says '%s'" % words, words in text, text)


def test_drivers():
    """By the index of the modules, which is read by a part that is loaded for that."""
    tree = machine()
    beside = os.path.dirname(tree.directory)
    expect("without an index", value(tree, "show", CARD)["vfio_driver"] is None)
    for name, text in (("proc/sys/kernel/osrelease", "6.0\n"), ("lib/modules/6.0/modules.alias.bin", "")):
        os.makedirs(os.path.dirname(os.path.join(beside, name)), exist_ok=True)
        with open(os.path.join(beside, name), "w") as file:
            file.write(text)
    result = on(tree, "show", CARD)
    expect("with one", "VFIO driver: vfio-pci" in result.stdout and result.stderr == "", result)
    result = on(tree, "show", CARD, PCASSIGN_MODULES=work)
    expect("without that part", result.returncode == 0 and "VFIO driver: -" in result.stdout
           and work + "/variants.so: " in result.stderr, result)


def test_cut_off():
    """What an ordinary user reads: unknown, never absent."""
    tree = machine()
    card, port = endpoint(multifunction=True), bridge(sysfstree.ROOT_PORT, 6)
    for length, capabilities in ((64, None), (256, [1, 16, 17])):
        for address, config in ((CARD, card), (CARD_PORT, port)):
            tree.write(tree.places[address] + "/config", bytes(config.bytes[:length]))
        shown = value(tree, "show", CARD)
        ids = shown["capabilities"] and [c["id"] for c in shown["capabilities"]]
        expect("%d bytes" % length, ids == capabilities and not shown["capabilities_complete"]
               and shown["acs"] is None and shown["multifunction"] is True, shown)
        text = on(tree, "show", CARD).stdout
        expect("%d bytes: it is said" % length, "not known: an ordinary user" in text
               or "further ones are not known" in text, text)
        told = value(tree, "explain", CARD)
        causes = {reason["cause"] for reason in told["reasons"]}
        expect("%d bytes: unknown is a cause" % length, "unknown" in causes, told)
        expect("%d bytes: no verdict" % length,
               "As far as config space could be read" in on(tree, "explain", CARD).stdout)
        expect("%d bytes: it is advised" % length,
               any("could not be read" in text for text in told["advice"]), told)
    tree.write(tree.places[CARD] + "/config", b"")
    shown = value(tree, "show", CARD)
    expect("no bytes", all(shown[key] is None for key in (
        "header_type", "multifunction", "pcie_type", "capabilities", "bars")), shown)
    expect("it is listed all the same", CARD in addresses(value(tree, "list")))
    tree.write(tree.places[CARD] + "/config", b"\xff" * 4096)
    shown = value(tree, "show", CARD)
    expect("silent", shown["capabilities"] is None and shown["bars"] is None, shown)


# ---- explain ----

def test_explain():
    tree = machine()
    told = value(tree, "explain", DISK_A)
    expect("the set", told["isolation_set"] == SWITCH and told["kernel_group"] == SWITCH
           and told["agrees"] is True and told["iommu_group"] == 3, told)
    reasons = {reason["member"]: reason for reason in told["reasons"]}
    expect("itself", reasons[DISK_A]["cause"] == "self" and reasons[DISK_A]["at"] == DISK_A)
    expect("the other disk", reasons[DISK_B]["cause"] == "upstream-no-acs"
           and reasons[DISK_B]["missing"] == ["SV", "RR", "CR", "UF"], reasons[DISK_B])
    expect("another slot", any("another slot" in text for text in told["advice"]), told)
    expect("the whole group",
           any("pcassignctl check %s %s" % (DISK_A, DISK_B) in text for text in told["advice"]),
           told)
    expect("never the override", any("pcie_acs_override" in text for text in told["advice"]), told)
    told = value(tree, "explain", CARD)
    expect("a card", told["isolation_set"] == [CARD, SOUND], told)
    expect("no slot helps", any("another slot changes nothing" in text for text in told["advice"])
           and not any("put the card" in text for text in told["advice"]), told)
    told = value(tree, "explain", VF)
    expect("alone", told["isolation_set"] == [VF] and told["advice"] == [], told)
    text = on(tree, "explain", DISK_A).stdout
    for words in ("shares its isolation set with 1 other device", "group 3 is the same", "nothing keeps their DMA apart",
                  DISK_B + "  ", "lacks SV RR CR UF", "What can be done:"):
        expect("explain says '%s'" % words, words in text, text)
    expect("alone, in words", "It is isolated" in on(tree, "explain", VF).stdout)
    tree.write(tree.places[CARD_PORT] + "/config",
               bytes(bridge(sysfstree.ROOT_PORT, 6, acs=False).bytes))
    tree.write(tree.places[PF_PORT] + "/config",
               bytes(bridge(sysfstree.ROOT_PORT, 7, acs=False).bytes))
    expect("only bridges", "only bridges" in on(tree, "explain", PF_PORT).stdout
           or "2 other devices" in on(tree, "explain", PF_PORT).stdout)


def test_switched_off():
    """A port that has ACS, but off: another advice, and the group claims what is not so."""
    tree = machine()
    port = bridge(sysfstree.ROOT_PORT, 6, acs=False)
    port.add_acs(sysfstree.ACS_ALL, 0)
    tree.write(tree.places[CARD_PORT] + "/config", bytes(port.bytes))
    told = value(tree, "explain", CARD)
    expect("it disagrees", told["agrees"] is False and CARD_PORT in told["isolation_set"], told)
    expect("a warning", any("another group" in text for text in told["warnings"]), told)
    text = on(tree, "explain", CARD).stdout
    expect("in words", "Beware:" in text and "group 5 is another: " in text, text)
    tree.write(tree.places[PORT] + "/config", bytes(port.bytes))
    told = value(tree, "explain", DISK_B)
    expect("switched off", any(PORT + " has ACS, but SV RR CR UF is off" in text
                               for text in told["advice"])
           and not any("firmware setup" in text for text in told["advice"]), told)


def test_warnings():
    """What lies beside a directory that is called sys is of the same machine."""
    tree = machine()
    proc = os.path.join(os.path.dirname(tree.directory), "proc")
    os.mkdir(proc)
    with open(os.path.join(proc, "cmdline"), "w") as file:
        file.write("quiet pcie_acs_override=downstream pci=noaer,disable_acs_redir=0000:00:01.0\n")
    tree.write("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n")
    tree.write("kernel/irq/1/chip_name", "IO-APIC\n")
    tree.write("kernel/iommu_groups/8/reserved_regions",
               "0x00000000ad000000 0x00000000ad0fffff direct\nwhat is this?\n")
    warnings = value(tree, "explain", VF)["warnings"]
    for words in ("pcie_acs_override=downstream", "disable_acs_redir=0000:00:01.0",
                  "allow_unsafe_interrupts is on", "not remapped", "RMRR, 0xad000000"):
        expect("a warning of " + words, any(words in text for text in warnings), warnings)


# ---- tree ----

def test_tree():
    tree = machine()
    buses = value(tree, "tree")
    expect("one root bus", [bus["bus"] for bus in buses] == ["0000:00"], buses)
    ports = buses[0]["children"]
    expect("its ports", addresses(ports) == [PORT, CARD_PORT, PF_PORT], ports)
    switch = ports[0]["children"][0]
    expect("the switch", switch["type"] == "upstream port"
           and addresses(switch["children"]) == [DOWN_A, DOWN_B]
           and addresses(switch["children"][1]["children"]) == [DISK_B], switch)
    pf = ports[2]["children"][0]
    expect("virtual functions", addresses(pf["children"]) == [VF]
           and pf["children"][0]["type"] == "virtual function", pf)
    lines = on(tree, "tree").stdout.splitlines()
    expect("in lines", len(lines) == 14 and lines[1].startswith("0000:00")
           and lines[2].startswith("├─" + PORT) and "│ └─" + UP in lines[3]
           and "│     └─" + DISK_B in lines[7], "\n".join(lines))
    text = on(tree, "tree", LC_ALL="C").stdout
    expect("in ASCII", text.isascii() and "`-" in text, text)
    expect("no colour", "\033" not in on(tree, "tree").stdout)


def test_colours():
    tree = machine()
    plain = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    os.environ.clear()
    os.environ.update(plain)
    groups = [line.split("\033[")[1][:2] for line in on_terminal(tree, "tree").splitlines()
              if "\033[" in line]
    expect("one colour for each group", len(groups) == 12 and len(set(groups[:6])) == 1
           and groups[6] != groups[0] and groups[7] == groups[8], groups)
    expect("NO_COLOR", "\033" not in on_terminal(tree, "tree", NO_COLOR="1"))
    expect("a dumb terminal", "\033" not in on_terminal(tree, "tree", TERM="dumb"))
    expect("pretty JSON on a terminal", "\r\n" in on_terminal(tree, "list", "-j"))


def test_other_roots():
    """Further domains, a bridge that is missing, a function at an odd place."""
    tree = machine()
    tree.add("10000:e0:06.0", bridge(sysfstree.ROOT_PORT, 0xe1), None, 20)
    tree.add("10000:e1:00.0", endpoint(), "10000:e0:06.0", 20)
    os.unlink(tree.path("bus/pci/devices", PF_PORT))
    buses = value(tree, "tree")
    expect("roots", [bus["bus"] for bus in buses] == ["0000:00", "10000:e0"], buses)
    expect("a function without its bridge", PF in addresses(buses[0]["children"]), buses)
    expect("a wide domain", addresses(value(tree, "list", "10000:e1:00.0")) == ["10000:e1:00.0"])


# ---- Odd trees ----

def test_without_groups():
    tree = machine()
    shutil.rmtree(tree.path("kernel/iommu_groups"))
    for address in tree.places:
        os.unlink(tree.path(tree.places[address], "iommu_group"))
    proc = os.path.join(os.path.dirname(tree.directory), "proc")
    os.mkdir(proc)
    with open(os.path.join(proc, "cpuinfo"), "w") as file:
        file.write("processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme\n")
    for verb in ("list", "tree", "explain " + CARD):
        result = on(tree, *verb.split())
        lines = result.stderr.splitlines()
        expect(verb + ": it is said first", result.returncode == 0 and len(lines) == 2
               and "this host cannot assign devices" in lines[0]
               and "boot with intel_iommu=on" in lines[1], result)
        result = on(tree, *verb.split(), "--json=short")
        expect(verb + ": the JSON is as always", json.loads(result.stdout), result)
    told = value(tree, "explain", CARD)
    expect("no group", told["kernel_group"] is None and told["iommu_group"] is None
           and told["agrees"] is None and told["isolation_set"] == [CARD, SOUND], told)
    expect("in words", "no IOMMU group" in on(tree, "explain", CARD).stdout)
    expect("nothing reserved", value(tree, "show", CARD)["reserved_regions"] is None)


def test_missing_group_directory():
    """The links are there, what they point at is not."""
    tree = machine()
    shutil.rmtree(tree.path("kernel/iommu_groups"))
    expect("the link tells", value(tree, "list", CARD)[0]["iommu_group"] == 5)
    expect("no regions", value(tree, "show", CARD)["reserved_regions"] is None)
    expect("a group all the same", value(tree, "explain", CARD)["kernel_group"] == [CARD, SOUND])


def test_empty():
    tree = sysfstree.Tree(os.path.join(work, "empty"))
    for words in (("list",), ("tree",)):
        expect("%s of nothing" % words, value(tree, *words) == [])
        result = on(tree, *words)
        expect("%s says so" % words, result.stdout == "" and "no PCI devices" in result.stderr,
               result)
    shutil.rmtree(tree.path("bus/pci"))
    expect("without PCI", value(tree, "list") == [])
    expect("nothing to show", on(tree, "show", "00:00.0").returncode == 10)


def test_garbage():
    tree = machine()
    place = tree.places[CARD]
    for name, text in (("resource", "what?\n"), ("numa_node", "no\n"), ("reset_method", "\0\0"),
                       ("driver_override", "a\nb\n"), ("irq", "x"), ("enable", "x"),
                       ("subsystem_vendor", "0xfffffff\n"), ("revision", ""),
                       ("sriov_totalvfs", "-5\n")):
        tree.write(place + "/" + name, text)
    card = value(tree, "show", CARD)
    expect("what makes no sense is unknown", card["numa_node"] is None
           and card["reset_methods"] == [] and card["bars"][0]["size"] is None, card)
    tree.write(place + "/config", bytes(range(256)) * 16)
    value(tree, "show", CARD)
    value(tree, "explain", CARD)
    value(tree, "tree")
    tree.write(place + "/vendor", "garbage\n")
    result = on(tree, "list", "-j")
    expect("one that says nothing of itself is named", CARD not in addresses(json.loads(result.stdout))
           and CARD + " could not be read and is left out" in result.stderr, result)


def test_odd_links():
    tree = machine()
    os.symlink("../../../devices/nowhere", tree.path("bus/pci/devices/0000:09:00.0"))
    os.symlink("0000:0a:00.0", tree.path("bus/pci/devices/0000:0a:00.0"))
    tree.write("bus/pci/devices/README", "not a device\n")
    os.unlink(tree.path(tree.places[CARD], "driver"))
    os.symlink("nowhere/at-all", tree.path(tree.places[CARD], "driver"))
    os.unlink(tree.path(tree.places[SOUND], "iommu_group"))
    os.symlink("../iommu_groups/many", tree.path(tree.places[SOUND], "iommu_group"))
    os.unlink(tree.path(tree.places[PF], "virtfn0"))
    result = on(tree, "list", "-j")
    expect("dangling links", result.returncode == 0 and result.stderr.count("left out") == 3,
           result)
    devices = {device["address"]: device for device in json.loads(result.stdout)}
    expect("a link's text tells", devices[CARD]["driver"] == "at-all", devices[CARD])
    expect("a group without a number", devices[SOUND]["iommu_group"] is None, devices[SOUND])
    expect("a VF without its number", value(tree, "show", VF)["path"] is None)
    buses = value(tree, "tree")
    expect("it is in the tree", VF in addresses(buses[0]["children"]) or VF in json.dumps(buses))


def test_no_files_kept_open():
    """A FIFO or a device node where a file should be must not hold the reader up."""
    tree = machine()
    for name in ("config", "numa_node", "resource"):
        os.unlink(tree.path(tree.places[CARD], name))
        os.mkfifo(tree.path(tree.places[CARD], name))
    for words in (("list",), ("show", CARD), ("explain", CARD), ("tree",)):
        value(tree, *words)


def test_many():
    directory = os.path.join(work, "many")
    big = sysfstree.Machine(directory)
    big.fill(1024)
    expect("as many as wanted", big.count == 1024, big.count)
    devices = value(big.tree, "list", "-a")
    expect("all are listed", len(devices) == 1024, len(devices))
    told = value(big.tree, "explain", "01:00.0")
    expect("alone among a thousand", told["isolation_set"] == ["0000:01:00.0"]
           and told["agrees"] is True, told)
    expect("the tree has them all", json.dumps(value(big.tree, "tree")).count('"address"') == 1024)


def test_own_host():
    """Whatever this machine is."""
    result = ctl("list", "--offline", "-a", "--json=short")
    expect("this machine", result.returncode == 0
           and not next(validator("list").iter_errors(json.loads(result.stdout)), None), result)


run_all(globals())
