#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pcassignctl xml and check --domain, with libvirt's own tools as judges of the XML.

In a build without libvirt both name what is missing, and nothing else is tested.
"""
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import fakehost as host
from fakehost import NIC, ctl, expect

try:
    import jsonschema
except ImportError:
    host.skip("python3-jsonschema is missing")

DOMAIN = """<domain type='test'>
  <name>pcassign</name>
  <memory>65536</memory>
  <os><type>hvm</type></os>
  <devices>
%s
  </devices>
</domain>
"""


def hostdev(address, more="", attributes="managed='no'"):
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return ("    <hostdev mode='subsystem' type='pci' %s>\n      <source>\n"
            "        <address domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'/>\n      </source>\n%s"
            "    </hostdev>" % (attributes, domain, bus, slot, function, more))


def write(name, text):
    path = os.path.join(host.work, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def refuses(what, status, words, *arguments, env=host.CLEAN):
    result = ctl(*arguments, env=env)
    expect("%s: status %d" % (what, status), result.returncode == status, result)
    expect("%s: one line" % what, result.stderr.count("\n") == 1, result.stderr)
    expect("%s: '%s'" % (what, words), words in result.stderr, result.stderr)


def conforms(verb, value):
    with open(os.path.join(host.SOURCE, "tests/client/schemas", verb + ".json")) as file:
        error = next(jsonschema.Draft7Validator(json.load(file)).iter_errors(value), None)
    expect("%s: its schema" % verb, error is None, error)


# ---- xml ----

class Tree:
    """A recorded host, laid out like /sys."""

    def __init__(self, name):
        self.path = os.path.join(host.work, name)
        tool = os.path.join(host.SOURCE, "tests/support/recorded.py")
        file = os.path.join(host.SOURCE, "tests/pci/recorded", name + ".host")
        shutil.rmtree(self.path, ignore_errors=True)
        subprocess.run([sys.executable, tool, "unpack", file, self.path], check=True)

    def xml(self, *devices):
        return ctl("xml", "--sysfs=" + self.path, *devices)


def elements(result):
    return list(ElementTree.fromstring("<devices>%s</devices>" % result.stdout))


def number(element, name):
    return int(element.get(name), 0)


def source_of(element):
    address = element.find("source/address")
    return "%04x:%02x:%02x.%x" % tuple(number(address, name) for name in ("domain", "bus", "slot", "function"))


def place_of(element):
    """Slot, function and multifunction in the guest; None where libvirt chooses."""
    address = element.find("address")
    if address is None:
        return None
    expect("a guest's address", address.get("type") == "pci" and number(address, "bus") == 0, address.attrib)
    return number(address, "slot"), number(address, "function"), address.get("multifunction")


def valid(what, text):
    """By both of libvirt's ways to say so; the machine that runs this may have neither."""
    path = write("valid.xml", DOMAIN % text)
    for command in (["virt-xml-validate", path, "domain"],
                    ["virsh", "-q", "-c", "test:///default", "define", "--validate", path]):
        if shutil.which(command[0]):
            result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                                    timeout=120, check=False)
            expect("%s: %s" % (what, command[0]), result.returncode == 0, result.stdout)
        elif os.environ.get("CI"):
            expect("%s is there" % command[0], False)


def test_xml():
    tree = Tree("lab-basic")
    result = tree.xml("01:00.0")
    expect("one function: status", result.returncode == 0 and result.stderr == "", result)
    (element,) = elements(result)
    expect("a hostdev", element.tag == "hostdev" and element.attrib ==
           {"mode": "subsystem", "type": "pci", "managed": "no"}, element.attrib)
    expect("its source", source_of(element) == "0000:01:00.0", result.stdout)
    expect("libvirt chooses the place", place_of(element) is None, result.stdout)
    expect("no ROM", element.find("rom").get("bar") == "off", result.stdout)
    valid("one function", result.stdout)
    value = json.loads(ctl("--json=short", "xml", "--sysfs=" + tree.path, "01:00.0").stdout)
    conforms("xml", value)
    expect("JSON", value == [{"address": "0000:01:00.0", "xml": result.stdout}], value)


def test_xml_slot():
    """Functions of a slot stay in one, as run does it for QEMU."""
    tree = Tree("lab-basic")
    result = tree.xml("05:00.1", "01:00.0", "05:00.0")
    expect("two of a slot: places", [place_of(e) for e in elements(result)] ==
           [(0x10, 1, None), None, (0x10, 0, "on")], result.stdout)
    valid("two of a slot", result.stdout)
    result = tree.xml("00:1f.3", "00:1f.2", "05:00.0", "05:00.1")
    expect("a slot without its function 0, and another", [place_of(e) for e in elements(result)] ==
           [(0x10, 0, "on"), (0x10, 1, None), (0x11, 0, "on"), (0x11, 1, None)], result.stdout)
    valid("two slots", result.stdout)
    expect("a function alone", [place_of(e) for e in elements(tree.xml("05:00.1"))] == [None])


