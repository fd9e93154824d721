#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pcassignctl xml and check --domain, with libvirt's own tools as judges of the XML.

In a build without libvirt both say so, and nothing else is tested.
"""
import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import fakehost as host
from fakehost import NIC, ctl, expect

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


def refuses(what, status, words, *arguments):
    result = ctl(*arguments)
    expect("%s: status %d" % (what, status), result.returncode == status, result)
    expect("%s: one line" % what, result.stderr.count("\n") == 1, result.stderr)
    expect("%s: '%s'" % (what, words), words in result.stderr, result.stderr)


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

def built_without():
    result = ctl("check", "--domain=/nonexistent.xml")
    return "built without libvirt" in result.stderr


def test_without():
    refuses("check --domain", 1, "this pcassignctl was built without libvirt", "check", "--domain=/nonexistent.xml")


def main():
    host.begin(__file__)
    if built_without():
        test_without()
        host.finish()
    test_domain()
    test_domain_is_one_claim()
    test_domain_refused()
    test_domain_warnings()
    test_domain_malformed()
    test_domain_defaults()
    host.finish()


main()
