#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A third party in another language, with dbus-python: looks around, claims, opens, releases.

It runs itself again below tests/support/with-fake-host; the standard library and dbus-python are
all it needs. (Whether a descriptor is close-on-exec is the receiver's doing: dbus-python duplicates
without the flag, and test-bus looks at what GDBus makes of them.)
"""
import fcntl
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as tree

SOURCE = os.environ.get("SRCDIR", ".")
NAME = "org.pcassign1"
ROOT = "/org/pcassign1"
MANAGER = NAME + ".Manager"
CLAIM = NAME + ".Claim"
DEVICE = NAME + ".Device"
GROUP = NAME + ".Group"
NIC = "0000:01:00.0"
NIC_PATH = ROOT + "/device/0000_01_00_0"

if "FAKE_TREE" not in os.environ:
    host = os.path.join(SOURCE, "tests/support/with-fake-host")
    os.execv(host, [host, sys.executable, os.path.abspath(__file__)])

import dbus  # noqa: E402

passed = failed = 0


def expect(what, good):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("FAILED:", what)


def expect_error(what, name, function, *args):
    try:
        function(*args)
        expect("%s fails with %s" % (what, name), False)
    except dbus.DBusException as error:
        got = error.get_dbus_name()
        expect("%s: %s, not %s" % (what, got, name), got == NAME + ".Error." + name)


def devices(*words):
    return dbus.Array([(word, options()) for word in words],
                      signature="(sa{sv})")


def options(**values):
    return dbus.Dictionary(values, signature="sv")


NO_OPTIONS = options()


def driver(address):
    link = os.path.join(os.environ["FAKE_TREE"], "sys/bus/pci/devices", address, "driver")
    return os.path.basename(os.readlink(link)) if os.path.islink(link) else None


def await_driver(address, wanted):
    end = time.monotonic() + 10
    while driver(address) != wanted and time.monotonic() < end:
        time.sleep(0.01)
    expect("%s is on %s, not %s" % (address, driver(address), wanted), driver(address) == wanted)


def open_fds():
    return set(os.listdir("/proc/self/fd"))


class Party:
    def __init__(self):
        self.bus = dbus.SystemBus()
        root = self.bus.get_object(NAME, ROOT, introspect=False)
        self.root = root
        self.manager = dbus.Interface(root, MANAGER)

    def introspect(self):
        xml = self.root.Introspect(dbus_interface="org.freedesktop.DBus.Introspectable")
        interfaces = {i.get("name") for i in tree.fromstring(xml).findall("interface")}
        expect("interfaces of %s: %s" % (ROOT, interfaces),
               {MANAGER, "org.freedesktop.DBus.ObjectManager",
                "org.freedesktop.DBus.Properties"} <= interfaces)

    def list(self):
        objects = self.root.GetManagedObjects(dbus_interface="org.freedesktop.DBus.ObjectManager")
        nic = objects[ROOT + "/device/0000_01_00_0"][DEVICE]
        expect("properties of %s" % NIC,
               nic["Address"] == NIC and nic["Vendor"] == "8086" and nic["State"] == "host")
        for path, interfaces in objects.items():
            kind = DEVICE if path.startswith(ROOT + "/device/") else GROUP
            expect("%s is a device or a group" % path, set(interfaces) == {kind})
        group = objects[ROOT + "/group/2"][GROUP]
        expect("group of %s" % NIC, list(group["Devices"]) == [NIC_PATH] and not group["Viable"]
               and list(group["Blockers"]) == [(NIC_PATH, "e1000e")])
        expect("no claims", self.manager.ListClaims() == [])

    def check(self):
        ok, checks = self.manager.Check(devices(NIC), NO_OPTIONS)
        expect("%s can be claimed: %s" % (NIC, checks), ok and all(c["ok"] for c in checks))
        names = [str(c["name"]) for c in checks]
        expect("the order of the checks: %s" % names, names == [
            "exists", "iommu", "policy", "identity", "busy", "in-use", "isolation", "group",
            "interrupts", "driver", "sriov", "reset"])
        ok, checks = self.manager.Check(devices("02:00.0"), NO_OPTIONS)
        refused = [c for c in checks if not c["ok"]]
        expect("a mounted disk: %s" % refused, not ok and refused[0]["error"] == "InUse")

    def open(self, path, lease):
        claim = dbus.Interface(self.bus.get_object(NAME, path, introspect=False), CLAIM)
        before = open_fds()
        entries = claim.Open(dbus.types.UnixFd(lease), NO_OPTIONS)
        roles = [(str(role), str(name)) for role, name, _fd, _details in entries]
        expect("roles: %s" % roles,
               roles == [("iommufd", ""), ("device", "gpu"), ("device", "gpu"), ("device", "x")])
        fds = [fd.take() for _role, _name, fd, _details in entries]
        expect("exactly the promised descriptors are new",
               open_fds() - before == {str(fd) for fd in fds} and len(fds) == 4)
        expect("the addresses",
               [str(details.get("address", "")) for _r, _n, _f, details in entries]
               == ["", "0000:03:00.0", "0000:03:00.1", NIC])
        return fds

    def claim(self):
        wanted = devices("gpu") + dbus.Array([(NIC, options(alias="x"))], signature="(sa{sv})")
        path, lease = self.manager.Claim(wanted, options(title="python", wait=dbus.UInt64(5000000)))
        lease = lease.take()
        expect("the lease can be written only",
               fcntl.fcntl(lease, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY)
        listed = self.manager.ListClaims()
        expect("the claim is listed",
               [str(p) for p, _ in listed] == [str(path)] and listed[0][1]["title"] == "python")
        expect("StateSince of a claimed device",
               self.state_since() == listed[0][1]["state_since"])
        return path, lease

    def state_since(self):
        device = self.bus.get_object(NAME, ROOT + "/device/0000_01_00_0", introspect=False)
        return device.Get(DEVICE, "StateSince", dbus_interface="org.freedesktop.DBus.Properties")

    def refusals(self, path, lease):
        claim = dbus.Interface(self.bus.get_object(NAME, path, introspect=False), CLAIM)
        expect_error("a second claim", "Busy", self.manager.Claim, devices(NIC), NO_OPTIONS)
        expect_error("an unknown option", "InvalidArgument", self.manager.Claim, devices(NIC),
                     options(colour="red"))
        expect_error("a device that is not there", "NotFound", self.manager.Claim,
                     devices("77:00.0"), NO_OPTIONS)
        with open("/dev/null", "wb") as null:
            expect_error("a wrong lease", "NotPermitted", claim.Open, dbus.types.UnixFd(null),
                         NO_OPTIONS)
        expect_error("an option of Open", "InvalidArgument", claim.Open, dbus.types.UnixFd(lease),
                     options(colour="red"))

    def release(self, path):
        claim = dbus.Interface(self.bus.get_object(NAME, path, introspect=False), CLAIM)
        claim.Release()
        await_driver(NIC, "e1000e")
        await_driver("0000:03:00.1", "snd_hda_intel")
        expect("no claims", self.manager.ListClaims() == [])
        expect("StateSince of a free device", self.state_since() == 0)

    def reserve(self):
        nic = dbus.Interface(self.bus.get_object(NAME, NIC_PATH, introspect=False), DEVICE)
        nic.Reserve(NO_OPTIONS)
        await_driver(NIC, "vfio-pci")
        nic.Reset(options(method="flr"))
        expect_error("Reset", "InvalidArgument", nic.Reset, options(method="acpi"))
        nic.Unreserve(NO_OPTIONS)
        await_driver(NIC, "e1000e")
        expect_error("Unreserve", "NotFound", nic.Unreserve, NO_OPTIONS)
        expect_error("Recover", "NotFound", nic.Recover, NO_OPTIONS)

    def lease_ends(self):
        path, lease = self.manager.Claim(devices(NIC), NO_OPTIONS)
        await_driver(NIC, "vfio-pci")
        # A child that inherits the lease keeps the claim; its end ends it.
        number = lease.take()
        os.set_inheritable(number, True)
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        os.close(number)
        time.sleep(0.05)
        await_driver(NIC, "vfio-pci")
        child.kill()
        child.wait()
        await_driver(NIC, "e1000e")
        expect("the claim has ended: %s" % path, True)


def main():
    party = Party()
    party.introspect()
    party.list()
    party.check()
    before = open_fds()
    path, lease = party.claim()
    party.refusals(path, lease)
    for fd in party.open(path, lease):
        os.close(fd)
    party.release(path)
    os.close(lease)
    party.reserve()
    party.lease_ends()
    expect("no descriptor is left over", open_fds() == before)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.exit(main())