def test_xml_vfs():
    """Virtual functions that happen to have the same device number have nothing to do with each other."""
    tree = Tree("lab-sriov")
    vfs = sorted(os.path.basename(os.readlink(os.path.join(root, name)))
                 for root, names, _ in os.walk(tree.path) for name in names if name.startswith("virtfn"))
    slot = [vf for vf in vfs if vf[:-1] == vfs[0][:-1]]
    expect("two of them in a slot", len(slot) >= 2, vfs)
    result = tree.xml(*slot)
    expect("places", [place_of(e) for e in elements(result)] == [None] * len(slot), result.stdout)
    expect("sources", [source_of(e) for e in elements(result)] == slot, result.stdout)
    valid("virtual functions", result.stdout)


def test_xml_rom():
    """A card of which the kernel's table has an expansion ROM."""
    tree = Tree("lab-basic")
    path = os.path.join(tree.path, "bus/pci/devices/0000:03:00.0/resource")
    with open(path) as file:
        lines = file.readlines()
    lines[6] = "0x00000000fe000000 0x00000000fe03ffff 0x0000000000046200\n"
    with open(path, "w") as file:
        file.writelines(lines)
    result = tree.xml("03:00.0")
    expect("a ROM", elements(result)[0].find("rom").get("bar") == "on", result.stdout)
    for name in ("config", "resource"):
        os.unlink(os.path.join(os.path.dirname(path), name))
    result = tree.xml("03:00.0")
    expect("not known", elements(result)[0].find("rom") is None, result.stdout)
    valid("not known whether it has a ROM", result.stdout)


def test_xml_names():
    """Names are the daemon's; one can mean several functions."""
    result = ctl("xml", "gpu", "nic")
    expect("names: status", result.returncode == 0, result)
    expect("names: sources", [source_of(e) for e in elements(result)] ==
           ["0000:03:00.0", "0000:03:00.1", NIC], result.stdout)
    expect("names: places", [place_of(e) for e in elements(result)] ==
           [(0x10, 0, "on"), (0x10, 1, None), None], result.stdout)
    valid("names", result.stdout)
    expect("an address, asked of the daemon", source_of(elements(ctl("xml", "01:00.0"))[0]) == NIC)


def test_xml_without_daemon():
    tree = Tree("lab-basic")
    nobody = dict(host.CLEAN, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")
    result = ctl("xml", "--sysfs=" + tree.path, "01:00.0", env=nobody)
    expect("offline", result.returncode == 0, result)
    result = ctl("xml", "77:00.0", env=nobody)
    expect("an address falls back to this host's sysfs", result.returncode == 10, result)
    result = ctl("xml", "gpu", env=nobody)
    expect("a name does not", result.returncode == 8, result)


def test_xml_refused():
    tree = "--sysfs=" + Tree("lab-basic").path
    refuses("nothing", 2, "no device named", "xml")
    refuses("a bridge", 2, "0000:00:02.0 is a bridge", "xml", tree, "00:02.0")
    refuses("twice", 2, "0000:01:00.0 is named twice", "xml", tree, "01:00.0", "0000:01:00.0")
    refuses("nothing there", 10, "77:00.0: no such device", "xml", tree, "77:00.0")
    refuses("a name, offline", 10, "gpu: no such device", "xml", tree, "gpu")
    wide = Tree("lab-sriov").path
    device = os.path.join(wide, "devices/pci10000:e1/10000:e1:00.0")
    os.makedirs(device)
    for name, text in (("vendor", "0x8086"), ("device", "0x0b60"), ("class", "0x010802")):
        with open(os.path.join(device, name), "w") as file:
            file.write(text + "\n")
    os.symlink(device, os.path.join(wide, "bus/pci/devices/10000:e1:00.0"))
    refuses("a wide domain", 1, "libvirt cannot name 10000:e1:00.0", "xml", "--sysfs=" + wide, "10000:e1:00.0")


# ---- check --domain ----

def test_domain():
    path = write("good.xml", DOMAIN % (hostdev(NIC) + "\n" + hostdev("0000:03:00.0") + "\n" + hostdev("0000:03:00.1")))
    result = ctl("check", "--domain=" + path)
    expect("a domain that can have its devices", result.returncode == 0, result)
    for number, line, address in ((1, 6, NIC), (2, 11, "0000:03:00.0"), (3, 16, "0000:03:00.1")):
        place = "%s:%d: hostdev %d is %s\n" % (path, line, number, address)
        expect("hostdev %d has its place" % number, place in result.stdout, result.stdout)
    expect("no warning", result.stderr == "", result.stderr)
    value = json.loads(ctl("--json=short", "check", "--domain", path).stdout)
    conforms("check", value)
    expect("JSON: ok", value["ok"] and value["devices"] == [NIC, "0000:03:00.0", "0000:03:00.1"], value)
    expect("JSON: hostdevs", value["hostdevs"][2] ==
           {"hostdev": 3, "line": 16, "address": "0000:03:00.1", "managed": False}, value)


def test_domain_is_one_claim():
    """Half of a group is refused where the whole is not: there is one Check for all."""
    path = write("half.xml", DOMAIN % hostdev("0000:03:00.0"))
    result = ctl("check", "--domain", path)
    expect("half a group", result.returncode == 5, result)
    expect("the culprit's place", "hostdev 1" in result.stdout, result.stdout)


def test_domain_refused():
    path = write("refused.xml", DOMAIN % (hostdev(NIC) + "\n" + hostdev("0000:02:00.0")))
    result = ctl("check", "--domain", path)
    expect("a disk in use", result.returncode == ctl("check", "02:00.0", NIC).returncode != 0, result)
    result = ctl("check", "--domain", write("gone.xml", DOMAIN % hostdev("0000:77:00.0")))
    expect("a device that is not there", result.returncode == 10, result)


def test_domain_warnings():
    interface = ("    <interface type='hostdev'><source><address type='pci' domain='0' bus='1' slot='0' function='0'/>"
                 "</source></interface>")
    usb = "    <hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0x1'/></source></hostdev>"
    path = write("managed.xml", DOMAIN % "\n".join((usb, interface, hostdev(NIC, attributes="managed='yes'"))))
    result = ctl("check", "--domain", path)
    expect("a managed device: status", result.returncode == 0, result)
    expect("a managed device: warning", "%s:8: warning: hostdev 1 has managed='yes'" % path in result.stderr,
           result.stderr)
    expect("an interface: warning", "%s:7: warning: an <interface type='hostdev'>" % path in result.stderr,
           result.stderr)
    value = json.loads(ctl("-j", "check", "--domain", path).stdout)
    expect("JSON: managed", value["hostdevs"][0]["managed"] is True, value)


def test_domain_malformed():
    for name, text, words in (
            ("empty", "", "empty.xml:1: not XML"),
            ("cut", "<domain type='test'>\n  <devices", "cut.xml:2: not XML"),
            ("network", "<network>\n</network>\n", "not a domain of libvirt: the file is about a <network>"),
            ("none", DOMAIN % "", "the domain has no <hostdev> of type 'pci'"),
            ("bare", "<domain/>", "the domain has no <hostdev> of type 'pci'"),
            ("twice", DOMAIN % (hostdev(NIC) + "\n" + hostdev(NIC)), "twice.xml:11: hostdev 2 is 0000:01:00.0, as hostdev 1 is"),
            ("number", DOMAIN % hostdev("0:1:zz.0"), "number.xml:8: slot='0xzz' is not that of a PCI function"),
            ("bus", DOMAIN % hostdev("0000:100:00.0"), "bus.xml:8: bus='0x100' is not that"),
            ("source", DOMAIN % "<hostdev mode='subsystem' type='pci'/>", "source.xml:6: hostdev 1 has no address")):
        refuses(name, 2, words, "check", "--domain=" + write(name + ".xml", text))
    refuses("no file", 1, "/nonexistent.xml", "check", "--domain=/nonexistent.xml")
    refuses("a directory", 1, "directory", "check", "--domain=/")
    refuses("devices as well", 2, "'01:00.0' is one too many", "check", "01:00.0", "--domain=/nonexistent.xml")
    refuses("another verb", 2, "--domain is an option of 'check'", "plan", "--domain=/nonexistent.xml")


def test_domain_defaults():
    """What libvirt lets one leave out is 0; numbers may be decimal; standard input is a file too."""
    path = write("short.xml", DOMAIN % "<hostdev mode='subsystem' type='pci'><source><address bus='1'/></source></hostdev>")
    value = json.loads(ctl("-j", "check", "--domain", path).stdout)
    expect("address by its bus alone", value["devices"] == [NIC], value)
    with open(path) as file:
        result = subprocess.run([host.CTL, "-j", "check", "--domain=-"], stdin=file, stdout=subprocess.PIPE,
                                env=host.CLEAN, timeout=120, check=False)
    expect("standard input", json.loads(result.stdout)["devices"] == [NIC], result)


# ---- The build ----

def test_without():
    """What libvirt's libraries are needed for is a file of its own, which may not be installed."""
    missing = os.path.join(host.work, "libvirt.so")
    without = dict(host.CLEAN, PCASSIGN_MODULES=host.work)
    for words in (["xml", NIC], ["check", "--domain=/nonexistent.xml"]):
        refuses(words[0], 1, "cannot load a part of pcassign: %s: " % missing, *words, env=without)


def main():
    host.begin(__file__)
    test_without()
    if not os.path.exists(os.path.join(os.environ["PCASSIGN_MODULES"], "libvirt.so")):
        host.finish()
    test_xml()
    test_xml_slot()
    test_xml_vfs()
    test_xml_rom()
    test_xml_names()
    test_xml_without_daemon()
    test_xml_refused()
    test_domain()
    test_domain_is_one_claim()
    test_domain_refused()
    test_domain_warnings()
    test_domain_malformed()
    test_domain_defaults()
    host.finish()


main()
